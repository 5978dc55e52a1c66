//! Guards that ask for a better login: two factors, or one a short while ago.

use auth::access::{All, MultiFactor, RecentLogin};
use auth::prelude::*;
use auth::web::authentication::{ApiKeyAuthentication, BearerAuthentication};
use auth_tests::http::{Answer, PASSWORD, Visitor};
use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::{any, get};
use chrono::TimeDelta;
use serde_json::json;

use crate::app::{Site, serve};
use crate::permissions::blog;

#[recent_login(within = "5m")]
async fn recent() -> &'static str {
    "recent"
}

#[mfa_required]
async fn two_factors() -> &'static str {
    "two factors"
}

async fn recent_and_publisher(_: Granted<All<(RecentLogin<300>, blog::publish_post)>>) {}

async fn either(_: Granted<Any<(MultiFactor, RecentLogin<300>)>>) {}

fn routes() -> Router {
    Router::new()
        .route("/recent", any(recent))
        .route("/two-factors", get(two_factors))
        .route("/recent-publisher", get(recent_and_publisher))
        .route("/any", get(either))
}

/// The site's own routes, and those.
async fn browser(site: &Site) -> Visitor {
    let visitor = Visitor::new(&serve(routes().merge(site.auth.routes()).layer(site.auth.layer())).await);
    visitor.join("alice").await;
    visitor
}

fn step(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text);
    assert!(answer.header("www-authenticate").is_some());
    answer.json()["step_up"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_login_is_recent_for_so_long_and_no_longer() {
    let site = Site::start().await;
    let visitor = browser(&site).await;
    assert_eq!(visitor.get("/recent").await.text, "recent");
    site.clock.advance(TimeDelta::minutes(5));
    assert_eq!(visitor.get("/recent").await.status, StatusCode::OK);
    site.clock.advance(TimeDelta::seconds(1));
    let refused = visitor.get("/recent").await;
    assert_eq!((step(&refused), &refused.json()["max_age"]), ("reauthenticate".to_owned(), &300.into()));
    assert_eq!(visitor.get("/me").await.status, StatusCode::OK, "the login itself holds");
    let page = visitor.browse("/recent?a=b").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert_eq!(page.location(), Some("/reauthenticate?next=/recent%3Fa%3Db"));
    let form = visitor.submit("/recent", &[]).await;
    assert_eq!(form.status, StatusCode::UNAUTHORIZED, "what was sent is not sent again by a redirect");
    assert!(form.text.contains("href=\"/reauthenticate\""), "{}", form.text);
    let stranger = visitor.another().submit("/recent", &[]).await;
    assert!(stranger.status == StatusCode::UNAUTHORIZED && stranger.text.contains("href=\"/login\""), "{stranger:?}");
    let program = visitor.post("/recent", &json!({})).await;
    assert!(!program.text.contains("href"), "{}", program.text);
}

#[tokio::test]
async fn a_password_alone_is_one_factor() {
    let site = Site::start().await;
    let visitor = browser(&site).await;
    assert_eq!(step(&visitor.get("/two-factors").await), "second_factor");
    let page = visitor.browse("/two-factors").await;
    assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, Some("/factors?next=/two-factors")));
    let stranger = visitor.another();
    assert_eq!(stranger.browse("/two-factors").await.location(), Some("/login?next=/two-factors"));
}

/// Nobody is asked to log in again for what they may not do anyway.
#[tokio::test]
async fn a_better_login_is_proposed_only_where_it_helps() {
    let site = Site::start().await;
    let visitor = browser(&site).await;
    site.clock.advance(TimeDelta::minutes(6));
    assert_eq!(visitor.get("/recent-publisher").await.status, StatusCode::FORBIDDEN);
    let alice = site.user("alice").await;
    site.auth.users().grant::<blog::publish_post>(&alice.id).await.unwrap();
    assert_eq!(step(&visitor.get("/recent-publisher").await), "reauthenticate");
    assert_eq!(step(&visitor.get("/any").await), "second_factor");
}

#[tokio::test]
async fn whoever_acts_for_a_user_never_logged_in() {
    let site = Site::start().await;
    let alice = site.create("alice", |_| {}).await;
    let layer = site.auth.layer_by(BearerAuthentication).or(ApiKeyAuthentication);
    let visitor = Visitor::new(&serve(routes().merge(site.auth.token_routes()).layer(layer)).await);
    let (_, key) =
        site.auth.api_keys().create(&alice.id.to_string(), "ci", &["blog.publish_post"], None).await.unwrap();
    let get = |path, header: String| visitor.send(visitor.request(Method::GET, path).header("authorization", header));
    for path in ["/recent", "/two-factors", "/any"] {
        assert_eq!(get(path, format!("ApiKey {}", key.expose())).await.status, StatusCode::FORBIDDEN, "{path}");
    }

    let token = |scope: Option<&'static str>| {
        let body = json!({ "username": "alice", "password": PASSWORD, "scope": scope });
        visitor.send(visitor.request(Method::POST, "/token").json(&body))
    };
    let narrow = token(Some("blog.publish_post")).await.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(get("/recent", format!("Bearer {narrow}")).await.status, StatusCode::FORBIDDEN);
}

/// Renewing a token is no login.
#[tokio::test]
async fn a_token_is_as_recent_as_its_login() {
    let site = Site::start().await;
    site.create("alice", |_| {}).await;
    let layer = site.auth.layer_by(BearerAuthentication);
    let visitor = Visitor::new(&serve(routes().merge(site.auth.token_routes()).layer(layer)).await);
    let send = |path, body| visitor.send(visitor.request(Method::POST, path).json(&body));
    let get = |path, token: String| {
        visitor.send(visitor.request(Method::GET, path).header("authorization", format!("Bearer {token}")))
    };
    let text = |answer: &Answer, name: &str| answer.json()[name].as_str().unwrap().to_owned();
    let pair = send("/token", json!({ "username": "alice", "password": PASSWORD })).await;
    assert_eq!(get("/recent", text(&pair, "access_token")).await.status, StatusCode::OK);
    site.clock.advance(TimeDelta::minutes(6));
    let pair = send("/token/refresh", json!({ "refresh_token": text(&pair, "refresh_token") })).await;
    let refused = get("/recent", text(&pair, "access_token")).await;
    assert_eq!(step(&refused), "reauthenticate");
    let challenge = "Bearer error=\"insufficient_user_authentication\", max_age=\"300\"";
    assert_eq!(refused.header("www-authenticate"), Some(challenge));
    let refused = get("/two-factors", text(&pair, "access_token")).await;
    assert!(refused.header("www-authenticate").unwrap().contains("insufficient_user_authentication"));
}
