use auth::access::{CurrentUser, PermissionDenied};
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
#[permission_required("blog.delete_post", on = other)]
fn edit(
    #[user] user: &CurrentUser<Author>,
    post: &Post,
    other: &Post,
) -> Result<(), PermissionDenied> {
    let _ = (user, post, other);
    Ok(())
}

fn main() {}
