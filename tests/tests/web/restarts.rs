//! A login outlives the application, a logout too.

use auth::accounts::AuthBuilder;
use auth::prelude::Auth;
use auth::sessions::{FileSessionBackend, RedisSessionBackend};
use auth_tests::http::PASSWORD;
use auth_tests::{DatabaseServer, TestDirectory};
use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::app::Author;
use crate::kept::Kept;

type Builder = AuthBuilder<Author>;

async fn log_in(site: &Kept) -> String {
    let visitor = site.visitor();
    let answer = visitor.post("/login", &json!({ "username": "alice", "password": PASSWORD })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    visitor.cookie().unwrap()
}

async fn log_out(site: &Kept, cookie: &str) -> StatusCode {
    let visitor = site.visitor();
    let request = visitor.request(Method::POST, "/logout").header("origin", &site.address).header("cookie", cookie);
    visitor.send(request).await.status
}

/// Each call of `settings` is another start of the application.
async fn a_login_outlives_the_application(settings: impl AsyncFn(Builder) -> Builder) {
    let start = async || Kept::start(settings(Auth::builder()).await).await;
    let site = start().await;
    site.visitor().join("alice").await;
    let (tab, stays) = (log_in(&site).await, log_in(&site).await);
    drop(site);

    let site = start().await;
    for cookie in [&tab, &stays] {
        assert_eq!(site.status(cookie).await, StatusCode::OK);
    }
    // Two tabs of one browser: whichever logs out, both are.
    let other_tab = tab.clone();
    assert_eq!(log_out(&site, &tab).await, StatusCode::NO_CONTENT);
    assert_eq!(site.status(&other_tab).await, StatusCode::UNAUTHORIZED);
    drop(site);

    let site = start().await;
    assert_eq!(site.status(&tab).await, StatusCode::UNAUTHORIZED);
    assert_eq!(site.status(&stays).await, StatusCode::OK, "another browser's");
    // Another login in the same browser changes its key.
    let visitor = site.visitor();
    let login = visitor.request(Method::POST, "/login").header("origin", &site.address).header("cookie", &stays);
    let answer = visitor.send(login.json(&json!({ "username": "alice", "password": PASSWORD }))).await;
    assert_eq!(answer.status, StatusCode::OK);
    let renewed = visitor.cookie().unwrap();
    assert_ne!(renewed, stays);
    drop(site);

    let site = start().await;
    for (cookie, expected) in
        [(&renewed, StatusCode::OK), (&stays, StatusCode::UNAUTHORIZED), (&tab, StatusCode::UNAUTHORIZED)]
    {
        assert_eq!(site.status(cookie).await, expected);
    }
    assert_eq!(log_out(&site, &renewed).await, StatusCode::NO_CONTENT);
    drop(site);
    assert_eq!(start().await.status(&renewed).await, StatusCode::UNAUTHORIZED);
}

async fn in_a_database(url: &str) {
    a_login_outlives_the_application(async |builder: Builder| builder.database(url).sessions("database:")).await;
}

#[tokio::test]
async fn a_login_in_sqlite() {
    let directory = TestDirectory::new();
    in_a_database(&format!("sqlite:{}?mode=rwc", directory.path().join("site.db").display())).await;
}

#[tokio::test]
async fn a_login_in_files() {
    let directory = TestDirectory::new();
    let users = format!("sqlite:{}?mode=rwc", directory.path().join("site.db").display());
    a_login_outlives_the_application(async |builder: Builder| {
        let sessions = FileSessionBackend::open(directory.path().join("sessions")).await.unwrap();
        builder.database(&users).session_backend(sessions)
    })
    .await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL's server"]
async fn a_login_in_postgres() {
    in_a_database(&DatabaseServer::postgres().await.url()).await;
}

#[tokio::test]
#[ignore = "needs MariaDB's server"]
async fn a_login_in_mariadb() {
    in_a_database(&DatabaseServer::mariadb().await.url()).await;
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_login_in_redis() {
    let (directory, redis) = (TestDirectory::new(), auth_tests::redis());
    let users = format!("sqlite:{}?mode=rwc", directory.path().join("site.db").display());
    a_login_outlives_the_application(async |builder: Builder| {
        let sessions = RedisSessionBackend::connect(redis.url.as_str()).await.unwrap();
        builder.database(&users).session_backend(sessions.with_prefix(&redis.prefix).unwrap())
    })
    .await;
}
