//! Copies in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::sessions::{Invalidated, SessionDigest, SessionRecord};

const SHARDS: usize = 64;
/// Larger records are not held, so that what is held is bounded.
const MOST_DATA: usize = 16 << 10;

/// What is held, by the digest's first byte.
pub(super) struct Near {
    shards: Box<[Mutex<Shard>]>,
    /// The most records in a shard.
    capacity: usize,
}

#[derive(Default)]
pub(super) struct Shard {
    held: HashMap<SessionDigest, Held>,
    /// Moves whenever a change begins or ends: what was read across one may be older than it, and is not held.
    pub(super) changes: u64,
}

/// A copy.
pub(super) struct Held {
    pub(super) record: Arc<SessionRecord>,
    /// When the backend was asked, or the shared cache.
    read_at: DateTime<Utc>,
    /// A copy of a copy, which may be half the bound old already.
    is_second_hand: bool,
}

impl Held {
    /// What the backend gave.
    pub(super) fn new(record: Arc<SessionRecord>, read_at: DateTime<Utc>) -> Self {
        Self { record, read_at, is_second_hand: false }
    }

    /// What the shared cache gave.
    pub(super) fn second_hand(record: Arc<SessionRecord>, read_at: DateTime<Utc>) -> Self {
        Self { record, read_at, is_second_hand: true }
    }

    pub(super) fn is_fresh(&self, now: DateTime<Utc>, bound: TimeDelta) -> bool {
        let bound = if self.is_second_hand { bound / 2 } else { bound };
        self.read_at <= now && now - self.read_at < bound
    }
}

impl Near {
    pub(super) fn new(capacity: usize) -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), capacity: capacity.div_ceil(SHARDS) }
    }

    /// No code panics while it holds the lock, so what a poisoned lock guards is whole.
    pub(super) fn shard(&self, id: &SessionDigest) -> MutexGuard<'_, Shard> {
        let shard = &self.shards[usize::from(id.as_bytes()[0]) % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy that is no older than the bound.
    pub(super) fn get(&self, id: &SessionDigest, now: DateTime<Utc>, bound: TimeDelta) -> Option<Arc<SessionRecord>> {
        let shard = self.shard(id);
        let held = shard.held.get(id).filter(|held| held.is_fresh(now, bound))?;
        (now < held.record.expires_at).then(|| held.record.clone())
    }

    /// Holds a record, if nothing changed since `changes` was read.
    pub(super) fn hold(&self, id: &SessionDigest, held: Held, changes: u64, bound: TimeDelta) {
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

    /// Holds none of which that is so, and none that is being read now.
    pub(super) fn forget_if(&self, condition: impl Fn(&SessionRecord) -> bool) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.held.retain(|_, held| !condition(&held.record));
            shard.changes = shard.changes.wrapping_add(1);
        }
    }

    /// What another process told.
    pub(super) fn heard(&self, what: Invalidated) {
        match what {
            Invalidated::One(id) => _ = self.shard(&id).forget(&id),
            Invalidated::OfUser(_) => {}
            Invalidated::Every => self.forget_if(|_| true),
        }
    }
}

impl Shard {
    /// Notes a change, and says the number of changes.
    pub(super) fn forget(&mut self, id: &SessionDigest) -> u64 {
        self.held.remove(id);
        self.changes = self.changes.wrapping_add(1);
        self.changes
    }
}
