mod connection;
mod scan;
mod scripts;
mod users;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use redis::{Script, ScriptInvocation};

use self::connection::Connection;
use self::scripts::{CONFLICT, DONE, LIMIT_REACHED, Scripts};
use crate::BoxFuture;
use crate::clock::{Clock, SystemClock};
use crate::registry::{Context, Place, Url};
use crate::sessions::{
    DynSessionBackend, SaveIf, Saved, SessionBackend, SessionBackendEntry, SessionDigest, SessionError, SessionLimit,
    SessionRecord, SessionScan, UserSessions, WhenFull, encoding,
};

/// Keeps sessions in Redis 6 or later: one value for each, which expires with its session.
///
/// Keys are `auth:session:<digest>`, and `auth:session:user:<key>` for the set of a user's sessions; another prefix is set with [`RedisSessionBackend::with_prefix`]. All requests
/// share one connection, which is made again by itself when it breaks. No call takes longer than a time-out of two
/// seconds; then, or when the server is gone, it is [`SessionError::Store`]. Scripts derive keys from the prefix, so a
/// cluster is not served.
///
/// Whether a session has expired is told by the application's clock. The server is told how long to keep a value, not
/// until when, so that its own clock need not agree.
///
/// # Security
/// The values stand under a digest of the session key: whoever reads the server cannot take over a session. Whoever can
/// write to it can log in as anybody: give it a password and a network of its own. There is no TLS yet.
///
/// A server that evicts values under memory pressure logs people out. One that was restarted from an old snapshot, or
/// replaced by a replica that lagged behind, can bring back a session that was ended in between: for at most what was
/// left of its lifetime.
#[derive(Clone)]
pub struct RedisSessionBackend {
    connection: Connection,
    scripts: Arc<Scripts>,
    prefix: Arc<str>,
    clock: Arc<dyn Clock>,
}

impl RedisSessionBackend {
    /// What keys begin with, unless something else is said.
    pub const PREFIX: &'static str = "auth:session:";
    /// How long a call takes at the most, unless something else is said.
    pub const TIMEOUT: Duration = Duration::from_secs(2);

    /// Connects to the server at this address: `redis://user:password@host:6379/0`.
    ///
    /// # Errors
    /// [`SessionError::Configuration`] when that is no address of a Redis, [`SessionError::Store`] when it cannot be
    /// reached.
    pub async fn connect(url: impl Into<Url>) -> Result<Self, SessionError> {
        Self::connect_with_timeout(url, Self::TIMEOUT).await
    }

    /// The same with another time-out for every call, connecting included.
    ///
    /// # Errors
    /// As [`RedisSessionBackend::connect`].
    pub async fn connect_with_timeout(url: impl Into<Url>, timeout: Duration) -> Result<Self, SessionError> {
        let connection = Connection::open(&url.into(), timeout).await?;
        let (scripts, clock) = (Arc::new(Scripts::new()), Arc::new(SystemClock));
        Ok(Self { connection, scripts, prefix: Self::PREFIX.into(), clock })
    }

    /// The same with keys that begin otherwise, so that several applications can share a server.
    ///
    /// # Security
    /// End it with a character that no other prefix has there: under `a` and `a:b`, say, the keys of one application
    /// could be taken for the other's.
    #[must_use]
    pub fn with_prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
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

    fn now(&self) -> i64 {
        self.clock.now().timestamp_micros()
    }

    /// A script about one record.
    fn about_one<'a>(&self, script: &'a Script, id: &SessionDigest, now: DateTime<Utc>) -> ScriptInvocation<'a> {
        let mut script = script.key(self.key(id));
        script.arg(now.timestamp_micros()).arg(self.users()).arg(id.to_string());
        script
    }

    /// The live record, out of at most so many bytes of it.
    async fn load_now(&self, id: &SessionDigest) -> Result<Option<Arc<SessionRecord>>, SessionError> {
        // One byte more than a record can have, so that a longer value is noticed.
        let bytes = self.connection.read(&self.key(id), encoding::MAX_BYTES + 1).await?;
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
        limit: Option<SessionLimit>,
    ) -> Result<Saved, SessionError> {
        let version = match condition {
            SaveIf::Absent => Vec::new(),
            SaveIf::Version(version) => version.to_be_bytes().to_vec(),
        };
        let now = self.clock.now();
        let mut script = self.about_one(&self.scripts.save, id, now);
        script.arg(encoding::encode(record)?).arg(left(now, record.expires_at)).arg(version);
        let makes_room = if limit.is_some_and(|limit| limit.when_full == WhenFull::EndOldest) { "1" } else { "" };
        script
            .arg(limit.map(|limit| limit.others().to_string()).unwrap_or_default())
            .arg(makes_room)
            .arg(&*self.prefix);
        match (self.connection.run::<u8>(&script).await?, limit) {
            (DONE, _) => Ok(Saved::Done),
            (CONFLICT, _) => Ok(Saved::Conflict),
            (LIMIT_REACHED, Some(limit)) => Err(limit.reached()),
            _ => Ok(Saved::Gone),
        }
    }

    async fn touch_now(
        &self,
        id: &SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<bool, SessionError> {
        let now = self.clock.now();
        let mut script = self.about_one(&self.scripts.touch, id, now);
        script.arg(encoding::moved(seen_at, expires_at).as_slice()).arg(encoding::MOVED_AT);
        script.arg(left(now, expires_at));
        self.connection.run(&script).await
    }

    async fn delete_now(&self, id: &SessionDigest) -> Result<bool, SessionError> {
        self.connection.run(&self.about_one(&self.scripts.delete, id, self.clock.now())).await
    }
}

/// For how many milliseconds the server keeps a record: rounded up, at most a century, and 0 when it has expired.
fn left(now: DateTime<Utc>, expires_at: DateTime<Utc>) -> i64 {
    const CENTURY: i64 = 100 * 366 * 24 * 60 * 60 * 1000;
    let micros = expires_at.timestamp_micros().saturating_sub(now.timestamp_micros());
    (micros.saturating_add(999) / 1000).clamp(0, CENTURY)
}

impl fmt::Debug for RedisSessionBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSessionBackend").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl SessionBackend for RedisSessionBackend {
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(self.load_now(id))
    }

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move { self.save_now(id, &record, condition, None).await })
    }

    fn touch<'a>(
        &'a self,
        id: &'a SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(self.touch_now(id, seen_at, expires_at))
    }

    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(self.delete_now(id))
    }

    fn exists<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move { Ok(self.load_now(id).await?.is_some()) })
    }

    fn user_sessions(&self) -> Option<&dyn UserSessions> {
        Some(self)
    }

    fn scan(&self) -> Option<&dyn SessionScan> {
        Some(self)
    }
}

inventory::submit! {
    SessionBackendEntry { scheme: "redis", connect, place: Place::new(module_path!(), file!(), line!()) }
}

fn connect<'a>(url: &'a Url, context: &'a Context) -> BoxFuture<'a, Result<DynSessionBackend, SessionError>> {
    Box::pin(async move {
        let backend = RedisSessionBackend::connect(url).await?.with_clock(context.clock.clone());
        Ok(Arc::new(backend) as DynSessionBackend)
    })
}
