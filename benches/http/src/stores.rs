//! Stores for sessions, ours and those of tower-sessions. Both SQLite files have a write-ahead log and the same care for
//! the disk, or the writes would compare settings.

use std::time::Instant;

use anyhow::Result;
use auth::database::Database;
use auth::sessions::{CleanupExpired as _, DatabaseSessionBackend, RedisSessionBackend};
use axum::http::StatusCode;
use tower_sessions::ExpiredDeletion as _;
use tower_sessions_redis_store::{RedisStore, fred::prelude as fred};
use tower_sessions_sqlx_store::{SqliteStore, sqlx};

use fred::ClientLike as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous};

pub async fn auth_sqlite(file: &str) -> Result<DatabaseSessionBackend> {
    let database = Database::connect(format!("sqlite:{file}?mode=rwc").as_str()).await?;
    let backend = DatabaseSessionBackend::new(database);
    backend.create_table().await?;
    Ok(backend)
}

pub async fn auth_redis(url: &str) -> Result<RedisSessionBackend> {
    Ok(RedisSessionBackend::connect(url).await?)
}

pub async fn tower_sqlite(file: &str) -> Result<SqliteStore> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal);
    let store = SqliteStore::new(SqlitePool::connect_with(options).await?);
    store.migrate().await?;
    Ok(store)
}

pub async fn tower_redis(url: &str) -> Result<RedisStore<fred::Pool>> {
    let pool = fred::Pool::new(fred::Config::from_url(url)?, None, None, None, 6)?;
    // Not `connect` and `wait_for_connect`: that may miss the connection and wait for ever.
    pool.init().await?;
    Ok(RedisStore::new(pool))
}

/// Removes what has expired, a thousand rows at a time, and leaves others as much time to write.
pub async fn auth_clean_up(sessions: DatabaseSessionBackend) -> StatusCode {
    loop {
        let began = Instant::now();
        match sessions.cleanup_expired(1000).await {
            Ok(0) => return StatusCode::NO_CONTENT,
            Ok(_) => tokio::time::sleep(began.elapsed()).await,
            Err(_) => return StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// The same in one statement, which is what there is.
pub async fn tower_clean_up(sessions: SqliteStore) -> StatusCode {
    match sessions.delete_expired().await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
