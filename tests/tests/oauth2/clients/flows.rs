//! What comes back counts once, for what was begun here (OWASP, login CSRF; RFC 9700 §4.4, §4.7).

use auth::audit::Origin;
use auth::records::RecordKind;
use auth::users::Page;
use auth_tests::http::Visitor;
use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::json;

use super::fake::Fake;
use super::site::{Site, assert_logged_in, assert_refused, begin, log_in, who};

async fn assert_not_begun(visitor: &Visitor, path: &str) {
    let answer = visitor.browse(path).await;
    assert_refused(visitor, &answer, StatusCode::BAD_REQUEST).await;
    assert!(answer.text.contains("not begun in this browser"), "{}", answer.text);
}

#[tokio::test]
async fn an_answer_without_its_state_is_refused() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let visitor = site.visitor();
    for change in [
        |_: &str| String::new(),
        |state: &str| format!("&state={state}x"),
        |state: &str| format!("&state={state}&state={state}"),
    ] {
        let back = fake.approve(&begin(&visitor, "id").await);
        let (path, state) = back.split_once("&state=").unwrap();
        assert_not_begun(&visitor, &format!("{path}{}", change(state))).await;
    }
    assert_eq!(fake.asked("/token"), 0, "the code goes nowhere");
}

#[tokio::test]
async fn an_answer_of_another_browser_is_refused() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let (attacker, victim) = (site.visitor(), site.visitor());
    let back = fake.approve(&begin(&attacker, "id").await);
    assert_not_begun(&victim, &back).await;
    // Also for one that has begun something of its own.
    begin(&victim, "id").await;
    let back = fake.approve(&begin(&attacker, "id").await);
    assert_not_begun(&victim, &back).await;
    assert_eq!(fake.asked("/token"), 0);
}

#[tokio::test]
async fn an_answer_counts_once_and_for_ten_minutes() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let visitor = site.visitor();
    let back = fake.approve(&begin(&visitor, "id").await);
    assert_logged_in(&visitor.browse(&back).await);
    let again = visitor.browse(&back).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    let late = site.visitor();
    let back = fake.approve(&begin(&late, "id").await);
    fake.clock.advance(TimeDelta::minutes(10));
    assert_not_begun(&late, &back).await;
}

/// Each provider has its own address to come back to (RFC 9700 §4.4.2.2).
#[tokio::test]
async fn an_answer_of_one_provider_is_none_of_another() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let visitor = site.visitor();
    let back = fake.approve(&begin(&visitor, "id").await);
    assert_not_begun(&visitor, &back.replace("/login/id/", "/login/google/")).await;
    assert_not_begun(&visitor, &back).await;
    assert_eq!(fake.asked("/token"), 0);
}

/// RFC 9207 §2.4.
#[tokio::test]
async fn who_answers_must_be_who_was_asked() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let visitor = site.visitor();
    for provider in ["id", "github", "google"] {
        let back = fake.approve(&begin(&visitor, provider).await);
        let answer = visitor.browse(&format!("{back}&iss=https://attacker.example")).await;
        assert_refused(&visitor, &answer, StatusCode::UNAUTHORIZED).await;
    }
    assert_eq!(fake.asked("/token") + fake.asked("/login/oauth/access_token"), 0);
    // Who promises to say so must.
    fake.told().metadata = json!({ "authorization_response_iss_parameter_supported": true });
    site.register(fake.open_id("promising"));
    let answer = log_in(&visitor, &fake, "promising").await;
    assert_refused(&visitor, &answer, StatusCode::UNAUTHORIZED).await;
    fake.told().iss = Some(fake.address.clone());
    assert_logged_in(&log_in(&visitor, &fake, "promising").await);
}

#[tokio::test]
async fn a_code_that_the_provider_refuses_logs_nobody_in() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    for provider in ["id", "github"] {
        let visitor = site.visitor();
        let back = fake.approve(&begin(&visitor, provider).await);
        let answer = visitor.browse(&back.replace("code=", "code=x")).await;
        assert_refused(&visitor, &answer, StatusCode::UNAUTHORIZED).await;
    }
    // One that was stolen fits no other login: the verifier is another (RFC 9700 §4.5).
    let (victim, attacker) = (site.visitor(), site.visitor());
    let stolen = fake.approve(&begin(&victim, "id").await);
    let code = stolen.split(['=', '&']).nth(1).unwrap();
    let own = fake.approve(&begin(&attacker, "id").await);
    let own_code = own.split(['=', '&']).nth(1).unwrap();
    let answer = attacker.browse(&own.replace(own_code, code)).await;
    assert_refused(&attacker, &answer, StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn an_error_is_told_and_not_repeated() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let visitor = site.visitor();
    for (error, text) in [("access_denied", "did not allow"), ("<script>alert(1)</script>", "could not do it")] {
        let url = begin(&visitor, "github").await;
        let back = fake.approve(&url);
        let state = back.split_once("state=").unwrap().1;
        let path = format!("/login/github/callback?error={error}&error_description=%3Cb%3Ehi&state={state}");
        let answer = visitor.browse(&path).await;
        assert_refused(&visitor, &answer, StatusCode::BAD_REQUEST).await;
        assert!(
            answer.text.contains(text) && !answer.text.contains("script") && !answer.text.contains("<b>"),
            "{}",
            answer.text
        );
        assert!(answer.text.contains("href=\"/login?next=/welcome\""), "{}", answer.text);
    }
    // A program gets a problem.
    let answer = visitor.get("/login/github/callback?code=x&state=y").await;
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
}

#[tokio::test]
async fn a_page_of_another_site_begins_nothing() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let visitor = site.visitor();
    let request = visitor.request(Method::GET, "/login/id?next=/welcome").header("sec-fetch-site", "cross-site");
    let answer = visitor.send(request).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text.contains("href=\"id?next=/welcome\"") && !answer.text.contains("refresh"), "{}", answer.text);
    assert_eq!((visitor.cookie(), fake.asked("/.well-known/openid-configuration")), (None, 0));
    let answer = visitor.browse("/login/id?next=https://evil.example").await;
    assert_logged_in_at(&visitor, &fake, answer.location().unwrap(), "/").await;
    assert_eq!(site.visitor().browse("/login/nobody").await.status, StatusCode::NOT_FOUND);
}

async fn assert_logged_in_at(visitor: &Visitor, fake: &Fake, url: &str, path: &str) {
    let answer = visitor.browse(&fake.approve(url)).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, Some(path)));
}

/// Of many who bring one answer at once, one is logged in.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_answer_makes_one_login() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let visitor = site.visitor();
    let back = fake.approve(&begin(&visitor, "id").await);
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let (visitor, back) = (visitor.clone(), back.clone());
            tokio::spawn(async move { visitor.browse(&back).await.status })
        })
        .collect();
    let mut logins = 0;
    for task in tries {
        logins += usize::from(task.await.unwrap() == StatusCode::SEE_OTHER);
    }
    assert_eq!((logins, fake.asked("/token")), (1, 1));
}

/// Two answers with one new identity make one user.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_identity_makes_one_user() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let mut tries = Vec::new();
    for _ in 0..4 {
        let visitor = site.visitor();
        let back = fake.approve(&begin(&visitor, "id").await);
        tries.push(tokio::spawn(async move { visitor.browse(&back).await.status }));
    }
    for task in tries {
        let status = task.await.unwrap();
        assert!(status == StatusCode::SEE_OTHER || status == StatusCode::CONFLICT, "{status}");
    }
    assert_eq!(site.auth.users().list(Page::first(9)).await.unwrap().len(), 1);
    let visitor = site.visitor();
    assert_logged_in(&log_in(&visitor, &fake, "id").await);
    assert_eq!(who(&visitor).await.as_deref(), Some("jane"));
}

/// Whoever reads the store can go on with no login.
#[tokio::test]
async fn the_store_knows_neither_state_nor_verifier() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let url = begin(&site.visitor(), "id").await;
    let state = url.split_once("state=").unwrap().1.split('&').next().unwrap().to_owned();
    let (store, kind) = (site.auth.records(), RecordKind::new("oauth_flow"));
    assert_eq!(store.count(kind).await.unwrap(), 1);
    assert!(store.get(kind, &[&state]).await.unwrap()[0].is_none());
}

/// Each begun login takes some room on the server.
#[tokio::test]
async fn logins_are_begun_within_limits() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let visitor = site.visitor();
    for _ in 0..100 {
        begin(&visitor, "github").await;
    }
    let answer = visitor.browse("/login/github").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{}", answer.text);
    assert!(answer.header("retry-after").is_some());
    fake.clock.advance(TimeDelta::seconds(1));
    begin(&visitor, "github").await;
}

#[tokio::test]
async fn a_stranger_from_nowhere_keeps_nobody_from_beginning() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    for _ in 0..110 {
        let begun = site.auth.begin_login(&site.auth.new_session(), "github", None, &Origin::unknown()).await;
        assert!(begun.is_ok(), "{begun:?}");
    }
}
