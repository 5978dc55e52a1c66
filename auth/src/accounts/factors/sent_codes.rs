use super::{AddedFactor, FactorChanges, FactorError};
use crate::mfa::{MfaError, SendCodeOutcome};
use crate::secret::SecretString;
use crate::users::{UserManager, UserModel};

impl<U: UserModel> FactorChanges<'_, U> {
    /// Begins to make the user's mail address a second factor, under this name: a code goes there.
    /// [`Self::confirm_sent_code`] ends it.
    ///
    /// # Errors
    /// [`FactorError::Failed`], also for a user without an address, and where such codes are not allowed.
    pub async fn begin_mail_code(&self, name: &str) -> Result<SendCodeOutcome, FactorError> {
        let user_id = self.principal.id();
        let account = self.auth.users().find_by_id_text(user_id).await?;
        let address = account.map(|account| UserManager::email_of(&*account.user)).transpose()?.flatten();
        let address = address.ok_or(MfaError::Invalid("there is no mail address to send a code to"))?;
        Ok(self.mfa().enrol_mail_codes(user_id, &self.attempt(), name, &address, &self.origin).await?)
    }

    /// Begins to make a phone number (`+4912345678`) a second factor, under this name: a code goes there.
    /// [`Self::confirm_sent_code`] ends it.
    ///
    /// # Errors
    /// [`FactorError::Failed`], also for what is no number, and where such codes are not allowed.
    pub async fn begin_sms_code(&self, number: &str, name: &str) -> Result<SendCodeOutcome, FactorError> {
        let user_id = self.principal.id();
        Ok(self.mfa().enrol_sms_codes(user_id, &self.attempt(), name, number, &self.origin).await?)
    }

    /// Puts an address or a number in force by the code that went there. The login is one by two factors then. `None`: the code is
    /// wrong, or nothing waits for it any more.
    ///
    /// # Errors
    /// [`FactorError::Failed`]
    pub async fn confirm_sent_code(
        &self,
        challenge: &str,
        code: &SecretString,
    ) -> Result<Option<AddedFactor>, FactorError> {
        let (user_id, attempt) = (self.principal.id(), self.attempt());
        match self.mfa().confirm_sent_code(user_id, &attempt, challenge, code).await? {
            Some(factor) => self.added(factor).await.map(Some),
            None => Ok(None),
        }
    }
}
