//! The routes and pages of passkeys, by an authenticator that does whatever a test wants.

use auth_tests::http::{Answer, PASSWORD, Visitor};
use auth_tests::{TestAuthenticator, TestPasskey};
use axum::Router;
use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::app::{Site, serve};

const ORIGIN: &str = "https://blog.example";

/// A site of that origin, and somebody who is logged in to it.
async fn start() -> (Site, Visitor) {
    let site = Site::with(|builder| builder.origin(ORIGIN)).await;
    site.create("alice", |_| ()).await;
    let visitor = Visitor::new(&serve(routes(&site)).await);
    assert_eq!(log_in(&visitor).await.status, StatusCode::OK);
    (site, visitor)
}

fn routes(site: &Site) -> Router {
    site.auth.routes().merge(site.auth.factor_routes()).layer(site.auth.layer())
}

async fn log_in(visitor: &Visitor) -> Answer {
    post(visitor, "/login", &json!({ "username": "alice", "password": PASSWORD })).await
}

async fn post(visitor: &Visitor, path: &str, body: &Value) -> Answer {
    visitor.send(visitor.request(Method::POST, path).header("origin", ORIGIN).json(body)).await
}

fn proof(asked: &Value, response: &str) -> Value {
    let response: Value = serde_json::from_str(response).unwrap();
    json!({ "factor": "passkey", "challenge": asked["challenge"], "response": response })
}

async fn register(visitor: &Visitor) -> TestPasskey {
    let asked = post(visitor, "/factors/passkeys/start", &json!({})).await.json();
    let (passkey, response) = TestAuthenticator::at(ORIGIN).create(&asked["publicKey"]);
    let made = post(visitor, "/factors/passkeys/finish", &proof(&asked, &response)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(made.json()["factor"]["name"], "Passkey");
    passkey
}

async fn answered(visitor: &Visitor, passkey: &mut TestPasskey, start: &str, finish: &str) -> Answer {
    let asked = post(visitor, start, &json!({})).await;
    assert_eq!(asked.header("cache-control"), Some("no-store"));
    let asked = asked.json();
    let response = TestAuthenticator::at(ORIGIN).get(passkey, &asked["publicKey"]);
    post(visitor, finish, &proof(&asked, &response)).await
}

#[tokio::test]
async fn a_program_registers_one_and_logs_in_by_it() {
    let (_site, visitor) = start().await;
    let mut passkey = register(&visitor).await;
    let alone = visitor.another();
    let done = answered(&alone, &mut passkey, "/login/passkey/start", "/login/passkey/finish").await;
    assert_eq!((done.status, &done.json()["username"]), (StatusCode::OK, &json!("alice")), "{}", done.text);
    assert_eq!(alone.get("/me").await.status, StatusCode::OK);

    let both = visitor.another();
    let first = log_in(&both).await;
    assert_eq!(first.json()["factors"], json!(["passkey", "recovery_codes"]), "{}", first.text);
    assert_eq!(both.get("/me").await.status, StatusCode::UNAUTHORIZED);
    let done = answered(&both, &mut passkey, "/login/factor/passkey/start", "/login/factor").await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert_eq!(both.get("/me").await.status, StatusCode::OK);
}

#[tokio::test]
async fn one_is_registered_after_a_recent_login_only() {
    let (site, visitor) = start().await;
    let stranger = visitor.another();
    for route in ["/factors/passkeys/start", "/factors/passkeys/finish"] {
        let body = json!({ "challenge": "x", "response": {} });
        assert_eq!(post(&stranger, route, &body).await.status, StatusCode::UNAUTHORIZED, "{route}");
    }
    let asked = post(&visitor, "/factors/passkeys/start", &json!({})).await.json();
    let (_, response) = TestAuthenticator::at(ORIGIN).create(&asked["publicKey"]);
    site.clock.advance(TimeDelta::seconds(301));
    for body in [proof(&asked, &response), json!({ "challenge": "x", "response": "{}" })] {
        let refused = post(&visitor, "/factors/passkeys/finish", &body).await;
        assert_eq!((refused.status, &refused.json()["step_up"]), (StatusCode::UNAUTHORIZED, &json!("reauthenticate")));
    }
    assert_eq!(post(&visitor, "/factors/passkeys/start", &json!({})).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_is_no_answer_is_refused_and_leaves_nothing() {
    let (_site, visitor) = start().await;
    register(&visitor).await;
    let alone = visitor.another();
    assert_eq!(post(&alone, "/login/factor/passkey/start", &json!({})).await.status, StatusCode::UNAUTHORIZED);
    for body in [json!({}), json!({ "challenge": 7, "response": {} }), json!({ "challenge": "x", "response": 7 })] {
        let refused = post(&alone, "/login/passkey/finish", &body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    }
    let refused = post(&alone, "/login/passkey/finish", &json!({ "challenge": "x", "response": "{}" })).await;
    assert_eq!((refused.status, alone.cookie()), (StatusCode::UNAUTHORIZED, None));

    let asked = post(&alone, "/login/passkey/start", &json!({})).await;
    assert_eq!(asked.status, StatusCode::OK);
    let elsewhere = alone.request(Method::POST, "/login/passkey/start").header("origin", "https://evil.example");
    assert_eq!(alone.send(elsewhere.json(&json!({}))).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn pages_run_the_script_where_there_are_passkeys_only() {
    let (site, visitor) = start().await;
    let policy = |page: &Answer| page.header("content-security-policy").unwrap().to_owned();
    let page = visitor.browse("/login?next=/\"me").await;
    assert!(page.text.contains("<form hidden method=\"post\" action=\"/login/passkey/finish\""), "{}", page.text);
    assert!(page.text.contains("name=\"next\" value=\"/&quot;me\""), "{}", page.text);
    assert!(policy(&page).contains("script-src 'self'; connect-src 'self';"), "{}", policy(&page));
    assert!(!policy(&page).contains("unsafe") && policy(&page).starts_with("default-src 'none';"));
    let script = visitor.get("/passkeys.js").await;
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(script.header("x-content-type-options"), Some("nosniff"));
    register(&visitor).await;
    let another = visitor.another();
    assert_eq!(log_in(&another).await.status, StatusCode::UNAUTHORIZED);
    let page = another.browse("/login/factor").await;
    assert!(page.text.contains("data-start=\"/login/factor/passkey/start\"") && page.text.contains("noscript"));
    drop(site);

    let without = Site::start().await;
    let visitor = Visitor::new(&serve(routes(&without)).await);
    visitor.join("bob").await;
    for path in ["/login", "/factors"] {
        let page = visitor.browse(path).await;
        assert!(!page.text.contains("script") && !policy(&page).contains("script-src"), "{}", page.text);
    }
    assert_eq!(visitor.post("/login/passkey/start", &json!({})).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

/// As the page's script sends it.
#[tokio::test]
async fn people_get_where_they_wanted_to_go() {
    let (_site, visitor) = start().await;
    let send = async |visitor: &Visitor, path: &str, fields: &[(&str, &str)]| {
        let request = visitor.request(Method::POST, path).header("origin", ORIGIN).header("accept", "text/html");
        visitor.send(request.form(fields)).await
    };
    let list = visitor.browse("/factors?next=/a%3Fb").await.text;
    let form = list.split("data-passkey=\"create\"").nth(1).unwrap();
    assert!(form.split("</form>").next().unwrap().contains("name=\"next\" value=\"/a?b\""), "{list}");
    let asked = post(&visitor, "/factors/passkeys/start", &json!({})).await.json();
    let (mut passkey, response) = TestAuthenticator::at(ORIGIN).create(&asked["publicKey"]);
    let challenge = asked["challenge"].as_str().unwrap();
    let fields = [("challenge", challenge), ("response", &*response), ("next", "/a?b")];
    let refused = send(&visitor, "/factors/passkeys/finish", &[("challenge", "x"), fields[1], fields[2]]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("href=\"/factors?next=/a%3Fb\""), "{}", refused.text);
    let added = send(&visitor, "/factors/passkeys/finish", &fields).await;
    assert!(added.status == StatusCode::OK && added.text.contains("<a href=\"/a?b\">"), "{}", added.text);

    let alone = visitor.another();
    let none = [("challenge", "x"), ("response", "{}"), ("next", "/a?b")];
    let refused = send(&alone, "/login/passkey/finish", &none).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(refused.text.contains("href=\"/login?next=/a%3Fb\""), "{}", refused.text);
    for (next, expected) in [("/a?b", "/a?b"), ("//evil.example", "/")] {
        let asked = post(&alone, "/login/passkey/start", &json!({})).await.json();
        let response = TestAuthenticator::at(ORIGIN).get(&mut passkey, &asked["publicKey"]);
        let fields = [("challenge", asked["challenge"].as_str().unwrap()), ("response", &*response), ("next", next)];
        let done = send(&alone, "/login/passkey/finish", &fields).await;
        assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, Some(expected)), "{}", done.text);
    }
}
