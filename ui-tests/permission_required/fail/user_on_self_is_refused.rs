use auth::access::PermissionDenied;
use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}

struct Service;

impl Service {
    #[permission_required("blog.add_post")]
    fn add(#[user] &self) -> Result<(), PermissionDenied> {
        Ok(())
    }
}

fn main() {}
