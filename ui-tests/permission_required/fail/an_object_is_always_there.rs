use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

struct Author;
struct Post;

impl auth::access::Guarded for Post {
    type User = Author;
}

impl auth::access::Policy<permissions::blog::change_post, Post> for Author {
    fn allows(_: &auth::access::CurrentUser<Self>, _: &Post) -> bool {
        true
    }
}

#[permission_required("blog.change_post", on = post)]
async fn edit(#[cfg(feature = "not-there")] post: Post) {
    let _ = post;
}

#[permission_required("blog.change_post", on = post)]
async fn hide(#[cfg_attr(all(), cfg(any()))] post: Post) {
    let _ = post;
}

#[permission_required("blog.add_post")]
#[permission_required("blog.change_post", on = post)]
#[auth::login_required]
async fn stack(#[cfg(any())] post: Post) {
    let _ = post;
}

fn main() {}
