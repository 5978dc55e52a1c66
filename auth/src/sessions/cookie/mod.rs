//! Sessions that travel whole in their cookie: a second carrier beside the backends, not one of them. It cannot delete
//! what a visitor holds, nor exclude a concurrent write.

mod seal;
mod slot;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

pub(crate) use self::slot::Slot;
use super::{
    DynSessionBackend, SaveIf, Saved, SessionBackend, SessionDigest, SessionError, SessionKey, SessionRecord, backend,
    encoding,
};
use crate::clock::{Clock, SystemClock};
use crate::registry::{Context, Url};
use crate::secret::{MacKey, SecretKey};

/// Keeps each session in its visitor's cookie, encrypted: no store is asked for what is in it.
///
/// `Auth::builder().sessions("cookie:")` chooses it, with the application's secret, and not-befores (see below) in the
/// application's database or, if there is none, in memory; an address may follow that says where else:
/// `cookie:redis://…`. `SessionMiddleware::in_cookies` takes one as it is. A session is a cookie of 4096 bytes at the most with its name and attributes, which leaves about 2.5 KB for the
/// dictionary; one that is larger is not sent, and the answer is an error.
///
/// Of two requests at the same time that change the session, the last one to be answered wins: the browser keeps one
/// cookie. What a user's sessions are is not known, so there are no lists of devices and no limits.
///
/// # Security
/// AES-256-GCM with a key of its own for each cookie, derived from the application's secret (HMAC-SHA256) and 256 random
/// bits, so that no number of cookies wears a key out; what it is for is authenticated with it (NIST SP 800-38D).
/// Cookies sealed by an older secret, given as a fallback, still open. Both limits of a session's lifetime stand inside.
///
/// A visitor can bring back an older cookie of the same session, and what was in it: keep no counter in it that must not
/// go back. A login ends before its time by a *not-before* of its user, which is kept in a backend and asked for with
/// every request in which somebody is logged in: logging out ends this session *and those that the user began before it*;
/// [`CookieSessionBackend::revoke`] ends all. A password change and a deactivated user end them, too.
#[derive(Clone)]
pub struct CookieSessionBackend {
    keys: MacKey,
    revocations: DynSessionBackend,
    clock: Arc<dyn Clock>,
}

impl CookieSessionBackend {
    /// The most bytes of a cookie with its name and attributes: browsers drop what is longer (RFC 6265bis §5.6).
    pub const MAX_COOKIE: usize = 4096;

    /// Sessions sealed by this secret, and their users' not-befores in a backend: any that outlives them.
    pub fn new(secret: &SecretKey, revocations: impl SessionBackend) -> Self {
        let keys = secret.derive("auth: session cookie");
        Self { keys, revocations: Arc::new(revocations), clock: Arc::new(SystemClock) }
    }

    /// The same, going by this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// By `cookie:`, with not-befores in the application's database, in memory if there is none, or at the address that
    /// follows: `cookie:redis://…`.
    pub(crate) async fn connect(url: &Url, context: &Context) -> Result<Self, SessionError> {
        let default = if context.has_database() { "database:" } else { "memory:" };
        let rest = url.expose().strip_prefix("cookie:").filter(|rest| !rest.is_empty());
        let revocations = backend::connect(&Url::new(rest.unwrap_or(default)), context).await?;
        Ok(Self::new(&context.secret, revocations).with_clock(context.clock.clone()))
    }

    /// The cookie's value for a session that was saved.
    ///
    /// # Errors
    /// [`SessionError::TooLarge`] when it has more than `max` bytes.
    pub fn seal(&self, key: &SessionKey, record: &SessionRecord, max: usize) -> Result<String, SessionError> {
        let mut plain = key.expose().into_bytes();
        plain.extend(encoding::encode(record)?);
        let sealed = seal::seal(&self.keys, &plain)?;
        if sealed.len() > max { Err(SessionError::TooLarge { max }) } else { Ok(sealed) }
    }

    /// The session in a cookie's value. `None` when it is damaged, was sealed for something else or by an unknown secret,
    /// has expired, or its user's sessions were revoked since it began.
    ///
    /// # Errors
    /// [`SessionError::Store`] when it cannot be told whether they were.
    pub async fn open(&self, cookie: &[u8]) -> Result<Option<(SessionKey, SessionRecord)>, SessionError> {
        let Some(plain) = seal::open(&self.keys, cookie) else { return Ok(None) };
        let Some((key, record)) = plain.split_at_checked(SessionKey::TEXT_LENGTH) else { return Ok(None) };
        let (Some(key), Some(record)) = (SessionKey::parse(key), encoding::decode(record)) else { return Ok(None) };
        if !record.is_opened_by(&key) || !record.is_alive(self.clock.now()) || self.is_revoked(&record).await? {
            return Ok(None);
        }
        Ok(Some((key, record)))
    }

    /// Ends all of a user's sessions that began until now.
    ///
    /// # Errors
    /// [`SessionError::Store`]: then they may still be alive, and the caller must say so.
    pub async fn revoke(&self, user_id: &str) -> Result<(), SessionError> {
        self.end_until(user_id, self.clock.now()).await
    }

    /// Where not-befores are kept.
    pub(crate) fn revocations(&self) -> &DynSessionBackend {
        &self.revocations
    }

    /// What a request with that cookie has for a backend, and the key of the session in it.
    pub(crate) async fn carry(
        &self,
        cookie: Option<&[u8]>,
        max: usize,
    ) -> Result<(Arc<Slot>, Option<SessionKey>), SessionError> {
        let found = match cookie {
            Some(cookie) => self.open(cookie).await?,
            None => None,
        };
        let (key, record) = found.unzip();
        Ok((Arc::new(Slot::new(self.clone(), max, record)), key))
    }

    /// The same for a request without a cookie.
    pub(crate) fn begin(&self) -> DynSessionBackend {
        Arc::new(Slot::new(self.clone(), Self::MAX_COOKIE, None))
    }

    async fn is_revoked(&self, record: &SessionRecord) -> Result<bool, SessionError> {
        let Some(login) = &record.login else { return Ok(false) };
        let marker = self.revocations.load(&not_before(&login.user_id)).await?;
        Ok(marker.is_some_and(|marker| login.at <= marker.seen_at))
    }

    /// Moves the user's not-before, never back. The marker lives as long as a session could that it ends.
    async fn end_until(&self, user_id: &str, moment: DateTime<Utc>) -> Result<(), SessionError> {
        const MOST_TRIES: usize = 256;
        let (id, now) = (not_before(user_id), self.clock.now());
        for _ in 0..MOST_TRIES {
            let held = self.revocations.load_fresh(&id).await?;
            if held.as_ref().is_some_and(|held| moment <= held.seen_at) {
                return Ok(());
            }
            let ends_at = now + super::Lifetime::MAX;
            let mut marker = SessionRecord::new(now, ends_at, ends_at);
            marker.seen_at = moment;
            let condition = match held {
                None => SaveIf::Absent,
                Some(held) => {
                    marker.version = held.version.wrapping_add(1);
                    SaveIf::Version(held.version)
                }
            };
            if self.revocations.save(&id, Arc::new(marker), condition).await? == Saved::Done {
                return Ok(());
            }
        }
        Err(SessionError::Contended)
    }
}

/// What a user's not-before stands under: no key leads there.
fn not_before(user_id: &str) -> SessionDigest {
    let hash = Sha256::new().chain_update(b"auth: not before: ").chain_update(user_id);
    SessionDigest::from_bytes(hash.finalize().into())
}

impl fmt::Debug for CookieSessionBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieSessionBackend").field("revocations", &self.revocations).finish_non_exhaustive()
    }
}
