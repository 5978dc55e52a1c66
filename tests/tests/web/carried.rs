//! Sessions that travel whole in their cookie.

use std::sync::Arc;

use auth::clock::Clock as _;
use auth::prelude::*;
use auth::secret::SecretKey;
use auth::sessions::{
    CookieSessionBackend, HttpSessionConfig, InMemorySessionBackend, Lifetime, Login, Session, SessionKey,
    SessionLimit, SessionRecord,
};
use auth::testing::ManualClock;
use auth::web::SessionMiddleware;
use auth_tests::http::{Answer, PASSWORD, Visitor};
use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::get;
use chrono::TimeDelta;
use serde_json::json;

use crate::app::{Author, Site, router, serve};

const SECRET: &str = "a vortex, a lantern and 29 quilts for the tests";
const OLD_SECRET: &str = "a lantern, a vortex and 92 quilts for the tests";

async fn site() -> Site {
    Site::with(|builder| builder.sessions("cookie:memory:").secret(SECRET)).await
}

/// Sends a cookie that a browser would not have any more.
async fn with_cookie(site: &Site, cookie: &str, path: &str) -> Answer {
    let visitor = site.visitor();
    visitor.send(visitor.request(Method::GET, path).header("cookie", cookie)).await
}

async fn log_in(visitor: &Visitor) {
    let answer = visitor.post("/login", &json!({ "username": "alice", "password": PASSWORD })).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_login_lives_in_its_cookie_and_nowhere_else() {
    let site = site().await;
    let (visitor, _) = site.member("alice").await;
    assert_eq!(visitor.get("/closed").await.status, StatusCode::OK);
    visitor.post("/note", &json!("kept")).await;
    assert_eq!(visitor.get("/note").await.text, "\"kept\"");
    assert!(site.sessions.is_empty());
    let cookie = visitor.cookie().unwrap();
    assert!(cookie.starts_with("session=") && cookie.len() <= CookieSessionBackend::MAX_COOKIE);
    assert!(!cookie.contains("alice") && !cookie.contains("kept"));
    // Nothing changes, nothing is sent.
    assert!(visitor.get("/note").await.header("set-cookie").is_none());
    assert!(site.visitor().get("/note").await.header("set-cookie").is_none());
}

#[tokio::test]
async fn what_is_damaged_or_foreign_is_no_session() {
    let site = site().await;
    let (visitor, _) = site.member("alice").await;
    let cookie = visitor.cookie().unwrap();
    let other = Site::with(|builder| builder.sessions("cookie:memory:").secret(OLD_SECRET)).await;
    assert_eq!(with_cookie(&other, &cookie, "/closed").await.status, StatusCode::UNAUTHORIZED);
    for at in (8..cookie.len()).step_by(7) {
        let mut damaged = cookie.clone().into_bytes();
        damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
        let damaged = String::from_utf8(damaged).unwrap();
        assert_eq!(with_cookie(&site, &damaged, "/closed").await.status, StatusCode::UNAUTHORIZED, "{at}");
    }
    let key = SessionKey::generate().expose();
    for bad in [String::new(), key, "A".repeat(4000), "A".repeat(6000), "=".to_owned(), "é".to_owned()] {
        let answer = with_cookie(&site, &format!("session={bad}"), "/closed").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{bad}");
    }
}

#[tokio::test]
async fn an_older_secret_still_opens_what_it_sealed() {
    let old = Site::with(|builder| builder.sessions("cookie:memory:").secret(OLD_SECRET)).await;
    let visitor = old.visitor();
    visitor.post("/note", &json!("kept")).await;
    let new = Site::with(|builder| builder.sessions("cookie:memory:").secret(SECRET).secret_fallback(OLD_SECRET)).await;
    let cookie = visitor.cookie().unwrap();
    new.clock.set(old.clock.now());
    assert_eq!(with_cookie(&new, &cookie, "/note").await.text, "\"kept\"");
}

#[tokio::test]
async fn both_limits_stand_inside() {
    let lifetime = Lifetime::new(TimeDelta::hours(1), TimeDelta::hours(3));
    let config = HttpSessionConfig::new().lifetime(lifetime);
    let site = Site::with(|builder| builder.sessions("cookie:memory:").secret(SECRET).http_sessions(config)).await;
    let (visitor, _) = site.member("alice").await;
    let first = visitor.cookie().unwrap();
    for _ in 0..3 {
        site.clock.advance(TimeDelta::minutes(50));
        assert_eq!(visitor.get("/closed").await.status, StatusCode::OK, "use moves the idle limit");
    }
    assert_eq!(with_cookie(&site, &first, "/closed").await.status, StatusCode::UNAUTHORIZED, "an old cookie is idle");
    let last = visitor.cookie().unwrap();
    site.clock.advance(TimeDelta::minutes(31));
    assert_eq!(with_cookie(&site, &last, "/closed").await.status, StatusCode::UNAUTHORIZED, "the absolute limit");
}

#[tokio::test]
async fn a_logout_is_final_in_every_tab_and_ends_no_other_session() {
    let site = site().await;
    let (first, _) = site.member("alice").await;
    let second = site.visitor();
    log_in(&second).await;
    let old = second.cookie().unwrap();
    assert_eq!(second.post("/logout", &json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(second.cookie(), None);
    assert_eq!(with_cookie(&site, &old, "/closed").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(first.get("/closed").await.status, StatusCode::OK);
    log_in(&second).await;
    assert_eq!(second.get("/closed").await.status, StatusCode::OK);
}

#[tokio::test]
async fn another_password_ends_them() {
    let site = site().await;
    let (visitor, _) = site.member("alice").await;
    let other = site.visitor();
    log_in(&other).await;
    assert_eq!(visitor.post("/password", &json!("another-lantern-vortex-31")).await.status, StatusCode::OK);
    let cookie = other.cookie().unwrap();
    assert_eq!(other.get("/closed").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(with_cookie(&site, &cookie, "/closed").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_that_fits_no_cookie_is_not_sent() {
    let site = site().await;
    let (visitor, _) = site.member("alice").await;
    let before = visitor.cookie();
    let mut most = 0;
    for length in [100, 1000, 2000, 2400, 3000, 4096, 100_000] {
        let answer = visitor.post("/note", &json!("x".repeat(length))).await;
        if answer.status == StatusCode::OK {
            most = length;
            let line = answer.header("set-cookie").unwrap();
            assert!(line.len() <= CookieSessionBackend::MAX_COOKIE, "{}", line.len());
        } else {
            assert_eq!((answer.status.is_server_error(), answer.header("set-cookie")), (true, None));
        }
    }
    assert!((2000..4000).contains(&most), "{most}");
    assert_eq!(visitor.get("/note").await.text.len(), most + 2, "the last one that fitted");
    assert_ne!(visitor.cookie(), before);
}

#[tokio::test]
async fn of_two_writes_the_last_answer_wins() {
    let site = site().await;
    let (visitor, _) = site.member("alice").await;
    let cookie = visitor.cookie().unwrap();
    let post = async |note: &str| {
        let request = site.visitor().request(Method::POST, "/note").header("cookie", &cookie);
        let request = request.header("origin", &site.address).body(note.to_owned());
        let answer = site.visitor().send(request).await;
        answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    };
    let (first, second) = (post("first").await, post("second").await);
    assert_eq!(with_cookie(&site, &second, "/note").await.text, "second");
    assert_eq!(with_cookie(&site, &first, "/note").await.text, "first", "an older cookie can be brought back");
}

#[tokio::test]
async fn without_its_store_of_marks_nobody_is_logged_in() {
    let test = auth_tests::sqlite().await;
    let site = Site::with(|builder| builder.sessions(&format!("cookie:{}", test.url)).secret(SECRET)).await;
    let (visitor, _) = site.member("alice").await;
    assert_eq!(visitor.get("/closed").await.status, StatusCode::OK);
    test.sql("DROP TABLE auth_session").await;
    assert_eq!(visitor.get("/closed").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(visitor.post("/logout", &json!({})).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(site.visitor().get("/note").await.status, StatusCode::OK, "who brings no session needs it not");
}

#[tokio::test]
async fn what_they_cannot_do_is_said_at_the_start() {
    let builder = || Auth::<Author>::builder().sessions("cookie:memory:").secret(SECRET);
    let error = builder().max_sessions_per_user(SessionLimit::refuse(1)).build().await.unwrap_err();
    assert!(error.to_string().contains("sessions in cookies cannot"), "{error}");
    let auth = builder().build().await.unwrap();
    assert!(auth.session_manager().is_err());
    let nowhere = Auth::<Author>::builder().sessions("cookie:").secret(SECRET).build().await.unwrap_err();
    assert!(nowhere.to_string().contains("`cookie:memory:`"), "{nowhere}");
}

#[tokio::test]
async fn all_of_a_users_can_be_revoked() {
    let clock = ManualClock::new();
    let store = Arc::new(InMemorySessionBackend::with_clock(Arc::new(clock.clone())));
    let secret = SecretKey::new(SECRET).unwrap();
    let carrier = CookieSessionBackend::new(&secret, store).with_clock(Arc::new(clock.clone()));
    let seal = |user: &str| {
        let (key, now) = (SessionKey::generate(), clock.now());
        let mut record = SessionRecord::new(now, now + TimeDelta::hours(1), now + TimeDelta::hours(2));
        (record.verifier, record.login) = (key.verifier(), Some(Login::new(user, [0; 32], now)));
        (carrier.seal(&key, &record, 4096).unwrap(), key, record)
    };
    let (alice, key, record) = seal("alice");
    let (bob, ..) = seal("bob");
    assert_eq!(carrier.open(alice.as_bytes()).await.unwrap(), Some((key, record)));
    clock.advance(TimeDelta::seconds(1));
    carrier.revoke("alice").await.unwrap();
    carrier.revoke("alice").await.unwrap();
    assert_eq!(carrier.open(alice.as_bytes()).await.unwrap(), None);
    assert!(carrier.open(bob.as_bytes()).await.unwrap().is_some());
    clock.advance(TimeDelta::seconds(1));
    let (alice, ..) = seal("alice");
    assert!(carrier.open(alice.as_bytes()).await.unwrap().is_some());
    clock.advance(TimeDelta::hours(1));
    assert_eq!(carrier.open(alice.as_bytes()).await.unwrap(), None, "expired");
}

#[tokio::test]
async fn sessions_without_users_can_travel_so_too() {
    async fn count(session: Session) -> String {
        let count: u32 = session.get("count").unwrap().unwrap_or_default();
        session.set("count", count + 1).unwrap();
        count.to_string()
    }
    let store = Arc::new(InMemorySessionBackend::new());
    let carrier = CookieSessionBackend::new(&SecretKey::random(), store.clone());
    let layer = SessionMiddleware::in_cookies(carrier, HttpSessionConfig::new()).unwrap();
    let address = serve(Router::new().route("/", get(count)).layer(layer)).await;
    let visitor = Visitor::new(&address);
    for expected in ["0", "1", "2"] {
        assert_eq!(visitor.get("/").await.text, expected);
    }
    assert_eq!(visitor.another().get("/").await.text, "0");
    assert!(store.is_empty());
}

#[tokio::test]
async fn they_outlive_the_program() {
    let test = auth_tests::sqlite().await;
    let start = async || {
        let auth = Auth::<Author>::builder().database(&test.url).sessions("cookie:").secret(SECRET);
        let auth = auth.build().await.unwrap();
        auth.migrate().await.unwrap();
        serve(router(&auth)).await
    };
    let visitor = Visitor::new(&start().await);
    visitor.join("alice").await;
    let cookie = visitor.cookie().unwrap();
    let again = Visitor::new(&start().await);
    let ask = async || again.send(again.request(Method::GET, "/closed").header("cookie", &cookie)).await.status;
    assert_eq!(ask().await, StatusCode::OK);
    assert_eq!(visitor.post("/logout", &json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ask().await, StatusCode::UNAUTHORIZED, "and so do the revocations");
}
