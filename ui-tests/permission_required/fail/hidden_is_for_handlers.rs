use auth::access::{CurrentUser, PermissionDenied};
use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

#[permission_required("blog.change_post", on = post, hidden)]
fn edit(#[user] user: &CurrentUser<Author>, post: &String) -> Result<(), PermissionDenied> {
    let _ = (user, post);
    Ok(())
}

struct Author;

fn main() {}
