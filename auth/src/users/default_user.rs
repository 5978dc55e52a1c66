use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::passwords::PasswordHash;

/// A user with all of Django's fields, table `auth_user`: for when no field of one's own is needed.
#[derive(auth_macros::User, Clone, Debug)]
#[user(table = "auth_user")]
pub struct DefaultUser {
    /// The primary key.
    pub id: Uuid,
    /// What the user logs in with.
    pub username: String,
    /// The mail address.
    #[user(editable)]
    pub email: String,
    /// The first name.
    #[user(editable)]
    pub first_name: String,
    /// The last name.
    #[user(editable)]
    pub last_name: String,
    /// The password's hash.
    pub password_hash: PasswordHash,
    /// When the user last logged in.
    pub last_login: Option<DateTime<Utc>>,
    /// Whether the account is in use.
    pub is_active: bool,
    /// Whether the user may enter the administration.
    pub is_staff: bool,
    /// Whether the user has every permission.
    pub is_superuser: bool,
    /// When the account was made.
    pub date_joined: DateTime<Utc>,
    /// The permissions held directly.
    pub user_permissions: Vec<String>,
    /// The names of the user's groups.
    pub groups: Vec<String>,
}
