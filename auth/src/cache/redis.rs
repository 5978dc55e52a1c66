use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::{TcpSettings, socket2};
use redis::{Client, IntoConnectionInfo as _, RedisError, Script};

use super::{Cache, CacheError, CacheVersion, Cached, MAX_VALUE, Replaced};
use crate::BoxFuture;
use crate::registry::Url;
use crate::secret;

/// Keeps values in Redis 6 or later.
///
/// All requests share one connection, which is made again by itself when it breaks. No call takes longer than a time-out
/// of two seconds; then, or when the server is gone, it is [`CacheError::Store`].
///
/// In front of a value stand 16 random bytes, made at each writing: what its version is told by. Lifetimes are exact to
/// the millisecond, at most a century.
///
/// # Security
/// Give the server a password and a network of its own. There is no TLS yet.
#[derive(Clone)]
pub struct RedisCache {
    manager: ConnectionManager,
    replace: Arc<Script>,
    timeout: Duration,
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
    pub const TIMEOUT: Duration = Duration::from_secs(2);

    /// Connects to the server at this address: `redis://user:password@host:6379/0`.
    ///
    /// # Errors
    /// [`CacheError::Configuration`] when that is no address of a Redis, [`CacheError::Store`] when it cannot be reached.
    pub async fn connect(url: impl Into<Url>) -> Result<Self, CacheError> {
        Self::connect_with_timeout(url, Self::TIMEOUT).await
    }

    /// The same with another time-out for every call, connecting included.
    ///
    /// # Errors
    /// As [`RedisCache::connect`].
    pub async fn connect_with_timeout(url: impl Into<Url>, timeout: Duration) -> Result<Self, CacheError> {
        let no_address = |error: RedisError| CacheError::Configuration(format!("no address of a Redis: {error}"));
        let info = url.into().expose().into_connection_info().map_err(no_address)?;
        let tcp = TcpSettings::default().set_nodelay(true).set_keepalive(socket2::TcpKeepalive::new());
        // A server that vanished without a word would otherwise keep its connection for a quarter of an hour.
        #[cfg(target_os = "linux")]
        let tcp = tcp.set_user_timeout(timeout * 2);
        let client = Client::open(info.set_tcp_settings(tcp)).map_err(no_address)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(timeout))
            .set_pipeline_buffer_size(1024)
            .set_number_of_retries(3)
            .set_min_delay(Duration::from_millis(20))
            .set_max_delay(Duration::from_millis(500));
        let manager = in_time(timeout, ConnectionManager::new_with_config(client, config)).await?;
        Ok(Self { manager, replace: Arc::new(Script::new(REPLACE)), timeout })
    }

    /// A read is tried again on the next connection, so that a server that was restarted between two requests is not
    /// noticed.
    async fn get_now(&self, key: &str) -> Result<Option<Cached>, CacheError> {
        let mut manager = self.manager.clone();
        let mut command = redis::cmd("GETRANGE");
        // One byte more than a value can have, so that a longer one is noticed.
        command.arg(key).arg(0).arg(VERSION + MAX_VALUE);
        let mut bytes: Vec<u8> = in_time(self.timeout, async move {
            match command.query_async(&mut manager).await {
                Err(error) if error.is_connection_dropped() => command.query_async(&mut manager).await,
                result => result,
            }
        })
        .await?;
        if bytes.len() > VERSION + MAX_VALUE {
            return Err(CacheError::TooLarge);
        }
        // What somebody else wrote can be shorter than a version. It has one too, and can be replaced.
        let value = bytes.split_off(VERSION.min(bytes.len()));
        Ok((!bytes.is_empty()).then(|| Cached::new(value, CacheVersion::new(&bytes))))
    }

    async fn insert_now(&self, key: &str, value: &[u8], lifetime: Duration) -> Result<bool, CacheError> {
        let mut manager = self.manager.clone();
        let mut command = redis::cmd("SET");
        command.arg(key).arg(versioned(value)?).arg("NX").arg("PX").arg(milliseconds(lifetime));
        let set: Option<String> = in_time(self.timeout, command.query_async(&mut manager)).await?;
        Ok(set.is_some())
    }

    /// Run once, since nobody knows whether a script that broke off was run.
    async fn replace_now(
        &self,
        key: &str,
        version: &CacheVersion,
        value: &[u8],
        lifetime: Duration,
    ) -> Result<Replaced, CacheError> {
        let mut manager = self.manager.clone();
        let mut script = self.replace.key(key);
        script.arg(version.as_bytes()).arg(versioned(value)?).arg(milliseconds(lifetime));
        Ok(match in_time(self.timeout, script.invoke_async::<u8>(&mut manager)).await? {
            0 => Replaced::Done,
            1 => Replaced::Changed,
            _ => Replaced::Gone,
        })
    }

    async fn delete_now(&self, key: &str) -> Result<bool, CacheError> {
        let mut manager = self.manager.clone();
        in_time(self.timeout, redis::cmd("DEL").arg(key).query_async(&mut manager)).await
    }
}

async fn in_time<T>(timeout: Duration, work: impl Future<Output = Result<T, RedisError>>) -> Result<T, CacheError> {
    tokio::time::timeout(timeout, work).await.map_err(CacheError::store)?.map_err(CacheError::store)
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
        f.debug_struct("RedisCache").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl Cache for RedisCache {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Cached>, CacheError>> {
        Box::pin(self.get_now(key))
    }

    fn insert<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<bool, CacheError>> {
        Box::pin(self.insert_now(key, value, lifetime))
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        version: &'a CacheVersion,
        value: &'a [u8],
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<Replaced, CacheError>> {
        Box::pin(self.replace_now(key, version, value, lifetime))
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, CacheError>> {
        Box::pin(self.delete_now(key))
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
