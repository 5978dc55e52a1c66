use std::fmt;
use std::sync::Arc;

use super::Error;
use crate::BoxFuture;
use crate::registry::{Context, Entry, Place};
use crate::secret::SecretString;
use crate::users::CredentialVersion;

/// What an auth backend says of a name and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Verdict {
    /// They are right, and this is the user's primary key, as text. The user store loads the user.
    Authenticated(String),
    /// The same, and this credential version was checked: if the user has another by the time of the login, the
    /// password was changed meanwhile, and the login is refused.
    AuthenticatedWith {
        /// The user's primary key, as text.
        id: String,
        /// What [`Account::credential`](crate::users::Account::credential) was when the password was read.
        credential: CredentialVersion,
    },
    /// They are not known here; the next backend is asked.
    Next,
    /// They are refused, and no other backend is asked.
    Refused,
}

/// Why an auth backend cannot tell.
pub type AuthBackendError = Box<dyn std::error::Error + Send + Sync>;

/// Checks a name and a password.
///
/// # Security
/// A backend does the same work for a name that it does not know as for a wrong password.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an auth backend",
    note = "implement `auth::accounts::AuthBackend` for `{Self}`"
)]
pub trait AuthBackend: fmt::Debug + Send + Sync + 'static {
    /// Checks them. The name is as it was typed.
    ///
    /// # Errors
    /// When it cannot tell: then nobody is logged in, and the next backend is not asked.
    fn authenticate<'a>(
        &'a self,
        username: &'a str,
        password: &'a SecretString,
    ) -> BoxFuture<'a, Result<Verdict, AuthBackendError>>;
}

/// An auth backend in the registry; `#[auth_backend("name")]` makes one.
#[derive(Debug)]
pub struct AuthBackendEntry {
    /// The name that `AuthBuilder::auth_backends` chooses it by.
    pub name: &'static str,
    /// Makes it.
    pub make: fn(&Context) -> Result<Arc<dyn AuthBackend>, Error>,
    /// Where it was declared.
    pub place: Place,
}

inventory::collect!(AuthBackendEntry);

impl Entry for AuthBackendEntry {
    const KIND: &'static str = "auth backend";

    fn name(&self) -> &'static str {
        self.name
    }

    fn place(&self) -> Place {
        self.place
    }
}
