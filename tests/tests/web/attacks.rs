//! What an attacker tried once, and must never succeed at again.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use auth::passwords::{Argon2Hasher, PasswordError, PasswordHasher, PasswordHashers, Passwords};
use auth::prelude::*;
use auth::users::Extra;
use auth_tests::http::{PASSWORD, Visitor};
use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::get;
use serde_json::json;

use crate::app::{self, Author, Site};

async fn log_in(visitor: &Visitor, name: &str, password: &str) -> StatusCode {
    visitor.post("/login", &json!({ "username": name, "password": password })).await.status
}

#[tokio::test]
async fn judging_a_password_is_bounded_work() {
    let site = Site::start().await;
    let words = |i: usize| (0..500).map(|j| format!("w{i}x{j}")).collect::<Vec<_>>().join(" ");
    let mut body = json!({ "username": "alice", "password": "p".repeat(4000), "email": "a@b.c" });
    for i in 0..14 {
        body[format!("field{i}")] = json!(words(i));
    }
    let begun = Instant::now();
    assert_eq!(site.visitor().post("/register", &body).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    // The same work in the fields that one may set. It took half a minute; this is no measure of speed.
    let extra = Extra::from([("email".to_owned(), json!(format!("{}@b.c", "a".repeat(60))))]);
    drop(site.auth.users().create_user("bob", Some(&"pq".repeat(2000)), extra).await);
    assert!(begun.elapsed().as_secs() < 15);
}

#[tokio::test]
async fn an_account_has_one_budget_however_its_address_is_written() {
    let site = Site::start().await;
    site.create("victim", |user| user.email = "victim@example.com".into()).await;
    let visitor = site.visitor();
    let mut checked = 0;
    for i in 0..32u32 {
        let spell = |(j, c): (usize, char)| if i >> (j % 5) & 1 == 1 { c.to_ascii_uppercase() } else { c };
        let domain: String = "example.com".chars().enumerate().map(spell).collect();
        checked +=
            usize::from(log_in(&visitor, &format!(" victim@{domain} "), "wrong").await == StatusCode::UNAUTHORIZED);
    }
    assert_eq!(checked, 5);
    assert_eq!(log_in(&visitor, "victim", PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
}

/// Does something while it checks a password: as slow as an attacker can make it.
#[derive(Clone, Default)]
struct Meanwhile(Arc<Mutex<Option<Act>>>);

type Act = Box<dyn FnOnce() + Send>;

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meanwhile")
    }
}

impl PasswordHasher for Meanwhile {
    fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError> {
        Argon2Hasher::default().hash(password)
    }

    fn verify(&self, password: &str, hash: &PasswordHash) -> Result<bool, PasswordError> {
        let right = Argon2Hasher::default().verify(password, hash)?;
        let meanwhile = self.0.lock().unwrap().take();
        if let Some(act) = meanwhile {
            act();
        }
        Ok(right)
    }

    fn needs_rehash(&self, _: &PasswordHash) -> bool {
        false
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_changed_during_a_login_refuses_it() {
    let hasher = Meanwhile::default();
    let passwords = Passwords::new(PasswordHashers::new(hasher.clone()));
    let site = Site::with(|builder| builder.passwords(passwords)).await;
    let user = site.create("alice", |_| ()).await;
    let (auth, runtime) = (site.auth.clone(), tokio::runtime::Handle::current());
    *hasher.0.lock().unwrap() = Some(Box::new(move || {
        let hash = PasswordHash::new("$argon2id$another");
        let change = auth::users::PasswordChange::NewPassword;
        runtime.block_on(auth.users().store().set_password_hash(&user.id, &hash, change)).unwrap();
    }));
    let thief = site.visitor();
    assert_eq!(log_in(&thief, "alice", PASSWORD).await, StatusCode::UNAUTHORIZED);
    assert_eq!(thief.get("/login-required").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_protected_router_has_no_way_in() {
    async fn secret() -> &'static str {
        "secret"
    }
    let auth = Auth::<Author>::builder().build().await.unwrap();
    let with_fallback = auth.protected(Router::new().route("/a", get(secret)).fallback(secret));
    let only_fallback = auth.protected(Router::new().fallback(secret));
    let nested = Router::new().nest("/in", auth.protected(Router::new().route("/a", get(secret)).fallback(secret)));
    for (router, paths) in [
        (with_fallback, &["/a", "/b", "/"][..]),
        (only_fallback, &["/", "/b"]),
        (nested.route("/open", get(|| async {})), &["/in/a", "/in/b"]),
    ] {
        let visitor = Visitor::new(&app::serve(router.layer(auth.layer())).await);
        for path in paths {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                let answer = visitor.send(visitor.request(method, path)).await;
                assert!(answer.status.is_client_error() && answer.text != "secret", "{path}: {}", answer.status);
            }
        }
    }
    let beside = auth.protected(Router::new().route("/closed", get(secret))).route("/open", get(secret));
    let visitor = Visitor::new(&app::serve(beside.merge(auth.routes()).layer(auth.layer())).await);
    assert_eq!(visitor.get("/closed").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(visitor.get("/open").await.status, StatusCode::OK);
    assert_eq!(visitor.get("/login").await.status, StatusCode::OK);
}

#[tokio::test]
async fn registrations_are_limited_by_source() {
    let site = Site::start().await;
    let visitor = site.visitor();
    let mut statuses = Vec::new();
    for i in 0..60 {
        statuses
            .push(visitor.post("/register", &json!({ "username": format!("user{i}"), "password": "x" })).await.status);
    }
    assert_eq!(statuses[0], StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(statuses[59], StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_password_too_long_to_be_one_is_counted_and_refused() {
    let site = Site::start().await;
    site.create("alice", |_| ()).await;
    for name in ["alice", "nobody"] {
        let visitor = site.visitor();
        for _ in 0..5 {
            assert_eq!(log_in(&visitor, name, &"x".repeat(5000)).await, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(log_in(&visitor, name, "x").await, StatusCode::TOO_MANY_REQUESTS);
    }
}

#[tokio::test]
async fn nobody_takes_the_address_that_somebody_logs_in_with() {
    let site = Site::start().await;
    site.create("victim", |user| user.email = "victim@example.com".into()).await;
    for body in [
        json!({ "username": "victim@example.com", "password": PASSWORD }),
        json!({ "username": "mallory", "email": "victim@EXAMPLE.com", "password": PASSWORD }),
    ] {
        let status = site.visitor().post("/register", &body).await.status;
        assert!(matches!(status, StatusCode::UNPROCESSABLE_ENTITY | StatusCode::CONFLICT), "{status}");
    }
    assert_eq!(log_in(&site.visitor(), "victim@example.com", PASSWORD).await, StatusCode::OK);
}

#[tokio::test]
async fn a_new_name_is_as_canonical_as_a_first_one() {
    let site = Site::start().await;
    site.create("fiona", |_| ()).await;
    let mut other = site.create("other", |_| ()).await;
    for name in ["ﬁona", "fiona", "p\u{430}ypal", "a\u{202e}b", ""] {
        other.username = name.into();
        assert!(site.auth.users().update(&other).await.is_err(), "{name:?}");
        assert!(site.auth.users().update_columns(&other, &["username"]).await.is_err(), "{name:?}");
    }
    other.username = "ﬂora".into();
    site.auth.users().update(&other).await.unwrap();
    assert_eq!(site.user("flora").await.id, other.id);
}

#[tokio::test]
async fn a_proxy_that_rewrites_the_host_gets_no_plain_cookie() {
    let site = Site::with(|builder| builder.origin("https://example.com")).await;
    site.create("alice", |_| ()).await;
    let visitor = site.visitor();
    let request = visitor.request(Method::POST, "/login").header("origin", "https://example.com");
    let answer = visitor.send(request.json(&json!({ "username": "alice", "password": PASSWORD }))).await;
    assert!(answer.header("set-cookie").unwrap().starts_with("__Host-session="));
    let token = site.visitor().get("/csrf").await;
    assert!(token.header("set-cookie").unwrap().starts_with("__Host-session-csrf="));
}

#[tokio::test]
async fn a_hidden_object_looks_like_none() {
    let site = Site::start().await;
    let (visitor, user) = site.member("alice").await;
    site.auth.users().grant::<app::ChangePost>(&user.id).await.unwrap();
    let mut answers = Vec::new();
    for path in ["/hidden/bob", "/hidden/nobody"] {
        let request = visitor.request(Method::POST, path).header("sec-fetch-site", "same-origin");
        let answer = visitor.send(request).await;
        let headers: Vec<_> = answer.headers.iter().filter(|(name, _)| *name != "date").collect();
        answers.push((answer.status, answer.text.clone(), format!("{headers:?}")));
    }
    assert_eq!(answers[0].0, StatusCode::NOT_FOUND);
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn emptying_a_session_loses_no_parallel_write() {
    let site = Site::start().await;
    let first = site.auth.new_session();
    first.set("a", 1).unwrap();
    first.save().await.unwrap();
    let key = first.key();
    let (one, _) = site.auth.resume(key.clone()).await.unwrap();
    let (two, _) = site.auth.resume(key.clone()).await.unwrap();
    one.delete("a");
    two.set("b", 2).unwrap();
    two.save().await.unwrap();
    one.save().await.unwrap();
    let (after, _) = site.auth.resume(key).await.unwrap();
    assert_eq!(after.keys(), ["b"]);
}
