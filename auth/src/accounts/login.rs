use super::{Auth, AuthCredentials, AuthResult, AuthenticationError};
use crate::audit::{AuditAction, Origin};
use crate::sessions::{Login, Session, SessionDigest};
use crate::users::UserModel;

impl<U: UserModel> Auth<U> {
    /// Logs in with a password or by a provider: the session gets a new key, and the old one is dead. A token, an API key and a
    /// proxy's word begin no session: they count for the request that brings them.
    ///
    /// # Errors
    /// [`AuthenticationError`]: then nobody is logged in. After [`AuthenticationError::SecondFactorRequired`] the login waits in the
    /// session for [`Auth::log_in_with_factor`]. [`AuthenticationError::InvalidToken`] also for tokens and API keys,
    /// good ones too: a session would outlive them, and permit all that the user holds.
    ///
    /// # Security
    /// A handler of one's own takes a form as `CsrfForm`, so that no other site logs its visitors in as somebody else, and a
    /// `DeviceCookie`, so that others' guesses do not keep users out (both in `auth::web::axum`).
    pub async fn log_in(
        &self,
        session: &Session,
        credentials: AuthCredentials,
        origin: &Origin,
    ) -> Result<AuthResult<U>, AuthenticationError> {
        let outcome = self.authentication().authenticate(credentials, origin).await;
        self.take_up(session, outcome, origin).await
    }

    /// Begins the login, or keeps it until its second factor comes.
    pub(super) async fn take_up(
        &self,
        session: &Session,
        outcome: Result<AuthResult<U>, AuthenticationError>,
        origin: &Origin,
    ) -> Result<AuthResult<U>, AuthenticationError> {
        match outcome {
            Ok(result) => {
                result.check_login()?;
                self.begin(session, result, origin).await
            }
            Err(AuthenticationError::SecondFactorRequired(first)) => {
                self.hold_in(session, &first).await?;
                Err(AuthenticationError::SecondFactorRequired(first))
            }
            Err(error) => Err(error),
        }
    }

    /// Logs a user in for whom the application vouches. `None` when there is no such user, or an inactive one.
    ///
    /// # Errors
    /// [`AuthenticationError::SecondFactorRequired`] as [`Auth::log_in`], and when a store fails.
    pub async fn log_in_user(
        &self,
        session: &Session,
        id: &U::PrimaryKey,
    ) -> Result<Option<AuthResult<U>>, AuthenticationError> {
        let service = self.authentication();
        let Some(result) = service.by_id(id).await? else { return Ok(None) };
        let origin = Origin::unknown();
        if let Err(error) = service.second_step(&result).await {
            return self.take_up(session, Err(error), &origin).await.map(Some);
        }
        service.note_login(&result, "application", &service.inner().audit).await?;
        self.begin(session, result, &origin).await.map(Some)
    }

    pub(super) async fn begin(
        &self,
        session: &Session,
        mut result: AuthResult<U>,
        origin: &Origin,
    ) -> Result<AuthResult<U>, AuthenticationError> {
        self.give_up_in(session).await?;
        let principal = result.principal();
        let tie = self.tie(principal.id(), result.credential, result.methods);
        let login = Login::new(principal.id(), tie, principal.authenticated_at());
        let before = session.stored_digest();
        if let Some(identity) = &result.identity {
            if session.login().is_some_and(|old| old.user_id != login.user_id) {
                session.flush().await?;
            }
            session.set_identity(identity)?;
        }
        session.start(login).await?;
        // Whoever added a factor since the first one was proved has ended all sessions that there were, and this one was not.
        let unconfirmed = session.unconfirmed();
        if let Err(error) = self.authentication().second_step(&result).await {
            session.flush().await?;
            return Err(error);
        }
        unconfirmed.confirm();
        let (id, now) = (result.principal().id().to_owned(), session.stored_digest());
        // Of a session the digest stays when its key changes.
        if before != now {
            let audit = self.audit().from(origin.clone());
            audit.record(AuditAction::SessionStarted { session: text(now) }, Some(&id)).await;
        }
        result.session = session.stored_key();
        result.expires_at = session.stored().map(|(_, record)| record.ends_at);
        Ok(result)
    }

    /// Ends the session: nobody is logged in, and its key is dead.
    ///
    /// # Errors
    /// When the store fails: then the session may still be alive, and the caller must say so.
    pub async fn log_out(&self, session: &Session) -> Result<(), super::Error> {
        self.log_out_from(session, &Origin::unknown()).await
    }

    /// The same, telling the trail where it came from.
    pub(crate) async fn log_out_from(&self, session: &Session, origin: &Origin) -> Result<(), super::Error> {
        let (user, digest) = (session.login().map(|login| login.user_id), session.stored_digest());
        let waiting = self.give_up_in(session).await;
        session.flush().await?;
        waiting?;
        if let Some(user) = user {
            let audit = self.audit().from(origin.clone());
            audit.record(AuditAction::LoggedOut, Some(&user)).await;
            let (session, reason) = (text(digest), "logout".into());
            audit.record(AuditAction::SessionEnded { session, reason }, Some(&user)).await;
        }
        Ok(())
    }
}

fn text(digest: Option<SessionDigest>) -> std::borrow::Cow<'static, str> {
    digest.map(|digest| digest.to_string()).unwrap_or_default().into()
}
