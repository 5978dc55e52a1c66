//! All that generated code may name, and nothing else. No promise is made of it.

pub use inventory;
use unicode_normalization::UnicodeNormalization as _;

pub use crate::BoxFuture;
pub use crate::access::generated::*;
pub use crate::access::{All, Any, Granted, GuardEntry, LoggedIn, Principal, Requirement, Staff, Superuser};
pub use crate::accounts::{AuthBackend, AuthBackendEntry, Error};
pub use crate::database::Field;
pub use crate::database::{
    Column, ColumnError, Model, Role, Row, Value, column, json_column, read, read_json, to_json,
};
pub use crate::passwords::{Argon2Hasher as DefaultHasher, PasswordHash, PasswordHasher, PasswordHasherEntry};
pub use crate::permissions::{DeclaredPermission, GroupEntry, PermissionEntry, PermissionIndex};
pub use crate::registry::{Context, Place, Url};
pub use crate::sessions::{DynSessionBackend, SessionBackend, SessionBackendEntry, SessionError};
pub use crate::users::{BaseUser, FullUser, PermissionsMixin, PrimaryKey, User, UserModel};

/// A moment, as the fields of a user struct hold it.
pub type Time = chrono::DateTime<chrono::Utc>;

/// The one form of a mail address that users log in with: NFKC, in small letters.
pub fn normalize_address(address: &str) -> String {
    // Small letters can fall apart again, and what was normalised once must stay the same.
    let folded = address.nfkc().collect::<String>().to_lowercase();
    folded.nfkc().collect()
}
