use auth::access::{CurrentUser, PermissionDenied};
use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; } }
}

struct Author;

#[permission_required("blog.add_post")]
fn add<'a>(
    #[user] user: &'a CurrentUser<Author>,
) -> std::pin::Pin<Box<dyn Future<Output = Result<(), PermissionDenied>> + 'a>> {
    Box::pin(async move { Ok(drop(user)) })
}

fn main() {}
