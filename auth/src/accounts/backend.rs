use std::fmt;
use std::sync::Arc;

use super::Error;
use crate::BoxFuture;
use crate::audit::AuditAction;
use crate::passwords::{Passwords, Verification};
use crate::registry::{Context, Entry, Place};
use crate::secret::SecretString;
use crate::users::{CredentialVersion, PasswordChange, UserManager, UserModel};

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

/// Checks the password in the user store: Django's `ModelBackend`. The name may also be the mail address.
///
/// An unknown name, an inactive user and an unusable password cost the same hash as a wrong password, and get the
/// same answer. A password hashed with older parameters is hashed again.
pub struct UserStoreBackend<U: UserModel> {
    users: UserManager<U>,
}

impl<U: UserModel> UserStoreBackend<U> {
    /// The name it stands under in `AuthBuilder::auth_backends`.
    pub const NAME: &'static str = "users";

    /// Checks against these users.
    pub fn new(users: UserManager<U>) -> Self {
        Self { users }
    }

    fn passwords(&self) -> &Passwords {
        self.users.passwords()
    }

    async fn check(&self, username: &str, password: &SecretString) -> Result<Verdict, AuthBackendError> {
        let account = self.users.find_by_login(username).await?.filter(|account| account.user.is_active());
        let Some(account) = account.filter(|account| account.user.has_usable_password()) else {
            let _wrong = self.passwords().verify_nobody(password).await?;
            return Ok(Verdict::Next);
        };
        let (user, hash) = (&account.user, account.user.password_hash());
        match self.passwords().verify(password, hash).await? {
            Verification::Wrong => return Ok(Verdict::Next),
            Verification::Correct => {}
            Verification::CorrectButRehash => {
                let better = self.passwords().hash(password).await?;
                let store = self.users.store();
                if store.set_password_hash(user.primary_key(), &better, PasswordChange::Rehash(hash)).await? {
                    self.users.audit().record(AuditAction::PasswordRehashed, Some(&user.id())).await;
                }
            }
        }
        Ok(Verdict::AuthenticatedWith { id: user.id(), credential: account.credential })
    }
}

impl<U: UserModel> fmt::Debug for UserStoreBackend<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserStoreBackend").finish_non_exhaustive()
    }
}

impl<U: UserModel> AuthBackend for UserStoreBackend<U> {
    fn authenticate<'a>(
        &'a self,
        username: &'a str,
        password: &'a SecretString,
    ) -> BoxFuture<'a, Result<Verdict, AuthBackendError>> {
        Box::pin(self.check(username, password))
    }
}
