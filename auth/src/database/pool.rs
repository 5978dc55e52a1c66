/// An open database: a pool of connections to SQLite, PostgreSQL, or MySQL and MariaDB.
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
