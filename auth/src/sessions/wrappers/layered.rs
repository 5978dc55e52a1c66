//! Memory before a slower backend.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::BoxFuture;
use crate::clock::{Clock, SystemClock};
use crate::sessions::{
    CleanupExpired, SaveIf, Saved, SessionBackend, SessionDigest, SessionError, SessionLimit, SessionRecord,
    UserSessions, user_sessions,
};

const SHARDS: usize = 64;
/// Larger records are not held, so that what is held is bounded.
const MOST_DATA: usize = 16 << 10;

/// Holds records in memory for a moment, so that the many requests of one page ask a slow backend once.
///
/// Every change goes to the backend, and is seen by this process at once. What *another* process changes or ends is seen
/// when the held copy is too old: after a second, unless another bound is set, and never later than five. That there is
/// no session is never held. Clones share the memory: 8192 records of 16 KiB of data at the most, unless another number
/// is set. What is behind it may be any backend, another layer too; each layer adds its bound to those behind it.
///
/// # Security
/// The bound is how long a session that ended elsewhere may still be let in by this process. It is counted from before
/// the backend was asked, and by the clock; a clock that is set back makes a copy too old.
#[derive(Clone)]
pub struct LayeredSessionBackend<B> {
    inner: B,
    near: Arc<Near>,
    bound: TimeDelta,
    clock: Arc<dyn Clock>,
}

impl<B: SessionBackend> LayeredSessionBackend<B> {
    /// The longest bound that can be set.
    pub const MAX_BOUND: TimeDelta = TimeDelta::seconds(5);
    /// The bound, unless another is set.
    pub const BOUND: TimeDelta = TimeDelta::seconds(1);

    /// Memory in front of this backend.
    pub fn new(inner: B) -> Self {
        Self { inner, near: Arc::new(Near::new(8192)), bound: Self::BOUND, clock: Arc::new(SystemClock) }
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

    fn held(&self, id: &SessionDigest) -> Option<Arc<SessionRecord>> {
        let now = self.clock.now();
        let shard = self.near.shard(id);
        let held = shard.held.get(id).filter(|held| held.is_fresh(now, self.bound))?;
        (now < held.record.expires_at).then(|| held.record.clone())
    }
}

/// What is held, by the digest's first byte.
struct Near {
    shards: Box<[Mutex<Shard>]>,
    /// The most records in a shard.
    capacity: usize,
}

#[derive(Default)]
struct Shard {
    held: HashMap<SessionDigest, Held>,
    /// Moves whenever a change begins or ends: what was read across one may be older than it, and is not held.
    changes: u64,
}

struct Held {
    record: Arc<SessionRecord>,
    /// When the backend was asked.
    read_at: DateTime<Utc>,
}

impl Held {
    fn is_fresh(&self, now: DateTime<Utc>, bound: TimeDelta) -> bool {
        self.read_at <= now && now - self.read_at < bound
    }
}

impl Near {
    fn new(capacity: usize) -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), capacity: capacity.div_ceil(SHARDS) }
    }

    /// No code panics while it holds the lock, so what a poisoned lock guards is whole.
    fn shard(&self, id: &SessionDigest) -> MutexGuard<'_, Shard> {
        let shard = &self.shards[usize::from(id.as_bytes()[0]) % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds none of which that is so, and none that is being read now.
    fn forget_if(&self, condition: impl Fn(&SessionRecord) -> bool) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.held.retain(|_, held| !condition(&held.record));
            shard.changes = shard.changes.wrapping_add(1);
        }
    }

    /// Holds a record, if nothing changed since `changes` was read.
    fn hold(&self, id: &SessionDigest, held: Held, changes: u64, bound: TimeDelta) {
        let mut shard = self.shard(id);
        if shard.changes != changes || held.record.data.len() > MOST_DATA {
            return;
        }
        if shard.held.len() >= self.capacity {
            shard.held.retain(|_, other| other.is_fresh(held.read_at, bound));
        }
        if shard.held.len() < self.capacity || shard.held.contains_key(id) {
            shard.held.insert(*id, held);
        }
    }
}

/// A change under way. However it ends, and if it is given up, no copy from before is left.
struct Change<'a> {
    near: &'a Near,
    id: &'a SessionDigest,
    changes: u64,
}

impl<'a> Change<'a> {
    fn begin(near: &'a Near, id: &'a SessionDigest) -> Self {
        let changes = near.shard(id).forget(id);
        Self { near, id, changes }
    }

    /// Ends it, and holds what was written, unless another change ran beside it.
    fn done(self, held: Held, bound: TimeDelta) {
        let (near, id, alone) = (self.near, self.id, self.changes);
        drop(self);
        // One more for the end of this one.
        near.hold(id, held, alone.wrapping_add(1), bound);
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.near.shard(self.id).forget(self.id);
    }
}

/// A change of all of a user's sessions under way.
struct ChangeOf<'a> {
    near: &'a Near,
    user_id: String,
}

impl<'a> ChangeOf<'a> {
    fn begin(near: &'a Near, user_id: impl Into<String>) -> Self {
        let change = Self { near, user_id: user_id.into() };
        change.forget();
        change
    }

    fn forget(&self) {
        self.near.forget_if(|record| record.user_id() == Some(&self.user_id));
    }
}

impl Drop for ChangeOf<'_> {
    fn drop(&mut self) {
        self.forget();
    }
}

impl Shard {
    /// Notes a change, and says the number of changes.
    fn forget(&mut self, id: &SessionDigest) -> u64 {
        self.held.remove(id);
        self.changes = self.changes.wrapping_add(1);
        self.changes
    }
}

impl<B: SessionBackend> SessionBackend for LayeredSessionBackend<B> {
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(async move {
            if let Some(record) = self.held(id) {
                return Ok(Some(record));
            }
            let (read_at, changes) = (self.clock.now(), self.near.shard(id).changes);
            let record = self.inner.load(id).await?;
            if let Some(record) = &record {
                self.near.hold(id, Held { record: record.clone(), read_at }, changes, self.bound);
            }
            Ok(record)
        })
    }

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move {
            let (read_at, change) = (self.clock.now(), Change::begin(&self.near, id));
            let saved = self.inner.save(id, record.clone(), condition).await?;
            if saved == Saved::Done {
                change.done(Held { record, read_at }, self.bound);
            }
            Ok(saved)
        })
    }

    fn touch<'a>(
        &'a self,
        id: &'a SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move {
            let _change = Change::begin(&self.near, id);
            self.inner.touch(id, seen_at, expires_at).await
        })
    }

    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move {
            let _change = Change::begin(&self.near, id);
            self.inner.delete(id).await
        })
    }

    /// Never from memory, and what is held from before is given up.
    fn load_fresh<'a>(
        &'a self,
        id: &'a SessionDigest,
    ) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(async move {
            self.near.shard(id).forget(id);
            let (read_at, changes) = (self.clock.now(), self.near.shard(id).changes);
            let record = self.inner.load_fresh(id).await?;
            if let Some(record) = &record {
                self.near.hold(id, Held { record: record.clone(), read_at }, changes, self.bound);
            }
            Ok(record)
        })
    }

    // `exists` never from memory.
    pass_on!([inner] exists, scan);
    user_sessions_as_inside!([inner]);
}

impl<B: SessionBackend> UserSessions for LayeredSessionBackend<B> {
    pass_users_on!([inner] sessions_of, count_of);

    fn delete_of<'a>(&'a self, user_id: &'a str, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move {
            let _change = Change::begin(&self.near, id);
            user_sessions::of(&self.inner)?.delete_of(user_id, id).await
        })
    }

    fn delete_all_of<'a>(
        &'a self,
        user_id: &'a str,
        except: Option<&'a SessionDigest>,
    ) -> BoxFuture<'a, Result<u64, SessionError>> {
        Box::pin(async move {
            let _change = ChangeOf::begin(&self.near, user_id);
            user_sessions::of(&self.inner)?.delete_all_of(user_id, except).await
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
            let (_own, _others) = (
                Change::begin(&self.near, id),
                record.user_id().map(|user_id| ChangeOf::begin(&self.near, user_id.to_owned())),
            );
            user_sessions::of(&self.inner)?.save_within(id, record.clone(), condition, limit).await
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
