use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::BoxFuture;
use crate::limits::rule::millis;
use crate::limits::{Attempt, LimitError, LimitKey, LimitRule, LimitStore, Settlement, Tries};
use crate::redis::{self as server, Address, Connection, RedisFailure, Script, valid_prefix};
use crate::registry::Url;

/// Counts tries in Redis 6 or later, for all who use the server.
///
#[doc = include_str!("../../redis/address.md")]
///
/// Keys are `auth:limit:{all}:<digest>`, and go when what they hold has expired. What stands between the brackets is the
/// same for all, so that one script, which is one step, sees all keys of an attempt; in a cluster one node has them all.
/// All requests share one connection, which is made again by itself when it breaks; so is the choice of the server,
/// after a failover. No call takes longer than a time-out of two seconds; then, or when the server is gone, it is
/// [`LimitError::Store`]. A call is not made again unless the server said that it did not run it, so no try is counted
/// twice.
///
/// The time is the application's. The server is told how long to keep a value, not until when, so that its own clock
/// need not agree. Those of several machines should: one that is ahead forgets earlier.
///
/// # Security
/// Whoever can write to the server can end every limit: give it a password and a network of its own, or TLS. A server
/// that evicts values under memory pressure forgets limits: set `maxmemory-policy noeviction`, with which it refuses to
/// count, and so nothing is allowed. What it forgets in a crash or at a failover are the tries of the last moments (with
/// `appendfsync everysec` one second, with snapshots all since the last one).
#[derive(Clone)]
pub struct RedisLimitStore {
    connection: Connection,
    scripts: Arc<Scripts>,
    prefix: Arc<str>,
}

struct Scripts {
    attempt: Script,
    settle: Script,
}

impl RedisLimitStore {
    /// What keys begin with, unless something else is said.
    pub const PREFIX: &'static str = "auth:limit:";
    /// How long a call takes at the most, unless something else is said.
    pub const TIMEOUT: Duration = server::TIMEOUT;

    /// Connects to the server at this address.
    ///
    /// # Errors
    /// [`LimitError::Configuration`] when that is no address of a Redis, [`LimitError::Store`] when it cannot be reached.
    pub async fn connect(url: impl Into<Url>) -> Result<Self, LimitError> {
        Self::connect_with_timeout(url, Self::TIMEOUT).await
    }

    /// The same with another time-out for every call, connecting included; one that stands in the address goes first.
    ///
    /// # Errors
    /// As [`RedisLimitStore::connect`].
    pub async fn connect_with_timeout(url: impl Into<Url>, timeout: Duration) -> Result<Self, LimitError> {
        let address = Address::parse(&url.into())?;
        let connection = Connection::open(&address, address.timeout.unwrap_or(timeout)).await?;
        let store = Self { connection, scripts: Arc::new(Scripts::new()), prefix: Self::PREFIX.into() };
        match address.prefix {
            Some(prefix) => store.with_prefix(&prefix),
            None => Ok(store),
        }
    }

    /// The same with keys that begin otherwise, so that several applications can share a server.
    ///
    /// # Errors
    /// [`LimitError::Configuration`] unless it is at most 64 letters, digits, `_`, `-`, `.`, `/` and `:`, and ends with a
    /// colon.
    pub fn with_prefix(mut self, prefix: &str) -> Result<Self, LimitError> {
        self.prefix = valid_prefix(prefix)?.into();
        Ok(self)
    }

    fn keys<T>(&self, of: &[(LimitKey, T)]) -> Vec<String> {
        of.iter().map(|(key, _)| format!("{}{{all}}:{}", self.prefix, key.to_hex())).collect()
    }

    async fn attempt_now(&self, limits: &[(LimitKey, LimitRule)], now: DateTime<Utc>) -> Result<Attempt, LimitError> {
        if limits.is_empty() {
            return Ok(Attempt::Counted(Vec::new()));
        }
        let mut call = self.scripts.attempt.of_all(&self.keys(limits)).arg(now.timestamp_millis());
        for (_, rule) in limits {
            let (kind, numbers) = match rule {
                LimitRule::Backoff(backoff) => {
                    let waits = [backoff.first_wait, backoff.longest_wait].map(millis);
                    let kept = [backoff.locked_for, backoff.forgotten_after].map(millis);
                    let (free, lock_after) = (backoff.free().into(), backoff.lock_after().into());
                    ("backoff", [free, waits[0], waits[1], lock_after, kept[0], kept[1]])
                }
                LimitRule::Rate(rate) => ("rate", [millis(rate.period()), millis(rate.tolerance()), 0, 0, 0, 0]),
            };
            call = call.arg(kind).arg(&numbers);
        }
        let answer: Vec<i64> = self.connection.run(call).await?;
        match *answer.as_slice() {
            [0, ref counted @ ..] if counted.len() == 3 * limits.len() => {
                counted.chunks_exact(3).map(tries).collect::<Option<_>>().map(Attempt::Counted)
            }
            [wait] if wait > 0 => Some(Attempt::Wait(Duration::from_millis(wait.unsigned_abs()))),
            _ => None,
        }
        .ok_or_else(|| LimitError::store("Redis answered something else"))
    }

    async fn settle_now(&self, settlements: &[(LimitKey, Settlement)], now: DateTime<Utc>) -> Result<(), LimitError> {
        if settlements.is_empty() {
            return Ok(());
        }
        let mut call = self.scripts.settle.of_all(&self.keys(settlements)).arg(now.timestamp_millis());
        for (_, settlement) in settlements {
            let (what, numbers) = match settlement {
                Settlement::Forget => ("forget", [0; 3]),
                Settlement::TakeBack { rule: LimitRule::Backoff(_), counted } => {
                    ("backoff", [counted.not_before, counted.expires, 0])
                }
                Settlement::TakeBack { rule: LimitRule::Rate(rate), counted } => {
                    ("rate", [counted.not_before, counted.expires, millis(rate.period())])
                }
            };
            call = call.arg(what).arg(&numbers);
        }
        Ok(self.connection.run(call).await?)
    }
}

impl Scripts {
    fn new() -> Self {
        let script = |code: &str| Script::new([include_str!("redis.lua"), code].concat());
        Self { attempt: script(include_str!("redis_attempt.lua")), settle: script(include_str!("redis_settle.lua")) }
    }
}

fn tries(numbers: &[i64]) -> Option<Tries> {
    let [count, not_before, expires] = *numbers else { return None };
    Some(Tries { count: count.try_into().ok()?, not_before, expires })
}

impl From<RedisFailure> for LimitError {
    fn from(failure: RedisFailure) -> Self {
        match failure {
            RedisFailure::Configuration(said) => Self::Configuration(said),
            RedisFailure::Server(error) => Self::store(error),
            RedisFailure::TooLate(elapsed) => Self::store(elapsed),
        }
    }
}

impl fmt::Debug for RedisLimitStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLimitStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl LimitStore for RedisLimitStore {
    fn attempt<'a>(
        &'a self,
        limits: &'a [(LimitKey, LimitRule)],
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Attempt, LimitError>> {
        Box::pin(self.connection.in_time(self.attempt_now(limits, now)))
    }

    fn settle<'a>(
        &'a self,
        settlements: &'a [(LimitKey, Settlement)],
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<(), LimitError>> {
        Box::pin(self.connection.in_time(self.settle_now(settlements, now)))
    }
}
