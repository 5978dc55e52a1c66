//! Passwords guessed from everywhere at once: the account holds, and its owner gets in.

use std::sync::atomic::{AtomicUsize, Ordering};

use auth::passwords::{Argon2Hasher, HashingService, PasswordHashers, Passwords};
use auth::sessions::HttpSessionConfig;
use auth_tests::TestDatabase;
use auth_tests::http::{PASSWORD, Visitor};
use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::json;

use crate::app::Site;

const GUESSES: usize = 1000;

/// A site behind a proxy (this machine), which says where its clients are.
async fn site(limits: &str, database: Option<&str>) -> Site {
    let service = HashingService::builder().waiting(GUESSES + 1).deadline(std::time::Duration::from_mins(5)).build();
    let passwords = Passwords::new(PasswordHashers::new(Argon2Hasher::default())).with_service(service);
    let site = Site::with(|builder| {
        let builder = builder.limits(limits).passwords(passwords).trusted_proxies(["127.0.0.1".parse().unwrap()]);
        // The proxy of this test speaks plain http.
        let builder = builder.http_sessions(HttpSessionConfig::new().insecure_cookies());
        match database {
            Some(url) => builder.database(url).secret("nobody guesses: 3b8f51e0c7d94a2f"),
            None => builder,
        }
    })
    .await;
    site.auth.migrate().await.unwrap();
    site
}

async fn log_in(visitor: &Visitor, source: &str, password: &str) -> StatusCode {
    let request = visitor.request(Method::POST, "/login").header("origin", visitor.address());
    let body = json!({ "username": "alice", "password": password });
    visitor.send(request.header("x-forwarded-for", source).json(&body)).await.status
}

async fn a_thousand_guesses_lock_nobody_out(site: Site) {
    let (owner, _) = site.member("alice").await;
    let (looked_at, next) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let guess = || async {
        let guesser = site.visitor();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= GUESSES {
                return;
            }
            let source = format!("2001:db8:{:x}:{i:x}::1", i % 7);
            match log_in(&guesser, &source, &format!("another-password-{i}")).await {
                StatusCode::UNAUTHORIZED => drop(looked_at.fetch_add(1, Ordering::Relaxed)),
                StatusCode::TOO_MANY_REQUESTS => {}
                other => panic!("{other}"),
            }
        }
    };
    tokio::join!(guess(), guess(), guess(), guess(), guess(), guess(), guess(), guess());
    // At one moment of the clock: the free tries of the account, and no more.
    assert_eq!(looked_at.load(Ordering::Relaxed), 20);
    assert_eq!(
        log_in(&site.visitor(), "192.0.2.1", PASSWORD).await,
        StatusCode::TOO_MANY_REQUESTS,
        "a stranger's device"
    );
    assert_eq!(log_in(&owner, "192.0.2.2", PASSWORD).await, StatusCode::OK, "the owner's device is known");
    // What the device keeps is good for its own account only.
    let (mallory, _) = site.member("mallory").await;
    assert_eq!(log_in(&mallory, "192.0.2.3", PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
    // And an owner on a new device waits, but not for long.
    site.clock.advance(TimeDelta::minutes(15));
    assert_eq!(log_in(&site.visitor(), "192.0.2.4", PASSWORD).await, StatusCode::OK);
}

#[tokio::test]
async fn in_memory() {
    a_thousand_guesses_lock_nobody_out(site("memory:", None).await).await;
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn in_redis() {
    let redis = auth_tests::redis();
    let limits = format!("{}?prefix={}", redis.url, redis.prefix);
    a_thousand_guesses_lock_nobody_out(site(&limits, None).await).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn in_postgres() {
    let test: TestDatabase = auth_tests::postgres().await;
    a_thousand_guesses_lock_nobody_out(site("database:", Some(&test.url)).await).await;
}
