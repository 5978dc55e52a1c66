//! All that generated code may name, and nothing else. No promise is made of it.

pub use inventory;

pub use crate::BoxFuture;
pub use crate::access::generated::*;
pub use crate::access::{All, Any, Granted, GuardEntry, LoggedIn, Requirement, Staff, Superuser};
pub use crate::database::Field;
pub use crate::database::{
    Column, ColumnError, Model, Role, Row, Value, column, json_column, read, read_json, to_json,
};
pub use crate::passwords::{
    Argon2Hasher as DefaultHasher, PasswordHash, PasswordHasher, PasswordHasherEntry,
};
pub use crate::permissions::{DeclaredPermission, GroupEntry, PermissionEntry, PermissionIndex};
pub use crate::registry::{Context, Place, Url};
pub use crate::sessions::{DynSessionBackend, SessionBackend, SessionBackendEntry, SessionError};
pub use crate::users::{BaseUser, FullUser, PermissionsMixin, PrimaryKey, User, UserModel};
