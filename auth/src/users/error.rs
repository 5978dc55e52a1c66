use std::fmt;

use crate::database::ColumnError;
use crate::passwords::{InvalidPassword, PasswordError};

/// Why a user could not be read or written. That there is no such user is an answer where a question was asked.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum UserError {
    /// The user to be changed is not there.
    #[error("there is no such user")]
    NotFound,
    /// Another user has the same value in a unique column.
    #[error("another user has the same {column}")]
    AlreadyExists {
        /// The column.
        column: &'static str,
    },
    /// A field does not fit its column: too long, out of range, missing.
    #[error(transparent)]
    Invalid(#[from] ColumnError),
    /// The user's struct has no such column.
    #[error("there is no column `{0}`")]
    UnknownColumn(String),
    /// Nobody declared that permission, or `migrate` has not run since.
    #[error("there is no permission `{0}`; declare it with `permissions!` and run `migrate`")]
    UnknownPermission(String),
    /// There is no such group.
    #[error("there is no group `{0}`")]
    UnknownGroup(String),
    /// There is a group of that name already.
    #[error("there is a group `{0}` already")]
    GroupExists(String),
    /// The new password is too weak; everything that is wrong with it.
    #[error(transparent)]
    WeakPassword(InvalidPassword),
    /// The password could not be hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The store failed: whether it is so cannot be told.
    #[error("the user store failed")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The same words as `Display`, with the causes: `main` shows an error by its `Debug`.
impl fmt::Debug for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::report::chain(self, f)
    }
}
