//! All that generated code may name, and nothing else. No promise is made of it.

pub use inventory;
use serde::Serialize;
use serde::de::DeserializeOwned;
use unicode_normalization::UnicodeNormalization as _;

pub use crate::BoxFuture;
pub use crate::access::generated::*;
pub use crate::access::{
    All, Any, Granted, GuardEntry, LoggedIn, MultiFactor, Principal, RecentLogin, Requirement, Staff, Superuser,
};
pub use crate::accounts::{AuthBackend, AuthBackendEntry, AuthProviderEntry, Error};
use crate::database;
pub use crate::database::{Column, ColumnError, Model, Role, Row, Value};
pub use crate::oauth2::AuthProvider;
pub use crate::passwords::{Argon2Hasher as DefaultHasher, PasswordHash, PasswordHasher, PasswordHasherEntry};
pub use crate::permissions::{DeclaredPermission, GroupEntry, PermissionEntry, PermissionIndex};
pub use crate::registry::{Context, Place, Url};
pub use crate::sessions::{DynSessionBackend, SessionBackend, SessionBackendEntry, SessionError};
pub use crate::users::{BaseUser, FullUser, PermissionsMixin, PrimaryKey, User, UserModel};

/// A field and its column: what `#[derive(User)]` makes of each.
///
/// The type is asked once, where this is made, whether it can be a column: one mistake is one message.
#[derive(Debug)]
pub struct Mapped<T> {
    column: Column,
    write: fn(&T, &'static str) -> Result<Value, ColumnError>,
    read: fn(&dyn Row, usize, &'static str) -> Result<T, ColumnError>,
}

/// A field with a column of its own type.
pub const fn mapped<T: database::Field>(name: &'static str) -> Mapped<T> {
    Mapped { column: database::column::<T>(name), write: |value, _| Ok(value.to_value()), read: database::read }
}

/// The primary key.
pub const fn mapped_key<U: BaseUser>(name: &'static str) -> Mapped<U::PrimaryKey> {
    mapped(name)
}

/// A field that is stored as JSON.
pub const fn mapped_json<T: Serialize + DeserializeOwned + Default>(name: &'static str) -> Mapped<T> {
    Mapped { column: database::json_column(name), write: database::to_json, read: database::read_json }
}

impl<T> Mapped<T> {
    /// The column.
    pub const fn column(&self) -> Column {
        self.column
    }

    /// Writes the field.
    ///
    /// # Errors
    /// When a JSON field cannot be serialised.
    pub fn write(&self, value: &T) -> Result<Value, ColumnError> {
        (self.write)(value, self.column.name)
    }

    /// Reads the field from that place of a row.
    ///
    /// # Errors
    /// When the column does not fit the field.
    pub fn read(&self, row: &dyn Row, index: usize) -> Result<T, ColumnError> {
        (self.read)(row, index, self.column.name)
    }
}

/// The primary key as text.
pub fn key_text<U: BaseUser>(user: &U) -> String {
    user.primary_key().to_string()
}

/// A moment, as the fields of a user struct hold it.
pub type Time = chrono::DateTime<chrono::Utc>;

/// The one form of a mail address that users log in with: NFKC, in small letters.
pub fn normalize_address(address: &str) -> String {
    // Small letters can fall apart again, and what was normalised once must stay the same.
    let folded = address.nfkc().collect::<String>().to_lowercase();
    folded.nfkc().collect()
}
