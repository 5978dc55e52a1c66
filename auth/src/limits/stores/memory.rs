use std::collections::HashMap;
use std::fmt;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::BoxFuture;
use crate::limits::rule::count_all;
use crate::limits::{Attempt, LimitError, LimitKey, LimitRule, LimitStore, Settlement, Tries};

/// Counts tries in this process: for one server. Several servers that each count for themselves multiply the limits.
///
/// # Security
/// Memory is bounded: by default 262,144 keys, some 29 MiB (8192 places of 57 bytes in each of 64 shards). Expired keys
/// go first; where that is not enough, those with the fewest tries are forgotten, so a flood of made-up names does not
/// free the account that is being guessed at.
pub struct InMemoryLimitStore {
    shards: Box<[Mutex<Shard>]>,
    capacity: usize,
}

/// Digests of names that anybody may choose: the map keeps its random hasher.
type Shard = HashMap<LimitKey, Tries>;

const SHARDS: usize = 64;
const CAPACITY: usize = 1 << 18;

impl InMemoryLimitStore {
    /// An empty store for 262,144 keys.
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    /// An empty store for about so many keys; for 1024 at least.
    pub fn with_capacity(keys: usize) -> Self {
        let capacity = keys.div_ceil(SHARDS).max(1024 / SHARDS);
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), capacity }
    }

    /// How many keys are held, expired ones that were not removed yet among them.
    pub fn len(&self) -> usize {
        (0..SHARDS).map(|index| self.lock(index).len()).sum()
    }

    /// Whether no key is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn attempt_now(&self, limits: &[(LimitKey, LimitRule)], now: DateTime<Utc>) -> Attempt {
        let mut indexes: Vec<_> = limits.iter().map(|(key, _)| shard_of(key)).collect();
        // All locks at once make it atomic; in this order nobody waits for one who waits for him.
        indexes.sort_unstable();
        indexes.dedup();
        let mut shards: Vec<_> = indexes.iter().map(|index| self.lock(*index)).collect();
        let position = |key: &LimitKey| indexes.binary_search(&shard_of(key)).unwrap_or_default();
        let held = |key: &LimitKey| shards[position(key)].get(key).copied();
        let counted = match count_all(limits, held, now) {
            Ok(counted) => counted,
            Err(longest) => return Attempt::Wait(longest),
        };
        for ((key, _), tries) in limits.iter().zip(&counted) {
            let shard = &mut shards[position(key)];
            if shard.len() >= self.capacity && !shard.contains_key(key) {
                make_room(shard, now);
            }
            shard.insert(*key, *tries);
        }
        Attempt::Counted(counted)
    }

    fn settle_now(&self, key: &LimitKey, settlement: Settlement, now: DateTime<Utc>) {
        let mut shard = self.lock(shard_of(key));
        let Some(held) = shard.get_mut(key) else { return };
        let kept = match settlement {
            Settlement::Forget => None,
            Settlement::TakeBack { rule, counted } => rule.take_back(*held, counted, now),
        };
        match kept {
            Some(tries) => *held = tries,
            None => drop(shard.remove(key)),
        }
    }

    /// No code panics while it holds the lock, so what a poisoned lock guards is whole.
    fn lock(&self, index: usize) -> MutexGuard<'_, Shard> {
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shard_of(key: &LimitKey) -> usize {
    usize::from(key.as_bytes()[0]) % SHARDS
}

/// Removes what has expired, or else all keys with the fewest tries: at least one, and mostly many, so the work for
/// each new key is small on average.
fn make_room(shard: &mut Shard, now: DateTime<Utc>) {
    let before = shard.len();
    shard.retain(|_, tries| now.timestamp_millis() < tries.expires);
    if shard.len() == before {
        let fewest = shard.values().map(|tries| tries.count).min().unwrap_or_default();
        shard.retain(|_, tries| tries.count > fewest);
        tracing::warn!("the store of limits is full; the keys with the fewest tries were forgotten");
    }
}

impl Default for InMemoryLimitStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for InMemoryLimitStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryLimitStore").finish_non_exhaustive()
    }
}

impl LimitStore for InMemoryLimitStore {
    fn attempt<'a>(
        &'a self,
        limits: &'a [(LimitKey, LimitRule)],
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Attempt, LimitError>> {
        Box::pin(ready(Ok(self.attempt_now(limits, now))))
    }

    fn settle<'a>(
        &'a self,
        settlements: &'a [(LimitKey, Settlement)],
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<(), LimitError>> {
        for (key, settlement) in settlements {
            self.settle_now(key, *settlement, now);
        }
        Box::pin(ready(Ok(())))
    }
}
