//! Lists of passwords that were stolen elsewhere. One file for each; another one is another implementation of
//! [`BreachList`].

#[cfg(feature = "__password-breach")]
mod digest;
#[cfg(feature = "password-breach-file")]
mod file;
#[cfg(feature = "password-breach-http")]
mod http;

use std::fmt;

#[cfg(feature = "password-breach-file")]
pub use file::BreachFile;
#[cfg(feature = "password-breach-http")]
pub use http::PwnedPasswords;

use super::PasswordError;
use crate::BoxFuture;
use crate::secret::SecretString;

/// Knows passwords that were stolen elsewhere. Give it to
/// [`Passwords::with_breach_list`](super::Passwords::with_breach_list), which asks it about every new password (ASVS
/// 6.2.12; NIST SP 800-63B-4 §3.1.1.2).
///
/// # Security
/// A list that somebody else keeps must not learn the password, nor enough to find it.
pub trait BreachList: fmt::Debug + Send + Sync + 'static {
    /// Whether the password is on the list. It is never longer than
    /// [`MAX_PASSWORD_BYTES`](super::MAX_PASSWORD_BYTES). The answer has to come in bounded time.
    ///
    /// # Errors
    /// [`PasswordError::BreachList`] when that cannot be told.
    fn contains<'a>(&'a self, password: &'a SecretString) -> BoxFuture<'a, Result<bool, PasswordError>>;
}
