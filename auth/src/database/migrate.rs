use std::collections::{HashMap, HashSet};

use chrono::Utc;
use sea_query::{Expr, Query};

use super::check::to_microseconds;
use super::schema::{ColumnSpec, TableSpec};
use super::{Database, DatabaseError, Kind, Statement, Transaction, Value};

/// What a migration did, in words, in order. Empty when there was nothing to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Migrated {
    /// One line for each change.
    pub changes: Vec<String>,
}

impl Migrated {
    /// Whether nothing had to be done.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// A migration under way: a transaction that no other migration of this database runs beside.
pub(crate) struct Migration {
    pub(crate) transaction: Transaction,
    database: Database,
    done: Migrated,
    /// The columns of the tables that are there.
    tables: HashMap<String, HashSet<String>>,
    collation: Option<&'static str>,
    /// MySQL has no lock that ends with a transaction. This one ends with its connection, which is not of the pool: a
    /// migration that is dropped half-way must not leave it behind there.
    #[cfg(feature = "database-mysql")]
    lock: Option<sqlx::MySqlConnection>,
}

const LOG: &str = "auth_migration";

impl Migration {
    /// Waits until no other migration runs, and begins.
    pub(crate) async fn begin(database: &Database) -> Result<Self, DatabaseError> {
        #[cfg(feature = "database-mysql")]
        let lock = lock_mysql(database).await?;
        let mut transaction = database.begin().await?; // in SQLite this is the lock
        #[cfg(feature = "database-postgres")]
        if let Transaction::Postgres(_) = transaction {
            // Any number that no other program of this database is likely to lock by: "auth" and a version.
            transaction.execute(Statement::raw("SELECT pg_advisory_xact_lock(418581342209)")).await?;
        }
        let collation = collation(&mut transaction).await?;
        let tables = tables(&mut transaction).await?;
        let mut migration = Self {
            transaction,
            database: database.clone(),
            done: Migrated::default(),
            tables,
            collation,
            #[cfg(feature = "database-mysql")]
            lock,
        };
        let log = TableSpec::new(
            LOG,
            vec!["id"],
            vec![
                ColumnSpec::new("id", Kind::BigInt).generated(),
                ColumnSpec::new("name", Kind::Text),
                ColumnSpec::new("applied", Kind::Time),
            ],
        );
        migration.table(&log).await?;
        Ok(migration)
    }

    /// Makes the table, or adds the columns that it lacks. Columns that it should not have are left alone.
    pub(crate) async fn table(&mut self, table: &TableSpec) -> Result<(), DatabaseError> {
        let dialect = self.transaction.dialect();
        let Some(there) = self.tables.get(&table.name) else {
            for statement in dialect.create(table, self.collation) {
                self.transaction.change_schema(statement).await?;
            }
            return self.note(format!("create table {}", table.name)).await;
        };
        let missing: Vec<_> = table.columns.iter().filter(|column| !there.contains(column.name)).collect();
        for column in missing {
            for statement in dialect.add_column(table, column) {
                self.transaction.change_schema(statement).await?;
            }
            self.note(format!("add column {}.{}", table.name, column.name)).await?;
        }
        Ok(())
    }

    /// From here on all that is done is done or not done together. (MySQL ends a transaction with every change of the schema.)
    pub(crate) async fn schema_is_done(&mut self) -> Result<(), DatabaseError> {
        #[cfg(feature = "database-mysql")]
        if let Transaction::MySql(_) = self.transaction {
            self.transaction.change_schema("COMMIT".to_owned()).await?;
            self.transaction.change_schema("START TRANSACTION".to_owned()).await?;
        }
        Ok(())
    }

    /// Writes down what was done.
    pub(crate) async fn note(&mut self, change: String) -> Result<(), DatabaseError> {
        let now = Value::Time(Some(to_microseconds(Utc::now())));
        let insert = Query::insert()
            .into_table(LOG)
            .columns(["name", "applied"])
            .values_panic([Expr::val(change.as_str()), Expr::val(sea_query::Value::from(now))])
            .to_owned();
        self.transaction.execute(self.database.build(&insert)).await?;
        self.done.changes.push(change);
        Ok(())
    }

    /// Runs a statement.
    pub(crate) async fn execute(
        &mut self,
        statement: &impl sea_query_sqlx::SqlxBinder,
    ) -> Result<super::connection::Done, DatabaseError> {
        self.transaction.execute(self.database.build(statement)).await
    }

    /// The texts in the first columns of what a statement finds.
    pub(crate) async fn texts<const N: usize>(
        &mut self,
        statement: &impl sea_query_sqlx::SqlxBinder,
    ) -> Result<Vec<[String; N]>, DatabaseError> {
        texts(&mut self.transaction, self.database.build(statement)).await
    }

    /// Makes all of it last, and tells what it was.
    pub(crate) async fn finish(self) -> Result<Migrated, DatabaseError> {
        self.transaction.commit().await?;
        #[cfg(feature = "database-mysql")]
        if let Some(lock) = self.lock {
            use sqlx::Connection as _;
            lock.close().await?;
        }
        Ok(self.done)
    }
}

#[cfg(feature = "database-mysql")]
async fn lock_mysql(database: &Database) -> Result<Option<sqlx::MySqlConnection>, DatabaseError> {
    use sqlx::{ConnectOptions as _, Row as _};

    // One lock for each database: the names are the server's.
    const LOCK: &str = "SELECT GET_LOCK(CONCAT('auth_migrate.', SHA1(DATABASE())), 60)";
    #[cfg_attr(
        not(any(feature = "database-sqlite", feature = "database-postgres")),
        expect(irrefutable_let_patterns, reason = "no other database is compiled in")
    )]
    let Database::MySql(pool) = database else { return Ok(None) };
    let mut lock = pool.connect_options().connect().await?;
    let locked: Option<i64> = sqlx::query(LOCK).fetch_one(&mut lock).await?.try_get(0)?;
    if locked == Some(1) {
        Ok(Some(lock))
    } else {
        Err(DatabaseError::Configuration("another migration has run for a minute".to_owned()))
    }
}

/// MySQL's collation by which texts are equal only when their bytes are; MariaDB calls it otherwise.
async fn collation(transaction: &mut Transaction) -> Result<Option<&'static str>, DatabaseError> {
    #[cfg(feature = "database-mysql")]
    if let Transaction::MySql(_) = transaction {
        let version = texts::<1>(transaction, Statement::raw("SELECT VERSION()")).await?;
        let is_mariadb = version.iter().any(|[version]| version.contains("MariaDB"));
        return Ok(Some(if is_mariadb { "utf8mb4_nopad_bin" } else { "utf8mb4_0900_bin" }));
    }
    let _ = transaction;
    Ok(None)
}

async fn tables(transaction: &mut Transaction) -> Result<HashMap<String, HashSet<String>>, DatabaseError> {
    let columns = match transaction {
        #[cfg(feature = "database-sqlite")]
        Transaction::Sqlite(_) => {
            "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
        }
        #[cfg(feature = "database-postgres")]
        Transaction::Postgres(_) => {
            "SELECT table_name::text, column_name::text FROM information_schema.columns \
             WHERE table_schema = current_schema()"
        }
        #[cfg(feature = "database-mysql")]
        Transaction::MySql(_) => {
            "SELECT CAST(table_name AS char), CAST(column_name AS char) FROM information_schema.columns \
             WHERE table_schema = DATABASE()"
        }
    };
    let mut tables = HashMap::<_, HashSet<_>>::new();
    for [table, column] in texts(transaction, Statement::raw(columns)).await? {
        tables.entry(table).or_default().insert(column);
    }
    Ok(tables)
}

async fn texts<const N: usize>(
    transaction: &mut Transaction,
    statement: Statement,
) -> Result<Vec<[String; N]>, DatabaseError> {
    let mut found = Vec::new();
    for row in transaction.fetch(statement).await? {
        let mut texts = [const { String::new() }; N];
        for (i, text) in texts.iter_mut().enumerate() {
            *text = super::read(&row, i, "text")?;
        }
        found.push(texts);
    }
    Ok(found)
}
