use auth::access::{CurrentUser, PermissionDenied};
use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

#[permission_required("blog.add_post", as = granted)]
#[permission_required("publish_post")]
#[auth::login_required]
fn add(#[user] user: &CurrentUser<Author>) -> Result<(), PermissionDenied> {
    let _ = (user, granted);
    Ok(())
}

struct Author;

fn main() {}
