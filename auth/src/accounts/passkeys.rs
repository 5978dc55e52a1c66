//! Logins by a passkey alone.

use std::time::Duration;

use uuid::Uuid;

use super::{Auth, AuthResult, AuthenticationError, Error};
use crate::audit::{AuditAction, Origin};
use crate::limits::{Backoff, Decision, Limit, LimitRule, OnSuccess, Rate, Ticket};
use crate::mfa::PasskeyChallenge;
use crate::sessions::Session;
use crate::users::UserModel;

/// Where a session keeps what ties the logins to it that are begun in it.
const KEY: &str = "auth.passkey_login";
/// The way in, for the trail.
const METHOD: &str = "passkey";

impl<U: UserModel> Auth<U> {
    /// Asks for the passkey of whoever is there: the beginning of a login without a name and a password. They are limited by
    /// source, [where it is known](crate::limits).
    ///
    /// # Errors
    /// [`AuthenticationError::TooMany`], and [`AuthenticationError::Unavailable`], also where the application has no origin to bind
    /// passkeys to ([`AuthBuilder::origin`](super::AuthBuilder::origin)).
    pub async fn start_passkey_login(
        &self,
        session: &Session,
        origin: &Origin,
    ) -> Result<PasskeyChallenge, AuthenticationError> {
        // It counts, whatever comes of it.
        let _counted = self.limited("passkey login begun", beginnings(), OnSuccess::Keep, origin).await?;
        let asked = self.mfa().start_passkey_login(&attempt(session)?).await;
        asked.map_err(|error| Error::from(error).into())
    }

    /// Logs in whoever has the passkey that answers: what `navigator.credentials.get` gave, as JSON. The session gets a new key, and
    /// the old one is dead.
    ///
    /// The authenticator has verified its user, so there are two factors in one, and no further step.
    ///
    /// # Errors
    /// [`AuthenticationError::InvalidCredentials`] for an answer that is not right, to what was not asked in this session, and of
    /// a user who is gone or inactive: which, is not told.
    pub async fn log_in_with_passkey(
        &self,
        session: &Session,
        challenge: &str,
        response: &str,
        origin: &Origin,
    ) -> Result<AuthResult<U>, AuthenticationError> {
        let (service, limiter) = (self.authentication(), self.limiter());
        let limits = |error| Error::Limits(Box::new(error));
        let ticket = self.limited("passkey login", Backoff::SOURCE, OnSuccess::TakeBack, origin).await?;
        let verified = match self.mfa().verify_passkey_login(&attempt(session)?, challenge, response).await {
            Ok(verified) => verified,
            Err(error) => {
                limiter.not_made(ticket).await.map_err(limits)?;
                return Err(Error::from(error).into());
            }
        };
        let user_id = verified.as_ref().map(|(user_id, _)| user_id.as_str());
        let result = match &verified {
            Some((user_id, methods)) => service.result(self.users().find_by_id_text(user_id).await?, None, *methods),
            None => None,
        };
        let Some(mut result) = result else {
            let reason = if user_id.is_some() { "the user is gone or inactive" } else { "wrong" };
            let failed = AuditAction::LoginFailed { method: METHOD.into(), reason: reason.into() };
            self.audit().from(origin.clone()).record(failed, user_id).await;
            return Err(AuthenticationError::InvalidCredentials);
        };
        limiter.succeeded(ticket).await.map_err(limits)?;
        service.second_step(&result).await?;
        result.origin = origin.clone();
        service.logged_in(&mut result, METHOD, origin).await?;
        self.begin(session, result, origin).await
    }

    async fn limited(
        &self,
        purpose: &str,
        rule: impl Into<LimitRule>,
        on_success: OnSuccess,
        origin: &Origin,
    ) -> Result<Ticket, AuthenticationError> {
        let limit = Limit::by_source(purpose, origin.source, rule, on_success);
        match self.limiter().attempt(limit.as_slice()).await.map_err(|error| Error::Limits(Box::new(error)))? {
            Decision::Allowed(ticket) => Ok(ticket),
            Decision::Wait(wait) => Err(AuthenticationError::TooMany { wait }),
        }
    }
}

/// How often a source may begin: each takes some room for five minutes.
fn beginnings() -> Rate {
    Rate::new(Duration::from_secs(1), 100).expect("a hundred seconds are not 30 days")
}

/// What is asked in a session is answered in it.
fn attempt(session: &Session) -> Result<String, Error> {
    if let Some(known) = session.get::<String>(KEY)? {
        return Ok(known);
    }
    let new = Uuid::new_v4().simple().to_string();
    session.set(KEY, &new)?;
    Ok(new)
}
