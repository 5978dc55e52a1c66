//! A page of another site gets nowhere, on every unsafe route.

use auth_tests::http::{PASSWORD, Visitor};
use axum::http::{Method, StatusCode};
use reqwest::RequestBuilder;
use serde_json::json;

use crate::app::{PublishPost, Site};

const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;

async fn status(visitor: &Visitor, request: RequestBuilder) -> StatusCode {
    visitor.send(request).await.status
}

fn publish(visitor: &Visitor) -> RequestBuilder {
    visitor.request(Method::POST, "/publish")
}

#[tokio::test]
async fn other_sites_cannot_use_the_visitors_cookies() {
    let site = Site::start().await;
    let (visitor, user) = site.member("alice").await;
    site.auth.users().grant::<PublishPost>(&user.id).await.unwrap();
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("referer", "https://evil.example/"),
    ] {
        assert_eq!(status(&visitor, publish(&visitor).header(name, value)).await, FORBIDDEN, "{name}: {value}");
    }
    assert_eq!(status(&visitor, publish(&visitor).header("sec-fetch-site", "same-origin")).await, StatusCode::OK);
    assert_eq!(status(&visitor, publish(&visitor).header("origin", &site.address)).await, StatusCode::OK);
    let get = visitor.request(Method::GET, "/publish").header("sec-fetch-site", "cross-site");
    assert_eq!(status(&visitor, get).await, StatusCode::OK, "safe methods change nothing");
}

#[tokio::test]
async fn login_logout_and_registration_are_protected_too() {
    let site = Site::start().await;
    let (visitor, _) = site.member("alice").await;
    let body = json!({ "username": "mallory", "password": PASSWORD });
    for path in ["/login", "/logout", "/register", "/note", "/maybe"] {
        let request = visitor.request(Method::POST, path).header("sec-fetch-site", "cross-site").json(&body);
        assert_eq!(status(&visitor, request).await, FORBIDDEN, "{path}");
    }
    assert_eq!(visitor.get("/maybe").await.text, "alice");
    // Before there is any cookie as well: nobody is logged in as somebody else.
    let stranger = site.visitor();
    let request = stranger.request(Method::POST, "/login").header("origin", "https://evil.example").json(&body);
    assert_eq!(status(&stranger, request).await, FORBIDDEN);
}

#[tokio::test]
async fn an_old_browser_needs_a_token() {
    let site = Site::start().await;
    let visitor = site.visitor();
    let token = visitor.get("/csrf").await.json()["csrf_token"].as_str().unwrap().to_owned();
    assert!(visitor.cookie().unwrap().starts_with("session-csrf="));
    site.create("alice", |_| ()).await;
    let body = json!({ "username": "alice", "password": PASSWORD });
    let log_in = |token: &str| visitor.request(Method::POST, "/login").header("x-csrf-token", token).json(&body);
    assert_eq!(status(&visitor, visitor.request(Method::POST, "/login").json(&body)).await, FORBIDDEN);
    assert_eq!(status(&visitor, log_in("rubbish")).await, FORBIDDEN);
    let foreign = site.visitor().get("/csrf").await.json()["csrf_token"].as_str().unwrap().to_owned();
    assert_eq!(status(&visitor, log_in(&foreign)).await, FORBIDDEN, "another visitor's token");
    assert_eq!(status(&visitor, log_in(&token)).await, StatusCode::OK);

    // The token changes at login.
    let note = |token: &str| visitor.request(Method::POST, "/note").header("x-csrf-token", token).body("x");
    assert_eq!(status(&visitor, note(&token)).await, FORBIDDEN);
    let token = visitor.get("/csrf").await.json()["csrf_token"].as_str().unwrap().to_owned();
    assert_eq!(status(&visitor, note(&token)).await, StatusCode::OK);
}

#[tokio::test]
async fn a_form_carries_its_token() {
    let site = Site::start().await;
    site.create("alice", |_| ()).await;
    let visitor = site.visitor();
    let page = visitor.browse("/login").await.text;
    let token = page.split("name=\"csrf_token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let fields = |token| [("username", "alice"), ("password", PASSWORD), ("csrf_token", token)];
    let submit = |token| visitor.request(Method::POST, "/login").form(&fields(token));
    assert_eq!(status(&visitor, submit("rubbish")).await, FORBIDDEN);
    assert_eq!(status(&visitor, submit(token)).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn configured_origins_are_the_only_ones() {
    let site = Site::with(|builder| builder.origin("https://app.example.com")).await;
    site.create("alice", |_| ()).await;
    let visitor = site.visitor();
    let body = json!({ "username": "alice", "password": PASSWORD });
    let log_in = |origin: &str| visitor.request(Method::POST, "/login").header("origin", origin).json(&body);
    assert_eq!(status(&visitor, log_in(&site.address)).await, FORBIDDEN);
    assert_eq!(status(&visitor, log_in("https://app.example.com.evil.example")).await, FORBIDDEN);
    assert_eq!(status(&visitor, log_in("https://app.example.com")).await, StatusCode::OK);
}
