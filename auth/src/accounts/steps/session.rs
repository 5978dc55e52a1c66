use super::{FirstFactor, PendingLogin};
use crate::accounts::{Auth, AuthResult, AuthenticationError, Error};
use crate::audit::Origin;
use crate::mfa::FactorProof;
use crate::sessions::Session;
use crate::users::UserModel;

/// Where a session keeps the id of the login that waits in it.
const KEY: &str = "auth.pending_login";

impl<U: UserModel> Auth<U> {
    /// The login that waits for its second factor in this session.
    ///
    /// # Errors
    /// [`AuthenticationError::Unavailable`]
    pub async fn pending_login(&self, session: &Session) -> Result<Option<PendingLogin>, AuthenticationError> {
        match session.get::<String>(KEY)? {
            Some(id) => self.authentication().pending_by_id(&id).await,
            None => Ok(None),
        }
    }

    /// Goes on with the login that waits in this session, by the second factor: the session gets a new key, and the old one is
    /// dead.
    ///
    /// # Errors
    /// [`AuthenticationError::SessionExpired`] when none waits: it begins anew. [`AuthenticationError::InvalidCredentials`] for a
    /// factor that is not right; after five of them the login is given up.
    pub async fn log_in_with_factor(
        &self,
        session: &Session,
        proof: &FactorProof,
        origin: &Origin,
    ) -> Result<AuthResult<U>, AuthenticationError> {
        let Some(id) = session.get::<String>(KEY)? else { return Err(AuthenticationError::SessionExpired) };
        let result = self.authentication().complete_by_id(&id, proof, origin).await?;
        self.begin(session, result, origin).await
    }

    /// Keeps a login in the session until its second factor comes. The session gets a new key, and nobody is logged in by it.
    pub(in crate::accounts) async fn hold_in(
        &self,
        session: &Session,
        first: &FirstFactor,
    ) -> Result<(), AuthenticationError> {
        let pending = self.authentication().hold(first).await?;
        self.give_up_in(session).await?;
        session.set(KEY, pending.id)?;
        session.cycle_key().await?;
        Ok(())
    }

    /// Gives up the login that waits in the session, if one does.
    pub(in crate::accounts) async fn give_up_in(&self, session: &Session) -> Result<(), Error> {
        if let Some(id) = session.get::<String>(KEY)? {
            self.authentication().give_up(&id).await?;
            session.delete(KEY);
        }
        Ok(())
    }
}
