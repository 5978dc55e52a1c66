//! Tokens on pages and in forms of one's own, and routes that other sites may send to.

use auth::access::AllowAny;
use auth::prelude::*;
use auth::web::CsrfExempt;
use auth::web::axum::{CsrfForm, CsrfToken};
use auth_tests::http::{Answer, PASSWORD, Visitor};
use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::post;
use serde::Deserialize;

use crate::app::{Author, Site, serve};

const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;

/// Nothing else may be in the form that reaches the handler.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Comment {
    text: String,
    stars: u8,
}

async fn page(one: CsrfToken, two: CsrfToken) -> String {
    assert_ne!(one.as_str(), two.as_str(), "masked");
    format!("{}\n{two}", one.hidden_field())
}

async fn comment(CsrfForm(comment): CsrfForm<Comment>) -> String {
    format!("{} {}", comment.text, comment.stars)
}

#[login_required]
async fn guarded(form: CsrfForm<Comment>) -> String {
    comment(form).await
}

async fn hook(user: Option<CurrentUser<Author>>, session: Session) -> String {
    session.set("note", "from the hook").unwrap();
    user.map_or_else(|| "nobody".to_owned(), |user| user.username.clone())
}

#[login_required]
async fn guarded_hook() {}

async fn hook_that_logs_in(auth: Auth<Author>, session: Session) {
    auth.log_in_user(&session, &1).await.unwrap().unwrap();
}

fn router(auth: &Auth<Author>) -> Router {
    let through = Router::new().route("/behind-require", post(guarded)).route_layer(auth.require(AllowAny));
    let exempt = Router::new()
        .route("/hook", post(hook))
        .route("/guarded-hook", post(guarded_hook))
        .route("/login-hook", post(hook_that_logs_in))
        .route("/form-hook", post(comment))
        .merge(auth.protected(Router::new().route("/protected-hook", post(hook))))
        .route_layer(CsrfExempt);
    auth.protected(Router::new().route("/protected", post(comment)).route("/locked-hook", post(hook).layer(CsrfExempt)))
        .merge(through)
        .merge(exempt)
        .route("/comment", post(comment).get(page))
        .route("/guarded", post(guarded))
        .route("/beside", post(hook))
        .merge(auth.routes())
        .layer(auth.layer())
}

/// A site with these routes, and somebody with an old browser.
async fn start() -> (Site, Visitor) {
    let site = Site::start().await;
    let address = serve(router(&site.auth)).await;
    (site, Visitor::new(&address))
}

/// The token in the page's field.
async fn token(visitor: &Visitor) -> String {
    let page = visitor.get("/comment").await.text;
    page.split("name=\"csrf_token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// Sends a form as a browser does that says nothing of where it comes from.
async fn submit(visitor: &Visitor, path: &str, token: &str) -> Answer {
    let fields = [("text", "a&b"), ("csrf_token", token), ("stars", "5")];
    visitor.send(visitor.request(Method::POST, path).form(&fields)).await
}

async fn raw(visitor: &Visitor, kind: &str, header: Option<&str>, body: String) -> StatusCode {
    let request = visitor.request(Method::POST, "/comment").header("content-type", kind).body(body);
    let request = header.iter().fold(request, |request, token| request.header("x-csrf-token", *token));
    visitor.send(request).await.status
}

#[tokio::test]
async fn a_form_of_ones_own_carries_its_token() {
    let (_site, visitor) = start().await;
    let page = visitor.get("/comment").await;
    let cookie = page.header("set-cookie").unwrap();
    assert!(cookie.starts_with("session-csrf=") && cookie.contains("HttpOnly"), "{cookie}");
    assert_eq!((page.header("vary"), page.header("cache-control")), (Some("Cookie"), Some("private")));
    assert_eq!(page.headers.get_all("set-cookie").iter().count(), 1, "two tokens, one cookie");
    let (field, second) = page.text.split_once('\n').unwrap();
    let first = field.split('"').nth(5).unwrap();
    for token in [first, second] {
        let answer = submit(&visitor, "/comment", token).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "a&b 5"));
    }
    assert_eq!(visitor.get("/comment").await.header("set-cookie"), None, "the cookie is set once");

    assert_eq!(submit(&visitor, "/comment", "").await.status, FORBIDDEN);
    assert_eq!(submit(&visitor, "/comment", "rubbish").await.status, FORBIDDEN);
    let other = visitor.another();
    assert_eq!(submit(&visitor, "/comment", &token(&other).await).await.status, FORBIDDEN, "another visitor's");
    let request = visitor.request(Method::POST, "/comment").form(&[("text", "x"), ("stars", "5")]);
    assert_eq!(visitor.send(request).await.status, FORBIDDEN, "none");
}

#[tokio::test]
async fn a_token_ends_at_login_and_belongs_to_one_session() {
    let (_site, visitor) = start().await;
    let before = token(&visitor).await;
    visitor.join("alice").await;
    assert_eq!(submit(&visitor, "/comment", &before).await.status, FORBIDDEN, "of before login");
    let own = token(&visitor).await;
    assert_eq!(submit(&visitor, "/comment", &own).await.status, StatusCode::OK);

    let other = visitor.another();
    other.join("bob").await;
    assert_eq!(submit(&other, "/comment", &own).await.status, FORBIDDEN, "of another session");
    let again = serde_json::json!({ "username": "alice", "password": PASSWORD });
    assert_eq!(visitor.post("/login", &again).await.status, StatusCode::OK);
    assert_eq!(submit(&visitor, "/comment", &own).await.status, FORBIDDEN, "of before the second login");
}

#[tokio::test]
async fn a_token_does_not_help_another_sites_page() {
    let (_site, visitor) = start().await;
    let token = token(&visitor).await;
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("origin", "null")] {
        let fields = [("text", "x"), ("stars", "5"), ("csrf_token", &token)];
        let request = visitor.request(Method::POST, "/comment").form(&fields);
        assert_eq!(visitor.send(request.header(name, value)).await.status, FORBIDDEN, "{name}: {value}");
    }
    let request = visitor.request(Method::POST, "/comment").form(&[("text", "x"), ("stars", "5")]);
    let own = visitor.send(request.header("sec-fetch-site", "same-origin")).await;
    assert_eq!(own.status, StatusCode::OK, "a browser that says where it comes from needs no token: {}", own.text);
}

#[tokio::test]
async fn of_two_tokens_both_must_be_good() {
    let (_site, visitor) = start().await;
    let good = token(&visitor).await;
    let form = |fields: &str| format!("text=x&stars=5{fields}");
    let kind = "application/x-www-form-urlencoded";
    for (field, header, expected) in [
        ("", Some(good.as_str()), StatusCode::OK),
        (good.as_str(), Some(good.as_str()), StatusCode::OK),
        (good.as_str(), Some("rubbish"), FORBIDDEN),
        ("rubbish", Some(good.as_str()), FORBIDDEN),
        (good.as_str(), Some(""), FORBIDDEN),
    ] {
        let field = if field.is_empty() { String::new() } else { format!("&csrf_token={field}") };
        assert_eq!(raw(&visitor, kind, header, form(&field)).await, expected, "{field} {header:?}");
    }
    for twice in [format!("&csrf_token={good}&csrf_token={good}"), format!("&csrf_token={good}&csrf%5Ftoken=x")] {
        assert_eq!(raw(&visitor, kind, None, form(&twice)).await, StatusCode::BAD_REQUEST, "{twice}");
    }
    let request = visitor.request(Method::POST, "/comment").header("content-type", kind).body(form(""));
    let request = request.header("x-csrf-token", &good).header("x-csrf-token", &good);
    assert_eq!(visitor.send(request).await.status, FORBIDDEN, "two headers");
}

#[tokio::test]
async fn other_bodies_are_refused() {
    let (_site, visitor) = start().await;
    let good = token(&visitor).await;
    let multipart = format!("--x\r\ncontent-disposition: form-data; name=\"csrf_token\"\r\n\r\n{good}\r\n--x--");
    for kind in ["multipart/form-data; boundary=x", "text/plain", "application/json", ""] {
        let status = raw(&visitor, kind, None, multipart.clone()).await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    let kind = "application/x-www-form-urlencoded";
    let long = format!("csrf_token={good}&stars=5&text={}", "a".repeat(3_000_000));
    assert_eq!(raw(&visitor, kind, None, long.clone()).await, StatusCode::PAYLOAD_TOO_LARGE);
    let (site, member) = start().await;
    site.create("alice", |_| ()).await;
    token(&member).await;
    let request = member.request(Method::POST, "/protected").header("content-type", kind).body(long);
    assert_eq!(member.send(request).await.status, StatusCode::PAYLOAD_TOO_LARGE, "nor in front of a guard");
    for fields in ["stars=256&text=x", "stars=5", "stars=5&text=x&more=y", "stars=5&text=x&text=y", "%ff"] {
        let status = raw(&visitor, kind, None, format!("csrf_token={good}&{fields}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{fields}");
    }
}

#[tokio::test]
async fn guarded_routes_read_the_token_too() {
    let (_site, visitor) = start().await;
    visitor.join("alice").await;
    let good = token(&visitor).await;
    for path in ["/protected", "/behind-require"] {
        let answer = submit(&visitor, path, &good).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "a&b 5"), "{path}");
        assert_eq!(submit(&visitor, path, "rubbish").await.status, FORBIDDEN, "{path}");
        let stranger = visitor.another();
        let before = token(&stranger).await;
        assert_eq!(submit(&stranger, path, &before).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    // A guard alone decides by what stands before the body.
    assert_eq!(submit(&visitor, "/guarded", &good).await.status, FORBIDDEN);
    let fields = [("text", "x"), ("stars", "5")];
    let request = visitor.request(Method::POST, "/guarded").header("x-csrf-token", &good).form(&fields);
    assert_eq!(visitor.send(request).await.status, StatusCode::OK);
}

async fn from_elsewhere(visitor: &Visitor, path: &str) -> Answer {
    visitor.send(visitor.request(Method::POST, path).header("origin", "https://shop.example")).await
}

#[tokio::test]
async fn on_an_exempt_route_another_sites_request_is_a_strangers() {
    let (site, visitor) = start().await;
    visitor.join("alice").await;
    let (cookie, kept) = (visitor.cookie(), site.sessions.len());
    let answer = from_elsewhere(&visitor, "/hook").await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "nobody"));
    assert_eq!(answer.header("set-cookie"), None);
    let silent = visitor.send(visitor.request(Method::POST, "/hook")).await;
    assert_eq!(silent.text, "nobody", "neither does a cookie count that comes from nobody knows where");
    for path in ["/guarded-hook", "/protected-hook"] {
        assert_eq!(from_elsewhere(&visitor, path).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!((visitor.cookie(), site.sessions.len()), (cookie.clone(), kept), "and nothing is kept of it");

    // Nobody is logged in as somebody else by another site.
    let answer = from_elsewhere(&visitor, "/login-hook").await;
    assert_eq!((answer.status, answer.header("set-cookie")), (StatusCode::OK, None));
    assert_eq!(visitor.cookie(), cookie);

    // Its own pages are as welcome as anywhere.
    assert_eq!(visitor.post("/hook", &serde_json::json!({})).await.text, "alice");
}

#[tokio::test]
async fn an_exemption_opens_no_other_route() {
    let (_site, visitor) = start().await;
    visitor.join("alice").await;
    for path in ["/beside", "/comment", "/locked-hook", "/form-hook", "/login", "/logout"] {
        let answer = visitor.request(Method::POST, path).header("origin", "https://shop.example");
        let fields = [("text", "x"), ("stars", "5"), ("username", "alice"), ("password", "x")];
        assert_eq!(visitor.send(answer.form(&fields)).await.status, FORBIDDEN, "{path}");
    }
    assert_eq!(visitor.get("/me").await.json()["username"], "alice");
}
