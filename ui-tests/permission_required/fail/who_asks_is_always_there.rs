use auth::access::{CurrentUser, PermissionDenied};
use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

struct Author;

#[permission_required("blog.add_post")]
#[auth::login_required]
fn add(#[cfg(any())] #[user] user: &CurrentUser<Author>) -> Result<(), PermissionDenied> {
    let _ = user;
    Ok(())
}

#[auth::login_required]
fn view(#[user] #[cfg_attr(all(), cfg(any()))] user: &CurrentUser<Author>) -> Result<(), PermissionDenied> {
    let _ = user;
    Ok(())
}

fn main() {}
