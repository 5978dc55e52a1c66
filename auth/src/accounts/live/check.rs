use std::fmt;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
#[cfg(feature = "session-cookie")]
use zeroize::Zeroizing;

use crate::access::Principal;
use crate::accounts::{Auth, AuthCredentials, AuthenticationError, Error};
use crate::audit::Origin;
use crate::mfa::AuthMethods;
use crate::secret::SecretString;
use crate::sessions::{Carrier, SessionDigest, SessionKey, SessionRecord};
use crate::users::{Account, CredentialVersion, UserModel};

/// What somebody came with, as far as it can be checked again.
#[derive(Clone)]
pub(crate) enum Credential {
    /// A session under a key that has this verifier. The key itself is not kept.
    Session { id: SessionDigest, verifier: [u8; 32] },
    /// A session that is kept in its cookie.
    #[cfg(feature = "session-cookie")]
    Sealed(Zeroizing<Vec<u8>>),
    /// An access token or an API key, for the one who came from there.
    Token(AuthCredentials, Origin),
    /// The user proved who they are with something that is not kept: a password, a proxy's word.
    User { id: String, credential: CredentialVersion, methods: AuthMethods, at: DateTime<Utc>, ends_at: DateTime<Utc> },
}

/// What holds at this moment.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) principal: Principal,
    /// From then on it does not hold, if that is known.
    pub(crate) ends_at: Option<DateTime<Utc>>,
}

impl Credential {
    /// What a session's cookie holds, be there such a session or not.
    pub(crate) fn in_cookie(carrier: &Carrier, cookie: &[u8]) -> Option<Self> {
        match carrier {
            Carrier::Key(_) => {
                let key = SessionKey::parse(cookie)?;
                Some(Self::Session { id: key.digest(), verifier: key.verifier() })
            }
            #[cfg(feature = "session-cookie")]
            Carrier::Whole(whole) => whole.key_in(cookie).map(|_| Self::Sealed(Zeroizing::new(cookie.to_vec()))),
        }
    }

    /// What tells it from others, without being it.
    pub(super) fn digest(&self) -> [u8; 32] {
        let hash = Sha256::new();
        match self {
            Self::Session { id, verifier } => {
                hash.chain_update(b"s").chain_update(id.as_bytes()).chain_update(verifier)
            }
            #[cfg(feature = "session-cookie")]
            Self::Sealed(cookie) => hash.chain_update(b"c").chain_update(&**cookie),
            Self::Token(credentials, _) => {
                let (kind, text) = secret_of(credentials);
                hash.chain_update(kind).chain_update(text)
            }
            Self::User { id, credential, ends_at, .. } => {
                let ends_at = ends_at.timestamp_micros().to_be_bytes();
                hash.chain_update(b"u").chain_update(credential.to_be_bytes()).chain_update(ends_at).chain_update(id)
            }
        }
        .finalize()
        .into()
    }

    /// The session, where it is one that stores know.
    pub(super) fn session(&self) -> Option<&SessionDigest> {
        match self {
            Self::Session { id, .. } => Some(id),
            _ => None,
        }
    }
}

/// Only tokens and keys are ever kept as [`Credential::Token`].
fn secret_of(credentials: &AuthCredentials) -> (&'static [u8], &str) {
    match credentials {
        AuthCredentials::ApiKey { key } => (b"k", key.expose()),
        AuthCredentials::Token { token } => (b"t", token.expose()),
        _ => (b"?", ""),
    }
}

impl<U: UserModel> Auth<U> {
    /// Whether a credential holds, by what the stores say now and not by any copy. `used` says that whoever has it used it
    /// since it was last asked.
    ///
    /// # Errors
    /// When it cannot be told.
    pub(crate) async fn check(&self, credential: &Credential, used: bool) -> Result<Option<Held>, Error> {
        match credential {
            Credential::Session { id, verifier } => self.check_session(id, verifier, used).await,
            #[cfg(feature = "session-cookie")]
            Credential::Sealed(cookie) => {
                let Carrier::Whole(whole) = self.carrier() else { return Ok(None) };
                match whole.open(cookie).await? {
                    Some((_, record)) => self.holder(&record).await,
                    None => Ok(None),
                }
            }
            Credential::Token(credentials, origin) => {
                let result = match self.authentication().authenticate(credentials.clone(), origin).await {
                    Ok(result) => result,
                    Err(AuthenticationError::Unavailable(error)) => return Err(error),
                    Err(_) => return Ok(None),
                };
                let (principal, ends_at) = (result.principal().clone(), result.expires_at);
                // A request may know a user by a copy; what lasts may not.
                let account = self.users().find_by_id_text(principal.id()).await?;
                let is_same = |account: &Account<U>| account.credential == principal.credential();
                let is_now = account.is_some_and(|account| account.user.is_active() && is_same(&account));
                Ok(is_now.then_some(Held { principal, ends_at }))
            }
            Credential::User { id, credential, methods, at, ends_at } => {
                if *ends_at <= self.inner().clock.now() {
                    return Ok(None);
                }
                let account = self.users().find_by_id_text(id).await?.filter(|it| it.credential == *credential);
                let principal = account.and_then(|account| Principal::new(&account, *at));
                // Whoever came by a password alone, as at a request by now; a proxy's word is asked for no second factor.
                let is_one_factor = methods.contains(AuthMethods::PASSWORD) && !methods.is_multi_factor();
                if is_one_factor && !self.mfa().required(id).await?.is_empty() {
                    return Ok(None);
                }
                Ok(principal.map(|principal| Held { principal, ends_at: Some(*ends_at) }))
            }
        }
    }

    async fn check_session(&self, id: &SessionDigest, verifier: &[u8; 32], used: bool) -> Result<Option<Held>, Error> {
        let (now, lifetime) = (self.inner().clock.now(), self.inner().lifetime);
        let record = self.sessions().load_fresh(id).await?;
        let record = record.filter(|record| record.is_alive(now) && record.verifier == *verifier);
        let Some(record) = record else { return Ok(None) };
        let mut held = self.holder(&record).await?;
        if let Some(held) = &mut held
            && used
            && lifetime.is_touch_due(&record, now)
        {
            let (seen_at, expires_at) = lifetime.use_at(&record, now);
            if !self.sessions().touch(id, seen_at, expires_at).await? {
                return Ok(None);
            }
            held.ends_at = Some(expires_at);
        }
        Ok(held)
    }

    /// Whoever is logged in, in that session, if the login holds.
    async fn holder(&self, record: &SessionRecord) -> Result<Option<Held>, Error> {
        let Some(login) = &record.login else { return Ok(None) };
        let account = self.users().find_by_id_text(&login.user_id).await?;
        let principal = account.and_then(|account| self.login_holds(login, &account));
        let ends_at = Some(record.expires_at.min(record.ends_at));
        Ok(principal.map(|principal| Held { principal, ends_at }))
    }

    /// What lasts of somebody who proved who they are with something that is not kept: as long as a session at the most.
    pub(crate) fn lasting(&self, principal: &Principal) -> Credential {
        let ends_at = self.inner().clock.now() + self.inner().lifetime.absolute();
        let (id, at) = (principal.id().to_owned(), principal.authenticated_at());
        Credential::User { id, credential: principal.credential(), methods: principal.auth_methods(), at, ends_at }
    }

    /// What somebody says who is connected already: a session's key, or an access token.
    pub(crate) fn credential_of(&self, token: &SecretString, origin: &Origin) -> Credential {
        let session = Credential::in_cookie(self.carrier(), token.expose().as_bytes());
        session.unwrap_or_else(|| Credential::Token(AuthCredentials::token(token.clone()), origin.clone()))
    }
}

/// It holds secrets.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session { .. } => "Credential::Session(…)",
            #[cfg(feature = "session-cookie")]
            Self::Sealed(_) => "Credential::Sealed(…)",
            Self::Token(..) => "Credential::Token(…)",
            Self::User { .. } => "Credential::User(…)",
        })
    }
}
