mod index;
mod invalidations;
mod limit;
mod scan;
mod scripts;
mod users;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use self::index::{ALL, NONE, Noted};
pub use self::invalidations::RedisInvalidations;
use self::limit::Turns;
use self::scripts::{CONFLICT, DONE, ENDED, GONE, Scripts, UNNOTED};
use crate::BoxFuture;
use crate::clock::{Clock, SystemClock};
use crate::redis::{self as server, Address, Connection, Kind, RedisFailure};
use crate::registry::{Context, Place, Url};
use crate::sessions::{
    DynSessionBackend, SaveIf, Saved, SessionBackend, SessionBackendEntry, SessionDigest, SessionError, SessionRecord,
    SessionScan, UserSessions, encoding,
};

/// Keeps sessions in Redis 6 or later: one value for each, which expires with its session.
///
#[doc = include_str!("../../../redis/address.md")]
///
/// Keys are `auth:session:<digest>`, and `auth:session:user:<key>` for the index of a user's sessions, which goes with
/// the last of them. All requests share one connection to each server, which is made again by itself when it breaks; so
/// is the choice of the server, after a failover. No call takes longer than a time-out of two seconds; then, or when the
/// server is gone, it is [`SessionError::Store`]. A read that fails is tried again, a change is not, unless the server
/// said that it did not make it.
///
/// [`save_within`](UserSessions::save_within) is exact among all servers. A login that breaks off between two steps counts
/// as a session for half a minute.
///
/// Whether a session has expired is told by the application's clock. The server is told how long to keep a value, not
/// until when, so that its own clock need not agree.
///
/// # Security
/// The values stand under a digest of a part of the session key: whoever reads the server cannot take over a session.
/// Whoever can write to it can log in as anybody: give it a password and a network of its own, or TLS.
///
/// What was answered is kept as well as the server keeps it. With `appendonly yes` and `appendfsync always` that is
/// through a crash; with `everysec` a crash loses the last second, with snapshots all since the last one. What is lost
/// may be a login, and then the visitor logs in again; it may also be the *end* of a session, which then stands again
/// for what was left of its lifetime. The same happens at a failover, with sentinels and in a cluster: replicas follow
/// a moment behind, and one that takes over does not know what its master answered last. `min-replicas-to-write 1` and
/// a small `min-replicas-max-lag` bound that for a master which was cut off; nothing excludes it, so we do not `WAIT`.
/// A server that evicts values under memory pressure (`maxmemory-policy` other than `noeviction`) logs people out, and
/// may forget an index, so that sessions are not listed.
#[derive(Clone)]
pub struct RedisSessionBackend {
    connection: Connection,
    /// One server has them.
    has_all_keys: bool,
    scripts: Arc<Scripts>,
    turns: Arc<Turns>,
    prefix: Arc<str>,
    clock: Arc<dyn Clock>,
}

impl RedisSessionBackend {
    /// What keys begin with, unless something else is said.
    pub const PREFIX: &'static str = "auth:session:";
    /// How long a call takes at the most, unless something else is said.
    pub const TIMEOUT: Duration = server::TIMEOUT;

    /// Connects to the server at this address.
    ///
    /// # Errors
    /// [`SessionError::Configuration`] when that is no address of a Redis, [`SessionError::Store`] when it cannot be
    /// reached.
    pub async fn connect(url: impl Into<Url>) -> Result<Self, SessionError> {
        Self::connect_with_timeout(url, Self::TIMEOUT).await
    }

    /// The same with another time-out for every call, connecting included; one that stands in the address goes first.
    ///
    /// # Errors
    /// As [`RedisSessionBackend::connect`].
    pub async fn connect_with_timeout(url: impl Into<Url>, timeout: Duration) -> Result<Self, SessionError> {
        let address = Address::parse(&url.into())?;
        let connection = Connection::open(&address, address.timeout.unwrap_or(timeout)).await?;
        let (scripts, turns, clock) = (Arc::new(Scripts::new()), Arc::default(), Arc::new(SystemClock));
        let has_all_keys = address.kind != Kind::Cluster;
        let backend = Self { connection, has_all_keys, scripts, turns, prefix: Self::PREFIX.into(), clock };
        match address.prefix {
            Some(prefix) => backend.with_prefix(&prefix),
            None => Ok(backend),
        }
    }

    /// The same with keys that begin otherwise, so that several applications can share a server.
    ///
    /// # Errors
    /// [`SessionError::Configuration`] unless it is at most 64 letters, digits, `_`, `-`, `.`, `/` and `:`, ends with a colon, and
    /// has no `user` between colons: so one application's keys are never taken for another's.
    pub fn with_prefix(mut self, prefix: &str) -> Result<Self, SessionError> {
        self.prefix = valid_prefix(prefix)?.into();
        Ok(self)
    }

    /// The same, going by this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    fn key(&self, id: &SessionDigest) -> String {
        format!("{}{id}", self.prefix)
    }

    /// The live record, out of at most so many bytes of it.
    async fn load_now(&self, id: &SessionDigest) -> Result<Option<Arc<SessionRecord>>, SessionError> {
        // One byte more than a record can have, so that a longer value is noticed.
        let mut command = redis::cmd("GETRANGE");
        command.arg(self.key(id)).arg(0).arg(encoding::MAX_BYTES);
        let bytes: Vec<u8> = match self.connection.read(&command).await {
            Err(RedisFailure::Server(error)) if error.code() == Some("WRONGTYPE") => {
                tracing::warn!(session = ?id, "a value of another type counts as no session");
                return Ok(None);
            }
            result => result?,
        };
        if bytes.is_empty() {
            return Ok(None);
        }
        let Some(record) = encoding::decode(&bytes) else {
            tracing::warn!(session = ?id, "a damaged session counts as none");
            return Ok(None);
        };
        Ok((self.clock.now() < record.expires_at).then(|| Arc::new(record)))
    }

    async fn save_now(
        &self,
        id: &SessionDigest,
        record: &SessionRecord,
        condition: SaveIf,
    ) -> Result<Saved, SessionError> {
        let is_new = condition == SaveIf::Absent;
        let mark = if is_new { self.announce(id, record).await? } else { None };
        if let Some(saved) = self.write(id, record, condition, mark).await? {
            return Ok(saved);
        }
        let mark = self.announce(id, record).await?;
        self.write(id, record, condition, mark).await?.ok_or_else(|| SessionError::store("it was noted"))
    }

    /// Notes a record that is about to be saved, if it holds a login and lives.
    async fn announce(&self, id: &SessionDigest, record: &SessionRecord) -> Result<Option<String>, SessionError> {
        let Some(user) = record.user_id().filter(|_| self.clock.now() < record.expires_at) else {
            return Ok(None);
        };
        match self.note(user.as_bytes(), id, lasts_until(record), None).await? {
            Noted::Done(mark) => Ok(Some(mark)),
            Noted::Full(_) => Err(SessionError::store("nobody asked how many there are")),
        }
    }

    /// Saves a record, and corrects the index of its user, who marked it, or of the one before. Nothing when the index does
    /// not know of it yet.
    async fn write(
        &self,
        id: &SessionDigest,
        record: &SessionRecord,
        condition: SaveIf,
        mark: Option<String>,
    ) -> Result<Option<Saved>, SessionError> {
        let (now, user) = (self.clock.now(), record.user_id().map(str::as_bytes));
        let lifetime = left(now, record.expires_at.timestamp_micros());
        let version = match condition {
            SaveIf::Absent => Vec::new(),
            SaveIf::Version(version) => version.to_be_bytes().to_vec(),
        };
        let call = self.scripts.save.of(self.key(id)).arg(now.timestamp_micros()).arg(encoding::encode(record)?);
        let call = call.arg(lifetime).arg(version).arg(u8::from(mark.is_some()));
        let (outcome, stood): (u8, Option<Vec<u8>>) = self.connection.run(call).await?;
        let stood = stood.as_deref();
        let saved = match outcome {
            DONE => Saved::Done,
            CONFLICT => Saved::Conflict,
            GONE => Saved::Gone,
            UNNOTED => return Ok(None),
            _ => return Err(SessionError::store("an unknown answer")),
        };
        match (saved, mark, user) {
            (Saved::Done, mark, _) => {
                if let Some(stood) = stood.filter(|stood| Some(*stood) != user || lifetime == 0) {
                    self.leave(stood, &[*id], if lifetime == 0 { ALL } else { NONE }).await;
                }
                if let (Some(user), Some(mark)) = (user, mark) {
                    self.unmark(user, &mark).await;
                }
            }
            (_, Some(mark), Some(user)) if stood == Some(user) => self.unmark(user, &mark).await,
            (_, Some(mark), Some(user)) => self.leave(user, &[*id], &mark).await,
            _ => {}
        }
        Ok(Some(saved))
    }

    async fn touch_now(
        &self,
        id: &SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<bool, SessionError> {
        let now = self.clock.now();
        let call = self.scripts.touch.of(self.key(id)).arg(now.timestamp_micros());
        let call = call.arg(encoding::moved(seen_at, expires_at).as_slice());
        let call = call.arg(left(now, expires_at.timestamp_micros()));
        let (outcome, user): (u8, Option<Vec<u8>>) = self.connection.run(call).await?;
        match user {
            Some(user) if outcome == ENDED => self.leave(&user, &[*id], ALL).await,
            Some(user) => _ = self.note(&user, id, expires_at.timestamp_micros(), None).await?,
            None => {}
        }
        Ok(outcome != 0)
    }

    /// Removes a record; only this user's, if one is given.
    async fn delete_now(&self, id: &SessionDigest, user: Option<&[u8]>) -> Result<bool, SessionError> {
        let call = self.scripts.delete.of(self.key(id)).arg(self.clock.now().timestamp_micros()).arg(user);
        let (was_alive, whose): (bool, Option<Vec<u8>>) = self.connection.run(call).await?;
        if let Some(whose) = whose {
            self.leave(&whose, &[*id], ALL).await;
        }
        Ok(was_alive)
    }
}

fn valid_prefix(prefix: &str) -> Result<&str, SessionError> {
    if prefix.split(':').any(|part| part == "user") {
        return Err(SessionError::Configuration("a prefix of sessions' keys has no `user:`".to_owned()));
    }
    Ok(server::valid_prefix(prefix)?)
}

impl From<RedisFailure> for SessionError {
    fn from(failure: RedisFailure) -> Self {
        match failure {
            RedisFailure::Configuration(said) => Self::Configuration(said),
            RedisFailure::Server(error) => Self::store(error),
            RedisFailure::TooLate(elapsed) => Self::store(elapsed),
        }
    }
}

/// From when on the record cannot stand, however it is used.
fn lasts_until(record: &SessionRecord) -> i64 {
    record.ends_at.max(record.expires_at).timestamp_micros()
}

/// How many milliseconds the server keeps something until then: rounded up, at most a century, and 0 when it is over.
fn left(now: DateTime<Utc>, until: i64) -> i64 {
    const CENTURY: i64 = 100 * 366 * 24 * 60 * 60 * 1000;
    let micros = until.saturating_sub(now.timestamp_micros());
    (micros.saturating_add(999) / 1000).clamp(0, CENTURY)
}

impl fmt::Debug for RedisSessionBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSessionBackend").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl SessionBackend for RedisSessionBackend {
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(self.connection.in_time(self.load_now(id)))
    }

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(self.connection.in_time(async move { self.save_now(id, &record, condition).await }))
    }

    fn touch<'a>(
        &'a self,
        id: &'a SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(self.connection.in_time(self.touch_now(id, seen_at, expires_at)))
    }

    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(self.connection.in_time(self.delete_now(id, None)))
    }

    fn exists<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(self.connection.in_time(async move { Ok(self.load_now(id).await?.is_some()) }))
    }

    fn user_sessions(&self) -> Option<&dyn UserSessions> {
        Some(self)
    }

    fn scan(&self) -> Option<&dyn SessionScan> {
        self.has_all_keys.then_some(self as &dyn SessionScan)
    }
}

macro_rules! register {
    ($($scheme:literal)*) => {
        $(inventory::submit! {
            SessionBackendEntry { scheme: $scheme, connect, place: Place::new(module_path!(), file!(), line!()) }
        })*
    };
}

register!("redis" "rediss" "redis+sentinel" "rediss+sentinel" "redis+cluster" "rediss+cluster");

fn connect<'a>(url: &'a Url, context: &'a Context) -> BoxFuture<'a, Result<DynSessionBackend, SessionError>> {
    Box::pin(async move {
        let backend = RedisSessionBackend::connect(url).await?.with_clock(context.clock.clone());
        Ok(Arc::new(backend) as DynSessionBackend)
    })
}
