use auth::access::{CurrentUser, PermissionDenied};
use auth::passwords::PasswordHash;
use auth::{User, permission_required};

mod permissions {
    macro_rules! words {
        ($label:ident, $model:ident, $title:literal) => {
            auth::permissions! { $label { model $model; publish: $title; } }
            auth::groups! { editors: $title => [$label::publish] }
        };
    }
    words!(blog, Post, "Can publish");
}

macro_rules! application {
    ($user:ident, $key:ty, $text:ty, $permission:literal, $asks:ident) => {
        #[derive(User, Clone)]
        struct $user {
            id: $key,
            username: $text,
            password_hash: PasswordHash,
            last_login: Option<chrono::DateTime<chrono::Utc>>,
            is_active: bool,
        }

        #[permission_required($permission, as = granted)]
        fn function(#[user] $asks: &CurrentUser<$user>) -> Result<(), PermissionDenied> {
            let _: (&auth::access::Granted<permissions::blog::publish>, _) = (&granted, $asks);
            Ok(())
        }

        #[permission_required(all($permission, "blog.add_post"))]
        async fn handler() {}
    };
}
application!(Author, i64, String, "blog.publish", who);

fn main() {
    let _ = (function, handler, Author::clone);
}
