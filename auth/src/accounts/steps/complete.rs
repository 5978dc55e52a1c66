use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{FirstFactor, PendingLogin};
use crate::accounts::{AuthResult, AuthenticationError, AuthenticationService, Error};
use crate::audit::{AuditAction, Origin};
use crate::limits::{Backoff, Decision, Limit, LimitKey, OnSuccess};
use crate::mfa::{AuthMethods, FactorKind, FactorProof};
use crate::records::{NewRecord, Record, RecordKind, RecordReplaced};
use crate::secret::SecretString;
use crate::sessions::Identity;
use crate::tokens::{OpaqueToken, TokenPrefix};
use crate::users::{CredentialVersion, UserModel};

const KIND: RecordKind = RecordKind::new("pending_login");
const LIFETIME: TimeDelta = TimeDelta::minutes(10);
/// How often a second factor may be tried in one login.
const MOST_TRIES: u32 = 5;

/// A pending login as it is kept; its owner is the user.
#[derive(Serialize, Deserialize)]
struct Stored {
    digest: String,
    credential: CredentialVersion,
    methods: Vec<String>,
    factors: Vec<FactorKind>,
    tries: u32,
    #[serde(default)]
    identity: Option<Identity>,
}

impl Stored {
    fn read(record: &Record) -> Option<Self> {
        serde_json::from_slice(&record.value).ok()
    }

    fn record(&self, old: &Record) -> Result<NewRecord, AuthenticationError> {
        Ok(NewRecord { owner: old.owner.clone(), value: encoded(self)?, expires_at: old.expires_at })
    }
}

fn encoded(stored: &Stored) -> Result<Vec<u8>, AuthenticationError> {
    serde_json::to_vec(stored).map_err(|error| Error::Configuration(error.to_string()).into())
}

fn prefix() -> TokenPrefix {
    TokenPrefix::fixed("auth_login")
}

impl<U: UserModel> AuthenticationService<U> {
    /// Keeps a login that waits for its second factor, and gives the token to go on by.
    ///
    /// # Errors
    /// [`AuthenticationError::Unavailable`]
    pub async fn hold(&self, first: &FirstFactor) -> Result<PendingLogin, AuthenticationError> {
        let token = OpaqueToken::generate(&prefix());
        let stored = Stored {
            digest: token.digest(),
            credential: first.credential,
            methods: first.methods.names().into_iter().map(str::to_owned).collect(),
            factors: first.factors.clone(),
            tries: 0,
            identity: first.identity.clone(),
        };
        let expires_at = self.inner().clock.now() + LIFETIME;
        let record = NewRecord { owner: Some(first.user_id.clone()), value: encoded(&stored)?, expires_at };
        self.inner().records.insert(KIND, token.id(), record).await.map_err(Error::from)?;
        Ok(PendingLogin {
            id: token.id().to_owned(),
            user_id: first.user_id.clone(),
            factors: stored.factors,
            expires_at,
            token: Some(token.expose()),
        })
    }

    /// The pending login of that token, if it still waits.
    ///
    /// # Errors
    /// [`AuthenticationError::Unavailable`]
    pub async fn pending_login(&self, token: &SecretString) -> Result<Option<PendingLogin>, AuthenticationError> {
        let Some(token) = OpaqueToken::parse(&prefix(), token.expose()) else { return Ok(None) };
        let found = self.kept(token.id()).await?;
        Ok(found.filter(|(_, stored)| token.has_digest(&stored.digest)).and_then(|found| shown(token.id(), &found)))
    }

    /// The pending login of that id, which the session knows.
    pub(super) async fn pending_by_id(&self, id: &str) -> Result<Option<PendingLogin>, AuthenticationError> {
        Ok(self.kept(id).await?.and_then(|found| shown(id, &found)))
    }

    async fn kept(&self, id: &str) -> Result<Option<(Record, Stored)>, AuthenticationError> {
        let found = self.inner().records.get(KIND, &[id]).await.map_err(Error::from)?.pop().flatten();
        Ok(found.and_then(|record| Stored::read(&record).map(|stored| (record, stored))))
    }

    /// Gives a pending login up.
    pub(super) async fn give_up(&self, id: &str) -> Result<(), Error> {
        Ok(self.inner().records.take(KIND, id).await.map(drop)?)
    }

    /// Goes on with a login, by the second factor. Nothing is begun: no session, no token.
    ///
    /// # Errors
    /// [`AuthenticationError::SessionExpired`] when no such login waits: it begins anew. [`AuthenticationError::InvalidCredentials`]
    /// for a factor that is not right; after five of them the login is given up.
    pub async fn complete(
        &self,
        token: &SecretString,
        proof: &FactorProof,
        origin: &Origin,
    ) -> Result<AuthResult<U>, AuthenticationError> {
        match self.pending_login(token).await? {
            Some(pending) => self.complete_by_id(&pending.id, proof, origin).await,
            None => Err(AuthenticationError::SessionExpired),
        }
    }

    pub(super) async fn complete_by_id(
        &self,
        id: &str,
        proof: &FactorProof,
        origin: &Origin,
    ) -> Result<AuthResult<U>, AuthenticationError> {
        let inner = self.inner();
        let Some((record, stored)) = self.count_try(id).await? else {
            return Err(AuthenticationError::SessionExpired);
        };
        let user_id = record.owner.as_deref().unwrap_or_default();
        let proved = match self.check_factor(user_id, id, proof, origin).await {
            Err(wrong @ AuthenticationError::InvalidCredentials) if stored.tries >= MOST_TRIES => {
                self.give_up(id).await?;
                return Err(wrong);
            }
            other => other?,
        };
        // Of many who prove it at once, one goes on.
        if inner.records.take(KIND, id).await.map_err(Error::from)?.is_none() {
            return Err(AuthenticationError::SessionExpired);
        }
        let methods = AuthMethods::from_names(stored.methods.iter().map(String::as_str)) | proved;
        let account = inner.users.find_by_id_text(user_id).await?;
        let result = self.result(account, Some(stored.credential), methods);
        let mut result = result.ok_or(AuthenticationError::SessionExpired)?;
        result.origin = origin.clone();
        result.identity = stored.identity;
        self.logged_in(&mut result, proof.method(), origin).await?;
        Ok(result)
    }

    /// Checks a second factor within the limits on tries, and tells the trail of failures.
    pub(in crate::accounts) async fn check_factor(
        &self,
        user_id: &str,
        attempt: &str,
        proof: &FactorProof,
        origin: &Origin,
    ) -> Result<AuthMethods, AuthenticationError> {
        let inner = self.inner();
        let limits = |error| Error::Limits(Box::new(error));
        let key = LimitKey::new("second factor", &[user_id.as_bytes()]);
        let limit = [Limit::new(key, Backoff::ACCOUNT_AND_SOURCE, OnSuccess::Forget)];
        let ticket = match inner.limiter_of_factors.attempt(&limit).await.map_err(limits)? {
            Decision::Allowed(ticket) => ticket,
            Decision::Wait(wait) => return Err(AuthenticationError::TooMany { wait }),
        };
        match inner.mfa.verify(user_id, attempt, proof).await {
            Ok(Some(methods)) => {
                inner.limiter_of_factors.succeeded(ticket).await.map_err(limits)?;
                Ok(methods)
            }
            Ok(None) => {
                let failed = AuditAction::LoginFailed { method: proof.method().into(), reason: "wrong".into() };
                inner.audit.from(origin.clone()).record(failed, Some(user_id)).await;
                Err(AuthenticationError::InvalidCredentials)
            }
            Err(error) => {
                inner.limiter_of_factors.not_made(ticket).await.map_err(limits)?;
                Err(Error::from(error).into())
            }
        }
    }

    /// The login, with this try counted; nothing if there were five.
    async fn count_try(&self, id: &str) -> Result<Option<(Record, Stored)>, AuthenticationError> {
        for _ in 0..=MOST_TRIES {
            let Some((record, mut stored)) = self.kept(id).await? else { return Ok(None) };
            if stored.tries >= MOST_TRIES {
                self.give_up(id).await?;
                return Ok(None);
            }
            stored.tries += 1;
            let next = stored.record(&record)?;
            match self.inner().records.replace(KIND, id, record.version, next).await.map_err(Error::from)? {
                RecordReplaced::Done => return Ok(Some((record, stored))),
                RecordReplaced::Gone => return Ok(None),
                RecordReplaced::Changed => {}
            }
        }
        Ok(None)
    }
}

fn shown(id: &str, (record, stored): &(Record, Stored)) -> Option<PendingLogin> {
    Some(PendingLogin {
        id: id.to_owned(),
        user_id: record.owner.clone()?,
        factors: stored.factors.clone(),
        expires_at: record.expires_at,
        token: None,
    })
}
