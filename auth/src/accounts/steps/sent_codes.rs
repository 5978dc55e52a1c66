use super::PendingLogin;
use crate::accounts::{Auth, AuthenticationError, AuthenticationService, Error};
use crate::audit::Origin;
use crate::mfa::{FactorKind, SendCodeOutcome};
use crate::secret::SecretString;
use crate::sessions::Session;
use crate::users::UserModel;

impl<U: UserModel> AuthenticationService<U> {
    /// Sends a code for the login that waits under this token, to the oldest of the user's factors of that kind. Of the codes of one
    /// login only the newest counts.
    ///
    /// # Errors
    /// [`AuthenticationError::SessionExpired`] when no such login waits, and when it cannot be sent.
    pub async fn send_code(
        &self,
        token: &SecretString,
        kind: FactorKind,
        origin: &Origin,
    ) -> Result<SendCodeOutcome, AuthenticationError> {
        let pending = self.pending_login(token).await?;
        self.send_for(pending, kind, origin).await
    }

    async fn send_for(
        &self,
        pending: Option<PendingLogin>,
        kind: FactorKind,
        origin: &Origin,
    ) -> Result<SendCodeOutcome, AuthenticationError> {
        let PendingLogin { id, user_id, .. } = pending.ok_or(AuthenticationError::SessionExpired)?;
        let mfa = &self.inner().mfa;
        let factors = mfa.factors(&user_id).await.map_err(Error::from)?;
        match factors.into_iter().find(|factor| factor.kind == kind) {
            Some(factor) => Ok(mfa.send_code(&user_id, &id, &factor.id, origin).await.map_err(Error::from)?),
            None => Ok(SendCodeOutcome::NoFactor),
        }
    }
}

impl<U: UserModel> Auth<U> {
    /// The same for the login that waits in this session.
    ///
    /// # Errors
    /// As [`AuthenticationService::send_code`].
    pub async fn send_code(
        &self,
        session: &Session,
        kind: FactorKind,
        origin: &Origin,
    ) -> Result<SendCodeOutcome, AuthenticationError> {
        let pending = self.pending_login(session).await?;
        self.authentication().send_for(pending, kind, origin).await
    }
}
