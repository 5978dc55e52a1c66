//! Who knows the password, and tries to do without the second factor.

use std::sync::Arc;

use auth::clock::Clock;
use auth::mfa::{Totp, TotpConfig};
use auth::prelude::*;
use auth::testing::ManualClock;
use auth_tests::http::{PASSWORD, Visitor};
use auth_tests::{TestDatabase, postgres, sqlite};
use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::json;

use super::{Member, Steps, me, password, serve, totp, wrong};
use crate::app::Author;

#[tokio::test]
async fn another_browser_cannot_finish_a_login() {
    let steps = Steps::start().await;
    let Member { app, .. } = steps.member("alice").await;
    let waiting = steps.waiting("alice").await;
    let code = steps.code(&app);
    let stranger = steps.visitor();
    assert_eq!(totp(&stranger, &code).await.status, StatusCode::UNAUTHORIZED);
    // One who waits for another user's second step proves no more by alice's code.
    steps.member("mallory").await;
    let mallory = steps.waiting("mallory").await;
    assert_eq!(totp(&mallory, &code).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(me(&mallory).await, StatusCode::UNAUTHORIZED);
    assert_eq!(totp(&waiting, &code).await.status, StatusCode::OK, "it was not used up");
}

#[tokio::test]
async fn five_wrong_codes_give_a_login_up() {
    let steps = Steps::start().await;
    let Member { app, .. } = steps.member("alice").await;
    let visitor = steps.waiting("alice").await;
    let bad = wrong(&app, &steps.site.clock);
    for _ in 0..5 {
        let refused = totp(&visitor, &bad).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        let detail = refused.json()["detail"].to_string();
        assert!(detail.starts_with("\"That is not right"), "{detail}");
    }
    let gone = totp(&visitor, &steps.code(&app)).await;
    assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
    assert!(gone.json()["detail"].as_str().unwrap().starts_with("No login waits"), "{}", gone.text);
    assert_eq!(me(&visitor).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn however_many_logins_are_begun_the_tries_are_counted_together() {
    let steps = Steps::start().await;
    let Member { app, visitor: alice, .. } = steps.member("alice").await;
    let bad = wrong(&app, &steps.site.clock);
    for _ in 0..5 {
        let fresh = steps.waiting("alice").await;
        assert_eq!(totp(&fresh, &bad).await.status, StatusCode::UNAUTHORIZED);
    }
    let sixth = steps.waiting("alice").await;
    let refused = totp(&sixth, &bad).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{}", refused.text);
    let good = app.code_at(Clock::now(&steps.site.clock)).expose().to_owned();
    assert_eq!(totp(&sixth, &good).await.status, StatusCode::TOO_MANY_REQUESTS, "also with the right code");
    assert_eq!(me(&alice).await, StatusCode::OK, "who is logged in stays so");
    // By any other door: tokens, and proving it again.
    let token = steps.visitor().post("/token", &json!({ "username": "alice", "password": PASSWORD })).await;
    let body = json!({ "mfa_token": token.json()["mfa_token"], "factor": "totp", "code": good });
    assert_eq!(steps.visitor().post("/token", &body).await.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    steps.site.clock.advance(TimeDelta::seconds(wait));
    assert_eq!(totp(&sixth, &steps.code(&app)).await.status, StatusCode::OK, "it was no more than a wait");
}

#[tokio::test]
async fn a_login_waits_for_ten_minutes() {
    let steps = Steps::start().await;
    let Member { app, .. } = steps.member("alice").await;
    let (early, late) = (steps.waiting("alice").await, steps.waiting("alice").await);
    steps.site.clock.advance(TimeDelta::minutes(9));
    assert_eq!(totp(&early, &steps.code(&app)).await.status, StatusCode::OK);
    steps.site.clock.advance(TimeDelta::seconds(31));
    assert_eq!(totp(&late, &steps.code(&app)).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(me(&late).await, StatusCode::UNAUTHORIZED);
}

async fn of_one_code_on_two_servers_one_login_comes(database: &TestDatabase) {
    const SECRET: &str = "a-secret-for-tests-only-0123456789";
    let clock = ManualClock::new();
    let server = async || {
        let builder = Auth::<Author>::builder().clock(clock.clone()).database(&database.url).secret(SECRET);
        let auth = builder.build().await.unwrap();
        auth.migrate().await.unwrap();
        auth
    };
    let (one, other) = (server().await, server().await);
    let addresses = [serve(&one).await, serve(&other).await];
    let alice = Visitor::new(&addresses[0]);
    alice.join("alice").await;
    let begun = alice.post("/factors/totp", &json!({})).await.json();
    let app = Totp::from_base32(begun["secret"].as_str().unwrap(), TotpConfig::default()).unwrap();
    let code = || {
        clock.advance(TimeDelta::seconds(30));
        app.code_at(Clock::now(&clock)).expose().to_owned()
    };
    let body = json!({ "challenge": begun["challenge"], "code": code() });
    let added = alice.post("/factors/totp/confirm", &body).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text);
    let recovery = added.json()["recovery_codes"][0].clone();

    for proof in [json!({ "factor": "totp", "code": code() }), json!({ "factor": "recovery_codes", "code": recovery })]
    {
        let mut visitors = Vec::new();
        for address in addresses.iter().cycle().take(4) {
            let visitor = Visitor::new(address);
            assert_eq!(password(&visitor, "alice").await.status, StatusCode::UNAUTHORIZED);
            visitors.push(visitor);
        }
        let proof = Arc::new(proof);
        let tries = visitors.into_iter().map(|visitor| {
            let proof = proof.clone();
            tokio::spawn(async move {
                let answer = visitor.post("/login/factor", &proof).await;
                assert_eq!(answer.status == StatusCode::OK, me(&visitor).await == StatusCode::OK);
                answer.status
            })
        });
        let mut came = Vec::new();
        for attempt in tries.collect::<Vec<_>>() {
            came.push(attempt.await.unwrap());
        }
        assert_eq!(came.iter().filter(|status| **status == StatusCode::OK).count(), 1, "{proof}: {came:?}");
        assert!(came.iter().all(|status| matches!(*status, StatusCode::OK | StatusCode::UNAUTHORIZED)), "{came:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_taken_once_by_two_servers_on_sqlite() {
    of_one_code_on_two_servers_one_login_comes(&sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn a_code_is_taken_once_by_two_servers_on_postgres() {
    of_one_code_on_two_servers_one_login_comes(&postgres().await).await;
}

#[tokio::test]
async fn what_is_no_proof_is_refused_unread() {
    let steps = Steps::start().await;
    let Member { app, .. } = steps.member("alice").await;
    let visitor = steps.waiting("alice").await;
    let code = steps.code(&app);
    for body in [
        json!({}),
        json!({ "factor": "totp" }),
        json!({ "code": code }),
        json!({ "factor": "password", "code": PASSWORD }),
        json!({ "factor": "totp", "code": 123_456 }),
        json!({ "factor": ["totp"], "code": code }),
        json!({ "factor": "passkey", "code": code }),
        json!({ "factor": "mail_code", "code": code }),
    ] {
        let answer = visitor.post("/login/factor", &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
    // Of a kind that the user has none of.
    for body in [
        json!({ "factor": "sms_code", "challenge": "x", "code": code }),
        json!({ "factor": "recovery_codes", "code": code }),
    ] {
        assert_eq!(visitor.post("/login/factor", &body).await.status, StatusCode::UNAUTHORIZED, "{body}");
    }
    let foreign = visitor.request(Method::POST, "/login/factor").header("origin", "https://evil.example");
    let foreign = foreign.json(&json!({ "factor": "totp", "code": code }));
    assert_eq!(visitor.send(foreign).await.status, StatusCode::FORBIDDEN, "another site's page");
    assert_eq!(totp(&visitor, &code).await.status, StatusCode::OK);
}
