use auth::prelude::*;
use auth::sessions::{SaveIf, SessionBackend as _, SessionError, SessionKey};
use auth_tests::http::{PASSWORD, Visitor};
use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::json;

use crate::app::Site;

fn key_of(visitor: &Visitor) -> SessionKey {
    let cookie = visitor.cookie().unwrap();
    let value = cookie.split("; ").find_map(|pair| pair.strip_prefix("session=")).unwrap();
    SessionKey::parse(value.as_bytes()).unwrap()
}

async fn with_cookie(site: &Site, cookie: &str) -> StatusCode {
    let visitor = site.visitor();
    visitor.send(visitor.request(Method::GET, "/login-required").header("cookie", cookie)).await.status
}

async fn write(visitor: &Visitor, text: &str) -> StatusCode {
    let request = visitor.request(Method::POST, "/note").header("sec-fetch-site", "same-origin").body(text.to_owned());
    visitor.send(request).await.status
}

#[tokio::test]
async fn the_key_changes_at_login_and_the_old_one_is_dead() {
    let site = Site::start().await;
    let visitor = site.visitor();
    write(&visitor, "before login").await;
    let (before, planted) = (key_of(&visitor), visitor.cookie().unwrap());
    visitor.join("alice").await;
    assert_ne!(key_of(&visitor), before);
    assert_eq!(visitor.get("/note").await.text, "before login", "what was in the session stays");
    assert_eq!(with_cookie(&site, &planted).await, StatusCode::UNAUTHORIZED);
    assert_eq!(site.sessions.len(), 1);

    // Logging in again changes it again.
    let (first, cookie) = (key_of(&visitor), visitor.cookie().unwrap());
    let answer = visitor.post("/login", &json!({ "username": "alice", "password": PASSWORD })).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_ne!(key_of(&visitor), first);
    assert_eq!(with_cookie(&site, &cookie).await, StatusCode::UNAUTHORIZED);
    assert_eq!(site.sessions.len(), 1);
}

#[tokio::test]
async fn a_key_that_nobody_has_is_never_adopted() {
    let site = Site::start().await;
    let chosen = SessionKey::generate();
    let cookie = format!("session={}", chosen.expose());
    let visitor = site.visitor();
    let request = visitor.request(Method::POST, "/note").header("sec-fetch-site", "same-origin");
    visitor.send(request.header("cookie", cookie).body("x")).await;
    assert_ne!(key_of(&visitor), chosen);
    assert!(!site.sessions.exists(&chosen.digest()).await.unwrap());
}

#[tokio::test]
async fn another_users_login_takes_nothing_over() {
    let site = Site::start().await;
    let (visitor, _) = site.member("alice").await;
    write(&visitor, "alice's").await;
    visitor.join("bob").await;
    assert_eq!(visitor.get("/maybe").await.text, "bob");
    assert_eq!(visitor.get("/note").await.text, "");
}

#[tokio::test]
async fn logout_is_final() {
    let site = Site::start().await;
    let (visitor, _) = site.member("alice").await;
    let (key, cookie) = (key_of(&visitor), visitor.cookie().unwrap());
    // A request is still running that read the session before the logout.
    let (running, principal) = site.auth.resume(Some(key.clone())).await.unwrap();
    assert!(principal.is_some());
    running.set("note", "late").unwrap();
    assert_eq!(visitor.post("/logout", &json!({})).await.status, StatusCode::NO_CONTENT);
    assert!(matches!(running.save().await, Err(SessionError::Ended)));
    assert!(!site.sessions.exists(&key.digest()).await.unwrap());
    assert_eq!(with_cookie(&site, &cookie).await, StatusCode::UNAUTHORIZED);
    assert_eq!(visitor.cookie(), None);
}

#[tokio::test]
async fn logging_out_in_one_tab_logs_out_every_tab() {
    let site = Site::start().await;
    let (tab, _) = site.member("alice").await;
    // Tabs of one browser share its cookies.
    let other_tab = tab.clone();
    let cookie = tab.cookie().unwrap();
    assert_eq!(other_tab.get("/maybe").await.text, "alice");
    let answer = tab.post("/logout", &json!({})).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header("set-cookie"), Some("session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"));
    assert_eq!(other_tab.get("/maybe").await.text, "");
    assert_eq!(other_tab.get("/login-required").await.status, StatusCode::UNAUTHORIZED);
    // A tab that was about to send the old cookie.
    assert_eq!(with_cookie(&site, &cookie).await, StatusCode::UNAUTHORIZED);
    let late = site.visitor();
    let request = late.request(Method::POST, "/note").header("sec-fetch-site", "same-origin").header("cookie", &cookie);
    assert_eq!(late.send(request.body("late")).await.status, StatusCode::OK);
    assert_ne!(late.cookie().unwrap(), cookie, "it is a stranger's");
    assert_eq!(with_cookie(&site, &cookie).await, StatusCode::UNAUTHORIZED);
    // Logging out again harms nothing.
    assert_eq!(other_tab.post("/logout", &json!({})).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_and_at_the_latest_after_a_day() {
    let site = Site::start().await;
    let (idle, _) = site.member("alice").await;
    let (busy, _) = site.member("bob").await;
    for _ in 0..3 {
        site.clock.advance(TimeDelta::minutes(25));
        assert_eq!(busy.get("/login-required").await.status, StatusCode::OK);
    }
    assert_eq!(idle.get("/login-required").await.status, StatusCode::UNAUTHORIZED);
    for _ in 0..55 {
        site.clock.advance(TimeDelta::minutes(25));
        busy.get("/login-required").await;
    }
    assert_eq!(busy.get("/login-required").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn another_password_ends_every_session_and_a_rehash_ends_none() {
    let site = Site::start().await;
    let (one, user) = site.member("alice").await;
    let other = site.visitor();
    other.post("/login", &json!({ "username": "alice", "password": PASSWORD })).await;
    assert_eq!(other.get("/login-required").await.status, StatusCode::OK);

    let store = site.auth.users().store();
    let hash = site.auth.users().passwords().hash(&PASSWORD.into()).await.unwrap();
    let rehash = auth::users::PasswordChange::Rehash(user.password_hash());
    assert!(store.set_password_hash(&user.id, &hash, rehash).await.unwrap());
    assert_eq!(other.get("/login-required").await.status, StatusCode::OK);

    let request = one.request(Method::POST, "/password").header("sec-fetch-site", "same-origin");
    assert_eq!(one.send(request.body("another-long-passphrase")).await.status, StatusCode::OK);
    for visitor in [&one, &other] {
        assert_eq!(visitor.get("/login-required").await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(site.sessions.len(), 0);
}

#[tokio::test]
async fn a_changed_struct_that_is_written_whole_ends_sessions_too() {
    let site = Site::start().await;
    let (visitor, mut user) = site.member("alice").await;
    user.email = "new@example.com".into();
    site.auth.users().update(&user).await.unwrap();
    assert_eq!(visitor.get("/login-required").await.status, StatusCode::OK, "nothing was said of the password");
    user.set_password("another-long-passphrase").unwrap();
    site.auth.users().update(&user).await.unwrap();
    assert_eq!(visitor.get("/login-required").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn only_answers_that_touched_a_session_are_marked() {
    let site = Site::start().await;
    let visitor = site.visitor();
    let open = visitor.get("/open").await;
    assert_eq!((open.header("vary"), open.header("set-cookie"), open.header("cache-control")), (None, None, None));
    let read = visitor.get("/maybe").await;
    assert_eq!((read.header("vary"), read.header("set-cookie")), (Some("Cookie"), None));
    assert_eq!(read.header("cache-control"), Some("private"));
    visitor.join("alice").await;
    assert_eq!(visitor.get("/maybe").await.header("set-cookie"), None, "the cookie is set once");
}

#[tokio::test]
async fn the_cookie_is_locked_down_off_loopback() {
    let site = Site::start().await;
    site.create("alice", |_| ()).await;
    let log_in = async |host: &str| {
        let visitor = site.visitor();
        let request = visitor.request(Method::POST, "/login").header("host", host);
        let answer = visitor.send(request.json(&json!({ "username": "alice", "password": PASSWORD }))).await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.header("set-cookie").unwrap().to_owned()
    };
    let cookie = log_in("example.com").await;
    assert!(cookie.starts_with("__Host-session="), "{cookie}");
    assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=86400"), "{cookie}");
    let cookie = log_in("localhost:8000").await;
    assert!(cookie.starts_with("session=") && !cookie.contains("Secure"), "{cookie}");
}

#[tokio::test]
async fn a_plain_cookie_is_not_honoured_off_loopback() {
    let site = Site::start().await;
    let (visitor, _) = site.member("alice").await;
    let cookie = visitor.cookie().unwrap();
    let stranger = site.visitor();
    let request =
        stranger.request(Method::GET, "/login-required").header("host", "example.com").header("cookie", &cookie);
    assert_eq!(stranger.send(request).await.status, StatusCode::UNAUTHORIZED);
    let twice = format!("{cookie}; {cookie}");
    assert_eq!(with_cookie(&site, &twice).await, StatusCode::UNAUTHORIZED);
    assert_eq!(with_cookie(&site, &cookie).await, StatusCode::OK);
}

#[tokio::test]
async fn what_a_failed_answer_set_is_not_kept_and_an_emptied_session_goes() {
    let site = Site::start().await;
    let visitor = site.visitor();
    let request = visitor.request(Method::POST, "/note-and-fail").header("sec-fetch-site", "same-origin");
    assert_eq!(visitor.send(request).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!((visitor.cookie(), site.sessions.len()), (None, 0));

    write(&visitor, "x").await;
    let (session, _) = site.auth.resume(Some(key_of(&visitor))).await.unwrap();
    session.clear();
    session.save().await.unwrap();
    assert_eq!(site.sessions.len(), 0);
}

#[tokio::test]
async fn a_login_notes_the_device() {
    let site = Site::start().await;
    let user = site.create("alice", |_| ()).await;
    let visitor = site.visitor();
    write(&visitor, "x").await;
    let log_in = |password| {
        let request = visitor.request(Method::POST, "/login").header("origin", &site.address);
        let request = request.header("user-agent", format!("Browser \u{fe} {}", "x".repeat(999)));
        visitor.send(request.json(&serde_json::json!({ "username": "alice", "password": password })))
    };
    assert_eq!(log_in("wrong").await.status, StatusCode::UNAUTHORIZED);
    let anonymous = site.sessions.load(&key_of(&visitor).digest()).await.unwrap().unwrap();
    assert_eq!((anonymous.version, &anonymous.device), (1, &None), "a login that failed changes nothing");

    assert_eq!(log_in(PASSWORD).await.status, StatusCode::OK);
    let sessions = site.auth.session_manager().unwrap().list(&user.id.to_string()).await.unwrap();
    assert_eq!(sessions.len(), 1);
    let device = sessions[0].record.device.as_ref().unwrap();
    assert_eq!(device.ip(), Some([127, 0, 0, 1].into()));
    let user_agent = device.user_agent().unwrap();
    assert!(user_agent.starts_with("Browser ") && user_agent.chars().count() == 256, "{user_agent}");
}

#[tokio::test]
async fn a_store_dump_opens_no_session() {
    let site = Site::start().await;
    let (visitor, _) = site.member("alice").await;
    let digest = key_of(&visitor).digest();
    let record = site.sessions.load(&digest).await.unwrap().unwrap();
    assert_eq!(record.login.as_ref().unwrap().user_id, "1");
    // What the store holds is the digest of the key; as a key it is another.
    let stolen = SessionKey::parse(base64(digest.as_bytes()).as_bytes()).unwrap();
    assert_eq!(with_cookie(&site, &format!("session={}", stolen.expose())).await, StatusCode::UNAUTHORIZED);
    // Nor does a record that somebody writes into the store with another user in it.
    let mut forged = (*record).clone();
    forged.login.as_mut().unwrap().user_id = site.create("admin", |user| user.is_superuser = true).await.id.to_string();
    forged.version += 1;
    let saved = site.sessions.save(&digest, forged.into(), SaveIf::Version(record.version)).await.unwrap();
    assert_eq!(saved, auth::sessions::Saved::Done);
    assert_eq!(visitor.get("/login-required").await.status, StatusCode::UNAUTHORIZED);
}

/// Unpadded base64url.
fn base64(bytes: &[u8; 32]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bit = |i: usize| bytes.get(i / 8).is_some_and(|byte| byte >> (7 - i % 8) & 1 == 1);
    let digit = |i: usize| (0..6).fold(0, |digit, b| digit << 1 | usize::from(bit(6 * i + b)));
    (0..43).map(|i| char::from(ALPHABET[digit(i)])).collect()
}
