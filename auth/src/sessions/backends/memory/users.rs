use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sessions::{SessionDigest, SessionRecord};

/// Which sessions a user has. It is changed under the lock of the record's own shard only, so that it follows what
/// happens to a record in the same order; a lock of its own is always taken second.
#[derive(Debug)]
pub(super) struct UserIndex {
    shards: Box<[Mutex<Users>]>,
    hashes: RandomState,
}

type Users = HashMap<Box<str>, HashSet<SessionDigest>>;

pub(super) const SHARDS: usize = 64;

impl UserIndex {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hashes: RandomState::new() }
    }

    /// Notes that one record took the place of another, or of none.
    pub(super) fn replaced(&self, id: &SessionDigest, old: Option<&SessionRecord>, new: Option<&SessionRecord>) {
        let (old, new) = (old.and_then(SessionRecord::user_id), new.and_then(SessionRecord::user_id));
        if old == new {
            return;
        }
        if let Some(user_id) = old {
            let mut users = self.shard(user_id);
            if let Some(ids) = users.get_mut(user_id) {
                ids.remove(id);
                // A user without sessions takes no room.
                if ids.is_empty() {
                    users.remove(user_id);
                }
            }
        }
        if let Some(user_id) = new {
            self.shard(user_id).entry(user_id.into()).or_default().insert(*id);
        }
    }

    /// The user's sessions, expired ones that were not removed yet among them.
    pub(super) fn ids(&self, user_id: &str) -> Vec<SessionDigest> {
        self.shard(user_id).get(user_id).map(|ids| ids.iter().copied().collect()).unwrap_or_default()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().map_or(0, |users| users.len())).sum()
    }

    /// No code panics while it holds the lock, so what a poisoned lock guards is whole.
    fn shard(&self, user_id: &str) -> MutexGuard<'_, Users> {
        self.shards[self.shard_of(user_id)].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which of the locks is this user's.
    pub(super) fn shard_of(&self, user_id: &str) -> usize {
        usize::from(self.hashes.hash_one(user_id).to_le_bytes()[0]) % SHARDS
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::TimeDelta;

    use crate::clock::{Clock as _, SystemClock};
    use crate::sessions::{InMemorySessionBackend, Login, SaveIf, Saved, SessionKey, SessionRecord};

    #[test]
    fn the_index_is_bounded_by_the_sessions_that_are_held() {
        let backend = InMemorySessionBackend::new();
        let now = SystemClock.now();
        for user in 0..10_000 {
            // Expired already: the next ones take their place.
            let mut record = SessionRecord::new(now, now - TimeDelta::seconds(1), now);
            record.login = Some(Login::new(format!("user {user}"), [0; 32], now));
            let id = SessionKey::generate().digest();
            assert_eq!(backend.save_now(&id, Arc::new(record), SaveIf::Absent), Saved::Done);
        }
        assert!(backend.users.len() <= backend.len());
        assert!(backend.len() <= 64 * 64, "{}", backend.len());
    }
}
