//! The session's cookie, word for word, and sessions without users.

use std::sync::Arc;

use auth::prelude::*;
use auth::sessions::{
    HttpSessionConfig, InMemorySessionBackend, Lifetime, SameSite, SessionLimit, TenantSessionBackend,
};
use auth::testing::ManualClock;
use auth::web::SessionMiddleware;
use auth::web::axum::CsrfToken;
use auth_tests::http::{Answer, PASSWORD, Visitor};
use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::{any, get, post};
use chrono::TimeDelta;
use serde_json::json;

use crate::app::{Site, serve};

/// What the cookie is called, and what stands after its value.
fn shape(answer: &Answer) -> (String, String) {
    let lines = answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let mut lines = lines.filter(|line| !line.contains("-device="));
    let (line, none) = (lines.next().unwrap(), lines.next());
    assert_eq!(none, None, "one cookie");
    let (name, rest) = line.split_once('=').unwrap();
    let (_, attributes) = rest.split_once("; ").unwrap();
    (name.to_owned(), attributes.to_owned())
}

async fn log_in(site: &Site, host: &str) -> Answer {
    let visitor = site.visitor();
    let request = visitor.request(Method::POST, "/login").header("host", host);
    visitor.send(request.json(&json!({ "username": "alice", "password": PASSWORD }))).await
}

#[tokio::test]
async fn the_cookie_is_what_was_configured() {
    let config = HttpSessionConfig::new;
    let short = Lifetime::new(TimeDelta::minutes(5), TimeDelta::minutes(10));
    for (config, name, attributes) in [
        (config(), "__Host-session", "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=86400"),
        (
            config().name("id").lifetime(short).same_site(SameSite::Strict),
            "__Host-id",
            "HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=600",
        ),
        (config().expires_at_browser_close(), "__Host-session", "HttpOnly; SameSite=Lax; Secure; Path=/"),
        (
            config().max_age(TimeDelta::minutes(1)),
            "__Host-session",
            "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60",
        ),
        (
            config().without_host_prefix().domain("example.com").path("/app").same_site(SameSite::None),
            "__Secure-session",
            "HttpOnly; SameSite=None; Secure; Path=/app; Domain=example.com; Max-Age=86400",
        ),
        (
            config().insecure_cookies().allow_scripts_to_read_the_cookie(),
            "session",
            "SameSite=Lax; Path=/; Max-Age=86400",
        ),
    ] {
        let site = Site::with(|builder| builder.http_sessions(config.clone())).await;
        site.create("alice", |_| ()).await;
        let answer = log_in(&site, "www.example.com").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!(shape(&answer), (name.to_owned(), attributes.to_owned()), "{config:?}");
        let shown = format!("{:?}", site.auth);
        assert!(config.loosened().iter().all(|call| shown.contains(call)), "{shown}");
    }
}

#[tokio::test]
async fn a_cookie_is_removed_where_it_was_set() {
    let wide = HttpSessionConfig::new().without_host_prefix().domain("example.com").path("/app");
    let site = Site::with(|builder| builder.http_sessions(wide)).await;
    site.create("alice", |_| ()).await;
    let answer = log_in(&site, "www.example.com").await;
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let visitor = site.visitor();
    let request = visitor.request(Method::POST, "/logout").header("host", "www.example.com").header("cookie", cookie);
    let answer = visitor.send(request.header("sec-fetch-site", "same-origin")).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let removed = "__Secure-session=; HttpOnly; SameSite=Lax; Secure; Path=/app; Domain=example.com; Max-Age=0";
    assert_eq!(answer.header("set-cookie"), Some(removed));
    assert_eq!(site.sessions.len(), 0);
}

#[tokio::test]
async fn the_configured_lifetime_is_the_sessions() {
    let short = Lifetime::new(TimeDelta::minutes(5), TimeDelta::minutes(10));
    let site = Site::with(|builder| builder.http_sessions(HttpSessionConfig::new().lifetime(short))).await;
    let (visitor, _) = site.member("alice").await;
    for (minutes, expected) in [(4, StatusCode::OK), (4, StatusCode::OK), (3, StatusCode::UNAUTHORIZED)] {
        site.clock.advance(TimeDelta::minutes(minutes));
        assert_eq!(visitor.get("/login-required").await.status, expected);
    }
}

async fn count(session: Session) -> String {
    let count: u32 = session.get("count").unwrap().unwrap_or_default();
    session.set("count", count + 1).unwrap();
    format!("{count}")
}

async fn read(session: Session) -> String {
    session.get::<u32>("count").unwrap().unwrap_or_default().to_string()
}

async fn fail(session: Session) -> StatusCode {
    session.set("count", 99).unwrap();
    StatusCode::BAD_GATEWAY
}

async fn empty(session: Session) {
    session.clear();
}

async fn user(user: Option<CurrentUser<crate::app::Author>>) -> String {
    format!("{}", user.is_some())
}

#[login_required]
async fn guarded() {}

async fn token(token: CsrfToken) -> String {
    token.to_string()
}

struct Alone {
    sessions: Arc<InMemorySessionBackend>,
    clock: ManualClock,
    address: String,
}

async fn alone(config: HttpSessionConfig) -> Alone {
    let clock = ManualClock::new();
    let sessions = Arc::new(InMemorySessionBackend::with_clock(Arc::new(clock.clone())));
    let middleware = SessionMiddleware::new(sessions.clone(), config).unwrap().with_clock(clock.clone());
    let app = Router::new()
        .route("/count", post(count).get(read))
        .route("/fail", any(fail))
        .route("/empty", any(empty))
        .route("/open", get(async || "open"))
        .route("/user", get(user))
        .route("/guarded", get(guarded))
        .route("/token", get(token))
        .layer(middleware);
    Alone { sessions, clock, address: serve(app).await }
}

async fn post_from_here(visitor: &Visitor, path: &str) -> Answer {
    visitor.send(visitor.request(Method::POST, path).header("sec-fetch-site", "same-origin")).await
}

#[tokio::test]
async fn sessions_work_without_users() {
    let site = alone(HttpSessionConfig::new()).await;
    let visitor = Visitor::new(&site.address);
    let open = visitor.get("/open").await;
    assert_eq!((open.header("vary"), open.header("set-cookie"), open.header("cache-control")), (None, None, None));
    let looked = visitor.get("/count").await;
    assert_eq!((looked.text.as_str(), looked.header("set-cookie")), ("0", None), "who only looks gets no cookie");
    assert_eq!((looked.header("vary"), looked.header("cache-control")), (Some("Cookie"), Some("private")));
    assert_eq!(site.sessions.len(), 0);

    let first = post_from_here(&visitor, "/count").await;
    assert_eq!(shape(&first), ("session".into(), "HttpOnly; SameSite=Lax; Path=/; Max-Age=86400".into()));
    let again = post_from_here(&visitor, "/count").await;
    assert_eq!((again.text.as_str(), again.header("set-cookie")), ("1", None));
    assert_eq!((visitor.get("/count").await.text.as_str(), site.sessions.len()), ("2", 1));

    let failed = post_from_here(&visitor, "/fail").await;
    assert_eq!((failed.status, failed.header("set-cookie")), (StatusCode::BAD_GATEWAY, None));
    assert_eq!(visitor.get("/count").await.text, "2", "what a failed answer set is not kept");
    let stranger = Visitor::new(&site.address);
    assert_eq!(post_from_here(&stranger, "/fail").await.header("set-cookie"), None);
    assert_eq!((stranger.cookie(), site.sessions.len()), (None, 1));

    let emptied = post_from_here(&visitor, "/empty").await;
    assert_eq!(emptied.header("set-cookie"), Some("session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"));
    assert_eq!((visitor.cookie(), site.sessions.len()), (None, 0));
}

#[tokio::test]
async fn sessions_without_users_end_in_time() {
    let short = Lifetime::new(TimeDelta::minutes(5), TimeDelta::minutes(10));
    let site = alone(HttpSessionConfig::new().lifetime(short)).await;
    let visitor = Visitor::new(&site.address);
    post_from_here(&visitor, "/count").await;
    for (minutes, expected) in [(4, "1"), (4, "1"), (3, "0")] {
        site.clock.advance(TimeDelta::minutes(minutes));
        assert_eq!(visitor.get("/count").await.text, expected);
    }
}

#[tokio::test]
async fn sessions_without_users_are_protected_from_other_sites() {
    let site = alone(HttpSessionConfig::new()).await;
    let visitor = Visitor::new(&site.address);
    post_from_here(&visitor, "/count").await;
    let count = || visitor.request(Method::POST, "/count");
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("x-nothing", "")] {
        assert_eq!(visitor.send(count().header(name, value)).await.status, StatusCode::FORBIDDEN, "{name}");
    }
    let token = visitor.get("/token").await.text;
    assert_eq!(visitor.send(count().header("x-csrf-token", token)).await.status, StatusCode::OK);
    assert_eq!(visitor.get("/count").await.text, "2");
}

#[tokio::test]
async fn whoever_asks_for_a_user_there_is_told_that_the_layer_is_missing() {
    let site = alone(HttpSessionConfig::new()).await;
    let visitor = Visitor::new(&site.address);
    for path in ["/user", "/guarded"] {
        assert_eq!(visitor.get(path).await.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
    }
}

#[tokio::test]
async fn what_cannot_work_makes_no_middleware() {
    let middleware = |config| SessionMiddleware::new(InMemorySessionBackend::new(), config);
    let error = middleware(HttpSessionConfig::new().domain("example.com")).unwrap_err();
    assert!(error.to_string().contains("without_host_prefix()"), "{error}");
    let good = middleware(HttpSessionConfig::new().insecure_cookies()).unwrap();
    assert!(format!("{good:?}").contains("insecure_cookies"));
    assert!(good.with_origin("example.com").unwrap_err().to_string().contains("not an origin"));
}

#[tokio::test]
async fn a_full_store_lets_nobody_in_and_says_so() {
    let clock = ManualClock::new();
    let inner = InMemorySessionBackend::with_clock(Arc::new(clock.clone()));
    let tenant = TenantSessionBackend::new(inner, "acme").with_limit(1).with_clock(Arc::new(clock.clone()));
    let site = Site::with(|builder| builder.session_backend(tenant).clock(clock)).await;
    let (first, _) = site.member("alice").await;
    site.create("bob", |_| ()).await;
    let bob = json!({ "username": "bob", "password": PASSWORD });

    let visitor = site.visitor();
    let answer = visitor.post("/login", &bob).await;
    assert_eq!((answer.status, visitor.cookie()), (StatusCode::FORBIDDEN, None), "{}", answer.text);
    assert!(answer.json()["detail"].as_str().unwrap().contains("too many sessions"), "{}", answer.text);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let page = visitor.submit("/login", &[("username", "bob"), ("password", PASSWORD)]).await;
    assert!(page.status == StatusCode::FORBIDDEN && page.text.contains("too many sessions"), "{}", page.text);
    let request = visitor.request(Method::POST, "/note").header("sec-fetch-site", "same-origin").body("x");
    let noted = visitor.send(request).await;
    assert_eq!((noted.status, noted.header("set-cookie")), (StatusCode::FORBIDDEN, None), "nor for a stranger");

    assert_eq!(first.post("/logout", &json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(visitor.post("/login", &bob).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_user_with_as_many_sessions_as_allowed_is_told_so() {
    let site = Site::with(|builder| builder.max_sessions_per_user(SessionLimit::refuse(1))).await;
    let (first, _) = site.member("alice").await;
    let alice = json!({ "username": "alice", "password": PASSWORD });
    let second = site.visitor();
    let answer = second.post("/login", &alice).await;
    assert_eq!((answer.status, second.cookie()), (StatusCode::FORBIDDEN, None), "{}", answer.text);
    assert_eq!(second.get("/login-required").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(first.get("/maybe").await.text, "alice");
    assert_eq!(site.sessions.len(), 1);

    // What a stranger has kept stays a stranger's.
    let request = second.request(Method::POST, "/note").header("sec-fetch-site", "same-origin").body("x");
    assert_eq!(second.send(request).await.status, StatusCode::OK);
    assert_eq!(second.post("/login", &alice).await.status, StatusCode::FORBIDDEN);
    first.post("/logout", &json!({})).await;
    assert_eq!(second.get("/note").await.text, "x");
    assert_eq!(second.get("/maybe").await.text, "");
    assert_eq!(second.post("/login", &alice).await.status, StatusCode::OK);
}
