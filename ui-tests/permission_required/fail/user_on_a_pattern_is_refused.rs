use auth::access::{CurrentUser, PermissionDenied};
use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

#[permission_required("blog.add_post")]
fn add(#[user] (_user, _): (&CurrentUser<Author>, u8)) -> Result<(), PermissionDenied> {
    Ok(())
}

struct Author;

fn main() {}
