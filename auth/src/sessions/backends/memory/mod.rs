mod scan;
mod users;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::future::ready;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use self::users::UserIndex;
use crate::BoxFuture;
use crate::clock::{Clock, SystemClock};
use crate::registry::{Context, Place, Url};
use crate::sessions::{
    CleanupExpired, DynSessionBackend, SaveIf, Saved, SessionBackend, SessionBackendEntry, SessionDigest, SessionError,
    SessionLimit, SessionRecord, SessionScan, UserSession, UserSessions,
};

/// Keeps sessions in this process: for tests, and for one server whose users may have to log in again after a restart.
///
/// Expired records are removed as new ones come in, so memory is bounded by the sessions that are alive.
pub struct InMemorySessionBackend {
    shards: Box<[Mutex<Shard>]>,
    users: UserIndex,
    /// One lock for some of the users, held while a login is counted and saved. It is always taken first.
    logins: Box<[Mutex<()>]>,
    clock: Arc<dyn Clock>,
}

/// Digests are uniform already, and nobody can choose them: a key is made here, and what is stored is its hash.
#[derive(Default)]
struct Uniform(u64);

impl Hasher for Uniform {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last_chunk() {
            self.0 = u64::from_le_bytes(*last);
        }
    }
}

#[derive(Default)]
struct Shard {
    records: HashMap<SessionDigest, Arc<SessionRecord>, BuildHasherDefault<Uniform>>,
    /// When this many are there, expired ones are looked for: the work for each new record is constant on average.
    sweep_at: usize,
}

const SHARDS: usize = 64;
const LEAST_SWEEP: usize = 64;

impl InMemorySessionBackend {
    /// An empty store.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty store that goes by this clock.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        let logins = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), users: UserIndex::new(), logins, clock }
    }

    /// How many records are held, expired ones that were not removed yet among them.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).records.len()).sum()
    }

    /// Whether no record is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, id: &SessionDigest) -> MutexGuard<'_, Shard> {
        lock(&self.shards[usize::from(id.as_bytes()[0]) % SHARDS])
    }

    fn save_now(&self, id: &SessionDigest, record: Arc<SessionRecord>, condition: SaveIf) -> Saved {
        let now = self.clock.now();
        let mut shard = self.shard(id);
        shard.sweep(now, &self.users);
        match (shard.records.entry(*id), condition) {
            (Entry::Occupied(held), SaveIf::Absent) if alive(held.get(), now) => Saved::Conflict,
            (Entry::Occupied(mut held), SaveIf::Version(version)) if alive(held.get(), now) => {
                if held.get().version != version {
                    return Saved::Conflict;
                }
                self.users.replaced(id, Some(held.get()), Some(&record));
                held.insert(record);
                Saved::Done
            }
            (_, SaveIf::Version(_)) => Saved::Gone,
            (entry, SaveIf::Absent) => {
                let expired = match &entry {
                    Entry::Occupied(held) => Some(&**held.get()),
                    Entry::Vacant(_) => None,
                };
                self.users.replaced(id, expired, Some(&record));
                entry.insert_entry(record);
                Saved::Done
            }
        }
    }

    fn touch_now(&self, id: &SessionDigest, seen_at: DateTime<Utc>, expires_at: DateTime<Utc>) -> bool {
        let now = self.clock.now();
        match self.shard(id).records.get_mut(id) {
            Some(record) if alive(record, now) => {
                let record = Arc::make_mut(record);
                (record.seen_at, record.expires_at) = (seen_at, expires_at);
                true
            }
            _ => false,
        }
    }

    fn load_now(&self, id: &SessionDigest) -> Option<Arc<SessionRecord>> {
        let record = self.shard(id).records.get(id)?.clone();
        alive(&record, self.clock.now()).then_some(record)
    }

    /// Removes a record of which that holds. Says whether there was a live one.
    fn delete_if(&self, id: &SessionDigest, condition: impl FnOnce(&SessionRecord) -> bool) -> bool {
        let mut shard = self.shard(id);
        let Entry::Occupied(held) = shard.records.entry(*id) else { return false };
        if !condition(held.get()) {
            return false;
        }
        let record = held.remove();
        self.users.replaced(id, Some(&record), None);
        alive(&record, self.clock.now())
    }

    fn save_within_now(
        &self,
        id: &SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
        limit: SessionLimit,
    ) -> Result<Saved, SessionError> {
        let Some(user_id) = record.user_id() else { return Ok(self.save_now(id, record, condition)) };
        let _counted = lock(&self.logins[self.users.shard_of(user_id)]);
        for oldest in UserSession::too_many(&self.sessions_now(user_id), id, limit)? {
            self.delete_if(&oldest, |record| record.user_id() == Some(user_id));
        }
        Ok(self.save_now(id, record.clone(), condition))
    }

    fn sessions_now(&self, user_id: &str) -> Vec<UserSession> {
        let found = self.users.ids(user_id).into_iter().filter_map(|id| {
            // The login can have changed since the index was read.
            let record = self.load_now(&id).filter(|record| record.user_id() == Some(user_id))?;
            Some(UserSession::new(id, record))
        });
        let mut sessions: Vec<_> = found.collect();
        UserSession::sort(&mut sessions);
        sessions
    }
}

impl Shard {
    fn sweep(&mut self, now: DateTime<Utc>, users: &UserIndex) {
        if self.records.len() >= self.sweep_at.max(LEAST_SWEEP) {
            self.records.retain(|id, record| alive(record, now) || forget(users, id, record));
            self.sweep_at = self.records.len() * 2;
        }
    }
}

fn alive(record: &SessionRecord, now: DateTime<Utc>) -> bool {
    now < record.expires_at
}

/// Takes a record that is removed out of the index; it is not kept.
fn forget(users: &UserIndex, id: &SessionDigest, record: &SessionRecord) -> bool {
    users.replaced(id, Some(record), None);
    false
}

/// No code panics while it holds the lock, so what a poisoned lock guards is whole.
fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for InMemorySessionBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for InMemorySessionBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemorySessionBackend").finish_non_exhaustive()
    }
}

impl SessionBackend for InMemorySessionBackend {
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(ready(Ok(self.load_now(id))))
    }

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(ready(Ok(self.save_now(id, record, condition))))
    }

    fn touch<'a>(
        &'a self,
        id: &'a SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(ready(Ok(self.touch_now(id, seen_at, expires_at))))
    }

    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(ready(Ok(self.delete_if(id, |_| true))))
    }

    fn exists<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(ready(Ok(self.load_now(id).is_some())))
    }

    fn user_sessions(&self) -> Option<&dyn UserSessions> {
        Some(self)
    }

    fn scan(&self) -> Option<&dyn SessionScan> {
        Some(self)
    }
}

impl UserSessions for InMemorySessionBackend {
    fn sessions_of<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Vec<UserSession>, SessionError>> {
        Box::pin(ready(Ok(self.sessions_now(user_id))))
    }

    fn count_of<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<u64, SessionError>> {
        Box::pin(ready(Ok(self.sessions_now(user_id).len() as u64)))
    }

    fn delete_of<'a>(&'a self, user_id: &'a str, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(ready(Ok(self.delete_if(id, |record| record.user_id() == Some(user_id)))))
    }

    fn delete_all_of<'a>(
        &'a self,
        user_id: &'a str,
        except: Option<&'a SessionDigest>,
    ) -> BoxFuture<'a, Result<u64, SessionError>> {
        let ids = self.users.ids(user_id).into_iter().filter(|id| Some(id) != except);
        let ended = ids.filter(|id| self.delete_if(id, |record| record.user_id() == Some(user_id))).count();
        Box::pin(ready(Ok(ended as u64)))
    }

    fn save_within<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
        limit: SessionLimit,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(ready(self.save_within_now(id, record, condition, limit)))
    }
}

impl CleanupExpired for InMemorySessionBackend {
    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, SessionError>> {
        let (now, mut left) = (self.clock.now(), u64::from(batch));
        for shard in &self.shards {
            lock(shard).records.retain(|id, record| {
                let keep = left == 0 || alive(record, now) || forget(&self.users, id, record);
                left -= u64::from(!keep);
                keep
            });
        }
        Box::pin(ready(Ok(u64::from(batch) - left)))
    }
}

inventory::submit! {
    SessionBackendEntry { scheme: "memory", connect, place: Place::new(module_path!(), file!(), line!()) }
}

fn connect<'a>(_: &'a Url, context: &'a Context) -> BoxFuture<'a, Result<DynSessionBackend, SessionError>> {
    let backend = InMemorySessionBackend::with_clock(context.clock.clone());
    Box::pin(ready(Ok(Arc::new(backend) as DynSessionBackend)))
}
