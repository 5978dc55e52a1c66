use crate::accounts::{Auth, AuthCredentials, AuthResult, AuthenticationError};
use crate::audit::Origin;
use crate::sessions::Session;
use crate::users::UserModel;

impl<U: UserModel> Auth<U> {
    /// Has the user who is logged in prove again who they are: the login is as new, and the session gets a new key.
    ///
    /// What else the session holds stays. It takes as many factors as any login does.
    ///
    /// # Errors
    /// As [`Auth::log_in`]; [`AuthenticationError::InvalidCredentials`] for credentials of somebody else, good ones too, and
    /// [`AuthenticationError::SessionExpired`] where nobody is logged in. The login of before stays as it was.
    pub async fn reauthenticate(
        &self,
        session: &Session,
        credentials: AuthCredentials,
        origin: &Origin,
    ) -> Result<AuthResult<U>, AuthenticationError> {
        let Some(login) = session.login() else { return Err(AuthenticationError::SessionExpired) };
        let outcome = self.authentication().authenticate(credentials, origin).await;
        let proved = match &outcome {
            Ok(result) => Some(result.principal().id()),
            Err(AuthenticationError::SecondFactorRequired(first)) => Some(&*first.user_id),
            Err(_) => None,
        };
        if proved.is_some_and(|user_id| user_id != login.user_id) {
            return Err(AuthenticationError::InvalidCredentials);
        }
        self.take_up(session, outcome, origin).await
    }
}
