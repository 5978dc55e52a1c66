use std::collections::HashMap;
use std::fmt;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Cache, CacheError, CacheVersion, Cached, MAX_VALUE, Replaced};
use crate::BoxFuture;
use crate::clock::{Clock, SystemClock};

/// Keeps values in this process: for tests, and for one server.
///
/// Expired values are removed as new ones come in, so memory is bounded by the values that are alive.
pub struct InMemoryCache {
    values: Mutex<Values>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Values {
    by_key: HashMap<String, Value>,
    written: u64,
    /// When this many are there, expired ones are looked for: the work for each new value is constant on average.
    sweep_at: usize,
}

struct Value {
    bytes: Vec<u8>,
    version: u64,
    expires_at: DateTime<Utc>,
}

const LEAST_SWEEP: usize = 64;

impl InMemoryCache {
    /// An empty cache.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty cache that goes by this clock.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { values: Mutex::default(), clock }
    }

    /// How many values are held, expired ones that were not removed yet among them.
    pub fn len(&self) -> usize {
        self.lock().by_key.len()
    }

    /// Whether no value is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Values> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get_now(&self, key: &str) -> Option<Cached> {
        let values = self.lock();
        let value = values.live(key, self.clock.now())?;
        Some(Cached::new(value.bytes.clone(), CacheVersion::new(&value.version.to_be_bytes())))
    }

    fn insert_now(&self, key: &str, bytes: &[u8], lifetime: Duration) -> Result<bool, CacheError> {
        let (now, mut values) = (self.clock.now(), self.lock());
        if values.live(key, now).is_some() {
            return Ok(false);
        }
        values.write(key, bytes, now, lifetime)?;
        Ok(true)
    }

    fn replace_now(
        &self,
        key: &str,
        version: &CacheVersion,
        bytes: &[u8],
        lifetime: Duration,
    ) -> Result<Replaced, CacheError> {
        let (now, mut values) = (self.clock.now(), self.lock());
        match values.live(key, now) {
            None => Ok(Replaced::Gone),
            Some(value) if value.version.to_be_bytes() != version.as_bytes() => Ok(Replaced::Changed),
            Some(_) => values.write(key, bytes, now, lifetime).map(|()| Replaced::Done),
        }
    }

    fn delete_now(&self, key: &str) -> bool {
        let removed = self.lock().by_key.remove(key);
        removed.is_some_and(|value| self.clock.now() < value.expires_at)
    }
}

impl Values {
    fn live(&self, key: &str, now: DateTime<Utc>) -> Option<&Value> {
        self.by_key.get(key).filter(|value| now < value.expires_at)
    }

    fn write(&mut self, key: &str, bytes: &[u8], now: DateTime<Utc>, lifetime: Duration) -> Result<(), CacheError> {
        if bytes.len() > MAX_VALUE {
            return Err(CacheError::TooLarge);
        }
        if self.by_key.len() >= self.sweep_at {
            self.by_key.retain(|_, value| now < value.expires_at);
            self.sweep_at = LEAST_SWEEP.max(2 * self.by_key.len());
        }
        let lifetime = TimeDelta::from_std(lifetime).unwrap_or(TimeDelta::MAX);
        let expires_at = now.checked_add_signed(lifetime).unwrap_or(DateTime::<Utc>::MAX_UTC);
        self.written += 1;
        let value = Value { bytes: bytes.to_vec(), version: self.written, expires_at };
        self.by_key.insert(key.to_owned(), value);
        Ok(())
    }
}

impl Default for InMemoryCache {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for InMemoryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryCache").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl Cache for InMemoryCache {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Cached>, CacheError>> {
        Box::pin(ready(Ok(self.get_now(key))))
    }

    fn insert<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<bool, CacheError>> {
        Box::pin(ready(self.insert_now(key, value, lifetime)))
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        version: &'a CacheVersion,
        value: &'a [u8],
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<Replaced, CacheError>> {
        Box::pin(ready(self.replace_now(key, version, value, lifetime)))
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, CacheError>> {
        Box::pin(ready(Ok(self.delete_now(key))))
    }
}
