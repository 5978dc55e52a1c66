use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_query::Value as Bound;
use sea_query_sqlx::{SqlxBinder, SqlxValues};
use sqlx::AssertSqlSafe;

use super::pool::PATIENCE;
use super::{Database, DatabaseError, Dialect, Row};
use crate::BoxFuture;

/// Runs one body for whichever database is open, with its driver's value and its dialect's builder.
macro_rules! on {
    ($type:ident, $value:expr, |$inner:ident, $builder:ident| $body:expr) => {
        match $value {
            #[cfg(feature = "database-sqlite")]
            $type::Sqlite($inner) => {
                let $builder = sea_query::SqliteQueryBuilder;
                $body
            }
            #[cfg(feature = "database-postgres")]
            $type::Postgres($inner) => {
                let $builder = sea_query::PostgresQueryBuilder;
                $body
            }
            #[cfg(feature = "database-mysql")]
            $type::MySql($inner) => {
                let $builder = sea_query::MysqlQueryBuilder;
                $body
            }
        }
    };
}
pub(crate) use on;

/// A statement in the words of one database, with its values.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    sql: Arc<str>,
    values: Vec<Bound>,
}

impl Statement {
    /// A statement without values.
    pub(crate) fn raw(sql: impl Into<Arc<str>>) -> Self {
        Self { sql: sql.into(), values: Vec::new() }
    }

    /// The same statement with other values in front, moments not among them. What stands behind them stays.
    ///
    /// Building a statement takes longer than SQLite takes to answer it, so those of the hot path are built once.
    pub(crate) fn with(&self, front: impl IntoIterator<Item = Bound>) -> Self {
        let mut values: Vec<_> = front.into_iter().collect();
        values.extend(self.values.iter().skip(values.len()).cloned());
        Self { sql: self.sql.clone(), values }
    }

    fn into_parts(self) -> (AssertSqlSafe<Arc<str>>, SqlxValues) {
        // Made by sea-query or written in this crate; whatever comes from outside is a bound value.
        (AssertSqlSafe(self.sql), SqlxValues(sea_query::Values(self.values)))
    }
}

/// What a statement did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    /// How many rows it wrote or removed.
    pub(crate) rows: u64,
    /// The key that MySQL and SQLite gave to the last row; PostgreSQL tells it with `RETURNING`.
    pub(crate) last_key: Option<i64>,
}

/// A row of whichever database is open.
#[derive(Debug)]
pub(crate) enum AnyRow {
    #[cfg(feature = "database-sqlite")]
    Sqlite(sqlx::sqlite::SqliteRow),
    #[cfg(feature = "database-postgres")]
    Postgres(sqlx::postgres::PgRow),
    #[cfg(feature = "database-mysql")]
    MySql(sqlx::mysql::MySqlRow),
}

impl Row for AnyRow {
    fn get(&self, index: usize, kind: super::Kind) -> Result<super::Value, super::FieldError> {
        on!(Self, self, |row, _builder| row.get(index, kind))
    }
}

/// A transaction; it is rolled back unless it is committed.
#[derive(Debug)]
pub(crate) enum Transaction {
    #[cfg(feature = "database-sqlite")]
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    #[cfg(feature = "database-postgres")]
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
    #[cfg(feature = "database-mysql")]
    MySql(sqlx::Transaction<'static, sqlx::MySql>),
}

impl Database {
    /// The statement in this database's words.
    pub(crate) fn build(&self, statement: &impl SqlxBinder) -> Statement {
        let (sql, values) = on!(Self, self, |_pool, builder| statement.build_sqlx(builder));
        let mut values = values.0.0;
        if self.dialect() == Dialect::MySql {
            values.iter_mut().for_each(without_time_zone);
        }
        Statement { sql: sql.into(), values }
    }

    /// Runs a statement by itself; once more where others were in its way.
    pub(crate) async fn execute(&self, statement: Statement) -> Result<Done, DatabaseError> {
        let mut attempts = Attempts::begin();
        loop {
            match self.execute_once(statement.clone()).await {
                Err(error) if error.is_contention() && attempts.pause().await => {}
                result => return result,
            }
        }
    }

    async fn execute_once(&self, statement: Statement) -> Result<Done, DatabaseError> {
        on!(Self, self, |pool, _builder| {
            let (sql, values) = statement.into_parts();
            let query = sqlx::query_with(sql, values);
            let done = on_connection(pool, self.patience(), |connection| Box::pin(query.execute(connection)));
            Ok(done.await?.into())
        })
    }

    /// The rows that a statement finds.
    pub(crate) async fn fetch(&self, statement: Statement) -> Result<Vec<AnyRow>, DatabaseError> {
        on!(Self, self, |pool, _builder| {
            let (sql, values) = statement.into_parts();
            let query = sqlx::query_with(sql, values);
            let rows = on_connection(pool, self.patience(), |connection| Box::pin(query.fetch_all(connection)));
            Ok(rows.await?.into_iter().map(AnyRow::from).collect())
        })
    }

    /// The first row that a statement finds.
    pub(crate) async fn fetch_first(&self, statement: Statement) -> Result<Option<AnyRow>, DatabaseError> {
        on!(Self, self, |pool, _builder| {
            let (sql, values) = statement.into_parts();
            let query = sqlx::query_with(sql, values);
            let row = on_connection(pool, self.patience(), |connection| Box::pin(query.fetch_optional(connection)));
            Ok(row.await?.map(AnyRow::from))
        })
    }

    /// Does several things that together take no longer than one statement may: a transaction, for one.
    pub(crate) async fn in_time<T, E: From<DatabaseError>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        within(self.patience(), work).await.unwrap_or_else(|timed_out| Err(DatabaseError::from(timed_out).into()))
    }

    /// How long a server may take. SQLite waits for nothing but a lock, which has a time-out of its own.
    #[cfg_attr(
        not(feature = "database-sqlite"),
        expect(clippy::unnecessary_wraps, reason = "without SQLite every server may take too long")
    )]
    fn patience(&self) -> Option<Duration> {
        match self {
            #[cfg(feature = "database-sqlite")]
            Self::Sqlite(_) => None,
            #[cfg(feature = "database-postgres")]
            Self::Postgres(pool) => Some(pool.options().get_acquire_timeout()),
            #[cfg(feature = "database-mysql")]
            Self::MySql(pool) => Some(pool.options().get_acquire_timeout()),
        }
    }

    /// Begins a transaction that will write.
    pub(crate) async fn begin(&self) -> Result<Transaction, DatabaseError> {
        Ok(match self {
            // A transaction that reads first and writes then would fail at once where another one writes.
            #[cfg(feature = "database-sqlite")]
            Self::Sqlite(pool) => Transaction::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            #[cfg(feature = "database-postgres")]
            Self::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
            #[cfg(feature = "database-mysql")]
            Self::MySql(pool) => Transaction::MySql(pool.begin().await?),
        })
    }
}

impl Transaction {
    /// Runs a statement.
    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<Done, DatabaseError> {
        on!(Self, self, |transaction, _builder| {
            let (sql, values) = statement.into_parts();
            Ok(sqlx::query_with(sql, values).execute(&mut **transaction).await?.into())
        })
    }

    /// The rows that a statement finds.
    pub(crate) async fn fetch(&mut self, statement: Statement) -> Result<Vec<AnyRow>, DatabaseError> {
        on!(Self, self, |transaction, _builder| {
            let (sql, values) = statement.into_parts();
            let rows = sqlx::query_with(sql, values).fetch_all(&mut **transaction).await?;
            Ok(rows.into_iter().map(AnyRow::from).collect())
        })
    }

    /// Makes all of it last.
    pub(crate) async fn commit(self) -> Result<(), DatabaseError> {
        on!(Self, self, |transaction, _builder| Ok(transaction.commit().await?))
    }

    /// Undoes all of it now. One that is dropped is undone a moment later, and holds its locks until then.
    pub(crate) async fn rollback(self) -> Result<(), DatabaseError> {
        on!(Self, self, |transaction, _builder| Ok(transaction.rollback().await?))
    }
}

/// Does something on a connection of the pool; getting one is part of it.
async fn on_connection<D: sqlx::Database, T>(
    pool: &sqlx::Pool<D>,
    patience: Option<Duration>,
    work: impl for<'c> FnOnce(&'c mut D::Connection) -> BoxFuture<'c, sqlx::Result<T>>,
) -> sqlx::Result<T> {
    let mut held = None::<sqlx::pool::PoolConnection<D>>;
    let on_it = async { work(held.insert(pool.acquire().await?)).await };
    within(patience, on_it).await.unwrap_or_else(|timed_out| {
        // An answer may still come on this connection: nobody else is to take it for theirs, nor to wait for it.
        drop(held.map(sqlx::pool::PoolConnection::detach));
        Err(timed_out)
    })
}

async fn within<T>(patience: Option<Duration>, work: impl Future<Output = T>) -> sqlx::Result<T> {
    match patience {
        None => Ok(work.await),
        Some(patience) => tokio::time::timeout(patience, work)
            .await
            .map_err(|elapsed| sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed))),
    }
}

/// The driver sends a moment in UTC as a TIMESTAMP, of which MariaDB makes NULL before 1970. Connections are set to UTC,
/// so the time without its zone is the same moment.
fn without_time_zone(value: &mut Bound) {
    if let Bound::ChronoDateTimeUtc(time) = value {
        *value = Bound::ChronoDateTime(time.map(|time| time.naive_utc()));
    }
}

/// How often something was tried, and since when.
#[derive(Debug)]
pub(crate) struct Attempts {
    made: u32,
    began: Instant,
}

impl Attempts {
    const MOST: u32 = 6;

    pub(crate) fn begin() -> Self {
        Self { made: 0, began: Instant::now() }
    }

    /// Waits a little longer each time. Says whether another attempt is worth it: SQLite has waited for a lock already.
    pub(crate) async fn pause(&mut self) -> bool {
        self.made += 1;
        // Two that were in each other's way must not meet again.
        let jitter = u64::from(crate::secret::random::<1>()[0] % 16);
        tokio::time::sleep(Duration::from_millis(jitter + (1 << self.made))).await;
        self.made < Self::MOST && self.began.elapsed() < PATIENCE
    }
}

#[cfg(feature = "database-sqlite")]
impl From<sqlx::sqlite::SqliteRow> for AnyRow {
    fn from(row: sqlx::sqlite::SqliteRow) -> Self {
        Self::Sqlite(row)
    }
}

#[cfg(feature = "database-postgres")]
impl From<sqlx::postgres::PgRow> for AnyRow {
    fn from(row: sqlx::postgres::PgRow) -> Self {
        Self::Postgres(row)
    }
}

#[cfg(feature = "database-mysql")]
impl From<sqlx::mysql::MySqlRow> for AnyRow {
    fn from(row: sqlx::mysql::MySqlRow) -> Self {
        Self::MySql(row)
    }
}

#[cfg(feature = "database-sqlite")]
impl From<sqlx::sqlite::SqliteQueryResult> for Done {
    fn from(done: sqlx::sqlite::SqliteQueryResult) -> Self {
        Self { rows: done.rows_affected(), last_key: Some(done.last_insert_rowid()) }
    }
}

#[cfg(feature = "database-postgres")]
impl From<sqlx::postgres::PgQueryResult> for Done {
    fn from(done: sqlx::postgres::PgQueryResult) -> Self {
        Self { rows: done.rows_affected(), last_key: None }
    }
}

#[cfg(feature = "database-mysql")]
impl From<sqlx::mysql::MySqlQueryResult> for Done {
    fn from(done: sqlx::mysql::MySqlQueryResult) -> Self {
        Self { rows: done.rows_affected(), last_key: done.last_insert_id().try_into().ok() }
    }
}
