mod statements;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use sea_query::Value as Bound;

use self::statements::Statements;
use crate::BoxFuture;
use crate::clock::{Clock, SystemClock};
use crate::database::{
    AnyRow, ColumnError, ColumnSpec, Database, DatabaseError, Dialect, Kind, Migration, Statement, TableSpec, read,
};
use crate::records::fit::{check, is_id, is_owner, new_version};
use crate::records::{NewRecord, Record, RecordError, RecordKind, RecordReplaced, RecordStore};

const RECORD_TABLE: &str = "auth_record";

const KIND: &str = "kind";
const ID: &str = "id";
const VERSION: &str = "version";
const OWNER: &str = "owner";
const EXPIRES_AT: &str = "expires_at";
/// All columns but the kind.
const COLUMNS: [&str; 5] = [ID, VERSION, OWNER, "value", EXPIRES_AT];

/// Every so many new records some of the expired ones are swept: more than came, so that their number falls.
const SWEEP_EVERY: u64 = 64;
const SWEEP: u64 = 128;
/// How many ids one statement asks for at the most.
const AT_ONCE: usize = 500;
/// How often others may be quicker before somebody who takes a record gives up.
const TRIES: usize = 100;

/// Keeps records in a database: one row for each in the table `auth_record`, moments as milliseconds since 1970.
///
/// Expired rows are no records. New ones sweep some of them now and then; [`RecordStore::cleanup_expired`] removes them at
/// once. `auth::accounts::migrate` makes the table in the application's own database.
///
/// A database that cannot be reached, or does not answer within the time-out that [`Database::connect`] tells of, is
/// [`RecordError::Store`]. Whether it did then what it was told, nobody knows. So is a row that is damaged: whether it
/// was to let somebody in or to keep somebody out cannot be told.
///
/// What was answered is kept as well as the database keeps it; see
/// [`DatabaseSessionBackend`](crate::sessions::DatabaseSessionBackend).
#[derive(Clone)]
pub struct DatabaseRecordStore {
    database: Database,
    statements: Arc<Statements>,
    inserts: Arc<AtomicU64>,
    clock: Arc<dyn Clock>,
}

impl DatabaseRecordStore {
    /// The records in the table `auth_record`.
    pub fn new(database: Database) -> Self {
        let statements = Arc::new(Statements::new(&database));
        Self { database, statements, inserts: Arc::default(), clock: Arc::new(SystemClock) }
    }

    /// The same, going by this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the table, if it is not there.
    ///
    /// # Errors
    /// [`RecordError::Store`]
    pub async fn create_table(&self) -> Result<(), RecordError> {
        let mut migration = Migration::begin(&self.database).await?;
        migration.table(&record_table()).await?;
        migration.finish().await?;
        Ok(())
    }

    fn now(&self) -> Bound {
        millis(self.clock.now())
    }

    async fn get_now(&self, kind: RecordKind, ids: &[&str]) -> Result<Vec<Option<Record>>, RecordError> {
        let mut found = HashMap::new();
        let asked: Vec<&str> = ids.iter().copied().filter(|id| is_id(id)).collect();
        for ids in asked.chunks(AT_ONCE) {
            let get = self.statements.get(&self.database, ids.len());
            let values = [kind.name().into(), self.now()].into_iter().chain(ids.iter().map(|id| (*id).into()));
            for row in self.database.fetch(get.with(values)).await? {
                let (id, record) = record(&row)?;
                found.insert(id, record);
            }
        }
        Ok(ids.iter().map(|id| found.get(*id).cloned()).collect())
    }

    async fn insert_now(&self, kind: RecordKind, id: &str, record: NewRecord) -> Result<bool, RecordError> {
        check(id, &record)?;
        let values = [
            kind.name().into(),
            id.into(),
            version_of(new_version()),
            record.owner.into(),
            record.value.into(),
            millis(record.expires_at),
        ];
        let insert = self.statements.insert.with(values);
        if self.inserted(insert.clone()).await? {
            self.sweep().await;
            return Ok(true);
        }
        // An expired record in the way is no record. If somebody else was quicker to replace it, there is one.
        let take_away = self.statements.take_away.with([kind.name().into(), id.into(), self.now()]);
        Ok(self.database.execute(take_away).await?.rows > 0 && self.inserted(insert).await?)
    }

    async fn inserted(&self, insert: Statement) -> Result<bool, RecordError> {
        match self.database.execute(insert).await {
            Ok(_) => Ok(true),
            Err(error) if error.unique_violation().is_some() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The record is there already: whatever happens here is no failure of it.
    async fn sweep(&self) {
        if (self.inserts.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(SWEEP_EVERY)
            && let Err(error) = self.remove_expired(SWEEP).await
        {
            tracing::warn!(%error, "expired records could not be swept");
        }
    }

    async fn remove_expired(&self, batch: u64) -> Result<u64, DatabaseError> {
        let times = if self.database.dialect() == Dialect::MySql { 1 } else { 2 };
        let now = std::iter::repeat_n(self.now(), times);
        let cleanup = self.statements.cleanup.with(now.chain([batch.into()]));
        Ok(self.database.execute(cleanup).await?.rows)
    }

    async fn replace_now(
        &self,
        kind: RecordKind,
        id: &str,
        version: u64,
        record: NewRecord,
    ) -> Result<RecordReplaced, RecordError> {
        check(id, &record)?;
        let values = [
            version_of(new_version()),
            record.value.into(),
            millis(record.expires_at),
            kind.name().into(),
            id.into(),
            version_of(version),
            self.now(),
        ];
        if self.database.execute(self.statements.replace.with(values)).await?.rows > 0 {
            return Ok(RecordReplaced::Done);
        }
        let stands = self.find(kind, id).await?.is_some();
        Ok(if stands { RecordReplaced::Changed } else { RecordReplaced::Gone })
    }

    async fn find(&self, kind: RecordKind, id: &str) -> Result<Option<Record>, RecordError> {
        Ok(self.get_now(kind, &[id]).await?.pop().flatten())
    }

    /// Who removes the very writing that they have read gets it. (MySQL gives nothing back of what it removes.)
    async fn take_now(&self, kind: RecordKind, id: &str) -> Result<Option<Record>, RecordError> {
        for _ in 0..TRIES {
            let Some(record) = self.find(kind, id).await? else { return Ok(None) };
            let values = [kind.name().into(), id.into(), version_of(record.version), self.now()];
            if self.database.execute(self.statements.delete.with(values)).await?.rows > 0 {
                return Ok(Some(record));
            }
        }
        Err(RecordError::store("others were quicker to write the record, time and again"))
    }

    async fn owned_now(&self, kind: RecordKind, owner: &str) -> Result<Vec<(String, Record)>, RecordError> {
        if !is_owner(owner) {
            return Ok(Vec::new());
        }
        let list = self.statements.owned.with([kind.name().into(), owner.into(), self.now()]);
        let rows = self.database.fetch(list).await?;
        Ok(rows.iter().map(record).collect::<Result<_, _>>()?)
    }

    async fn delete_owned_now(&self, kind: RecordKind, owner: &str) -> Result<u64, RecordError> {
        if !is_owner(owner) {
            return Ok(0);
        }
        let delete = self.statements.delete_owned.with([kind.name().into(), owner.into(), self.now()]);
        Ok(self.database.execute(delete).await?.rows)
    }

    async fn count_now(&self, kind: RecordKind) -> Result<u64, RecordError> {
        let row = self.database.fetch_first(self.statements.count.with([kind.name().into()])).await?;
        let count = row.map_or(Ok(0), |row| read::<i64>(&row, 0, "count"))?;
        u64::try_from(count).map_err(RecordError::store)
    }
}

impl fmt::Debug for DatabaseRecordStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseRecordStore").finish_non_exhaustive()
    }
}

impl From<DatabaseError> for RecordError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::NotEnabled { scheme, feature } => Self::NotEnabled { scheme, feature },
            error => Self::store(error),
        }
    }
}

impl From<ColumnError> for RecordError {
    fn from(error: ColumnError) -> Self {
        Self::store(error)
    }
}

impl RecordStore for DatabaseRecordStore {
    fn get<'a>(
        &'a self,
        kind: RecordKind,
        ids: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Option<Record>>, RecordError>> {
        Box::pin(self.get_now(kind, ids))
    }

    fn insert<'a>(
        &'a self,
        kind: RecordKind,
        id: &'a str,
        record: NewRecord,
    ) -> BoxFuture<'a, Result<bool, RecordError>> {
        Box::pin(self.insert_now(kind, id, record))
    }

    fn replace<'a>(
        &'a self,
        kind: RecordKind,
        id: &'a str,
        version: u64,
        record: NewRecord,
    ) -> BoxFuture<'a, Result<RecordReplaced, RecordError>> {
        Box::pin(self.replace_now(kind, id, version, record))
    }

    fn take<'a>(&'a self, kind: RecordKind, id: &'a str) -> BoxFuture<'a, Result<Option<Record>, RecordError>> {
        Box::pin(self.take_now(kind, id))
    }

    fn owned<'a>(
        &'a self,
        kind: RecordKind,
        owner: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(String, Record)>, RecordError>> {
        Box::pin(self.owned_now(kind, owner))
    }

    fn delete_owned<'a>(&'a self, kind: RecordKind, owner: &'a str) -> BoxFuture<'a, Result<u64, RecordError>> {
        Box::pin(self.delete_owned_now(kind, owner))
    }

    fn count(&self, kind: RecordKind) -> BoxFuture<'_, Result<u64, RecordError>> {
        Box::pin(self.count_now(kind))
    }

    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, RecordError>> {
        Box::pin(async move { Ok(self.remove_expired(batch.into()).await?) })
    }
}

/// The table, as `migrate` makes it.
pub(crate) fn record_table() -> TableSpec {
    let columns = vec![
        ColumnSpec::text(KIND, 32),
        ColumnSpec::text(ID, 255),
        ColumnSpec::new(VERSION, Kind::BigInt),
        ColumnSpec::text(OWNER, 255).nullable(),
        ColumnSpec::new("value", Kind::Bytes),
        ColumnSpec::new(EXPIRES_AT, Kind::BigInt),
    ];
    let mut table = TableSpec::new(RECORD_TABLE, vec![KIND, ID], columns);
    table.indexes = vec![vec![KIND, OWNER], vec![EXPIRES_AT]];
    table
}

fn millis(time: DateTime<Utc>) -> Bound {
    time.timestamp_millis().into()
}

/// None that was given is negative, so one that does not fit is nobody's.
fn version_of(version: u64) -> Bound {
    i64::try_from(version).unwrap_or(-1).into()
}

fn record(row: &AnyRow) -> Result<(String, Record), ColumnError> {
    let damaged = |column, what| ColumnError::new(column, what);
    let version = read::<i64>(row, 1, VERSION)?;
    let version = version.try_into().map_err(|_| damaged(VERSION, "must not be negative"))?;
    let expires_at = DateTime::from_timestamp_millis(read(row, 4, EXPIRES_AT)?);
    let expires_at = expires_at.ok_or_else(|| damaged(EXPIRES_AT, "is no moment"))?;
    let record = NewRecord { owner: read(row, 2, OWNER)?, value: read(row, 3, "value")?, expires_at };
    Ok((read(row, 0, ID)?, Record::new(version, record)))
}
