mod encoding;
mod index;
mod scripts;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::encoding::{MAX_BYTES, Stored, decode, encode, renewed};
use self::scripts::{CHANGED, DONE, GONE, Scripts, UNNOTED};
use crate::BoxFuture;
use crate::clock::{Clock, SystemClock};
use crate::records::fit::{check, is_id, new_version};
use crate::records::{NewRecord, Record, RecordError, RecordKind, RecordReplaced, RecordStore};
use crate::redis::{self as server, Address, Connection, Kind, RedisFailure, each, valid_prefix};
use crate::registry::Url;

/// Keeps records in Redis 6 or later: one value for each, which expires with its record.
///
#[doc = include_str!("../../../redis/address.md")]
///
/// Keys are `auth:record:<kind>:<id>`, and `auth:record:<kind>@<owner>` for the index of an owner's records, which goes
/// with the last of them. No prefix of one application may be the beginning of another's. All requests share one
/// connection to each server, which is made again by itself when it breaks; so is the choice of the server, after a
/// failover. No call takes longer than a time-out of two seconds; then, or when the server is gone, it is
/// [`RecordError::Store`]. A read that fails is tried again, a change is not, unless the server said that it did not make
/// it. So is a value that is damaged: whether it was to let somebody in or to keep somebody out cannot be told.
///
/// Whether a record has expired is told by the application's clock. The server is told how long to keep a value, not
/// until when, so that its own clock need not agree.
///
/// [`count`](RecordStore::count) walks through all keys of the server; in a cluster it is [`RecordError::Configuration`],
/// since no server of one has all keys.
///
/// # Security
/// A record that is lost may have been one that keeps somebody out: a revoked token. So the server must not evict
/// (`maxmemory-policy noeviction`, its default), and keep what it answered (`appendonly yes`, `appendfsync always`; with
/// `everysec` a crash loses the last second). At a failover, with sentinels and in a cluster, replicas follow a moment
/// behind: one that takes over does not know what its master answered last. `min-replicas-to-write 1` and a small
/// `min-replicas-max-lag` bound that.
///
/// Whoever can write to the server can make tokens and keys valid: give it a password and a network of its own, or TLS.
#[derive(Clone)]
pub struct RedisRecordStore {
    connection: Connection,
    /// One server has them.
    has_all_keys: bool,
    scripts: Arc<Scripts>,
    prefix: Arc<str>,
    clock: Arc<dyn Clock>,
}

impl RedisRecordStore {
    /// What keys begin with, unless something else is said.
    pub const PREFIX: &'static str = "auth:record:";
    /// How long a call takes at the most, unless something else is said.
    pub const TIMEOUT: Duration = server::TIMEOUT;

    /// Connects to the server at this address.
    ///
    /// # Errors
    /// [`RecordError::Configuration`] when that is no address of a Redis, [`RecordError::Store`] when it cannot be reached.
    pub async fn connect(url: impl Into<Url>) -> Result<Self, RecordError> {
        Self::connect_with_timeout(url, Self::TIMEOUT).await
    }

    /// The same with another time-out for every call, connecting included; one that stands in the address goes first.
    ///
    /// # Errors
    /// As [`RedisRecordStore::connect`].
    pub async fn connect_with_timeout(url: impl Into<Url>, timeout: Duration) -> Result<Self, RecordError> {
        let address = Address::parse(&url.into())?;
        let connection = Connection::open(&address, address.timeout.unwrap_or(timeout)).await?;
        let has_all_keys = address.kind != Kind::Cluster;
        let (scripts, clock) = (Arc::new(Scripts::new()), Arc::new(SystemClock));
        let store = Self { connection, has_all_keys, scripts, prefix: Self::PREFIX.into(), clock };
        match address.prefix {
            Some(prefix) => store.with_prefix(&prefix),
            None => Ok(store),
        }
    }

    /// The same with keys that begin otherwise, so that several applications can share a server.
    ///
    /// # Errors
    /// [`RecordError::Configuration`] unless it is at most 64 letters, digits, `_`, `-`, `.`, `/` and `:`, and ends with a
    /// colon.
    pub fn with_prefix(mut self, prefix: &str) -> Result<Self, RecordError> {
        self.prefix = valid_prefix(prefix)?.into();
        Ok(self)
    }

    /// The same, going by this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    fn key(&self, kind: RecordKind, id: &str) -> String {
        format!("{}{}:{id}", self.prefix, kind.name())
    }

    fn now(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }

    fn is_alive(&self, record: &Record) -> bool {
        self.clock.now() < record.expires_at
    }

    /// What stands there, alive or not.
    async fn load(&self, kind: RecordKind, id: &str) -> Result<Option<Stored>, RecordError> {
        if !is_id(id) {
            return Ok(None);
        }
        // One byte more than a record can have, so that a longer value is noticed.
        let mut command = redis::cmd("GETRANGE");
        command.arg(self.key(kind, id)).arg(0).arg(MAX_BYTES);
        read(&self.connection.read::<Vec<u8>>(&command).await?)
    }

    async fn get_now(&self, kind: RecordKind, ids: &[&str]) -> Result<Vec<Option<Record>>, RecordError> {
        each(ids, |id| async move {
            let stored = self.load(kind, id).await?;
            Ok(stored.map(|stored| stored.record).filter(|record| self.is_alive(record)))
        })
        .await
    }

    async fn insert_now(&self, kind: RecordKind, id: &str, record: NewRecord) -> Result<bool, RecordError> {
        check(id, &record)?;
        let (now, expires_at) = (self.now(), record.expires_at.timestamp_millis());
        let mark = index::mark(now);
        if let Some(owner) = record.owner.as_deref() {
            self.note(kind, owner, &mark, id, expires_at).await?;
        }
        let bytes = encode(new_version(), &record, &mark);
        let call = self.scripts.insert.of(self.key(kind, id)).arg(now).arg(bytes).arg(left(now, expires_at));
        let inserted: bool = self.connection.run(call).await?;
        if let Some(owner) = record.owner.as_deref().filter(|_| !inserted) {
            self.forget(kind, owner, &[format!("{mark}{id}")]).await;
        }
        Ok(inserted)
    }

    async fn replace_now(
        &self,
        kind: RecordKind,
        id: &str,
        version: u64,
        record: NewRecord,
    ) -> Result<RecordReplaced, RecordError> {
        check(id, &record)?;
        let expires_at = record.expires_at.timestamp_millis();
        let mut noted = None::<i64>;
        loop {
            let now = self.now();
            let call = self.scripts.replace.of(self.key(kind, id)).arg(now).arg(version.to_be_bytes().as_slice());
            let call = call.arg(renewed(new_version(), expires_at).as_slice()).arg(record.value.as_slice());
            let call = call.arg(left(now, expires_at));
            let noted_until = noted.map(i64::to_be_bytes);
            let call = call.arg(noted_until.as_ref().map_or(&[][..], |noted| noted.as_slice()));
            let (outcome, mark, owner): (u8, String, String) = self.connection.run(call).await?;
            match outcome {
                DONE => return Ok(RecordReplaced::Done),
                CHANGED => return Ok(RecordReplaced::Changed),
                GONE => return Ok(RecordReplaced::Gone),
                UNNOTED if noted.is_none() => {
                    // For twice as long, so that what is prolonged again and again is not noted each time.
                    let until = expires_at.saturating_add(left(now, expires_at));
                    self.note(kind, &owner, &mark, id, until).await?;
                    noted = Some(until);
                }
                _ => return Err(RecordError::store("an unknown answer")),
            }
        }
    }

    async fn take_now(&self, kind: RecordKind, id: &str) -> Result<Option<Record>, RecordError> {
        let Some(Stored { record, mark }) = self.take_marked(kind, id, None).await? else { return Ok(None) };
        if let Some(owner) = record.owner.as_deref() {
            self.forget(kind, owner, &[format!("{mark}{id}")]).await;
        }
        Ok(self.is_alive(&record).then_some(record))
    }

    /// Removes what stands there, alive or not; only what has this mark, if one is given.
    async fn take_marked(&self, kind: RecordKind, id: &str, mark: Option<&str>) -> Result<Option<Stored>, RecordError> {
        if !is_id(id) {
            return Ok(None);
        }
        read(&self.connection.run::<Vec<u8>>(self.scripts.take.of(self.key(kind, id)).arg(mark)).await?)
    }

    async fn count_now(&self, kind: RecordKind) -> Result<u64, RecordError> {
        if !self.has_all_keys {
            let rule = "a cluster cannot tell how many records there are: no server of it has all keys";
            return Err(RecordError::Configuration(rule.to_owned()));
        }
        let (mut cursor, mut count) = (0_u64, 0);
        loop {
            let mut command = redis::cmd("SCAN");
            // No character of a prefix or of a kind stands for others.
            command.arg(cursor).arg("MATCH").arg(self.key(kind, "*")).arg("COUNT").arg(1000);
            let (next, keys): (u64, Vec<Vec<u8>>) = self.connection.read(&command).await?;
            (cursor, count) = (next, count + keys.len() as u64);
            if cursor == 0 {
                return Ok(count);
            }
        }
    }
}

fn read(bytes: &[u8]) -> Result<Option<Stored>, RecordError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let stored = decode(bytes).filter(|_| bytes.len() <= MAX_BYTES);
    stored.map(Some).ok_or_else(|| RecordError::store("a record is damaged"))
}

/// How many milliseconds the server keeps something until then: at most a century, and 0 when it is over.
fn left(now: i64, until: i64) -> i64 {
    const CENTURY: i64 = 100 * 366 * 24 * 60 * 60 * 1000;
    until.saturating_sub(now).clamp(0, CENTURY)
}

impl From<RedisFailure> for RecordError {
    fn from(failure: RedisFailure) -> Self {
        match failure {
            RedisFailure::Configuration(said) => Self::Configuration(said),
            RedisFailure::Server(error) => Self::store(error),
            RedisFailure::TooLate(elapsed) => Self::store(elapsed),
        }
    }
}

impl fmt::Debug for RedisRecordStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisRecordStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl RecordStore for RedisRecordStore {
    fn get<'a>(
        &'a self,
        kind: RecordKind,
        ids: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Option<Record>>, RecordError>> {
        Box::pin(self.connection.in_time(self.get_now(kind, ids)))
    }

    fn insert<'a>(
        &'a self,
        kind: RecordKind,
        id: &'a str,
        record: NewRecord,
    ) -> BoxFuture<'a, Result<bool, RecordError>> {
        Box::pin(self.connection.in_time(self.insert_now(kind, id, record)))
    }

    fn replace<'a>(
        &'a self,
        kind: RecordKind,
        id: &'a str,
        version: u64,
        record: NewRecord,
    ) -> BoxFuture<'a, Result<RecordReplaced, RecordError>> {
        Box::pin(self.connection.in_time(self.replace_now(kind, id, version, record)))
    }

    fn take<'a>(&'a self, kind: RecordKind, id: &'a str) -> BoxFuture<'a, Result<Option<Record>, RecordError>> {
        Box::pin(self.connection.in_time(self.take_now(kind, id)))
    }

    fn owned<'a>(
        &'a self,
        kind: RecordKind,
        owner: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(String, Record)>, RecordError>> {
        Box::pin(self.connection.in_time(self.owned_now(kind, owner)))
    }

    fn delete_owned<'a>(&'a self, kind: RecordKind, owner: &'a str) -> BoxFuture<'a, Result<u64, RecordError>> {
        Box::pin(self.connection.in_time(self.delete_owned_now(kind, owner)))
    }

    fn count(&self, kind: RecordKind) -> BoxFuture<'_, Result<u64, RecordError>> {
        Box::pin(self.connection.in_time(self.count_now(kind)))
    }

    fn cleanup_expired(&self, _: u32) -> BoxFuture<'_, Result<u64, RecordError>> {
        Box::pin(std::future::ready(Ok(0)))
    }
}
