//! `http MODE PORT [HASH]` serves one contestant on the loopback interface.
//!
//! Every mode answers `POST /login` (form: username, password) and
//! `GET /protected`, which wants a signed-in user who holds `PERMISSION`.
//! Users and their permissions live in memory in every mode, so that only the
//! session machinery differs.

mod app;
mod auth_mode;
mod axum_login_mode;
mod axum_session_mode;
mod calls;
mod jwt_mode;
mod lean_mode;
mod permissions;

use anyhow::{Context, Result, bail};
use app::{Hash, Users};
use axum::{Router, routing::get};
use tower_sessions::MemoryStore;
use tower_sessions_moka_store::MokaStore;
use tower_sessions_redis_store::{RedisStore, fred::prelude as fred};
use tower_sessions_sqlx_store::{SqliteStore, sqlx};

use fred::ClientLike as _;

// A contestant built beside one that asks for serde_json's `preserve_order` gets
// it too, and is measured at twice its size. Build one member at a time.
const _: () = assert!(size_of::<serde_json::Value>() == 32, "build with -p, see README.md");

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|mode| mode == "calls") {
        return calls(args.get(1).map(String::as_str));
    }
    let [mode, port, rest @ ..] = args.as_slice() else {
        bail!("usage: http MODE PORT [inline|blocking|bounded|nice]");
    };
    let hash = rest.first().map_or("blocking", String::as_str);
    let users = Users::new(Hash::parse(hash)?);
    tokio::runtime::Runtime::new()?.block_on(async {
        let router = router(mode, users).await?;
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
        Ok(axum::serve(listener, router).await?)
    })
}

fn calls(modes: Option<&str>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let users = Users::new(Hash::parse("inline")?);
    let modes = modes.filter(|modes| !modes.starts_with("--"));
    let modes = modes.unwrap_or("bare,lean,auth-memory,axum-login-memory,axum-session").split(',');
    let made = |mode| Ok((mode, runtime.block_on(router(mode, users.clone()))?));
    let routers = modes.map(made).collect::<Result<_>>()?;
    calls::run(runtime, routers)
}

async fn router(mode: &str, users: Users) -> Result<Router> {
    // A file for SQLite, a URL for Redis.
    let store = || std::env::var("STORE").context("STORE is not set");
    Ok(match mode {
        "bare" => Router::new().route("/protected", get(app::ok)),
        "lean" => lean_mode::router(users),
        "jwt" => jwt_mode::router(users),
        "auth-memory" => auth_mode::router(users, "memory:").await?,
        "auth-sqlite" => auth_mode::router(users, &format!("sqlite:{}?mode=rwc", store()?)).await?,
        "axum-login-memory" => axum_login_mode::router(users, MemoryStore::default()),
        "axum-login-moka" => axum_login_mode::router(users, MokaStore::new(None)),
        "axum-login-sqlite" => {
            let options = sqlx::sqlite::SqliteConnectOptions::new()
                .filename(store()?)
                .create_if_missing(true)
                .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
            let pool = sqlx::SqlitePool::connect_with(options).await?;
            let sessions = SqliteStore::new(pool);
            sessions.migrate().await?;
            axum_login_mode::router(users, sessions)
        }
        "axum-login-redis" => {
            let config = fred::Config::from_url(&store()?)?;
            let pool = fred::Pool::new(config, None, None, None, 6)?;
            // Not `connect` and `wait_for_connect`: that may miss the connection
            // and wait for ever.
            pool.init().await?;
            axum_login_mode::router(users, RedisStore::new(pool))
        }
        "axum-session" => axum_session_mode::router(users).await?,
        other => bail!("unknown mode {other}"),
    })
}
