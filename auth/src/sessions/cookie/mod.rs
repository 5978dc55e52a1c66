//! Sessions that travel whole in their cookie: a second carrier beside the backends, not one of them. It cannot delete
//! what a visitor holds, nor exclude a concurrent write.

mod slot;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

pub(crate) use self::slot::Slot;
use super::{
    DynSessionBackend, Lifetime, SaveIf, Saved, SessionBackend, SessionDigest, SessionError, SessionKey, SessionRecord,
    backend, encoding,
};
use crate::clock::{Clock, SystemClock};
use crate::registry::{Context, Url};
use crate::seal;
use crate::secret::{MacKey, SecretKey};

/// Keeps each session in its visitor's cookie, encrypted: no store is asked for what is in it.
///
/// `Auth::builder().sessions("cookie:")` chooses it, with the application's secret, and marks (see below) in the
/// application's database; an address may follow that says where else: `cookie:redis://…`. `SessionMiddleware::in_cookies`
/// takes one as it is. A session is a cookie of 4096 bytes at the most with its name and attributes, which leaves about
/// 2.5 KB for the dictionary; one that is larger is not sent, and the answer is an error.
///
/// Of two requests at the same time that change the session, the last one to be answered wins: the browser keeps one
/// cookie. What a user's sessions are is not known, so there are no lists of devices and no limits.
///
/// # Security
/// AES-256-GCM with a key of its own for each cookie, derived from the application's secret (HMAC-SHA256) and 256 random
/// bits, so that no number of cookies wears a key out; what it is for, and the cookie's name, are authenticated with it
/// (NIST SP 800-38D). Cookies sealed by an older secret, given as a fallback, still open. Both limits of a session's
/// lifetime stand inside.
///
/// What ends a session before its time is a mark in a backend, which is asked for with every request that brings a
/// session: one for a session that was ended or whose key was changed, and for each user a *not-before*, which
/// [`CookieSessionBackend::revoke`] moves and which ends all of the user's. A mark that is lost, as a cache may lose it,
/// brings back what it ended. A password change and a deactivated user end sessions, too.
///
/// Until its key changes, a visitor can bring back an older cookie of the same session, and what was in it: keep no
/// counter in it that must not go back.
#[derive(Clone)]
pub struct CookieSessionBackend {
    keys: MacKey,
    marks: DynSessionBackend,
    label: Arc<str>,
    clock: Arc<dyn Clock>,
}

impl CookieSessionBackend {
    /// The most bytes of a cookie with its name and attributes: browsers drop what is longer (RFC 6265bis §5.6).
    pub const MAX_COOKIE: usize = 4096;

    /// Sessions sealed by this secret, and the marks of those that ended before their time in a backend.
    pub fn new(secret: &SecretKey, marks: impl SessionBackend) -> Self {
        let keys = secret.derive("auth: session cookie");
        Self { keys, marks: Arc::new(marks), label: "session".into(), clock: Arc::new(SystemClock) }
    }

    /// The same for cookies of this name; what was sealed for another name does not open. The web layers set it.
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        self.label = name.into();
        self
    }

    /// The same, going by this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// By `cookie:`, with marks in the application's database, or at the address that follows: `cookie:redis://…`.
    pub(crate) async fn connect(url: &Url, context: &Context) -> Result<Self, SessionError> {
        const NOWHERE: &str = "sessions in cookies need a store that remembers which ended before their time: a database, \
                               or an address behind `cookie:`; for one server that may forget them when it is started \
                               again, `cookie:memory:`";
        let address = match url.expose().strip_prefix("cookie:").unwrap_or_default() {
            "" if context.has_database() => "database:",
            "" => return Err(SessionError::Configuration(NOWHERE.to_owned())),
            address => address,
        };
        let marks = backend::connect(&Url::new(address), context).await?;
        Ok(Self::new(&context.secret, marks).with_clock(context.clock.clone()))
    }

    /// The cookie's value for a session that was saved.
    ///
    /// # Errors
    /// [`SessionError::TooLarge`] when it has more than `max` bytes.
    pub fn seal(&self, key: &SessionKey, record: &SessionRecord, max: usize) -> Result<String, SessionError> {
        let (key, record) = (Zeroizing::new(key.expose()), Zeroizing::new(encoding::encode(record)?));
        let plain = Zeroizing::new([key.as_bytes(), &record].concat());
        let sealed = seal::seal(&self.keys, &purpose(&self.label), &plain);
        sealed.filter(|sealed| sealed.len() <= max).ok_or(SessionError::TooLarge { max })
    }

    /// The session in a cookie's value. `None` when it is damaged, was sealed for something else or by an unknown secret,
    /// has expired, or its user's sessions were revoked since it began.
    ///
    /// # Errors
    /// [`SessionError::Store`] when it cannot be told whether they were.
    pub async fn open(&self, cookie: &[u8]) -> Result<Option<(SessionKey, SessionRecord)>, SessionError> {
        let Some((key, record)) = self.unseal(cookie) else { return Ok(None) };
        if !record.is_opened_by(&key) || !record.is_alive(self.clock.now()) || self.has_ended(&key, &record).await? {
            return Ok(None);
        }
        Ok(Some((key, record)))
    }

    /// What is in a cookie, be it ended or not.
    fn unseal(&self, cookie: &[u8]) -> Option<(SessionKey, SessionRecord)> {
        if cookie.len() > Self::MAX_COOKIE {
            return None;
        }
        let plain = seal::open(&self.keys, &purpose(&self.label), cookie)?;
        let (key, record) = plain.split_at_checked(SessionKey::TEXT_LENGTH)?;
        Some((SessionKey::parse(key)?, encoding::decode(record)?))
    }

    /// The key of the session in a cookie, be it ended or not.
    pub(crate) fn key_in(&self, cookie: &[u8]) -> Option<SessionKey> {
        self.unseal(cookie).map(|(key, _)| key)
    }

    /// Ends all of a user's sessions that began until now.
    ///
    /// # Errors
    /// [`SessionError::Store`]: then they may still be alive, and the caller must say so.
    pub async fn revoke(&self, user_id: &str) -> Result<(), SessionError> {
        let now = self.clock.now();
        self.mark(&not_before(user_id), moment(now), now + Lifetime::MAX).await
    }

    /// Where marks are kept.
    pub(crate) fn marks(&self) -> &DynSessionBackend {
        &self.marks
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

    /// Ends a session: every cookie of it, or those until this version.
    async fn end(&self, id: &SessionDigest, record: &SessionRecord, until: u64) -> Result<(), SessionError> {
        self.mark(&ended(id), until, record.ends_at).await
    }

    async fn has_ended(&self, key: &SessionKey, record: &SessionRecord) -> Result<bool, SessionError> {
        if self.marked(&ended(&key.digest())).await?.is_some_and(|until| record.version <= until) {
            return Ok(true);
        }
        let Some(login) = &record.login else { return Ok(false) };
        Ok(self.marked(&not_before(&login.user_id)).await?.is_some_and(|until| moment(record.created_at) <= until))
    }

    async fn marked(&self, id: &SessionDigest) -> Result<Option<u64>, SessionError> {
        let mark = self.marks.load(id).await?;
        // A mark that cannot be read is the strictest.
        Ok(mark.map(|mark| mark.data[..].try_into().map_or(u64::MAX, u64::from_be_bytes)))
    }

    /// Moves a mark up, never back.
    async fn mark(&self, id: &SessionDigest, until: u64, ends_at: DateTime<Utc>) -> Result<(), SessionError> {
        const MOST_TRIES: usize = 256;
        for _ in 0..MOST_TRIES {
            let held = self.marks.load_fresh(id).await?;
            let mut mark = SessionRecord::new(self.clock.now(), ends_at, ends_at);
            mark.data = until.to_be_bytes().as_slice().into();
            let condition = match &held {
                None => SaveIf::Absent,
                Some(held) if mark.data <= held.data => return Ok(()),
                Some(held) => {
                    mark.version = held.version.wrapping_add(1);
                    SaveIf::Version(held.version)
                }
            };
            if self.marks.save(id, Arc::new(mark), condition).await? == Saved::Done {
                return Ok(());
            }
        }
        Err(SessionError::Contended)
    }
}

/// Nothing else that is sealed opens as a session.
fn purpose(name: &str) -> Vec<u8> {
    [b"auth: session cookie 1: ", name.as_bytes()].concat()
}

/// Where a user's not-before stands: no key leads there.
fn not_before(user_id: &str) -> SessionDigest {
    place(b"auth: not before: ", user_id.as_bytes())
}

/// Where it stands up to which version a session has ended.
fn ended(id: &SessionDigest) -> SessionDigest {
    place(b"auth: ended: ", id.as_bytes())
}

fn place(kind: &[u8], what: &[u8]) -> SessionDigest {
    SessionDigest::from_bytes(Sha256::new().chain_update(kind).chain_update(what).finalize().into())
}

/// Nobody logged in before 1970.
fn moment(at: DateTime<Utc>) -> u64 {
    u64::try_from(at.timestamp_micros()).unwrap_or_default()
}

impl fmt::Debug for CookieSessionBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieSessionBackend").field("marks", &self.marks).finish_non_exhaustive()
    }
}
