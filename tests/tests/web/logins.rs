use auth::passwords::{Argon2Hasher, HashingService, HashingServiceBuilder, PasswordHashers, Passwords};
use auth::prelude::*;
use auth_tests::http::{Answer, PASSWORD, Visitor};
use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::json;

use crate::app::Site;

/// Hashing that no other test has a part in.
fn own(service: HashingServiceBuilder) -> Passwords {
    Passwords::new(PasswordHashers::new(Argon2Hasher::default())).with_service(service.build())
}

async fn log_in(visitor: &Visitor, name: &str, password: &str) -> Answer {
    visitor.post("/login", &json!({ "username": name, "password": password })).await
}

#[tokio::test]
async fn who_is_logged_in_says_what_they_hold_and_nothing_secret() {
    let site = Site::start().await;
    let (visitor, user) = site.member("alice").await;
    site.auth.users().grant::<crate::app::PublishPost>(&user.id).await.unwrap();
    let me = visitor.get("/me").await;
    let expected = json!({
        "id": "1", "username": "alice", "is_staff": false, "is_superuser": false,
        "permissions": ["blog.publish_post"],
    });
    assert_eq!(me.json(), expected);
    assert_eq!(me.header("cache-control"), Some("no-store"));
    let user = site.user("alice").await;
    assert_eq!(user.last_login, Some(auth::clock::Clock::now(&site.clock)));
    let shown = format!("{user:?} {:?} {:?}", site.auth, site.auth.users());
    assert!(!shown.contains(user.password_hash.expose()) && !shown.contains("argon2id"), "{shown}");
}

#[tokio::test]
async fn unknown_wrong_inactive_and_unusable_cost_the_same_and_get_the_same_answer() {
    let site = Site::with(|builder| builder.passwords(own(HashingService::builder()))).await;
    site.create("active", |_| ()).await;
    site.create("inactive", |user| user.is_active = false).await;
    site.create("unusable", BaseUser::set_unusable_password).await;
    site.create("damaged", |user| user.password_hash = PasswordHash::new("$argon2id$v=19$m=19456,t=2,p=1$rubbish"))
        .await;
    let service = site.auth.users().passwords().service().clone();
    let mut answers = Vec::new();
    for name in ["active", "inactive", "unusable", "damaged", "unknown"] {
        let before = service.operations();
        let answer = log_in(&site.visitor(), name, "wrong").await;
        let work = service.operations() - before;
        answers.push((answer.status, answer.text, work));
    }
    let before = service.operations();
    let answer = log_in(&site.visitor(), "inactive", PASSWORD).await;
    answers.push((answer.status, answer.text, service.operations() - before));
    assert_eq!(answers[0].0, StatusCode::UNAUTHORIZED);
    assert_eq!(answers[0].2, 1);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn five_tries_are_free_and_then_one_waits() {
    let site = Site::start().await;
    site.create("alice", |_| ()).await;
    let visitor = site.visitor();
    for _ in 0..5 {
        assert_eq!(log_in(&visitor, "alice", "wrong").await.status, StatusCode::UNAUTHORIZED);
    }
    let refused = log_in(&visitor, "alice", PASSWORD).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "also with the right password");
    let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    site.clock.advance(TimeDelta::seconds(wait));
    assert_eq!(log_in(&visitor, "alice", PASSWORD).await.status, StatusCode::OK);
    assert_eq!(log_in(&visitor, "alice", "wrong").await.status, StatusCode::UNAUTHORIZED, "and may err again");
}

#[tokio::test]
async fn names_that_nobody_has_are_limited_alike_in_any_spelling() {
    let site = Site::start().await;
    let visitor = site.visitor();
    for name in ["ﬁona", "fiona", "ﬁona", "fiona", "ﬁona"] {
        assert_eq!(log_in(&visitor, name, "wrong").await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(log_in(&visitor, "fiona", "wrong").await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_name_and_a_mail_address_have_one_budget() {
    let site = Site::start().await;
    site.create("alice", |user| user.email = "alice@example.com".into()).await;
    let visitor = site.visitor();
    for name in ["alice", "alice@example.com", "alice@EXAMPLE.com", "alice", "alice@example.com"] {
        assert_eq!(log_in(&visitor, name, "wrong").await.status, StatusCode::UNAUTHORIZED);
    }
    for name in ["alice", "alice@example.com"] {
        assert_eq!(log_in(&visitor, name, PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);
    }
}

#[tokio::test]
async fn many_tries_at_once_do_not_slip_through() {
    let site = Site::start().await;
    site.create("alice", |_| ()).await;
    let visitors: Vec<_> = (0..40).map(|_| site.visitor()).collect();
    let tries = visitors
        .into_iter()
        .map(|visitor| tokio::spawn(async move { log_in(&visitor, "alice", "wrong").await.status }));
    let mut checked = 0;
    for attempt in tries.collect::<Vec<_>>() {
        checked += usize::from(attempt.await.unwrap() == StatusCode::UNAUTHORIZED);
    }
    assert_eq!(checked, 5);
}

#[tokio::test]
async fn a_full_queue_of_passwords_is_busy_and_not_wrong() {
    let passwords = own(HashingService::builder().threads(1).waiting(0));
    let site = Site::with(|builder| builder.passwords(passwords)).await;
    let visitors: Vec<_> = (0..12).map(|_| site.visitor()).collect();
    let tries = visitors
        .into_iter()
        .enumerate()
        .map(|(i, visitor)| tokio::spawn(async move { log_in(&visitor, &format!("user{i}"), "wrong").await }));
    let mut busy = 0;
    for attempt in tries.collect::<Vec<_>>() {
        let answer = attempt.await.unwrap();
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            assert!(answer.header("retry-after").is_some());
            busy += 1;
        } else {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        }
    }
    assert!(busy > 0);
}

#[tokio::test]
async fn a_mail_address_logs_in_as_well_as_a_name() {
    let site = Site::start().await;
    let visitor = site.visitor();
    let body = json!({ "username": "alice", "email": "Alice@EXAMPLE.com", "password": PASSWORD });
    assert_eq!(visitor.post("/register", &body).await.status, StatusCode::CREATED);
    assert_eq!(site.user("alice").await.email, "Alice@example.com");
    assert_eq!(log_in(&visitor, "Alice@example.COM", PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn people_are_sent_on_to_this_site_only() {
    let site = Site::with(|builder| builder.home_url("/home")).await;
    site.create("alice", |_| ()).await;
    for (next, expected) in [
        ("/closed?a=b", "/closed?a=b"),
        ("//evil.example", "/home"),
        ("https://evil.example", "/home"),
        ("/\\evil.example", "/home"),
        ("javascript:alert(1)", "/home"),
        ("/a\r\nset-cookie: a=b", "/home"),
    ] {
        let visitor = site.visitor();
        let answer = visitor.submit("/login", &[("username", "alice"), ("password", PASSWORD), ("next", next)]).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, Some(expected)), "{next:?}");
    }
    let page = site.visitor().browse("/login?next=https://evil.example").await.text;
    assert!(!page.contains("evil.example"), "{page}");
}
