//! A crate that knows `auth` under another name: every macro finds it.

use chrono::{DateTime, Utc};
use sesame::access::{CurrentUser, Granted, PermissionDenied};
use sesame::passwords::PasswordHash;
use sesame::{User, login_required, permission_required, user_passes_test};
use uuid::Uuid;

/// The words of the application.
pub mod permissions {
    sesame::permissions! { blog { model Post; } }
    sesame::groups! { editors: "Editors" => [blog::change_post]; }
}

/// A user.
#[derive(User, Clone, Debug)]
pub struct Author {
    /// The primary key.
    pub id: Uuid,
    /// What the user logs in with.
    pub username: String,
    /// The password's hash.
    pub password_hash: PasswordHash,
    /// When the user last logged in.
    pub last_login: Option<DateTime<Utc>>,
    /// Whether the account is in use.
    pub is_active: bool,
}

/// A handler.
#[permission_required("blog.add_post", as = granted)]
#[login_required]
#[user_passes_test(is_named)]
pub async fn handler() -> bool {
    std::future::ready(proof(&granted)).await
}

/// A function.
///
/// # Errors
/// [`PermissionDenied`]
#[permission_required("blog.add_post", as = granted)]
pub fn function(#[user] user: &CurrentUser<Author>) -> Result<bool, PermissionDenied> {
    Ok(is_named(user) && proof(&granted))
}

fn is_named(user: &CurrentUser<Author>) -> bool {
    !user.username.is_empty()
}

fn proof(_: &Granted<permissions::blog::add_post>) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use sesame::access::GuardEntry;
    use sesame::database::Model as _;
    use sesame::permissions::{GroupEntry, PermissionEntry};
    use sesame::registry::entries;

    #[test]
    fn everything_is_registered_and_mapped() {
        assert_eq!(super::Author::TABLE, "author");
        assert_eq!(entries::<PermissionEntry>().len(), 4);
        assert_eq!(entries::<GroupEntry>().len(), 1);
        assert_eq!(entries::<GuardEntry>().len(), 4);
    }
}
