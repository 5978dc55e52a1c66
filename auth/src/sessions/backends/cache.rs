use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::BoxFuture;
use crate::cache::{Cache, CacheError, CacheVersion, Replaced};
use crate::clock::{Clock, SystemClock};
use crate::sessions::{SaveIf, Saved, SessionBackend, SessionDigest, SessionError, SessionRecord, encoding};

/// Keeps sessions in any [`Cache`]: one value for each, which expires with its session.
///
/// Addresses are `memcached://host:port,host:port…` (feature `cache-memcached`) and `cache+redis://host:port/0`, or any
/// other of a Redis behind `cache+` (feature `cache-redis`); they put a
/// [`ListedSessionBackend`](crate::sessions::ListedSessionBackend) around this, which can tell a user's sessions. Keys are
/// `auth:cache:session:<digest>`; another prefix is set with [`CacheSessionBackend::with_prefix`].
///
/// Whether a session has expired is told by the application's clock, from the record. The cache is told how long to keep a
/// value, so that its own clock need not agree.
///
/// A cache promises nothing: it may drop any value when memory is short, and all of them when a server is started again.
/// That is a logout, and changes that were not kept elsewhere are lost; it is never access. A session larger than the cache
/// takes is [`SessionError::Store`]: in memcached, a megabyte at the most unless
/// [`with_max_value`](crate::cache::MemcachedCache::with_max_value) says more.
///
/// # Security
/// The values stand under a digest of the session key: whoever reads the cache cannot take over a session. Whoever can
/// write to it can log in as anybody, and memcached lets everybody write who reaches it: see [`cache`](crate::cache). What
/// was ended stays ended as long as no server comes back with what it held before: one that was taken from the list and is
/// listed again, a replica that lagged behind, an old snapshot.
///
/// A user's list of sessions is a value like another. If the cache drops it, the sessions in it live on until they expire,
/// and ending all of a user's sessions does not end them; a changed password does.
#[derive(Clone)]
pub struct CacheSessionBackend<C> {
    cache: C,
    prefix: Arc<str>,
    clock: Arc<dyn Clock>,
}

/// How often a change is tried. One that fails was overtaken by another, so that many in a row need as many others.
const TRIES: usize = 32;

impl<C: Cache> CacheSessionBackend<C> {
    /// Sessions in this cache.
    pub fn new(cache: C) -> Self {
        Self { cache, prefix: "auth:cache:session:".into(), clock: Arc::new(SystemClock) }
    }

    /// The same with keys that begin otherwise, so that several applications can share a cache.
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

    /// What stands under the key: its version, and the record, if that is a live one.
    async fn found(
        &self,
        id: &SessionDigest,
        key: &str,
    ) -> Result<Option<(CacheVersion, Option<SessionRecord>)>, SessionError> {
        let Some(found) = self.cache.get(key).await.map_err(failure)? else { return Ok(None) };
        let whole = (found.value.len() <= encoding::MAX_BYTES).then(|| encoding::decode(&found.value)).flatten();
        if whole.is_none() {
            tracing::warn!(session = ?id, "a damaged session counts as none");
        }
        Ok(Some((found.version, whole.filter(|record| self.clock.now() < record.expires_at))))
    }

    async fn load_now(&self, id: &SessionDigest) -> Result<Option<Arc<SessionRecord>>, SessionError> {
        Ok(self.found(id, &self.key(id)).await?.and_then(|(_, record)| record).map(Arc::new))
    }

    async fn save_now(
        &self,
        id: &SessionDigest,
        record: &SessionRecord,
        condition: SaveIf,
    ) -> Result<Saved, SessionError> {
        let (key, bytes) = (self.key(id), encoding::encode(record)?);
        let lifetime = self.lifetime(record.expires_at);
        for _ in 0..TRIES {
            if condition == SaveIf::Absent && self.cache.insert(&key, &bytes, lifetime).await.map_err(failure)? {
                return Ok(Saved::Done);
            }
            let replaced = match (self.found(id, &key).await?, condition) {
                (None, SaveIf::Absent) => continue,
                (Some((_, Some(_))), SaveIf::Absent) => return Ok(Saved::Conflict),
                (None | Some((_, None)), SaveIf::Version(_)) => return Ok(Saved::Gone),
                (Some((_, Some(held))), SaveIf::Version(version)) if held.version != version => {
                    return Ok(Saved::Conflict);
                }
                (Some((found, _)), _) => self.cache.replace(&key, &found, &bytes, lifetime).await.map_err(failure)?,
            };
            if replaced == Replaced::Done {
                return Ok(Saved::Done);
            }
        }
        Err(SessionError::Contended)
    }

    async fn touch_now(
        &self,
        id: &SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<bool, SessionError> {
        let (key, lifetime) = (self.key(id), self.lifetime(expires_at));
        for _ in 0..TRIES {
            let Some((found, Some(held))) = self.found(id, &key).await? else { return Ok(false) };
            let bytes = encoding::encode(&SessionRecord { seen_at, expires_at, ..held })?;
            if self.cache.replace(&key, &found, &bytes, lifetime).await.map_err(failure)? == Replaced::Done {
                return Ok(true);
            }
        }
        Err(SessionError::Contended)
    }

    /// Whatever stands there goes, so that nothing that changes the session meanwhile is in the way of a logout.
    async fn delete_now(&self, id: &SessionDigest) -> Result<bool, SessionError> {
        let key = self.key(id);
        let found = self.found(id, &key).await?;
        let removed = self.cache.delete(&key).await.map_err(failure)?;
        Ok(removed && matches!(found, Some((_, Some(_)))))
    }

    /// None when it has expired: what is kept then counts as none.
    fn lifetime(&self, expires_at: DateTime<Utc>) -> Duration {
        (expires_at - self.clock.now()).to_std().unwrap_or_default()
    }
}

fn failure(error: CacheError) -> SessionError {
    match error {
        CacheError::Configuration(said) => SessionError::Configuration(said),
        error => SessionError::store(error),
    }
}

impl<C: Cache> fmt::Debug for CacheSessionBackend<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cache, prefix, .. } = self;
        f.debug_struct("CacheSessionBackend").field("cache", cache).field("prefix", prefix).finish_non_exhaustive()
    }
}

impl<C: Cache> SessionBackend for CacheSessionBackend<C> {
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(self.load_now(id))
    }

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move { self.save_now(id, &record, condition).await })
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
}

#[cfg(feature = "cache-memcached")]
mod memcached {
    use std::sync::Arc;

    use super::{CacheSessionBackend, failure};
    use crate::BoxFuture;
    use crate::cache::MemcachedCache;
    use crate::registry::{Context, Place, Url};
    use crate::sessions::{DynSessionBackend, ListedSessionBackend, SessionBackendEntry, SessionError};

    inventory::submit! {
        SessionBackendEntry { scheme: "memcached", connect, place: Place::new(module_path!(), file!(), line!()) }
    }

    fn connect<'a>(url: &'a Url, context: &'a Context) -> BoxFuture<'a, Result<DynSessionBackend, SessionError>> {
        Box::pin(async move {
            let cache = MemcachedCache::connect(url).await.map_err(failure)?;
            let backend = CacheSessionBackend::new(cache).with_clock(context.clock.clone());
            Ok(Arc::new(ListedSessionBackend::new(backend).with_clock(context.clock.clone())) as DynSessionBackend)
        })
    }
}

#[cfg(feature = "cache-redis")]
mod redis {
    use std::sync::Arc;

    use super::{CacheSessionBackend, failure};
    use crate::BoxFuture;
    use crate::cache::RedisCache;
    use crate::registry::{Context, Place, Url};
    use crate::sessions::{DynSessionBackend, ListedSessionBackend, SessionBackendEntry, SessionError};

    macro_rules! register {
        ($($scheme:literal)*) => {
            $(inventory::submit! {
                SessionBackendEntry { scheme: $scheme, connect, place: Place::new(module_path!(), file!(), line!()) }
            })*
        };
    }

    register!("cache+redis" "cache+rediss");
    register!("cache+redis+sentinel" "cache+rediss+sentinel" "cache+redis+cluster" "cache+rediss+cluster");

    fn connect<'a>(url: &'a Url, context: &'a Context) -> BoxFuture<'a, Result<DynSessionBackend, SessionError>> {
        Box::pin(async move {
            let address = url.expose().strip_prefix("cache+").unwrap_or_default();
            let cache = RedisCache::connect(address).await.map_err(failure)?;
            let backend = CacheSessionBackend::new(cache).with_clock(context.clock.clone());
            Ok(Arc::new(ListedSessionBackend::new(backend).with_clock(context.clock.clone())) as DynSessionBackend)
        })
    }
}
