mod limit;
mod scan;
mod statements;
mod users;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use sea_query::Value as Bound;

use self::statements::Statements;
use crate::BoxFuture;
use crate::clock::{Clock, SystemClock};
use crate::database::{
    AnyRow, ColumnError, ColumnSpec, Database, DatabaseError, Kind, Migration, Statement, TableSpec, is_storable, read,
};
use crate::registry::{Context, Place, Url};
use crate::sessions::{
    CleanupExpired, Device, DynSessionBackend, Login, SaveIf, Saved, SessionBackend, SessionBackendEntry,
    SessionDigest, SessionError, SessionRecord, SessionScan, UserSessions,
};

/// The table that sessions are kept in, unless another is named.
pub(crate) const SESSION_TABLE: &str = "auth_session";

const ID: &str = "id";
const VERSION: &str = "version";
const DEVICE: &str = "device";
const VERIFIER: &str = "verifier";
const USER_ID: &str = "user_id";
const EXPIRES_AT: &str = "expires_at";
/// All columns but the id, in the order of [`row`].
const COLUMNS: [&str; 11] =
    [VERSION, USER_ID, "tie", "login_at", "created_at", "seen_at", EXPIRES_AT, "ends_at", "data", DEVICE, VERIFIER];

/// Every so many new sessions some of the expired ones are swept: more than came, so that their number falls.
const SWEEP_EVERY: u64 = 64;
const SWEEP: u64 = 128;

/// Keeps sessions in a database: one row for each, moments as microseconds since 1970.
///
/// Expired rows are no sessions. New ones sweep some of them now and then; [`CleanupExpired`] removes them at once. The address `database:` means the
/// application's own database, where `auth::accounts::migrate` makes the table; `sqlite:…`, `postgres://…` and
/// `mysql://…` open another one and make it there.
///
/// A database that cannot be reached, or does not answer within the time-out that [`Database::connect`] tells of, is
/// [`SessionError::Store`]. Whether it did then what it was told, nobody knows: what must end is to be ended again.
///
/// # Durability
/// A login or logout that succeeded outlives a crash of the program and of the database, if the database keeps what it
/// has committed. PostgreSQL does with `fsync=on` and `synchronous_commit=on`, MySQL and MariaDB do with
/// `innodb_flush_log_at_trx_commit=1`; these are their defaults. Weaker ones can undo the last logouts, and those sessions
/// live until they expire.
///
/// SQLite is opened with `journal_mode=WAL` and `synchronous=NORMAL`: nothing is lost when the program crashes, but when
/// the power fails, what was committed since the last checkpoint may be. Where that is too much, give
/// `Database::Sqlite` a pool with `synchronous=FULL`, which has every commit wait for the disk.
///
/// # Security
/// The rows stand under a digest of the session key: whoever reads the table cannot take over a session.
#[derive(Clone)]
pub struct DatabaseSessionBackend {
    database: Database,
    table: TableSpec,
    statements: Arc<Statements>,
    inserts: Arc<AtomicU64>,
    clock: Arc<dyn Clock>,
}

impl DatabaseSessionBackend {
    /// The sessions in the table `auth_session`.
    pub fn new(database: Database) -> Self {
        Self::over(database, SESSION_TABLE)
    }

    /// The sessions in a table of another name: letters, digits and underscores, 60 at the most.
    ///
    /// # Errors
    /// [`SessionError::Configuration`] when the name is no such name.
    pub fn with_table(database: Database, table: &str) -> Result<Self, SessionError> {
        let is_name = (1..=60).contains(&table.len())
            && !table.starts_with(|c: char| c.is_ascii_digit())
            && table.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
        if is_name {
            Ok(Self::over(database, table))
        } else {
            let rule = "a session table's name has letters, digits and underscores, 60 at the most";
            Err(SessionError::Configuration(rule.to_owned()))
        }
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
    /// [`SessionError::Store`]
    pub async fn create_table(&self) -> Result<(), SessionError> {
        let mut migration = Migration::begin(&self.database).await?;
        migration.table(&self.table).await?;
        migration.finish().await?;
        Ok(())
    }

    fn over(database: Database, table: &str) -> Self {
        let statements = Arc::new(Statements::new(&database, table));
        let inserts = Arc::default();
        Self { database, table: session_table(table), statements, inserts, clock: Arc::new(SystemClock) }
    }

    fn now(&self) -> Bound {
        micros(self.clock.now())
    }

    async fn load_row(&self, id: &SessionDigest) -> Result<Option<Arc<SessionRecord>>, SessionError> {
        let load = self.statements.load.with([key(id), self.now()]);
        let Some(row) = self.database.fetch_first(load).await? else { return Ok(None) };
        match record(&row) {
            Ok(record) => Ok(Some(Arc::new(record))),
            Err(error) => {
                tracing::warn!(session = ?id, %error, "a damaged session counts as none");
                Ok(None)
            }
        }
    }

    async fn save_now(
        &self,
        id: &SessionDigest,
        record: &SessionRecord,
        condition: SaveIf,
    ) -> Result<Saved, SessionError> {
        match condition {
            SaveIf::Absent => self.insert(id, record).await,
            SaveIf::Version(version) => self.replace(id, record, version).await,
        }
    }

    async fn insert(&self, id: &SessionDigest, record: &SessionRecord) -> Result<Saved, SessionError> {
        let values = row(record)?.into_iter().chain([key(id)]);
        let insert = self.statements.insert.with(values);
        if self.inserted(insert.clone()).await? {
            self.sweep().await;
            return Ok(Saved::Done);
        }
        // An expired record in the way is no record. If somebody else was quicker to replace it, there is one.
        let take_away = self.statements.take_away.with([key(id), self.now()]);
        if self.database.execute(take_away).await?.rows > 0 && self.inserted(insert).await? {
            return Ok(Saved::Done);
        }
        Ok(Saved::Conflict)
    }

    /// The session is there already: whatever happens here is no failure of it.
    async fn sweep(&self) {
        if (self.inserts.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(SWEEP_EVERY)
            && let Err(error) = self.remove_expired(SWEEP).await
        {
            tracing::warn!(%error, "expired sessions could not be swept");
        }
    }

    async fn remove_expired(&self, batch: u64) -> Result<u64, DatabaseError> {
        let cleanup = self.statements.cleanup.with([self.now(), batch.into()]);
        Ok(self.database.execute(cleanup).await?.rows)
    }

    async fn inserted(&self, insert: Statement) -> Result<bool, SessionError> {
        match self.database.execute(insert).await {
            Ok(_) => Ok(true),
            Err(error) if error.unique_violation().is_some() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn replace(&self, id: &SessionDigest, record: &SessionRecord, version: u64) -> Result<Saved, SessionError> {
        let condition = [key(id), version_of(version)?, self.now()];
        let update = self.statements.update.with(row(record)?.into_iter().chain(condition));
        if self.database.execute(update).await?.rows > 0 {
            return Ok(Saved::Done);
        }
        Ok(if self.is_alive(id).await? { Saved::Conflict } else { Saved::Gone })
    }

    async fn is_alive(&self, id: &SessionDigest) -> Result<bool, SessionError> {
        let exists = self.statements.exists.with([key(id), self.now()]);
        Ok(self.database.fetch_first(exists).await?.is_some())
    }
}

impl fmt::Debug for DatabaseSessionBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseSessionBackend").field("table", &self.table.name).finish_non_exhaustive()
    }
}

impl From<DatabaseError> for SessionError {
    fn from(error: DatabaseError) -> Self {
        Self::Store(Box::new(error))
    }
}

impl SessionBackend for DatabaseSessionBackend {
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(self.load_row(id))
    }

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move { self.save_now(id, &record, condition).await })
    }

    fn touch<'a>(
        &'a self,
        id: &'a SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move {
            let values = [micros(seen_at), micros(expires_at), key(id), self.now()];
            Ok(self.database.execute(self.statements.touch.with(values)).await?.rows > 0)
        })
    }

    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move {
            let delete = self.statements.delete.with([key(id), self.now()]);
            Ok(self.database.execute(delete).await?.rows > 0)
        })
    }

    fn exists<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(self.is_alive(id))
    }

    fn user_sessions(&self) -> Option<&dyn UserSessions> {
        Some(self)
    }

    fn scan(&self) -> Option<&dyn SessionScan> {
        Some(self)
    }
}

impl CleanupExpired for DatabaseSessionBackend {
    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, SessionError>> {
        Box::pin(async move { Ok(self.remove_expired(batch.into()).await?) })
    }
}

/// The table, as `migrate` makes it.
pub(crate) fn session_table(name: &str) -> TableSpec {
    let moment = |name| ColumnSpec::new(name, Kind::BigInt);
    let columns = vec![
        ColumnSpec::text(ID, 64),
        ColumnSpec::new(VERSION, Kind::BigInt),
        ColumnSpec::text(USER_ID, 255).nullable(),
        ColumnSpec::new("tie", Kind::Bytes).nullable(),
        moment("login_at").nullable(),
        moment("created_at"),
        moment("seen_at"),
        moment(EXPIRES_AT),
        moment("ends_at"),
        ColumnSpec::new("data", Kind::Bytes),
        ColumnSpec::new(DEVICE, Kind::Bytes).nullable(),
        ColumnSpec::new(VERIFIER, Kind::Bytes).nullable(),
    ];
    let mut table = TableSpec::new(name, vec![ID], columns);
    table.indexes = vec![vec![USER_ID], vec![EXPIRES_AT]];
    table
}

fn key(id: &SessionDigest) -> Bound {
    id.to_string().into()
}

fn micros(time: DateTime<Utc>) -> Bound {
    time.timestamp_micros().into()
}

fn version_of(version: u64) -> Result<Bound, SessionError> {
    match i64::try_from(version) {
        Ok(version) => Ok(version.into()),
        Err(error) => Err(SessionError::store(error)),
    }
}

/// The values of [`COLUMNS`].
fn row(record: &SessionRecord) -> Result<[Bound; 11], SessionError> {
    let login = record.login.as_ref();
    let user_id = login.map(|login| login.user_id.clone());
    if user_id.as_ref().is_some_and(|id| !is_storable(id) || id.chars().count() > 255) {
        return Err(SessionError::store("the user's key does not fit its column"));
    }
    Ok([
        version_of(record.version)?,
        user_id.into(),
        login.map(|login| login.tie.to_vec()).into(),
        login.map(|login| login.at.timestamp_micros()).into(),
        micros(record.created_at),
        micros(record.seen_at),
        micros(record.expires_at),
        micros(record.ends_at),
        record.data.to_vec().into(),
        record.device.as_ref().map(Device::encode).into(),
        record.verifier.to_vec().into(),
    ])
}

fn record(row: &AnyRow) -> Result<SessionRecord, ColumnError> {
    let moment = |index: usize| {
        let micros = read::<i64>(row, index, COLUMNS[index])?;
        DateTime::from_timestamp_micros(micros).ok_or_else(|| ColumnError::new(COLUMNS[index], "is no moment"))
    };
    let login = match read::<Option<String>>(row, 1, USER_ID)? {
        None => None,
        Some(user_id) => Some(Login::new(user_id, digest(row, 2)?, moment(3)?)),
    };
    let version = read::<i64>(row, 0, VERSION)?;
    let version = version.try_into().map_err(|_| ColumnError::new(VERSION, "must not be negative"))?;
    let device = match read::<Option<Vec<u8>>>(row, 9, DEVICE)? {
        None => None,
        Some(bytes) => Some(Device::decode(&bytes).ok_or_else(|| ColumnError::new(DEVICE, "is no device"))?),
    };
    Ok(SessionRecord {
        version,
        verifier: digest(row, 10)?,
        login,
        device,
        created_at: moment(4)?,
        seen_at: moment(5)?,
        expires_at: moment(6)?,
        ends_at: moment(7)?,
        data: read::<Vec<u8>>(row, 8, "data")?.into(),
    })
}

fn digest(row: &AnyRow, index: usize) -> Result<[u8; 32], ColumnError> {
    let bytes = read::<Vec<u8>>(row, index, COLUMNS[index])?;
    bytes.try_into().map_err(|_| ColumnError::new(COLUMNS[index], "has not 32 bytes"))
}

macro_rules! register {
    ($($scheme:literal => $connect:ident),*) => { $(
        inventory::submit! {
            SessionBackendEntry {
                scheme: $scheme,
                connect: $connect,
                place: Place::new(module_path!(), file!(), line!()),
            }
        }
    )* };
}

register!("database" => shared);
#[cfg(feature = "database-sqlite")]
register!("sqlite" => own);
#[cfg(feature = "database-postgres")]
register!("postgres" => own, "postgresql" => own);
#[cfg(feature = "database-mysql")]
register!("mysql" => own, "mariadb" => own);

/// The application's own database.
fn shared<'a>(_: &'a Url, context: &'a Context) -> BoxFuture<'a, Result<DynSessionBackend, SessionError>> {
    let backend = match &context.database {
        Some(database) => Ok(Arc::new(DatabaseSessionBackend::new(database.clone()).with_clock(context.clock.clone()))
            as DynSessionBackend),
        None => Err(SessionError::Configuration(
            "sessions are to be kept in the application's database, and it has none".to_owned(),
        )),
    };
    Box::pin(std::future::ready(backend))
}

/// A database for sessions alone.
fn own<'a>(url: &'a Url, context: &'a Context) -> BoxFuture<'a, Result<DynSessionBackend, SessionError>> {
    Box::pin(async move {
        let backend = DatabaseSessionBackend::new(Database::connect(url).await?).with_clock(context.clock.clone());
        backend.create_table().await?;
        Ok(Arc::new(backend) as DynSessionBackend)
    })
}
