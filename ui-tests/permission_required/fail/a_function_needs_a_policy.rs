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

#[permission_required("blog.change_post", on = post)]
fn edit(#[user] user: &CurrentUser<Author>, post: &Post) -> Result<(), PermissionDenied> {
    let _ = (user, post);
    Ok(())
}

fn main() {}
