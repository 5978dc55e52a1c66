use auth::access::{CurrentUser, PermissionDenied};
use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

trait Publishes {
    #[permission_required("blog.publish_post")]
    fn publish(&self, #[user] user: &CurrentUser<Author>) -> Result<(), PermissionDenied>;
}

struct Author;

fn main() {}
