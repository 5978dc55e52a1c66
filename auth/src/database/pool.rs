use std::time::Duration;

use super::DatabaseError;
use crate::registry::Url;

/// An open database: a pool of connections to SQLite, PostgreSQL, or MySQL and MariaDB.
///
/// Cloning it is cheap; clones share the connections.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Database {
    /// SQLite.
    #[cfg(feature = "database-sqlite")]
    Sqlite(sqlx::SqlitePool),
    /// PostgreSQL.
    #[cfg(feature = "database-postgres")]
    Postgres(sqlx::PgPool),
    /// MySQL or MariaDB.
    #[cfg(feature = "database-mysql")]
    MySql(sqlx::MySqlPool),
}

/// Longer than a request should wait, and shorter than its client does.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
const CONNECTIONS: u32 = 10;

impl Database {
    /// Opens the database at an address: `sqlite:blog.db?mode=rwc`, `sqlite::memory:`, `postgres://user@host/name`,
    /// `mysql://user@host/name`.
    ///
    /// A file that SQLite makes anew is its owner's alone. SQLite is opened with a write-ahead log, with foreign keys, and waits five seconds for a lock; in memory it is
    /// one connection that never closes. MySQL is held to its strict mode and to UTC.
    ///
    /// A server that does not answer is waited for as long as for a connection of the pool, five seconds in all for a
    /// statement, or a transaction, and its connection; then it is [`DatabaseError::Unreachable`], whether it does what
    /// it was told or not. Migrations may take longer.
    ///
    /// A pool with settings of your own goes into the enum itself: `Database::Postgres(pool)`. Its `acquire_timeout` is
    /// the time-out of statements, too.
    ///
    /// # Errors
    /// [`DatabaseError::NotEnabled`] names the feature that brings the driver.
    pub async fn connect(url: impl Into<Url>) -> Result<Self, DatabaseError> {
        let url = url.into();
        match url.scheme() {
            #[cfg(feature = "database-sqlite")]
            "sqlite" => sqlite(url.expose()).await,
            #[cfg(feature = "database-postgres")]
            "postgres" | "postgresql" => postgres(url.expose()).await,
            #[cfg(feature = "database-mysql")]
            "mysql" | "mariadb" => mysql(url.expose()).await,
            _ => Err(not_enabled(&url)),
        }
    }
}

fn not_enabled(url: &Url) -> DatabaseError {
    let scheme = url.shown_scheme();
    let feature = match scheme {
        "sqlite" => "database-sqlite",
        "postgres" | "postgresql" => "database-postgres",
        "mysql" | "mariadb" => "database-mysql",
        _ => return DatabaseError::UnknownScheme(scheme.to_owned()),
    };
    DatabaseError::NotEnabled { scheme: scheme.to_owned(), feature }
}

#[cfg(feature = "database-sqlite")]
async fn sqlite(url: &str) -> Result<Database, DatabaseError> {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

    let options = url
        .parse::<SqliteConnectOptions>()?
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal) // with a write-ahead log safe against all but a power cut
        .foreign_keys(true)
        .busy_timeout(PATIENCE);
    #[cfg(unix)]
    create_private(url, options.get_filename());
    // A connection is tested when it comes back. Until it is taken again, nothing can happen to one inside this process.
    let pool = SqlitePoolOptions::new().acquire_timeout(PATIENCE).test_before_acquire(false);
    // What is in memory lives as long as its last connection, and connections to it do not see one another's locks.
    let pool = if in_memory(url) {
        pool.max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None)
    } else {
        pool.max_connections(CONNECTIONS)
    };
    Ok(Database::Sqlite(pool.connect_with(options).await?))
}

/// Makes the file that SQLite would make, for its owner alone: there are password hashes in it. SQLite gives the files
/// beside it the same mode. Where it cannot be made, SQLite says so itself.
#[cfg(all(feature = "database-sqlite", unix))]
fn create_private(url: &str, file: &std::path::Path) {
    use std::os::unix::fs::OpenOptionsExt as _;

    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    if !in_memory(url) && parameters.split('&').any(|p| p == "mode=rwc") {
        _ = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    }
}

#[cfg(feature = "database-sqlite")]
fn in_memory(url: &str) -> bool {
    let (file, parameters) = url.split_once('?').unwrap_or((url, ""));
    file.ends_with(":memory:") || parameters.split('&').any(|p| p == "mode=memory")
}

#[cfg(feature = "database-postgres")]
async fn postgres(url: &str) -> Result<Database, DatabaseError> {
    let options = url.parse::<sqlx::postgres::PgConnectOptions>()?;
    let pool = sqlx::postgres::PgPoolOptions::new()
        .acquire_timeout(PATIENCE)
        .max_connections(CONNECTIONS)
        .connect_with(options);
    Ok(Database::Postgres(pool.await?))
}

#[cfg(feature = "database-mysql")]
async fn mysql(url: &str) -> Result<Database, DatabaseError> {
    use sqlx::Executor as _;

    // A list of groups that is cut at 1024 bytes would be a permission lost in silence. READ COMMITTED takes fewer
    // locks than MySQL's default, and is what the other two do.
    const SETTINGS: &str = "SET SESSION group_concat_max_len = 4294967295, \
        time_zone = '+00:00', \
        sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO'); \
        SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

    let options = url.parse::<sqlx::mysql::MySqlConnectOptions>()?;
    let pool = sqlx::mysql::MySqlPoolOptions::new()
        .acquire_timeout(PATIENCE)
        .max_connections(CONNECTIONS)
        .after_connect(|connection, _| Box::pin(async move { connection.execute(SETTINGS).await.map(drop) }))
        .connect_with(options);
    Ok(Database::MySql(pool.await?))
}
