//! Bad input gets a clear answer, and loses nothing.

use auth::accounts::{AuthCredentials, AuthenticationError};
use auth::audit::Origin;
use auth::prelude::BaseUserManager as _;
use auth::users::Extra;
use auth_tests::http::{Answer, PASSWORD, Visitor};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::Site;

async fn raw(visitor: &Visitor, path: &str, kind: &str, body: Vec<u8>) -> Answer {
    let request = visitor.request(Method::POST, path).header("sec-fetch-site", "same-origin");
    visitor.send(request.header("content-type", kind).body(body)).await
}

async fn register(site: &Site, body: Value) -> Answer {
    site.visitor().post("/register", &body).await
}

#[tokio::test]
async fn malformed_bodies_are_refused() {
    let site = Site::start().await;
    let visitor = site.visitor();
    let deep = format!("{}1{}", "{\"a\":".repeat(5000), "}".repeat(5000));
    for path in ["/login", "/register"] {
        for (kind, body, expected) in [
            ("application/json", "", StatusCode::UNPROCESSABLE_ENTITY),
            ("application/json", "{", StatusCode::BAD_REQUEST),
            ("application/json", "[]", StatusCode::BAD_REQUEST),
            ("application/json", "null", StatusCode::BAD_REQUEST),
            ("application/json", "{\"username\": \"\\ud800\"}", StatusCode::BAD_REQUEST),
            ("application/json", &deep, StatusCode::BAD_REQUEST),
            ("application/json", "{}", StatusCode::UNPROCESSABLE_ENTITY),
            ("application/json", "{\"username\": 1, \"password\": []}", StatusCode::UNPROCESSABLE_ENTITY),
            ("application/x-www-form-urlencoded", "username=a&username=b&password=c", StatusCode::BAD_REQUEST),
            ("application/x-www-form-urlencoded", "%", StatusCode::UNPROCESSABLE_ENTITY),
            ("text/plain", "hello", StatusCode::UNSUPPORTED_MEDIA_TYPE),
            ("multipart/form-data; boundary=x", "--x--", StatusCode::UNSUPPORTED_MEDIA_TYPE),
            ("", "username=a", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ] {
            let answer = raw(&visitor, path, kind, body.into()).await;
            let body: String = body.chars().take(40).collect();
            assert_eq!(answer.status, expected, "{path} {kind} {body}: {}", answer.text);
        }
        let bytes = raw(&visitor, path, "application/json", vec![0xff; 100]).await;
        assert_eq!(bytes.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(site.sessions.len(), 0);
}

#[tokio::test]
async fn a_megabyte_of_anything_is_refused() {
    let site = Site::start().await;
    let long = "a".repeat(1_000_000);
    for path in ["/login", "/register"] {
        for body in
            [json!({ "username": long, "password": PASSWORD }), json!({ "username": "alice", "password": long })]
        {
            assert_eq!(site.visitor().post(path, &body).await.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        }
    }
    let visitor = site.visitor();
    let request = visitor.request(Method::GET, "/me").header("cookie", format!("session={}", "A".repeat(10_000)));
    assert_eq!(visitor.send(request).await.status, StatusCode::UNAUTHORIZED);
    // Past the limits on bodies, in the framework itself.
    let users = site.auth.users();
    assert!(users.create_user(&long, Some(PASSWORD), Extra::new()).await.is_err());
    assert!(users.create_user("alice", Some(&long), Extra::new()).await.is_err());
    assert!(users.get_by_username(&long).await.unwrap().is_none());
    assert!(users.get_by_email(&long).await.unwrap().is_none());
    let session = site.auth.new_session();
    for credentials in [(long.as_str(), "x"), ("alice", long.as_str())] {
        let credentials = AuthCredentials::password(credentials.0, credentials.1);
        let outcome = site.auth.log_in(&session, credentials, &Origin::unknown()).await;
        assert!(matches!(outcome, Err(AuthenticationError::InvalidCredentials)), "{outcome:?}");
    }
}

#[tokio::test]
async fn malformed_cookies_are_no_session() {
    let site = Site::start().await;
    let visitor = site.visitor();
    for cookie in ["session", "session=", "session=\"", "session=%00", "=;=;", "session=AAAA; session", "\u{e9}"] {
        let request = visitor.request(Method::GET, "/me").header("cookie", cookie.as_bytes());
        assert_eq!(visitor.send(request).await.status, StatusCode::UNAUTHORIZED, "{cookie}");
    }
}

#[tokio::test]
async fn all_that_is_wrong_with_a_password_is_said_at_once() {
    let site = Site::start().await;
    let answer = register(&site, json!({ "username": "alice", "password": "password" })).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("15") && detail.contains("common"), "{detail}");
    assert!(site.auth.users().get_by_username("alice").await.unwrap().is_none());
}

#[tokio::test]
async fn a_stranger_sets_only_what_is_their_own() {
    let site = Site::start().await;
    for field in [
        "is_superuser",
        "is_staff",
        "is_active",
        "balance",
        "id",
        "password_hash",
        "credential_version",
        "groups",
        "user_permissions",
        "last_login",
        "nonsense",
    ] {
        let mut body = json!({ "username": "mallory", "password": PASSWORD });
        body[field] = json!(true);
        let answer = register(&site, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}: {}", answer.text);
    }
    assert!(site.auth.users().get_by_username("mallory").await.unwrap().is_none());
    let answer =
        register(&site, json!({ "username": "alice", "password": PASSWORD, "age": 30, "email": "a@b.c" })).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let user = site.user("alice").await;
    assert_eq!((user.age, user.email.as_str(), user.is_active, user.is_superuser), (Some(30), "a@b.c", true, false));
    let answer = register(&site, json!({ "username": "bob", "password": PASSWORD, "age": "old" })).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn one_name_is_one_user_in_any_spelling() {
    let site = Site::start().await;
    assert_eq!(register(&site, json!({ "username": "fiona", "password": PASSWORD })).await.status, StatusCode::CREATED);
    let again = register(&site, json!({ "username": "ﬁona", "password": PASSWORD })).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text);
    for name in ["", " ", "a b", "a\u{0}b", "p\u{430}ypal", "a\u{200b}b", "\u{202e}x"] {
        let answer = register(&site, json!({ "username": name, "password": PASSWORD })).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name:?}");
    }
}

#[tokio::test]
async fn what_somebody_typed_stays_text() {
    let site = Site::start().await;
    let page =
        site.visitor().submit("/register", &[("username", "<script>alert(1)</script>"), ("password", "x")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!page.text.contains("<script>"), "{}", page.text);
    let page = site.visitor().browse("/login?next=/%22%3E%3Cscript%3E").await;
    assert!(!page.text.contains("<script>"), "{}", page.text);
}
