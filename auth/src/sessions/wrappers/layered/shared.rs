//! Copies in a cache that processes share.
//!
//! Who finds none takes a lease, reads the backend, and puts the copy in place of the lease. A change removes whatever
//! stands there, before it and after: so a copy from before it finds no lease, and when a change is acknowledged no older
//! copy is there. Where the cache fails, its lifetimes hold the bound: a lease lives for a quarter of it and the copy in
//! its place for another, so that what was read half the bound ago is gone, whatever the clocks of others say.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};

use crate::cache::{Cache, CacheError, CacheVersion, Replaced};
use crate::sessions::{SessionDigest, SessionRecord, encoding};

/// What a value is.
const LEASE: u8 = 0;
const COPY: u8 = 1;

#[derive(Clone)]
pub(super) struct Shared {
    pub(super) cache: Arc<dyn Cache>,
    /// Whose copies these are.
    pub(super) namespace: Arc<str>,
}

/// What was found.
pub(super) enum Found {
    Copy(Arc<SessionRecord>),
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
    pub(super) async fn fill(
        &self,
        id: &SessionDigest,
        lease: &CacheVersion,
        record: &SessionRecord,
        bound: TimeDelta,
    ) {
        let Ok(record) = encoding::encode(record) else { return };
        let (key, lifetime) = (self.key(id), lifetime(bound));
        let value = [&[COPY][..], &micros(lifetime), &record].concat();
        if let Some(Replaced::Changed) = logged(self.cache.replace(&key, lease, &value, lifetime).await) {
            tracing::debug!(session = ?id, "a session changed while it was copied");
        }
    }

    /// Removes what stands there.
    pub(super) async fn forget(&self, id: &SessionDigest) {
        logged(self.cache.delete(&self.key(id)).await);
    }

    async fn try_find(&self, id: &SessionDigest, bound: TimeDelta) -> Result<Found, CacheError> {
        let (key, lifetime) = (self.key(id), lifetime(bound));
        if let Some(cached) = self.cache.get(&key).await? {
            return Ok(read(&cached.value, lifetime).map_or(Found::Nothing, Found::Copy));
        }
        if !self.cache.insert(&key, &[LEASE], lifetime).await? {
            return Ok(Found::Nothing);
        }
        let lease = self.cache.get(&key).await?.filter(|cached| cached.value == [LEASE]);
        Ok(lease.map_or(Found::Nothing, |lease| Found::Lease(lease.version)))
    }

    fn key(&self, id: &SessionDigest) -> String {
        let mut hash = Sha256::new();
        for part in [b"auth session copy", self.namespace.as_bytes(), id.as_bytes()] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        format!("auth:session:copy:{}", SessionDigest::from_bytes(hash.finalize().into()))
    }
}

/// The copy, unless it was left there for longer than this.
fn read(value: &[u8], longest: Duration) -> Option<Arc<SessionRecord>> {
    let (&[COPY], rest) = value.split_first_chunk()? else { return None };
    let (lifetime, record) = rest.split_first_chunk()?;
    if *lifetime > micros(longest) {
        return None;
    }
    encoding::decode(record).map(Arc::new)
}

fn lifetime(bound: TimeDelta) -> Duration {
    (bound / 4).to_std().unwrap_or_default()
}

/// In an order that is that of the lifetimes.
fn micros(lifetime: Duration) -> [u8; 8] {
    u64::try_from(lifetime.as_micros()).unwrap_or(u64::MAX).to_be_bytes()
}

fn logged<T>(result: Result<T, CacheError>) -> Option<T> {
    result.inspect_err(|error| tracing::warn!(%error, "a cache in front of sessions failed")).ok()
}
