//! Copies in a cache that processes share.
//!
//! Who finds none takes a lease, reads the backend, and puts the copy in place of the lease. A change removes whatever
//! stands there, before it and after: so a copy from before it finds no lease, and when a change is acknowledged no older
//! copy is there. Where the cache fails, its lifetimes hold the bound.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::near::Held;
use crate::cache::{Cache, CacheError, CacheVersion, Replaced};
use crate::sessions::{SessionDigest, SessionRecord, encoding};

/// What a value is.
const LEASE: u8 = 0;
const COPY: u8 = 1;

#[derive(Clone)]
pub(super) struct Shared {
    pub(super) cache: Arc<dyn Cache>,
}

/// What was found.
pub(super) enum Found {
    Copy(Held),
    /// Whoever reads the backend now may leave a copy.
    Lease(CacheVersion),
    Nothing,
}

impl Shared {
    /// A copy or a lease; neither where the cache fails: then the backend is asked.
    pub(super) async fn find(&self, id: &SessionDigest, bound: TimeDelta) -> Found {
        logged(self.try_find(id, bound).await).unwrap_or(Found::Nothing)
    }

    /// Leaves a copy in place of the lease.
    pub(super) async fn fill(&self, id: &SessionDigest, lease: &CacheVersion, held: &Held, bound: TimeDelta) {
        let Ok(record) = encoding::encode(&held.record) else { return };
        let read_at = held.read_at.timestamp_micros().to_be_bytes();
        let value = [&[COPY][..], &read_at, &record].concat();
        if let Some(Replaced::Changed) = logged(self.cache.replace(&key(id), lease, &value, lifetime(bound)).await) {
            tracing::debug!(session = ?id, "a session changed while it was copied");
        }
    }

    /// Removes what stands there.
    pub(super) async fn forget(&self, id: &SessionDigest) {
        logged(self.cache.delete(&key(id)).await);
    }

    async fn try_find(&self, id: &SessionDigest, bound: TimeDelta) -> Result<Found, CacheError> {
        let key = key(id);
        if let Some(cached) = self.cache.get(&key).await? {
            return Ok(read(&cached.value).map_or(Found::Nothing, Found::Copy));
        }
        if !self.cache.insert(&key, &[LEASE], lifetime(bound)).await? {
            return Ok(Found::Nothing);
        }
        let lease = self.cache.get(&key).await?.filter(|cached| cached.value == [LEASE]);
        Ok(lease.map_or(Found::Nothing, |lease| Found::Lease(lease.version)))
    }
}

fn read(value: &[u8]) -> Option<Held> {
    let (&[COPY], rest) = value.split_first_chunk()? else { return None };
    let (read_at, record) = rest.split_first_chunk()?;
    let read_at: DateTime<Utc> = DateTime::from_timestamp_micros(i64::from_be_bytes(*read_at))?;
    let record: SessionRecord = encoding::decode(record)?;
    Some(Held { record: Arc::new(record), read_at })
}

fn key(id: &SessionDigest) -> String {
    format!("auth:session:copy:{id}")
}

fn lifetime(bound: TimeDelta) -> Duration {
    bound.to_std().unwrap_or_default()
}

fn logged<T>(result: Result<T, CacheError>) -> Option<T> {
    result.inspect_err(|error| tracing::warn!(%error, "a cache in front of sessions failed")).ok()
}
