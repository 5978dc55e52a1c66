use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use memcache::exp::{AsyncMetaClient, Delete, Error, Get, Meta, MutationStatus, Operation, Router, Set};
use sha2::{Digest as _, Sha256};

use super::{Cache, CacheError, CacheVersion, Cached, MAX_VALUE, Replaced};
use crate::BoxFuture;
use crate::registry::Url;

/// Keeps values in one memcached or several, 1.6 or later.
///
/// The address is `memcached://host:port`, or `memcached://one:11211,other:11211`: each key then has its server, told by a
/// digest of both names, so every program must list the same names, in any order. There is no other server for a key
/// whose own is gone: that is [`CacheError::Store`], as is every call that takes longer than a time-out of two seconds.
/// Up to 32 connections to each server are kept, and made again when they break. Names are looked up once, at the start.
///
/// Lifetimes are whole seconds, rounded up, and one more, since the server's seconds begin when they like. Those above 30
/// days are told as a moment of Unix time, by this machine's clock, at the latest the last of January 19, 2038, which is
/// as far as memcached counts. Keys that the protocol does not take stand there as their SHA-256.
///
/// A value has at most 1023 KiB, as memcached's own limit is 1 MiB with the key and what it notes of it.
///
/// # Security
/// The server does not ask who is there, and nothing is encrypted: whoever reaches it reads and writes everything. Give it
/// a private network, `-l` and `-U 0`. Start a server again (or `flush_all`) before it is listed once more: it would give
/// back what was removed meanwhile elsewhere.
#[derive(Clone)]
pub struct MemcachedCache {
    client: AsyncMetaClient,
    max_value: usize,
    timeout: Duration,
}

const CONNECTIONS: usize = 32;
const SCHEME: &str = "memcached:";

impl MemcachedCache {
    /// How long a call takes at the most, unless something else is said.
    pub const TIMEOUT: Duration = Duration::from_secs(2);
    /// The most bytes of a value, unless something else is said.
    pub const MAX_VALUE: usize = 1023 << 10;

    /// Connects to the servers at this address: `memcached://host:port[,host:port…]`, the port 11211 when none is given.
    ///
    /// # Errors
    /// [`CacheError::Configuration`] when that is no such address, [`CacheError::Store`] when one cannot be reached.
    pub async fn connect(url: impl Into<Url>) -> Result<Self, CacheError> {
        Self::connect_with_timeout(url, Self::TIMEOUT).await
    }

    /// The same with another time-out for every call, connecting included.
    ///
    /// # Errors
    /// As [`MemcachedCache::connect`].
    pub async fn connect_with_timeout(url: impl Into<Url>, timeout: Duration) -> Result<Self, CacheError> {
        let servers = servers(url.into().expose())
            .ok_or_else(|| CacheError::Configuration("no address of a memcached: memcached://host:port".to_owned()))?;
        let builder = AsyncMetaClient::builder()
            .router(ByDigest)
            .max_connections(Some(CONNECTIONS))
            .max_idle(CONNECTIONS)
            .connect_timeout(Some(timeout))
            .io_timeout(Some(timeout));
        let client = in_time(timeout, async {
            let client = builder.connect_multiple_async(servers).await?;
            client.noop().await.map(|()| client)
        })
        .await?;
        Ok(Self { client, max_value: Self::MAX_VALUE, timeout })
    }

    /// The same with values of up to so many bytes, but no more than [`MAX_VALUE`], for servers that were started with `-I`.
    ///
    /// Leave room for the key and 100 bytes: a server that is given more than it takes removes the value that is there.
    #[must_use]
    pub fn with_max_value(mut self, bytes: usize) -> Self {
        self.max_value = bytes.min(MAX_VALUE);
        self
    }

    async fn run<O: Operation>(&self, operation: O) -> Result<O::Output, CacheError> {
        in_time(self.timeout, self.client.run(operation)).await
    }

    async fn get_now(&self, key: &str) -> Result<Option<Cached>, CacheError> {
        let get = Get::new(wire_key(key).as_bytes()).meta(Meta::NONE.cas());
        let found = self.run(get).await?;
        match (found.value, found.item.cas) {
            (Some(value), _) if value.len() > MAX_VALUE => Err(CacheError::TooLarge),
            (Some(value), Some(cas)) => Ok(Some(Cached::new(value, CacheVersion::new(&cas.to_be_bytes())))),
            (Some(_), None) => Err(CacheError::store("the server told no version")),
            (None, _) => Ok(None),
        }
    }

    fn set(&self, key: &str, value: &[u8], lifetime: Duration) -> Result<Set, CacheError> {
        if value.len() > self.max_value {
            return Err(CacheError::TooLarge);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Set::new(wire_key(key).as_bytes(), value).ttl_raw(seconds(lifetime, now)))
    }

    async fn insert_now(&self, key: &str, value: &[u8], lifetime: Duration) -> Result<bool, CacheError> {
        Ok(self.run(self.set(key, value, lifetime)?.add()).await?.applied())
    }

    async fn replace_now(
        &self,
        key: &str,
        version: &CacheVersion,
        value: &[u8],
        lifetime: Duration,
    ) -> Result<Replaced, CacheError> {
        let set = self.set(key, value, lifetime)?;
        // A version of another cache is none that stands here.
        let Ok(cas) = version.as_bytes().try_into() else { return Ok(Replaced::Changed) };
        match self.run(set.compare_cas(u64::from_be_bytes(cas))).await?.status {
            MutationStatus::Applied => Ok(Replaced::Done),
            MutationStatus::NotFound => Ok(Replaced::Gone),
            _ => Ok(Replaced::Changed),
        }
    }

    async fn delete_now(&self, key: &str) -> Result<bool, CacheError> {
        Ok(self.run(Delete::new(wire_key(key).as_bytes())).await?.applied())
    }
}

async fn in_time<T>(timeout: Duration, work: impl Future<Output = Result<T, Error>>) -> Result<T, CacheError> {
    tokio::time::timeout(timeout, work).await.map_err(CacheError::store)?.map_err(failure)
}

/// The client's errors repeat the key, which may be a secret: only what caused them is kept.
fn failure(error: Error) -> CacheError {
    match error {
        Error::Ambiguous { source, .. } => failure(*source),
        Error::Timeout { .. } => CacheError::store(std::io::Error::from(std::io::ErrorKind::TimedOut)),
        Error::Server(said) if said.contains("too large") => CacheError::TooLarge,
        error => CacheError::store(error),
    }
}

/// `host:port` of each server that the address lists.
fn servers(address: &str) -> Option<Vec<String>> {
    const MOST: usize = 256;
    let list = address.strip_prefix(SCHEME)?.strip_prefix("//")?;
    let servers: Option<Vec<_>> = list.split(',').map(server).collect();
    servers.filter(|servers| servers.len() <= MOST)
}

/// A name or an IPv4 address, or an IPv6 address in brackets; then a port, or memcached's own.
fn server(text: &str) -> Option<String> {
    const PORT: u16 = 11211;
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            (host, port.parse().ok().filter(|_| port.bytes().all(|byte| byte.is_ascii_digit()))?)
        }
        _ => (text, PORT),
    };
    let is_host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)),
    };
    is_host.then(|| format!("{host}:{port}"))
}

/// Gives each key the server whose name and the key have the highest digest together: the same one in every program, and
/// when the list changes, only the keys of that server move.
struct ByDigest;

impl Router for ByDigest {
    fn route(&self, key: &[u8], servers: &[String]) -> usize {
        let digest = |server: &String| -> [u8; 32] {
            Sha256::new().chain_update(server).chain_update(b"\n").chain_update(key).finalize().into()
        };
        (0..servers.len()).max_by_key(|at| digest(&servers[*at])).unwrap_or_default()
    }
}

/// The key as it is where the protocol takes it, and otherwise its digest. No other key begins like a digest.
fn wire_key(key: &str) -> Cow<'_, str> {
    const DIGEST: &str = "sha256:";
    const LONGEST: usize = 250;
    let is_plain = (1..=LONGEST).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain && !key.starts_with(DIGEST) {
        return key.into();
    }
    format!("{DIGEST}{}", Base64UrlUnpadded::encode_string(&Sha256::digest(key))).into()
}

/// A lifetime as the protocol has it: so many seconds, or, above 30 days, a moment of Unix time that fits 31 bits.
fn seconds(lifetime: Duration, unix_now: Duration) -> u32 {
    const LONGEST: u64 = 30 * 24 * 60 * 60;
    const LAST: u64 = i32::MAX as u64;
    let left = lifetime.as_secs().saturating_add(u64::from(lifetime.subsec_nanos() > 0)).saturating_add(1);
    let until = unix_now.as_secs().saturating_add(left).min(LAST);
    let told =
        if left <= LONGEST || until < unix_now.as_secs().saturating_add(LONGEST) { left.min(LONGEST) } else { until };
    u32::try_from(told).unwrap_or(u32::MAX)
}

impl fmt::Debug for MemcachedCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemcachedCache").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl Cache for MemcachedCache {
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
    fn addresses_are_lists_of_hosts() {
        for (address, expected) in [
            ("memcached://cache", "cache:11211"),
            ("memcached://127.0.0.1:1", "127.0.0.1:1"),
            ("memcached://a:1,b.example,[::1]:2,[::1]", "a:1 b.example:11211 [::1]:2 [::1]:11211"),
        ] {
            assert_eq!(servers(address).map(|servers| servers.join(" ")).as_deref(), Some(expected), "{address}");
        }
        for address in [
            "memcached:",
            "memcached://",
            "memcached:cache",
            "redis://cache",
            "memcached://a,",
            "memcached://a:",
            "memcached://a:65536",
            "memcached://a:+1",
            "memcached://a:1/",
            "memcached://me:secret@a:1",
            "memcached://::1",
            "memcached://[::1",
            "memcached://[x]:1",
            "memcached://a b",
        ] {
            assert_eq!(servers(address), None, "{address}");
        }
    }

    #[test]
    fn every_key_is_one_that_the_protocol_takes() {
        let keys =
            ["", "a b", "a\n", "\u{e9}", &"x".repeat(250), &"x".repeat(251), "sha256:", "auth:1"].map(str::to_owned);
        let digests = keys.clone().map(|key| wire_key(&key).into_owned());
        for (at, key) in keys.iter().chain(&digests).enumerate() {
            let wire = wire_key(key);
            assert!((1..=250).contains(&wire.len()) && wire.bytes().all(|byte| byte.is_ascii_graphic()));
            let others = keys.iter().chain(&digests).enumerate().filter(|(other, text)| *other != at && *text != key);
            assert!(others.map(|(_, other)| wire_key(other)).all(|other| other != wire), "{key:?}");
        }
        assert_eq!(wire_key("auth:1"), "auth:1");
    }

    #[test]
    fn a_lifetime_is_rounded_up_and_bounded() {
        let (month, now) = (2_592_000, 1_800_000_000);
        for (lifetime, unix_now, expected) in [
            (Duration::ZERO, now, 1),
            (Duration::from_nanos(1), now, 2),
            (Duration::from_secs(9), now, 10),
            (Duration::from_secs(month - 1), now, 2_592_000),
            (Duration::from_secs(month), now, 1_802_592_001),
            (Duration::MAX, now, 2_147_483_647),
            (Duration::MAX, 2_147_483_647, 2_592_000),
            (Duration::MAX, u64::MAX, 2_592_000),
        ] {
            assert_eq!(seconds(lifetime, Duration::from_secs(unix_now)), expected, "{lifetime:?} {unix_now}");
        }
    }

    #[test]
    fn keys_are_spread_over_the_servers_and_few_move() {
        let servers: Vec<_> = (0..4).map(|at| format!("cache{at}:11211")).collect();
        let mut counts = [0; 4];
        for key in 0..1000 {
            let key = format!("auth:{key}");
            let at = ByDigest.route(key.as_bytes(), &servers);
            counts[at] += 1;
            let mut fewer = servers.clone();
            fewer.swap_remove(1);
            let moved = ByDigest.route(key.as_bytes(), &fewer);
            assert!(at == 1 || servers[at] == fewer[moved]);
        }
        assert!(counts.iter().all(|count| *count > 150), "{counts:?}");
        // Another release must find what this one wrote.
        assert_eq!(ByDigest.route(b"auth:1", &servers), 3);
    }
}
