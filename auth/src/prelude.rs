//! What almost every application names: `use auth::prelude::*;`. It never exports the name `permissions`.

pub use chrono::{DateTime, TimeDelta, Utc};
pub use uuid::Uuid;

pub use crate::access::{All, Any, CurrentUser, Granted, Guarded, PermissionDenied, Policy, Principal};
pub use crate::accounts::Auth;
pub use crate::passwords::PasswordHash;
pub use crate::sessions::Session;
pub use crate::users::{BaseUser, BaseUserManager, FullUser, PermissionsMixin};
pub use crate::{
    User, auth_backend, auth_provider, login_required, mfa_required, password_hasher, permission_required,
    recent_login, session_backend, staff_required, superuser_required, user_passes_test,
};
