use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::RecordError;
use crate::BoxFuture;

/// The most bytes of a record's value.
pub const MAX_RECORD: usize = 64 << 10;

/// What records are of, so that ids of different subjects cannot meet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RecordKind(&'static str);

impl RecordKind {
    /// A kind of records: `RecordKind::new("sign_in_link")`. This crate's own begin with `api_`, `mfa_`,
    /// `oauth_`, `pending_`, `refresh_`, `socket_` and `token_`.
    ///
    /// # Panics
    /// Unless it has 1 to 32 small letters and underscores; in a constant, at compile time.
    pub const fn new(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        assert!(!bytes.is_empty() && bytes.len() <= 32, "a kind of records has 1 to 32 letters");
        let mut i = 0;
        while i < bytes.len() {
            assert!(
                bytes[i].is_ascii_lowercase() || bytes[i] == b'_',
                "a kind of records has small letters and underscores"
            );
            i += 1;
        }
        Self(name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// A record to be written.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever keeps records makes it")]
pub struct NewRecord {
    /// Whose it is, if anybody's: 255 characters at the most. It stays what it was when the record is replaced.
    pub owner: Option<String>,
    /// What is kept: [`MAX_RECORD`] bytes at the most.
    pub value: Vec<u8>,
    /// From then on there is no such record. Cut to milliseconds.
    pub expires_at: DateTime<Utc>,
}

/// A record as it was found.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// What [`RecordStore::replace`] knows it by: another one after every writing, also of the same bytes.
    pub version: u64,
    /// Whose it is.
    pub owner: Option<String>,
    /// What is kept.
    pub value: Vec<u8>,
    /// From then on there is no such record.
    pub expires_at: DateTime<Utc>,
}

impl Record {
    /// Puts together what a store read.
    pub fn new(version: u64, record: NewRecord) -> Self {
        let NewRecord { owner, value, expires_at } = record;
        Self { version, owner, value, expires_at }
    }
}

/// Values are often digests of secrets, or telling: they are not shown.
impl fmt::Debug for NewRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewRecord").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Record");
        shown.field("version", &self.version).field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// What became of a replacement.
#[must_use = "somebody may have been quicker"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever replaces must know all three")]
pub enum RecordReplaced {
    /// It was written.
    Done,
    /// The record was written since it was read; nothing is done.
    Changed,
    /// There is no such record any more; nothing is done.
    Gone,
}

/// Keeps records. Each operation on one record is atomic among all who use the store, and a record that has expired by the
/// application's clock is none.
///
/// An id is a text of 1 to 255 bytes without NUL; it may stand in logs, so it is no secret. What does not fit is
/// [`RecordError::Unfit`], with `part` "id", "owner" or "value", when it is written, and is not there when it is read. The store
/// cuts `expires_at` to milliseconds.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a record store",
    note = "implement `auth::records::RecordStore` for `{Self}`"
)]
pub trait RecordStore: fmt::Debug + Send + Sync + 'static {
    /// The records under these ids, in their order, in one round trip.
    fn get<'a>(
        &'a self,
        kind: RecordKind,
        ids: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Option<Record>>, RecordError>>;

    /// Writes a record if there is none. Says whether it did: of many who write at once, one is told so.
    fn insert<'a>(
        &'a self,
        kind: RecordKind,
        id: &'a str,
        record: NewRecord,
    ) -> BoxFuture<'a, Result<bool, RecordError>>;

    /// Writes over a record of that version: of many who replace it at once, one does. The owner stays.
    fn replace<'a>(
        &'a self,
        kind: RecordKind,
        id: &'a str,
        version: u64,
        record: NewRecord,
    ) -> BoxFuture<'a, Result<RecordReplaced, RecordError>>;

    /// Removes a record and gives it: of many who take it at once, one gets it.
    fn take<'a>(&'a self, kind: RecordKind, id: &'a str) -> BoxFuture<'a, Result<Option<Record>, RecordError>>;

    /// The records of an owner with their ids, in the order of these; the first 1000.
    fn owned<'a>(
        &'a self,
        kind: RecordKind,
        owner: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(String, Record)>, RecordError>>;

    /// Removes all records of an owner, and says how many there were. Every record whose insertion had succeeded before is
    /// among them.
    fn delete_owned<'a>(&'a self, kind: RecordKind, owner: &'a str) -> BoxFuture<'a, Result<u64, RecordError>>;

    /// How many records of that kind there are; expired ones that were not removed yet may be among them. For statistics.
    fn count(&self, kind: RecordKind) -> BoxFuture<'_, Result<u64, RecordError>>;

    /// Removes expired records of all kinds, that many at the most, and says how many. A store that removes them by itself
    /// has nothing to do.
    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, RecordError>>;
}

impl<S: RecordStore + ?Sized> RecordStore for Arc<S> {
    fn get<'a>(
        &'a self,
        kind: RecordKind,
        ids: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Option<Record>>, RecordError>> {
        (**self).get(kind, ids)
    }

    fn insert<'a>(
        &'a self,
        kind: RecordKind,
        id: &'a str,
        record: NewRecord,
    ) -> BoxFuture<'a, Result<bool, RecordError>> {
        (**self).insert(kind, id, record)
    }

    fn replace<'a>(
        &'a self,
        kind: RecordKind,
        id: &'a str,
        version: u64,
        record: NewRecord,
    ) -> BoxFuture<'a, Result<RecordReplaced, RecordError>> {
        (**self).replace(kind, id, version, record)
    }

    fn take<'a>(&'a self, kind: RecordKind, id: &'a str) -> BoxFuture<'a, Result<Option<Record>, RecordError>> {
        (**self).take(kind, id)
    }

    fn owned<'a>(
        &'a self,
        kind: RecordKind,
        owner: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(String, Record)>, RecordError>> {
        (**self).owned(kind, owner)
    }

    fn delete_owned<'a>(&'a self, kind: RecordKind, owner: &'a str) -> BoxFuture<'a, Result<u64, RecordError>> {
        (**self).delete_owned(kind, owner)
    }

    fn count(&self, kind: RecordKind) -> BoxFuture<'_, Result<u64, RecordError>> {
        (**self).count(kind)
    }

    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, RecordError>> {
        (**self).cleanup_expired(batch)
    }
}

/// A record store that is shared.
pub type DynRecordStore = Arc<dyn RecordStore>;
