use auth::access::{CurrentUser, PermissionDenied};
use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

#[permission_required("blog.add_post")]
fn add(#[cfg_attr(all(), user)] user: &CurrentUser<Author>) -> Result<(), PermissionDenied> {
    let _ = user;
    Ok(())
}

struct Author;

fn main() {}
