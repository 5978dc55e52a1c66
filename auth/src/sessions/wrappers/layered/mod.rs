//! Copies before a slower backend.

mod near;
mod shared;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use self::near::{Held, Near};
use self::shared::{Found, Shared};
use crate::BoxFuture;
use crate::cache::Cache;
use crate::clock::{Clock, SystemClock};
use crate::sessions::{
    CleanupExpired, Invalidated, Listening, SaveIf, Saved, SessionBackend, SessionDigest, SessionError,
    SessionInvalidations, SessionLimit, SessionRecord, UserSessions, user_sessions,
};

/// Holds copies of records for a moment, so that the many requests of one page ask a slow backend once: in this process
/// and, with [`LayeredSessionBackend::with_cache`], in a cache that processes share, as memory before Redis before a
/// database.
///
/// Every change goes to the backend, and is seen by this process at once. What *another* process changes or ends is seen
/// when the held copy is too old: after a second, unless another bound is set, and never later than five; with
/// [`LayeredSessionBackend::with_invalidations`] it is seen as soon as the message arrives. That there is no session is
/// never held. Clones share the memory: 8192 records of 16 KiB of data at the most, unless another number is set. What is
/// behind it may be any backend, another layer too; each layer adds its bound to those behind it.
///
/// ```
/// # #[cfg(all(feature = "session-redis", feature = "cache-redis", feature = "__sql"))]
/// # async fn example(database: auth::database::Database) -> Result<(), Box<dyn std::error::Error>> {
/// use auth::cache::RedisCache;
/// use auth::sessions::{DatabaseSessionBackend, LayeredSessionBackend, RedisInvalidations};
///
/// let redis = "redis://127.0.0.1";
/// let sessions = LayeredSessionBackend::new(DatabaseSessionBackend::new(database))
///     .with_cache(RedisCache::connect(redis).await?, "shop/production")
///     .with_invalidations(RedisInvalidations::connect(redis).await?);
/// # Ok(())
/// # }
/// ```
///
/// # Security
/// The bound is how long a session that ended elsewhere may still be let in by this process, whatever becomes of the cache
/// and of messages. It is counted from before the backend was asked, by the clock of this process and the shared cache's
/// own, not by those of other processes; a clock that is set back makes a copy in memory too old. Whoever can write to the
/// cache can log in as anybody.
#[derive(Clone)]
pub struct LayeredSessionBackend<B> {
    inner: B,
    near: Arc<Near>,
    shared: Option<Shared>,
    others: Option<Others>,
    bound: TimeDelta,
    clock: Arc<dyn Clock>,
}

/// The other processes.
#[derive(Clone)]
struct Others {
    told: Arc<dyn SessionInvalidations>,
    _heard: Arc<Listening>,
}

impl Others {
    fn new(told: Arc<dyn SessionInvalidations>, near: &Arc<Near>) -> Self {
        let near = Arc::downgrade(near);
        let heard = move |what| {
            if let Some(near) = near.upgrade() {
                near.heard(what);
            }
        };
        Self { _heard: Arc::new(told.listen(Arc::new(heard))), told }
    }
}

impl<B: SessionBackend> LayeredSessionBackend<B> {
    /// The longest bound that can be set.
    pub const MAX_BOUND: TimeDelta = TimeDelta::seconds(5);
    /// The bound, unless another is set.
    pub const BOUND: TimeDelta = TimeDelta::seconds(1);

    /// Memory in front of this backend.
    pub fn new(inner: B) -> Self {
        let (near, clock) = (Arc::new(Near::new(8192)), Arc::new(SystemClock));
        Self { inner, near, shared: None, others: None, bound: Self::BOUND, clock }
    }

    /// How old a copy may be that is still served.
    ///
    /// # Errors
    /// [`SessionError::Configuration`] when that is negative or longer than [`MAX_BOUND`](Self::MAX_BOUND).
    pub fn with_bound(mut self, bound: TimeDelta) -> Result<Self, SessionError> {
        if !(TimeDelta::zero()..=Self::MAX_BOUND).contains(&bound) {
            let rule = "a copy of a session may be served for five seconds at the most";
            return Err(SessionError::Configuration(rule.to_owned()));
        }
        self.bound = bound;
        Ok(self)
    }

    /// Holds this many records at the most, about; empties the memory.
    #[must_use]
    pub fn with_capacity(mut self, records: usize) -> Self {
        self.near = Arc::new(Near::new(records));
        self.others = self.others.map(|others| Others::new(others.told, &self.near));
        self
    }

    /// Holds copies in this cache, too, between the memory and the backend, under keys that begin with
    /// `auth:session:copy:`. A change removes the copy there for all processes at once; if the cache fails, the backend is
    /// asked.
    ///
    /// Half the bound is the cache's: a quarter for reading the backend, another for the copy. The other half is how long
    /// whoever takes a copy from there holds it in memory. A cache that rounds lifetimes up adds that to the bound, twice:
    /// memcached, which knows whole seconds, almost two seconds each time. Processes that share copies go by one bound; none
    /// takes a copy from those that go by a longer one.
    ///
    /// # Security
    /// The namespace names what is behind this layer: one for each application, tenant and environment that share a cache.
    /// Under one name the sessions of one are served to another.
    #[must_use]
    pub fn with_cache(mut self, cache: impl Cache, namespace: &str) -> Self {
        self.shared = Some(Shared { cache: Arc::new(cache), namespace: namespace.into() });
        self
    }

    /// Tells other processes of changes and hears of theirs.
    #[must_use]
    pub fn with_invalidations(mut self, invalidations: impl SessionInvalidations) -> Self {
        self.others = Some(Others::new(Arc::new(invalidations), &self.near));
        self
    }

    /// The same, going by this clock: the one that the backend goes by.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The backend inside.
    pub fn inner(&self) -> &B {
        &self.inner
    }

    async fn load_now(&self, id: &SessionDigest) -> Result<Option<Arc<SessionRecord>>, SessionError> {
        if let Some(record) = self.near.get(id, self.clock.now(), self.bound) {
            return Ok(Some(record));
        }
        let changes = self.near.shard(id).changes;
        let (asked_at, bound) = (self.clock.now(), self.bound);
        let found = match &self.shared {
            Some(shared) => shared.find(id, bound).await,
            None => Found::Nothing,
        };
        let now = self.clock.now();
        if let Found::Copy(record) = &found {
            let held = Held::second_hand(record.clone(), asked_at);
            if held.is_fresh(now, bound) && now < record.expires_at {
                self.near.hold(id, held, changes, bound);
                return Ok(Some(record.clone()));
            }
        }
        let Some(record) = self.inner.load(id).await? else { return Ok(None) };
        if let (Found::Lease(lease), Some(shared)) = (&found, &self.shared) {
            shared.fill(id, lease, &record, bound).await;
        }
        self.near.hold(id, Held::new(record.clone(), now), changes, bound);
        Ok(Some(record))
    }

    async fn load_fresh_now(&self, id: &SessionDigest) -> Result<Option<Arc<SessionRecord>>, SessionError> {
        self.forget_shared(id).await;
        let (read_at, changes) = (self.clock.now(), self.near.shard(id).forget(id));
        let record = self.inner.load_fresh(id).await?;
        if let Some(record) = &record {
            self.near.hold(id, Held::new(record.clone(), read_at), changes, self.bound);
        }
        Ok(record)
    }

    async fn save_by(
        &self,
        id: &SessionDigest,
        record: Arc<SessionRecord>,
        save: impl Future<Output = Result<Saved, SessionError>>,
    ) -> Result<Saved, SessionError> {
        let (read_at, change) = (self.clock.now(), Change::begin(self, id));
        self.forget_shared(id).await;
        let saved = save.await;
        self.forget_shared(id).await;
        if let Ok(Saved::Done) = saved {
            change.done(Held::new(record, read_at));
        }
        saved
    }

    async fn change<T>(
        &self,
        id: &SessionDigest,
        change: impl Future<Output = Result<T, SessionError>>,
    ) -> Result<T, SessionError> {
        let _change = Change::begin(self, id);
        self.forget_shared(id).await;
        let changed = change.await;
        self.forget_shared(id).await;
        changed
    }

    /// The same for all of a user's sessions.
    async fn change_of<T>(
        &self,
        user_id: &str,
        change: impl Future<Output = Result<T, SessionError>>,
    ) -> Result<T, SessionError> {
        let _change = ChangeOf::begin(self, user_id);
        let sessions = match &self.shared {
            Some(_) => user_sessions::of(&self.inner)?.sessions_of(user_id).await?,
            None => Vec::new(),
        };
        let changed = change.await;
        for session in sessions {
            self.forget_shared(&session.id).await;
        }
        changed
    }

    async fn forget_shared(&self, id: &SessionDigest) {
        if let Some(shared) = &self.shared {
            shared.forget(id).await;
        }
    }
}

impl<B> LayeredSessionBackend<B> {
    fn tell(&self, what: Invalidated) {
        if let Some(others) = &self.others {
            others.told.publish(what);
        }
    }
}

/// A change under way. However it ends, and if it is given up, no copy from before is left.
struct Change<'a, B> {
    layer: &'a LayeredSessionBackend<B>,
    id: &'a SessionDigest,
    changes: u64,
}

impl<'a, B> Change<'a, B> {
    fn begin(layer: &'a LayeredSessionBackend<B>, id: &'a SessionDigest) -> Self {
        let changes = layer.near.shard(id).forget(id);
        Self { layer, id, changes }
    }

    /// Ends it, and holds what was written, unless another change ran beside it.
    fn done(self, held: Held) {
        let (layer, id, alone) = (self.layer, self.id, self.changes);
        drop(self);
        // One more for the end of this one.
        layer.near.hold(id, held, alone.wrapping_add(1), layer.bound);
    }
}

impl<B> Drop for Change<'_, B> {
    fn drop(&mut self) {
        self.layer.near.shard(self.id).forget(self.id);
        self.layer.tell(Invalidated::One(*self.id));
    }
}

/// A change of all of a user's sessions under way.
struct ChangeOf<'a, B> {
    layer: &'a LayeredSessionBackend<B>,
    user_id: &'a str,
}

impl<'a, B> ChangeOf<'a, B> {
    fn begin(layer: &'a LayeredSessionBackend<B>, user_id: &'a str) -> Self {
        let change = Self { layer, user_id };
        change.forget();
        change
    }

    fn forget(&self) {
        self.layer.near.forget_if(|record| record.user_id() == Some(self.user_id));
    }
}

impl<B> Drop for ChangeOf<'_, B> {
    fn drop(&mut self) {
        self.forget();
        self.layer.tell(Invalidated::Every);
    }
}

impl<B: SessionBackend> SessionBackend for LayeredSessionBackend<B> {
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(self.load_now(id))
    }

    /// Never from a copy, and none from before is left.
    fn load_fresh<'a>(
        &'a self,
        id: &'a SessionDigest,
    ) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(self.load_fresh_now(id))
    }

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(self.save_by(id, record.clone(), self.inner.save(id, record, condition)))
    }

    fn touch<'a>(
        &'a self,
        id: &'a SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(self.change(id, self.inner.touch(id, seen_at, expires_at)))
    }

    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(self.change(id, self.inner.delete(id)))
    }

    // Neither ever from a copy.
    pass_on!([inner] exists, scan);
    user_sessions_as_inside!([inner]);
}

impl<B: SessionBackend> UserSessions for LayeredSessionBackend<B> {
    pass_users_on!([inner] sessions_of, count_of);

    fn delete_of<'a>(&'a self, user_id: &'a str, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move {
            let delete = user_sessions::of(&self.inner)?.delete_of(user_id, id);
            self.change(id, delete).await
        })
    }

    fn delete_all_of<'a>(
        &'a self,
        user_id: &'a str,
        except: Option<&'a SessionDigest>,
    ) -> BoxFuture<'a, Result<u64, SessionError>> {
        Box::pin(async move {
            let delete = user_sessions::of(&self.inner)?.delete_all_of(user_id, except);
            self.change_of(user_id, delete).await
        })
    }

    fn save_within<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
        limit: SessionLimit,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move {
            let save = user_sessions::of(&self.inner)?.save_within(id, record.clone(), condition, limit);
            let save = self.save_by(id, record.clone(), save);
            match record.user_id() {
                // Others of the user's may make room.
                Some(user_id) => self.change_of(user_id, save).await,
                None => save.await,
            }
        })
    }
}

impl<B: CleanupExpired> CleanupExpired for LayeredSessionBackend<B> {
    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, SessionError>> {
        self.inner.cleanup_expired(batch)
    }
}

impl<B: fmt::Debug> fmt::Debug for LayeredSessionBackend<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayeredSessionBackend").field("inner", &self.inner).finish_non_exhaustive()
    }
}
