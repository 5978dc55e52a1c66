use super::{Auth, AuthCredentials, AuthResult, AuthenticationError};
use crate::audit::{AuditAction, Origin};
use crate::sessions::{Login, Session, SessionDigest};
use crate::users::UserModel;

impl<U: UserModel> Auth<U> {
    /// Logs in with a password or by a provider: the session gets a new key, and the old one is dead. A token, an API key and a
    /// proxy's word begin no session: they count for the request that brings them.
    ///
    /// # Errors
    /// [`AuthenticationError`]: then nobody is logged in. [`AuthenticationError::InvalidToken`] also for tokens and API keys,
    /// good ones too: a session would outlive them, and permit all that the user holds.
    pub async fn log_in(
        &self,
        session: &Session,
        credentials: AuthCredentials,
        origin: &Origin,
    ) -> Result<AuthResult<U>, AuthenticationError> {
        let result = self.authentication().authenticate(credentials, origin).await?;
        result.check_login()?;
        self.begin(session, result, origin).await
    }

    /// Logs a user in who has proved who they are. `None` when there is no such user, or an inactive one.
    ///
    /// # Errors
    /// When a store fails.
    pub async fn log_in_user(
        &self,
        session: &Session,
        id: &U::PrimaryKey,
    ) -> Result<Option<AuthResult<U>>, AuthenticationError> {
        let service = self.authentication();
        let Some(result) = service.by_id(id).await? else { return Ok(None) };
        service.note_login(&result, "application", &service.inner().audit).await?;
        self.begin(session, result, &Origin::unknown()).await.map(Some)
    }

    async fn begin(
        &self,
        session: &Session,
        mut result: AuthResult<U>,
        origin: &Origin,
    ) -> Result<AuthResult<U>, AuthenticationError> {
        let principal = result.principal();
        let login =
            Login::new(principal.id(), self.tie(principal.id(), result.credential), principal.authenticated_at());
        let before = session.stored_digest();
        session.start(login).await?;
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
        session.flush().await?;
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
