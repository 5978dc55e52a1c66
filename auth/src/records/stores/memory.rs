use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::future::ready;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::BoxFuture;
use crate::clock::{Clock, SystemClock};
use crate::records::fit::{check, new_version};
use crate::records::{NewRecord, Record, RecordError, RecordKind, RecordReplaced, RecordStore};

/// Keeps records in this process: for tests, and for one server that forgets them when it is started again.
///
/// Expired records are removed as new ones come in, so memory is bounded by the records that are alive.
///
/// # Security
/// What was revoked is no longer revoked after a restart, and other servers know nothing of it: where tokens outlive the
/// process, their records belong in a database or in Redis.
pub struct InMemoryRecordStore {
    shards: Box<[Mutex<Shard>]>,
    /// Which ids an owner has. It is changed under the lock of the record's own shard only, so that it follows what happens
    /// to a record in the same order; a lock of its own is always taken second.
    owners: Box<[Mutex<Owners>]>,
    hashes: RandomState,
    clock: Arc<dyn Clock>,
}

type Owners = HashMap<RecordKind, HashMap<Box<str>, BTreeSet<Box<str>>>>;

#[derive(Default)]
struct Shard {
    records: HashMap<RecordKind, HashMap<Box<str>, Record>>,
    /// When this many are there, expired ones are looked for: the work for each new record is constant on average.
    sweep_at: usize,
}

const SHARDS: usize = 64;
const LEAST_SWEEP: usize = 64;
/// How many records of an owner are told.
pub(super) const MOST_OWNED: usize = 1000;

impl InMemoryRecordStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty store that goes by this clock.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            owners: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hashes: RandomState::new(),
            clock,
        }
    }

    /// How many records are held, expired ones that were not removed yet among them.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Whether no record is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, id: &str) -> MutexGuard<'_, Shard> {
        lock(&self.shards[self.place(id)])
    }

    fn owners(&self, owner: &str) -> MutexGuard<'_, Owners> {
        lock(&self.owners[self.place(owner)])
    }

    fn place(&self, text: &str) -> usize {
        usize::from(self.hashes.hash_one(text).to_le_bytes()[0]) % SHARDS
    }

    fn get_now(&self, kind: RecordKind, id: &str) -> Option<Record> {
        self.shard(id).records.get(&kind)?.get(id).filter(|record| alive(record, self.clock.now())).cloned()
    }

    fn insert_now(&self, kind: RecordKind, id: &str, record: NewRecord) -> Result<bool, RecordError> {
        check(id, &record)?;
        let (now, mut shard) = (self.clock.now(), self.shard(id));
        shard.sweep(now, self);
        let entry = shard.records.entry(kind).or_default().entry(id.into());
        if let Entry::Occupied(held) = &entry {
            if alive(held.get(), now) {
                return Ok(false);
            }
            self.forget(kind, id, held.get());
        }
        let record = written(record);
        if let Some(owner) = record.owner.as_deref() {
            self.owners(owner).entry(kind).or_default().entry(owner.into()).or_default().insert(id.into());
        }
        entry.insert_entry(record);
        Ok(true)
    }

    fn replace_now(
        &self,
        kind: RecordKind,
        id: &str,
        version: u64,
        record: NewRecord,
    ) -> Result<RecordReplaced, RecordError> {
        check(id, &record)?;
        let (now, mut shard) = (self.clock.now(), self.shard(id));
        let held = shard.records.get_mut(&kind).and_then(|records| records.get_mut(id));
        Ok(match held.filter(|held| alive(held, now)) {
            None => RecordReplaced::Gone,
            Some(held) if held.version != version => RecordReplaced::Changed,
            Some(held) => {
                *held = Record { owner: held.owner.take(), ..written(record) };
                RecordReplaced::Done
            }
        })
    }

    /// Removes a record; only this owner's, if one is given.
    fn take_now(&self, kind: RecordKind, id: &str, owner: Option<&str>) -> Option<Record> {
        let mut shard = self.shard(id);
        let records = shard.records.get_mut(&kind)?;
        if owner.is_some() && records.get(id)?.owner.as_deref() != owner {
            return None;
        }
        let record = records.remove(id)?;
        self.forget(kind, id, &record);
        alive(&record, self.clock.now()).then_some(record)
    }

    /// Takes a record that is removed out of the index.
    fn forget(&self, kind: RecordKind, id: &str, record: &Record) {
        let Some(owner) = record.owner.as_deref() else { return };
        let mut owners = self.owners(owner);
        let Some(of_kind) = owners.get_mut(&kind) else { return };
        if let Some(ids) = of_kind.get_mut(owner) {
            ids.remove(id);
            // An owner without records takes no room.
            if ids.is_empty() {
                of_kind.remove(owner);
            }
        }
    }

    fn ids_of(&self, kind: RecordKind, owner: &str) -> Vec<Box<str>> {
        let owners = self.owners(owner);
        let ids = owners.get(&kind).and_then(|of_kind| of_kind.get(owner));
        ids.map(|ids| ids.iter().cloned().collect()).unwrap_or_default()
    }

    fn owned_now(&self, kind: RecordKind, owner: &str) -> Vec<(String, Record)> {
        let found = self.ids_of(kind, owner).into_iter().filter_map(|id| {
            // Another's can stand there since the index was read.
            let record = self.get_now(kind, &id).filter(|record| record.owner.as_deref() == Some(owner))?;
            Some((id.into(), record))
        });
        found.take(MOST_OWNED).collect()
    }
}

impl Shard {
    fn len(&self) -> usize {
        self.records.values().map(HashMap::len).sum()
    }

    fn sweep(&mut self, now: DateTime<Utc>, store: &InMemoryRecordStore) {
        if self.len() >= self.sweep_at.max(LEAST_SWEEP) {
            self.remove_expired(now, usize::MAX, store);
            self.sweep_at = self.len() * 2;
        }
    }

    fn remove_expired(&mut self, now: DateTime<Utc>, most: usize, store: &InMemoryRecordStore) -> usize {
        let mut removed = 0;
        for (kind, records) in &mut self.records {
            records.retain(|id, record| {
                let keep = removed == most || alive(record, now);
                if !keep {
                    store.forget(*kind, id, record);
                    removed += 1;
                }
                keep
            });
        }
        removed
    }
}

/// As every store gives it back.
fn written(record: NewRecord) -> Record {
    let expires_at = DateTime::from_timestamp_millis(record.expires_at.timestamp_millis());
    let expires_at = expires_at.unwrap_or(record.expires_at);
    Record::new(new_version(), NewRecord { expires_at, ..record })
}

fn alive(record: &Record, now: DateTime<Utc>) -> bool {
    now < record.expires_at
}

/// No code panics while it holds the lock, so what a poisoned lock guards is whole.
fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for InMemoryRecordStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for InMemoryRecordStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryRecordStore").finish_non_exhaustive()
    }
}

impl RecordStore for InMemoryRecordStore {
    fn get<'a>(
        &'a self,
        kind: RecordKind,
        ids: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Option<Record>>, RecordError>> {
        Box::pin(ready(Ok(ids.iter().map(|id| self.get_now(kind, id)).collect())))
    }

    fn insert<'a>(
        &'a self,
        kind: RecordKind,
        id: &'a str,
        record: NewRecord,
    ) -> BoxFuture<'a, Result<bool, RecordError>> {
        Box::pin(ready(self.insert_now(kind, id, record)))
    }

    fn replace<'a>(
        &'a self,
        kind: RecordKind,
        id: &'a str,
        version: u64,
        record: NewRecord,
    ) -> BoxFuture<'a, Result<RecordReplaced, RecordError>> {
        Box::pin(ready(self.replace_now(kind, id, version, record)))
    }

    fn take<'a>(&'a self, kind: RecordKind, id: &'a str) -> BoxFuture<'a, Result<Option<Record>, RecordError>> {
        Box::pin(ready(Ok(self.take_now(kind, id, None))))
    }

    fn owned<'a>(
        &'a self,
        kind: RecordKind,
        owner: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(String, Record)>, RecordError>> {
        Box::pin(ready(Ok(self.owned_now(kind, owner))))
    }

    fn delete_owned<'a>(&'a self, kind: RecordKind, owner: &'a str) -> BoxFuture<'a, Result<u64, RecordError>> {
        let ids = self.ids_of(kind, owner).into_iter();
        let deleted = ids.filter(|id| self.take_now(kind, id, Some(owner)).is_some()).count();
        Box::pin(ready(Ok(deleted as u64)))
    }

    fn count(&self, kind: RecordKind) -> BoxFuture<'_, Result<u64, RecordError>> {
        let count: usize = self.shards.iter().filter_map(|shard| Some(lock(shard).records.get(&kind)?.len())).sum();
        Box::pin(ready(Ok(count as u64)))
    }

    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, RecordError>> {
        let (now, mut left) = (self.clock.now(), batch as usize);
        for shard in &self.shards {
            left -= lock(shard).remove_expired(now, left, self);
        }
        Box::pin(ready(Ok(u64::from(batch) - left as u64)))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn memory_is_bounded_by_the_records_that_are_alive() {
        const KIND: RecordKind = RecordKind::new("test");
        let store = InMemoryRecordStore::new();
        let expires_at = SystemClock.now() - TimeDelta::seconds(1);
        for i in 0..10_000 {
            // Expired already: the next ones take their place.
            let record = NewRecord { owner: Some(format!("owner {i}")), value: vec![1], expires_at };
            assert!(store.insert_now(KIND, &i.to_string(), record).unwrap());
        }
        assert!(store.len() <= 64 * 64, "{}", store.len());
        let owners: usize =
            store.owners.iter().map(|shard| lock(shard).values().map(HashMap::len).sum::<usize>()).sum();
        assert_eq!(owners, store.len());
    }
}
