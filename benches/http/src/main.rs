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
mod figures;
mod jwt_mode;
mod lean_mode;
mod permissions;
mod stores;

use anyhow::{Context, Result, bail};
use app::{Hash, Users};
use auth::sessions::InMemorySessionBackend;
use axum::{
    Router,
    routing::{get, post},
};
use tokio::runtime::Runtime;
use tower_sessions::MemoryStore;
use tower_sessions_moka_store::MokaStore;

// A contestant built beside one that asks for serde_json's `preserve_order` gets
// it too, and is measured at twice its size. Build one member at a time.
const _: () = assert!(size_of::<serde_json::Value>() == 32, "build with -p, see README.md");

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|mode| mode == "calls") {
        return calls(args.get(1).map(String::as_str));
    }
    if args.first().is_some_and(|mode| mode == "figures") {
        let words: Vec<_> = args[1..].iter().filter(|word| !word.starts_with("--")).collect();
        let folder = words.first().context("usage: http figures FOLDER [REDIS_URL] [--quick]")?;
        return figures::run(one_thread()?, folder, words.get(1).map(|url| url.as_str()));
    }
    let [mode, port, rest @ ..] = args.as_slice() else {
        bail!("usage: http MODE PORT [inline|blocking|bounded|nice]");
    };
    let hash = rest.first().map_or("blocking", String::as_str);
    let users = Users::new(Hash::parse(hash)?);
    Runtime::new()?.block_on(async {
        let router = router(mode, users).await?;
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
        Ok(axum::serve(listener, router).await?)
    })
}

fn one_thread() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn calls(modes: Option<&str>) -> Result<()> {
    let runtime = one_thread()?;
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
        "auth-jwt" => auth_mode::programs(users).await?,
        "auth-memory" => auth_mode::router(users, InMemorySessionBackend::new()).await?,
        "auth-sqlite" => {
            let sessions = stores::auth_sqlite(&store()?).await?;
            let router = auth_mode::router(users, sessions.clone()).await?;
            router.route("/cleanup", post(|| stores::auth_clean_up(sessions)))
        }
        "auth-redis" => auth_mode::router(users, stores::auth_redis(&store()?).await?).await?,
        "axum-login-memory" => axum_login_mode::router(users, MemoryStore::default()),
        "axum-login-moka" => axum_login_mode::router(users, MokaStore::new(None)),
        "axum-login-sqlite" => {
            let sessions = stores::tower_sqlite(&store()?).await?;
            let router = axum_login_mode::router(users, sessions.clone());
            router.route("/cleanup", post(|| stores::tower_clean_up(sessions)))
        }
        "axum-login-redis" => axum_login_mode::router(users, stores::tower_redis(&store()?).await?),
        "axum-session" => axum_session_mode::router(users).await?,
        other => bail!("unknown mode {other}"),
    })
}
