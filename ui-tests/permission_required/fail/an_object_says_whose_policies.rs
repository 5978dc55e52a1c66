use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

struct Post;

#[permission_required("blog.change_post", on = post)]
async fn edit(post: Post) {
    let _ = post;
}

fn main() {}
