use super::{AddedFactor, FactorChanges, FactorError};
use crate::mfa::PasskeyChallenge;
use crate::users::UserModel;

impl<U: UserModel> FactorChanges<'_, U> {
    /// Asks the browser to make a passkey. Nothing changes before [`Self::confirm_passkey`].
    ///
    /// # Errors
    /// [`FactorError::Failed`], also where the application has no origin to bind passkeys to
    /// ([`AuthBuilder::origin`](crate::accounts::AuthBuilder::origin)).
    pub async fn begin_passkey(&self) -> Result<PasskeyChallenge, FactorError> {
        let (user_id, name) = (self.principal.id(), self.principal.username());
        Ok(self.mfa().start_passkey_registration(user_id, name, name, &self.attempt()).await?)
    }

    /// Puts the passkey in force that the browser has made, under this name: what `navigator.credentials.create` gave, as JSON.
    /// `None`: it is no answer to what was asked here, its user was not verified, or somebody has it already.
    ///
    /// # Errors
    /// [`FactorError::Failed`]
    pub async fn confirm_passkey(
        &self,
        challenge: &str,
        response: &str,
        name: &str,
    ) -> Result<Option<AddedFactor>, FactorError> {
        let (user_id, attempt) = (self.principal.id(), self.attempt());
        match self.mfa().finish_passkey_registration(user_id, &attempt, challenge, response, name).await? {
            Some(factor) => self.added(factor).await.map(Some),
            None => Ok(None),
        }
    }
}
