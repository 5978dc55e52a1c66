use std::net::IpAddr;
use std::time::Duration;

use super::auth::Proved;
use super::{Auth, Error, Verdict};
use crate::access::CurrentUser;
use crate::limits::{Decision, LoginAttempt};
use crate::passwords::MAX_PASSWORD_BYTES;
use crate::secret::SecretString;
use crate::sessions::Session;
use crate::users::{BaseUser, CredentialVersion, UserManager, UserModel};

/// A name and a password, and where they come from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Credentials {
    /// What was typed as the name.
    pub username: String,
    /// What was typed as the password.
    pub password: SecretString,
    /// The address of the connecting peer, for the limits by source. `None` leaves the limits by account.
    pub source: Option<IpAddr>,
}

impl Credentials {
    /// This name and password, from an unknown source.
    pub fn new(username: impl Into<String>, password: impl Into<SecretString>) -> Self {
        Self { username: username.into(), password: password.into(), source: None }
    }

    /// From this address.
    pub fn from_source(self, source: Option<IpAddr>) -> Self {
        Self { source, ..self }
    }
}

/// What became of it.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum LoginOutcome<U> {
    /// The user is logged in.
    LoggedIn(CurrentUser<U>),
    /// Wrong name or password, or no such account, or an inactive one: which, is not told.
    Refused,
    /// Too many tries; nothing was checked.
    TooMany(Duration),
}

/// The key of a user, and the credential version that was checked.
type Authenticated<U> = (<U as BaseUser>::PrimaryKey, Option<CredentialVersion>);

impl<U: UserModel> Auth<U> {
    /// Logs in by name and password.
    ///
    /// The limits are asked first, then the auth backends in their order. On success the session gets a new key.
    ///
    /// # Errors
    /// When a store, the limits or a backend fail, or too many passwords wait to be hashed: then nobody is logged in.
    pub async fn log_in(&self, session: &Session, credentials: Credentials) -> Result<LoginOutcome<U>, Error> {
        let inner = self.inner();
        let limits = |error| Error::Limits(Box::new(error));
        // Who logs in by name and by mail address has one budget.
        let account = match self.users().find_by_login(&credentials.username).await? {
            Some(account) => account.user.username().to_owned(),
            None => UserManager::<U>::canonical_login(&credentials.username),
        };
        let attempt = LoginAttempt::new(&account, credentials.source);
        let ticket = match inner.limiter.attempt(&attempt).await.map_err(limits)? {
            Decision::Allowed(ticket) => ticket,
            Decision::Wait(wait) => {
                tracing::warn!(source = ?credentials.source, "too many tries to log in");
                return Ok(LoginOutcome::TooMany(wait));
            }
        };
        let proved = match self.check(&credentials).await {
            Ok(Some(proved)) => proved,
            Ok(None) => {
                // The name is left out: people type passwords into the wrong field.
                tracing::info!(source = ?credentials.source, "a login failed");
                return Ok(LoginOutcome::Refused);
            }
            Err(error) => {
                inner.limiter.not_made(ticket).await.map_err(limits)?;
                return Err(error);
            }
        };
        // Before the session begins: a login that is answered with a failure is none.
        inner.limiter.succeeded(ticket).await.map_err(limits)?;
        let user = self.begin(session, proved).await?;
        tracing::info!(user = user.principal().id(), source = ?credentials.source, "logged in");
        Ok(LoginOutcome::LoggedIn(user))
    }

    /// Who has proved to be whom. A backend may know a user who is unknown or inactive here: nobody, then.
    async fn check(&self, credentials: &Credentials) -> Result<Option<Proved<U>>, Error> {
        // No password is that long. The try is counted, and nothing is looked up.
        if credentials.password.expose().len() > MAX_PASSWORD_BYTES {
            return Ok(None);
        }
        let Some((id, credential)) = self.authenticate(credentials).await? else { return Ok(None) };
        let proved = self.proved(&id).await?;
        // The password was changed while it was checked.
        Ok(proved.filter(|proved| credential.is_none_or(|checked| checked == proved.account.credential)))
    }

    async fn authenticate(&self, credentials: &Credentials) -> Result<Option<Authenticated<U>>, Error> {
        for (name, backend) in &self.inner().backends {
            let verdict = backend.authenticate(&credentials.username, &credentials.password).await;
            match verdict.map_err(|source| Error::Backend { name: name.clone(), source })? {
                Verdict::Authenticated(id) => return Ok(id.parse().ok().map(|id| (id, None))),
                Verdict::AuthenticatedWith { id, credential } => {
                    return Ok(id.parse().ok().map(|id| (id, Some(credential))));
                }
                Verdict::Next => {}
                Verdict::Refused => return Ok(None),
            }
        }
        Ok(None)
    }
}
