use std::time::Duration;

use super::{Error, FirstFactor};
use crate::sessions::SessionError;
use crate::tokens::TokenError;
use crate::users::UserError;

/// Why nobody is authenticated.
///
/// Shown (`Display`), it is what anybody may read: it does not tell whether a user exists, nor what is wrong with a token.
/// [`AuthenticationError::reason`] is for the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticationError {
    /// The name or the password is wrong, or there is no such account, or an inactive one: which, is not told.
    #[error("the credentials are not valid")]
    InvalidCredentials,
    /// What was brought is good, and names a user who is gone or inactive.
    #[error("the credentials are not valid")]
    UserNotFound,
    /// The login that it came from has ended: by logging out, by another password.
    #[error("the credentials are not valid")]
    SessionExpired,
    /// A token or key that is malformed, expired, revoked, or not ours.
    #[error("the credentials are not valid")]
    InvalidToken {
        /// Why, for the log.
        reason: &'static str,
    },
    /// The request is no request as the protocol wants it.
    #[error("the credentials cannot be read")]
    Malformed {
        /// Why, for the log.
        reason: &'static str,
    },
    /// Several kinds of credentials at once: whose rights would hold?
    #[error("send credentials of one kind only")]
    Mixed,
    /// The first factor is right, and a second one is required. Nobody is authenticated;
    /// [`AuthenticationService::hold`](super::AuthenticationService::hold) keeps the login for it.
    #[error("a second factor is required")]
    SecondFactorRequired(Box<FirstFactor>),
    /// Nobody here has the account that a provider vouches for, and none is made for it.
    #[error("there is no account for this")]
    NoAccount,
    /// Nobody here has the account that a provider vouches for, and somebody has its name or its address: they log in as always,
    /// and link it. By a name or an address alone accounts are never joined.
    #[error("somebody has this name or address: log in as always, and link the two accounts")]
    AccountExists,
    /// Too many tries; nothing was checked.
    #[error("too many tries")]
    TooMany {
        /// For how long there may be none.
        wait: Duration,
    },
    /// Who it is cannot be told: a store, the limits or a backend failed. HTTP 503. What failed is the source, for the log.
    #[error("whether the credentials are valid cannot be told right now")]
    Unavailable(#[from] Error),
}

impl AuthenticationError {
    /// What is the matter, for the log. It holds no secret.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::InvalidCredentials => "wrong name or password",
            Self::UserNotFound => "the user is gone or inactive",
            Self::SessionExpired => "the login has ended",
            Self::InvalidToken { reason } | Self::Malformed { reason } => reason,
            Self::Mixed => "several credentials",
            Self::SecondFactorRequired(_) => "a second factor is required",
            Self::NoAccount => "nobody has this identity, and nobody is made for it",
            Self::AccountExists => "nobody has this identity, and its name or address is taken",
            Self::TooMany { .. } => "too many tries",
            Self::Unavailable(_) => "a store, a backend or a setting failed",
        }
    }
}

impl From<SessionError> for AuthenticationError {
    fn from(error: SessionError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<UserError> for AuthenticationError {
    fn from(error: UserError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<TokenError> for AuthenticationError {
    fn from(error: TokenError) -> Self {
        Self::Unavailable(error.into())
    }
}
