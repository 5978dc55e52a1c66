//! A list as its record holds it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::secret;
use crate::sessions::{SaveIf, SessionDigest, SessionError, SessionRecord};

/// No format of a dictionary has this tag.
const TAG: u8 = 0xfd;
const ENTRY: usize = 48;
/// How long a session may take to be saved once it has its place in the list.
const GRACE: TimeDelta = TimeDelta::seconds(30);

/// The list, as it was when it was read.
pub(in crate::sessions::wrappers) struct Index {
    /// Nothing, where no list stands.
    version: Option<u64>,
    pub(super) entries: Vec<Entry>,
}

/// A session that is there, was there, or is about to be.
#[derive(Clone, Copy)]
pub(in crate::sessions::wrappers) struct Entry {
    pub(super) id: SessionDigest,
    ends_at: DateTime<Utc>,
    /// Until then it may be on its way.
    pending_until: DateTime<Utc>,
}

impl Entry {
    pub(in crate::sessions::wrappers) fn pending(
        id: SessionDigest,
        ends_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Self {
        Self { id, ends_at, pending_until: now + GRACE }
    }

    pub(in crate::sessions::wrappers) fn saved(id: SessionDigest, ends_at: DateTime<Utc>) -> Self {
        Self { id, ends_at, pending_until: DateTime::UNIX_EPOCH }
    }

    /// The same id again: perhaps another's session that goes on, so it stays as long as either.
    pub(super) fn renew(&mut self, other: &Self) {
        self.ends_at = self.ends_at.max(other.ends_at);
        self.pending_until = other.pending_until;
    }

    /// Whether it stays in the list without asking whether there is such a session; nothing, when that must be asked.
    pub(super) fn stays(&self, now: DateTime<Utc>) -> Option<bool> {
        if self.ends_at <= now { Some(false) } else { self.is_pending(now).then_some(true) }
    }

    pub(super) fn is_pending(&self, now: DateTime<Utc>) -> bool {
        now < self.pending_until
    }
}

impl Index {
    /// Reads the list. A damaged one is a failure: it would let in more than the limit, and hide sessions.
    pub(super) fn read(record: Option<&SessionRecord>) -> Result<Self, SessionError> {
        let Some(record) = record else { return Ok(Self { version: None, entries: Vec::new() }) };
        let damaged = || SessionError::store("a list of sessions is damaged");
        let Some((&TAG, entries)) = record.data.split_first() else { return Err(damaged()) };
        let (entries, rest) = entries.as_chunks::<ENTRY>();
        let entries = entries.iter().map(read_entry).collect::<Option<Vec<_>>>().filter(|_| rest.is_empty());
        Ok(Self { version: Some(record.version), entries: entries.ok_or_else(damaged)? })
    }

    /// What to save, and when.
    pub(super) fn write(&self, now: DateTime<Utc>) -> (Arc<SessionRecord>, SaveIf) {
        let mut data = Vec::with_capacity(1 + self.entries.len() * ENTRY);
        data.push(TAG);
        for entry in &self.entries {
            data.extend(entry.id.as_bytes());
            data.extend(entry.ends_at.timestamp_micros().to_be_bytes());
            data.extend(entry.pending_until.timestamp_micros().to_be_bytes());
        }
        // Without entries the list expires at once: a removal that no concurrent change escapes.
        let until = self.entries.iter().map(|entry| entry.ends_at).max().unwrap_or(now);
        let mut record = SessionRecord::new(now, until, until);
        record.data = data.into();
        let condition = if let Some(version) = self.version {
            record.version = version.wrapping_add(1);
            SaveIf::Version(version)
        } else {
            // At random, so that a version read from a list that is gone never fits the next one.
            record.version = u64::from_be_bytes(secret::random()) >> 12;
            SaveIf::Absent
        };
        (Arc::new(record), condition)
    }

    /// Puts an entry last, and says how many others there are. One that stood there stays as long as it did at least.
    pub(super) fn put(&mut self, mut entry: Entry) -> usize {
        if let Some(at) = self.position(&entry.id) {
            let held = self.entries.remove(at);
            entry.ends_at = entry.ends_at.max(held.ends_at);
        }
        self.entries.push(entry);
        self.entries.len() - 1
    }

    pub(super) fn position(&self, id: &SessionDigest) -> Option<usize> {
        self.entries.iter().position(|entry| entry.id == *id)
    }
}

/// Whether that record is a list and no session.
pub(in crate::sessions::wrappers) fn is_list(record: &SessionRecord) -> bool {
    record.data.first() == Some(&TAG)
}

fn read_entry(bytes: &[u8; ENTRY]) -> Option<Entry> {
    let (id, moments) = bytes.split_first_chunk::<32>()?;
    let (ends_at, pending_until) = moments.split_first_chunk::<8>()?;
    let moment = |bytes: &[u8; 8]| DateTime::from_timestamp_micros(i64::from_be_bytes(*bytes));
    Some(Entry {
        id: SessionDigest::from_bytes(*id),
        ends_at: moment(ends_at)?,
        pending_until: moment(pending_until.first_chunk()?)?,
    })
}
