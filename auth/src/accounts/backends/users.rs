use std::fmt;

use crate::BoxFuture;
use crate::accounts::{AuthBackend, AuthBackendError, Verdict};
use crate::audit::AuditAction;
use crate::passwords::{Passwords, Verification};
use crate::secret::SecretString;
use crate::users::{PasswordChange, UserManager, UserModel};

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
