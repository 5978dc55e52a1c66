use std::path::PathBuf;

use auth::database::Database;
use uuid::Uuid;

/// A database that nobody else uses, removed when dropped.
#[derive(Debug)]
pub struct TestDatabase {
    /// The database.
    pub database: Database,
    /// Where it can be opened again.
    pub url: String,
    cleanup: Cleanup,
}

#[derive(Debug)]
enum Cleanup {
    Nothing,
    Directory(PathBuf),
    /// The server's own database, and what it is told.
    Statement(String, String),
}

/// SQLite in memory.
pub async fn sqlite_in_memory() -> TestDatabase {
    open("sqlite::memory:".to_owned(), Cleanup::Nothing).await
}

/// SQLite in a file of its own.
pub async fn sqlite() -> TestDatabase {
    let directory = std::env::temp_dir().join(format!("auth-test-{}", Uuid::new_v4().simple()));
    std::fs::create_dir(&directory).expect("the directory for temporary files can be written");
    let url = format!("sqlite:{}?mode=rwc", directory.join("test.db").display());
    open(url, Cleanup::Directory(directory)).await
}

/// PostgreSQL at `AUTH_TEST_POSTGRES`.
pub async fn postgres() -> TestDatabase {
    let server = server("AUTH_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432/test");
    on_server(server, |name| {
        // Another locale than "C", so that what agrees does not do so by chance.
        let create = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
        (create, format!("DROP DATABASE {name} WITH (FORCE)"))
    })
    .await
}

/// MariaDB or MySQL at `AUTH_TEST_MYSQL`.
pub async fn mysql() -> TestDatabase {
    let server = server("AUTH_TEST_MYSQL", "mysql://root@127.0.0.1:3306/test");
    on_server(server, |name| (format!("CREATE DATABASE {name}"), format!("DROP DATABASE {name}"))).await
}

fn server(variable: &str, default: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| default.to_owned())
}

async fn on_server(server: String, words: impl FnOnce(&str) -> (String, String)) -> TestDatabase {
    let name = format!("auth_test_{}", Uuid::new_v4().simple());
    let (create, drop) = words(&name);
    run(&server, &create).await;
    let (address, _) = server.rsplit_once('/').expect("the address names a database");
    open(format!("{address}/{name}"), Cleanup::Statement(server, drop)).await
}

async fn open(url: String, cleanup: Cleanup) -> TestDatabase {
    let database = Database::connect(url.as_str()).await.expect("the database is there");
    TestDatabase { database, url, cleanup }
}

async fn run(server: &str, statement: &str) {
    let database = Database::connect(server).await.expect("the server is there");
    sql(&database, statement).await;
    close(&database).await;
}

async fn close(database: &Database) {
    match database {
        Database::Sqlite(pool) => pool.close().await,
        Database::Postgres(pool) => pool.close().await,
        Database::MySql(pool) => pool.close().await,
        _ => unreachable!("there are three"),
    }
}

/// Runs a statement.
pub(crate) async fn sql(database: &Database, statement: &str) -> u64 {
    let sql = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned()));
    match database {
        Database::Sqlite(pool) => sql.execute(pool).await.map(|done| done.rows_affected()),
        Database::Postgres(pool) => sql.execute(pool).await.map(|done| done.rows_affected()),
        Database::MySql(pool) => sql.execute(pool).await.map(|done| done.rows_affected()),
        _ => unreachable!("there are three"),
    }
    .unwrap_or_else(|error| panic!("{statement}: {error}"))
}

impl TestDatabase {
    /// Runs a statement.
    pub async fn sql(&self, statement: &str) -> u64 {
        sql(&self.database, statement).await
    }

    /// The name of a table or column in this database's quotes.
    pub fn quote(&self, name: &str) -> String {
        match self.database {
            Database::MySql(_) => format!("`{name}`"),
            _ => format!("\"{name}\""),
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        match &self.cleanup {
            Cleanup::Nothing => {}
            Cleanup::Directory(path) => _ = std::fs::remove_dir_all(path),
            Cleanup::Statement(server, statement) => {
                // The test's own runtime may be at its end already.
                let (server, statement) = (server.clone(), statement.clone());
                let thread = std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                    runtime.expect("a runtime can be made").block_on(run(&server, &statement));
                });
                _ = thread.join();
            }
        }
    }
}
