use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Cache, CacheError, CacheVersion, Cached, MAX_VALUE, Replaced};
use crate::BoxFuture;
use crate::redis::{self as server, Address, Connection, RedisFailure, Script, valid_prefix};
use crate::registry::Url;
use crate::secret;

/// Keeps values in Redis 6 or later.
///
#[doc = include_str!("../redis/address.md")]
///
/// All requests share one connection to each server, which is made again by itself when it breaks; so is the choice of the
/// server, after a failover. No call takes longer than a time-out of two seconds; then, or when the server is gone, it is
/// [`CacheError::Store`]. A read that fails is tried again, a change is not, unless the server said that it did not make it.
///
/// In front of a value stand 16 random bytes, made at each writing: what its version is told by. Lifetimes are exact to
/// the millisecond, at most a century.
///
/// # Security
/// Give the server a password and a network of its own, or TLS. A replica that takes over does not know what its master
/// answered last: what was removed may stand there again.
#[derive(Clone)]
pub struct RedisCache {
    connection: Connection,
    replace: Arc<Script>,
    prefix: Arc<str>,
}

const VERSION: usize = 16;

/// The key; the version, the new value with its version, its lifetime in milliseconds.
const REPLACE: &str = r"
local version = redis.call('GETRANGE', KEYS[1], 0, 15)
if version == '' then return 2 end
if version ~= ARGV[1] then return 1 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 0
";

impl RedisCache {
    /// How long a call takes at the most, unless something else is said.
    pub const TIMEOUT: Duration = server::TIMEOUT;

    /// Connects to the server at this address.
    ///
    /// # Errors
    /// [`CacheError::Configuration`] when that is no address of a Redis, [`CacheError::Store`] when it cannot be reached.
    pub async fn connect(url: impl Into<Url>) -> Result<Self, CacheError> {
        Self::connect_with_timeout(url, Self::TIMEOUT).await
    }

    /// The same with another time-out for every call, connecting included; one that stands in the address goes first.
    ///
    /// # Errors
    /// As [`RedisCache::connect`].
    pub async fn connect_with_timeout(url: impl Into<Url>, timeout: Duration) -> Result<Self, CacheError> {
        let address = Address::parse(&url.into())?;
        let connection = Connection::open(&address, address.timeout.unwrap_or(timeout)).await?;
        let cache = Self { connection, replace: Arc::new(Script::new(REPLACE.to_owned())), prefix: "".into() };
        match address.prefix {
            Some(prefix) => cache.with_prefix(&prefix),
            None => Ok(cache),
        }
    }

    /// The same with this in front of every key, so that several applications can share a server.
    ///
    /// # Errors
    /// [`CacheError::Configuration`] unless it is at most 64 letters, digits, `_`, `-`, `.`, `/` and `:`, and ends with a
    /// colon.
    pub fn with_prefix(mut self, prefix: &str) -> Result<Self, CacheError> {
        self.prefix = valid_prefix(prefix)?.into();
        Ok(self)
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    async fn get_now(&self, key: &str) -> Result<Option<Cached>, CacheError> {
        let mut command = redis::cmd("GETRANGE");
        // One byte more than a value can have, so that a longer one is noticed.
        command.arg(self.key(key)).arg(0).arg(VERSION + MAX_VALUE);
        let mut bytes: Vec<u8> = self.connection.read(&command).await?;
        if bytes.len() > VERSION + MAX_VALUE {
            return Err(CacheError::TooLarge);
        }
        // What somebody else wrote can be shorter than a version. It has one too, and can be replaced.
        let value = bytes.split_off(VERSION.min(bytes.len()));
        Ok((!bytes.is_empty()).then(|| Cached::new(value, CacheVersion::new(&bytes))))
    }

    async fn insert_now(&self, key: &str, value: &[u8], lifetime: Duration) -> Result<bool, CacheError> {
        let mut command = redis::cmd("SET");
        command.arg(self.key(key)).arg(versioned(value)?).arg("NX").arg("PX").arg(milliseconds(lifetime));
        let set: Option<String> = self.connection.change(&command).await?;
        Ok(set.is_some())
    }

    async fn replace_now(
        &self,
        key: &str,
        version: &CacheVersion,
        value: &[u8],
        lifetime: Duration,
    ) -> Result<Replaced, CacheError> {
        let call = self.replace.of(self.key(key)).arg(version.as_bytes()).arg(versioned(value)?);
        Ok(match self.connection.run::<u8>(call.arg(milliseconds(lifetime))).await? {
            0 => Replaced::Done,
            1 => Replaced::Changed,
            _ => Replaced::Gone,
        })
    }

    async fn delete_now(&self, key: &str) -> Result<bool, CacheError> {
        let mut command = redis::cmd("DEL");
        command.arg(self.key(key));
        Ok(self.connection.change(&command).await?)
    }
}

impl From<RedisFailure> for CacheError {
    fn from(failure: RedisFailure) -> Self {
        match failure {
            RedisFailure::Configuration(said) => Self::Configuration(said),
            RedisFailure::Server(error) => Self::store(error),
            RedisFailure::TooLate(elapsed) => Self::store(elapsed),
        }
    }
}

/// The value behind a version that no other has.
fn versioned(value: &[u8]) -> Result<Vec<u8>, CacheError> {
    if value.len() > MAX_VALUE {
        return Err(CacheError::TooLarge);
    }
    Ok([&secret::random::<VERSION>(), value].concat())
}

/// Rounded up, at least one, since Redis refuses none.
fn milliseconds(lifetime: Duration) -> u64 {
    const CENTURY: u64 = 100 * 366 * 24 * 60 * 60 * 1000;
    let rounded_up = lifetime.as_nanos().div_ceil(1_000_000);
    u64::try_from(rounded_up).unwrap_or(CENTURY).clamp(1, CENTURY)
}

impl fmt::Debug for RedisCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisCache").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Cache for RedisCache {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Cached>, CacheError>> {
        Box::pin(self.connection.in_time(self.get_now(key)))
    }

    fn insert<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<bool, CacheError>> {
        Box::pin(self.connection.in_time(self.insert_now(key, value, lifetime)))
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        version: &'a CacheVersion,
        value: &'a [u8],
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<Replaced, CacheError>> {
        Box::pin(self.connection.in_time(self.replace_now(key, version, value, lifetime)))
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, CacheError>> {
        Box::pin(self.connection.in_time(self.delete_now(key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_rounded_up_and_bounded() {
        for (lifetime, expected) in [
            (Duration::ZERO, 1),
            (Duration::from_nanos(1), 1),
            (Duration::from_millis(7), 7),
            (Duration::from_micros(7001), 8),
            (Duration::MAX, 3_162_240_000_000),
        ] {
            assert_eq!(milliseconds(lifetime), expected, "{lifetime:?}");
        }
    }
}
