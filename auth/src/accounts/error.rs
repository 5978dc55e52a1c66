use std::fmt;

use super::config::ConfigErrors;
use crate::mfa::MfaError;
use crate::oauth2::AuthProviderError;
use crate::passwords::PasswordError;
use crate::records::RecordError;
use crate::registry::{DuplicateEntry, UnknownEntry};
use crate::secret::WeakSecret;
use crate::sessions::SessionError;
use crate::tokens::TokenError;
use crate::users::UserError;

/// What can go wrong while the framework is set up or used. That somebody may not is an answer, not an error.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is missing or wrong.
    #[error("{0}")]
    Configuration(String),
    /// Settings of the program, of a file or of the environment are wrong or missing: all that are.
    #[error(transparent)]
    Settings(#[from] ConfigErrors),
    /// Two things are declared under one name.
    #[error(transparent)]
    Duplicate(#[from] DuplicateEntry),
    /// Nothing is registered under the name that a setting gives.
    #[error(transparent)]
    Unknown(#[from] UnknownEntry),
    /// The application's secret is too weak.
    #[error(transparent)]
    WeakSecret(#[from] WeakSecret),
    /// The application's secret file cannot be read or made.
    #[error("the secret file {path}: {source}")]
    SecretFile {
        /// Where it stands.
        path: String,
        /// What is the matter.
        source: std::io::Error,
    },
    /// The database cannot be opened or brought up to date.
    #[cfg(feature = "__sql")]
    #[error(transparent)]
    Database(#[from] crate::database::DatabaseError),
    /// A user could not be read or written.
    #[error(transparent)]
    User(#[from] UserError),
    /// A session could not be read or written.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A record could not be read or written.
    #[error(transparent)]
    Records(#[from] RecordError),
    /// A token or a key could not be made, checked or revoked.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A second factor could not be read, written or checked.
    #[error(transparent)]
    Mfa(#[from] MfaError),
    /// The OAuth 2 provider cannot be set up, or one of its stores failed.
    #[cfg(feature = "oauth2-provider")]
    #[error(transparent)]
    OAuth2(#[from] crate::oauth2::provider::OAuth2Error),
    /// A password could not be hashed or checked.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Whether there were too many tries cannot be told, so there is no login.
    #[error("the limits on logins cannot be checked")]
    Limits(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A provider to log in by is set up wrong.
    #[error(transparent)]
    Provider(#[from] AuthProviderError),
    /// An auth backend or provider failed: who it is cannot be told.
    #[error("the auth backend `{name}` failed")]
    Backend {
        /// The backend.
        name: String,
        /// Its error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The same words as `Display`, with the causes: `main` shows an error by its `Debug`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::report::chain(self, f)
    }
}
