//! What cannot be told is never access.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use auth::BoxFuture;
use auth::limits::{Attempt, LimitError, LimitKey, LimitRule, LimitStore, Limiter, LoginLimiter, Settlement, Tries};
use auth::prelude::*;
use auth::sessions::{HttpSessionConfig, InMemorySessionBackend, SessionError};
use auth_tests::http::PASSWORD;
use auth_tests::{Before, Call};
use axum::http::{Method, StatusCode};
use axum::routing::get;
use serde_json::json;

use crate::app::{self, Author, PublishPost, Site};

/// Works until it is told not to.
#[derive(Clone, Debug, Default)]
struct Flaky {
    reads_fail: Arc<AtomicBool>,
    writes_fail: Arc<AtomicBool>,
}

impl Flaky {
    fn backend(&self) -> Before<InMemorySessionBackend> {
        let Self { reads_fail, writes_fail } = self.clone();
        Before::new(InMemorySessionBackend::new(), move |call| {
            let fails = match call {
                Call::Load => reads_fail.load(Ordering::SeqCst),
                Call::Save | Call::Delete => writes_fail.load(Ordering::SeqCst),
                Call::Touch | Call::Exists => false,
            };
            ready(if fails { Err(SessionError::store("the store is gone")) } else { Ok(()) })
        })
    }
}

#[tokio::test]
async fn a_session_store_that_fails_is_503_and_no_access() {
    let flaky = Flaky::default();
    let site = Site::with(|builder| builder.session_backend(flaky.backend())).await;
    let (visitor, user) = site.member("alice").await;
    site.auth.users().grant::<PublishPost>(&user.id).await.unwrap();
    assert_eq!(visitor.get("/publish").await.status, StatusCode::OK);

    flaky.reads_fail.store(true, Ordering::SeqCst);
    for path in ["/publish", "/closed", "/maybe", "/me", "/model", "/read-only-for-strangers"] {
        let answer = visitor.get(path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(answer.header("retry-after").is_some(), "{path}");
        assert!(!answer.text.contains("gone"), "the reason stands in the log");
    }
    assert_eq!(visitor.get("/open").await.status, StatusCode::OK, "what asks nothing needs no store");
    flaky.reads_fail.store(false, Ordering::SeqCst);
    assert_eq!(visitor.get("/publish").await.status, StatusCode::OK, "and service resumes");

    flaky.writes_fail.store(true, Ordering::SeqCst);
    let request = visitor.request(Method::POST, "/note").header("sec-fetch-site", "same-origin").body("x");
    assert_eq!(
        visitor.send(request).await.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "nothing is claimed that was not saved"
    );
    let out = visitor.post("/logout", &json!({})).await;
    assert_eq!(out.status, StatusCode::SERVICE_UNAVAILABLE, "whoever logs out must know that it failed");
    let stranger = site.visitor();
    let answer = stranger.post("/login", &json!({ "username": "alice", "password": PASSWORD })).await;
    assert_eq!((answer.status, stranger.cookie()), (StatusCode::SERVICE_UNAVAILABLE, None));
}

#[derive(Debug)]
struct NoLimits;

impl LimitStore for NoLimits {
    fn attempt<'a>(
        &'a self,
        _: &'a [(LimitKey, LimitRule)],
        _: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Attempt, LimitError>> {
        Box::pin(async { Err(LimitError::Store("the limits are gone".into())) })
    }

    fn settle<'a>(
        &'a self,
        _: &'a [(LimitKey, Settlement)],
        _: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<(), LimitError>> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn without_limits_nobody_logs_in() {
    let limiter = Limiter::new(Arc::new(NoLimits), Arc::new(auth::clock::SystemClock));
    let site = Site::with(|builder| builder.login_limiter(LoginLimiter::new(limiter))).await;
    site.create("alice", |_| ()).await;
    let visitor = site.visitor();
    let answer = visitor.post("/login", &json!({ "username": "alice", "password": PASSWORD })).await;
    assert_eq!((answer.status, visitor.cookie()), (StatusCode::SERVICE_UNAVAILABLE, None));
}

/// Allows everything, and cannot note that it went well.
#[derive(Debug)]
struct Forgetful;

impl LimitStore for Forgetful {
    fn attempt<'a>(
        &'a self,
        keys: &'a [(LimitKey, LimitRule)],
        _: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Attempt, LimitError>> {
        Box::pin(async { Ok(Attempt::Counted(vec![Tries { count: 1, not_before: 0, expires: 0 }; keys.len()])) })
    }

    fn settle<'a>(
        &'a self,
        _: &'a [(LimitKey, Settlement)],
        _: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<(), LimitError>> {
        Box::pin(async { Err(LimitError::Store("the limits are gone".into())) })
    }
}

#[tokio::test]
async fn a_login_that_is_answered_with_a_failure_is_none() {
    let limiter = Limiter::new(Arc::new(Forgetful), Arc::new(auth::clock::SystemClock));
    let site = Site::with(|builder| builder.login_limiter(LoginLimiter::new(limiter))).await;
    site.create("alice", |_| ()).await;
    let visitor = site.visitor();
    let answer = visitor.post("/login", &json!({ "username": "alice", "password": PASSWORD })).await;
    assert_eq!((answer.status, visitor.cookie()), (StatusCode::SERVICE_UNAVAILABLE, None));
    assert_eq!(site.sessions.len(), 0);
}

#[tokio::test]
async fn a_route_without_the_layer_gives_no_access() {
    #[auth::login_required]
    async fn guarded() {}
    let address = app::serve(axum::Router::new().route("/", get(guarded))).await;
    let answer = auth_tests::http::Visitor::new(&address).get("/").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[derive(User, Clone)]
struct Other {
    id: i64,
    username: String,
    password_hash: PasswordHash,
    last_login: Option<DateTime<Utc>>,
    is_active: bool,
}

#[tokio::test]
async fn a_handler_for_another_user_type_gives_no_access() {
    async fn other(user: CurrentUser<Other>) -> String {
        user.username.clone()
    }
    async fn maybe(user: Option<CurrentUser<Other>>) -> String {
        user.map_or_else(|| "nobody".to_owned(), |user| user.username.clone())
    }
    let auth = Auth::<Author>::builder().build().await.unwrap();
    let routes = axum::Router::new().route("/other", get(other)).route("/maybe", get(maybe));
    let address = app::serve(routes.merge(auth.routes()).layer(auth.layer())).await;
    let visitor = auth_tests::http::Visitor::new(&address);
    assert_eq!(visitor.get("/other").await.status, StatusCode::UNAUTHORIZED);
    visitor.join("alice").await;
    for path in ["/other", "/maybe"] {
        assert_eq!(visitor.get(path).await.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
    }
}

#[tokio::test]
async fn settings_that_cannot_work_do_not_start() {
    let builder = Auth::<Author>::builder;
    for (builder, expected) in vec![
        (builder().sessions("nonsense:"), "there is no session backend `nonsense`"),
        (builder().auth_backends(["ldap"]), "there is no auth backend `ldap`"),
        (builder().auth_backends([]), "nobody can log in"),
        (builder().secret("short"), "fewer than 32 bytes"),
        (builder().http_sessions(HttpSessionConfig::new().name("a;b")), "cannot be a cookie's name"),
        (builder().http_sessions(HttpSessionConfig::new().path("/app")), "without_host_prefix()"),
        (builder().login_url("https://evil.example"), "not a path on this site"),
        (builder().home_url("//evil.example"), "not a path on this site"),
        (builder().origin("example.com"), "not an origin"),
        (builder().origin("https://example.com/"), "not an origin"),
        (builder().sessions("database:"), "database"),
        (builder().database("oracle:x"), "oracle"),
        (builder().database("postgres://127.0.0.1:1/x"), "AUTH_SECRET"),
    ] {
        let error = builder.build().await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
