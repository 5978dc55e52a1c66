use super::{AddedFactor, FactorChanges, FactorError};
use crate::mfa::TotpEnrolment;
use crate::users::UserModel;

impl<U: UserModel> FactorChanges<'_, U> {
    /// Begins to enrol an authenticator app: what its owner scans or types. Nothing changes before [`Self::confirm_totp`].
    ///
    /// # Errors
    /// [`FactorError::Failed`]
    pub async fn begin_totp(&self) -> Result<TotpEnrolment, FactorError> {
        let (user_id, name) = (self.principal.id(), self.principal.username());
        Ok(self.mfa().register_user(user_id, &self.attempt(), name).await?)
    }

    /// Puts an authenticator app in force by its first code, under this name. The login is one by two factors then. `None`: the
    /// code is wrong, or nothing waits for it any more.
    ///
    /// # Errors
    /// [`FactorError::Failed`]
    pub async fn confirm_totp(
        &self,
        challenge: &str,
        code: &str,
        name: &str,
    ) -> Result<Option<AddedFactor>, FactorError> {
        let (user_id, attempt) = (self.principal.id(), self.attempt());
        match self.mfa().confirm_totp(user_id, &attempt, challenge, code, name).await? {
            Some(factor) => self.added(factor).await.map(Some),
            None => Ok(None),
        }
    }
}
