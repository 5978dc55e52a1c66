//! What a fresh pair of eyes tried.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use auth::BoxFuture;
use auth::accounts::{AuthCredentials, AuthenticationError};
use auth::audit::{AuditError, AuditEvent, AuditSink, Origin};
use auth::oauth2::{AuthorizationFlow, AuthorizationResponse};
use auth::prelude::*;
use auth::secret::SecretString;
use auth::users::User as _;
use auth::web::authentication::{ApiKeyAuthentication, BearerAuthentication, HttpBasicAuth, RemoteUserAuthentication};
use auth_tests::http::{PASSWORD, Visitor};
use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::get;
use chrono::TimeDelta;
use serde_json::json;

use crate::app::{Author, EDITORS, Site, router_by, serve};

/// A key's narrow rights, or a token's minutes, do not become a session that has neither bound.
#[tokio::test]
async fn neither_a_key_nor_a_token_begins_a_session() {
    let site = Site::start().await;
    let alice = site.create("alice", |_| {}).await;
    let (_, key) = site.auth.api_keys().create(&alice.id.to_string(), "backup", &[], None).await.unwrap();
    let from = Origin::unknown();
    let password = || AuthCredentials::password("alice", PASSWORD);
    let mut result = site.auth.authentication().authenticate(password(), &from).await.unwrap();
    let whole = site.auth.issue_tokens(&mut result, None, None).await.unwrap();
    let narrow = site.auth.issue_tokens(&mut result, None, Some("blog.view_post")).await.unwrap();
    for credentials in [
        AuthCredentials::api_key(key),
        AuthCredentials::token(narrow.access_token),
        AuthCredentials::token(whole.access_token),
    ] {
        assert!(site.auth.authentication().authenticate(credentials.clone(), &from).await.is_ok());
        let session = site.auth.new_session();
        let outcome = site.auth.log_in(&session, credentials, &from).await;
        assert!(matches!(outcome, Err(AuthenticationError::InvalidToken { .. })), "{outcome:?}");
        assert!(session.login().is_none());
    }
    let session = site.auth.new_session();
    assert!(site.auth.log_in(&session, password(), &from).await.is_ok());
}

/// Nor does a token of minutes become refresh tokens of months.
#[tokio::test]
async fn a_token_is_not_exchanged_for_longer_ones() {
    let site = Site::start().await;
    site.create("alice", |_| {}).await;
    let (service, from) = (site.auth.authentication(), Origin::unknown());
    let mut result = service.authenticate(AuthCredentials::password("alice", PASSWORD), &from).await.unwrap();
    let pair = site.auth.issue_tokens(&mut result, None, None).await.unwrap();
    let mut again = service.authenticate(AuthCredentials::token(pair.access_token), &from).await.unwrap();
    let outcome = site.auth.issue_tokens(&mut again, None, None).await;
    assert!(matches!(outcome, Err(AuthenticationError::InvalidToken { .. })), "{outcome:?}");
}

/// What the proxy adds, a browser need not know of: without cookies, and without `Origin`, it may still be one.
#[tokio::test]
async fn a_remote_users_unsafe_request_says_where_it_comes_from() {
    let site = Site::start().await;
    let alice = site.create("alice", |_| {}).await;
    site.auth.users().grant_named(&alice.id, "blog.publish_post").await.unwrap();
    let backend = RemoteUserAuthentication::behind([IpAddr::V4(Ipv4Addr::LOCALHOST)]).unwrap();
    let visitor = Visitor::new(&serve(router_by(&site.auth, site.auth.layer().or(backend))).await);
    let publish = || visitor.request(Method::POST, "/publish").header("REMOTE_USER", "alice");
    assert_eq!(visitor.send(publish()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(visitor.send(publish().header("sec-fetch-site", "same-origin")).await.status, StatusCode::OK);
}

async fn asks(user: CurrentUser<Author>) -> String {
    let methods = [user.is_superuser(), user.is_staff(), user.is_admin(), user.user().has_perm("blog.add_post")];
    let fields = [user.is_superuser, user.is_staff, !user.groups.is_empty(), user.user().is_superuser()];
    format!("{methods:?} {fields:?} {:?}", user.user_permissions)
}

/// Neither `CurrentUser` nor the struct behind it says more than the key permits, and the user stays as they are.
#[tokio::test]
async fn a_superusers_key_is_no_superuser_whoever_asks() {
    let site = Site::start().await;
    let root = site.create("root", |root| (root.is_superuser, root.is_staff) = (true, true)).await;
    let layer = site.auth.layer_by(ApiKeyAuthentication);
    let visitor = Visitor::new(&serve(Router::new().route("/asks", get(asks)).layer(layer)).await);
    site.auth.users().add_to_group(&root.id, EDITORS).await.unwrap();
    let scopes = ["blog.view_post"];
    let (_, key) = site.auth.api_keys().create(&root.id.to_string(), "backup", &scopes, None).await.unwrap();
    let answer = visitor.send(visitor.request(Method::GET, "/asks").header("x-api-key", key.expose())).await;
    let nothing = "[false, false, false, false]";
    let expected = format!("{nothing} {nothing} [\"blog.view_post\"]");
    assert_eq!((answer.status, answer.text), (StatusCode::OK, expected));
    // Nor does a key's whole update take from the user what the key has not.
    let service = site.auth.authentication();
    let result = service.authenticate(AuthCredentials::api_key(key), &Origin::unknown()).await.unwrap();
    let mut acting = Author::clone(&result.user);
    acting.age = Some(7);
    site.auth.users().update(&acting).await.unwrap();
    let root = site.user("root").await;
    assert!(root.is_superuser && root.is_staff && root.age == Some(7) && root.groups == [EDITORS]);
    assert!(root.check_password(PASSWORD).unwrap());
    let now = site.auth.current_user(&root.id).await.unwrap().unwrap();
    assert!(now.is_superuser() && now.is_staff() && now.is_admin() && now.user().is_superuser());
}

/// Who knew the password once has no tries of their own after it was changed, however many devices they made known.
#[tokio::test]
async fn another_password_makes_all_devices_unknown() {
    let site = Site::start().await;
    let alice = site.create("alice", |_| {}).await;
    let try_it = async |password: &str, device: &SecretString| {
        let credentials = AuthCredentials::password("alice", password).on_device(device.clone());
        site.auth.authentication().authenticate(credentials, &Origin::unknown()).await
    };
    let nothing = SecretString::from("");
    let mut devices = Vec::new();
    for _ in 0..3 {
        devices.push(try_it(PASSWORD, &nothing).await.unwrap().device.unwrap());
    }
    let lock_out = async || {
        while !matches!(try_it("wrong", &nothing).await, Err(AuthenticationError::TooMany { .. })) {}
    };
    lock_out().await;
    assert!(try_it(PASSWORD, &devices[0]).await.is_ok(), "a device that is known");
    site.auth.users().set_password(&alice.id, "quite another password 9").await.unwrap();
    lock_out().await;
    for device in &devices {
        let outcome = try_it("wrong", device).await;
        assert!(matches!(outcome, Err(AuthenticationError::TooMany { .. })), "{outcome:?}");
    }
}

#[derive(Clone, Debug, Default)]
struct Limited(Arc<AtomicUsize>);

impl AuditSink for Limited {
    fn record<'a>(&'a self, event: &'a AuditEvent) -> BoxFuture<'a, Result<(), AuditError>> {
        let is_limited = event.action.name() == "login.limited";
        self.0.fetch_add(usize::from(is_limited), Ordering::SeqCst);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Whoever has to wait does not work for an answer: neither many accounts from one place nor one from many fill the trail.
#[tokio::test]
async fn who_has_to_wait_fills_no_trail() {
    let told = Limited::default();
    let site = Site::with(|builder| builder.audit_sink(told.clone())).await;
    site.create("alice", |_| {}).await;
    let try_it = async |name: &str, source: u32| {
        let from = Origin::source(Some(IpAddr::V4(Ipv4Addr::from_bits(source))));
        let credentials = AuthCredentials::password(name, "x".repeat(5000));
        site.auth.authentication().authenticate(credentials, &from).await.unwrap_err()
    };
    let is_limited = |error| matches!(error, AuthenticationError::TooMany { .. });
    for source in 0..20 {
        assert!(!is_limited(try_it("alice", source).await), "{source}");
    }
    for source in 0..200 {
        assert!(is_limited(try_it("alice", source).await), "{source}");
    }
    assert_eq!(told.0.swap(0, Ordering::SeqCst), 1, "one account from everywhere");
    site.clock.advance(TimeDelta::minutes(1));
    for name in 0..50 {
        assert!(!is_limited(try_it(&format!("user{name}"), 1000).await), "{name}");
    }
    for name in 0..200 {
        assert!(is_limited(try_it(&format!("user{name}"), 1000).await), "{name}");
    }
    assert_eq!(told.0.load(Ordering::SeqCst), 1, "all accounts from one place");
}

/// A list, or nothing, where the scope belongs is a mistake: no reason to permit everything.
#[tokio::test]
async fn a_scope_that_is_no_text_gives_no_tokens() {
    let site = Site::start().await;
    site.create("alice", |_| {}).await;
    let visitor = Visitor::new(&serve(site.auth.token_routes().layer(site.auth.layer())).await);
    for (scope, status) in [
        (json!(["blog.view_post"]), StatusCode::UNPROCESSABLE_ENTITY),
        (json!(null), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "blog": "view_post" }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!("x".repeat(5000)), StatusCode::UNPROCESSABLE_ENTITY),
        (json!("\u{1}".repeat(4000)), StatusCode::UNPROCESSABLE_ENTITY),
        (json!("blog.view_post \u{e9}"), StatusCode::UNPROCESSABLE_ENTITY),
        (json!("blog.view_post"), StatusCode::OK),
    ] {
        let body = json!({ "username": "alice", "password": PASSWORD, "scope": scope });
        let answer = visitor.send(visitor.request(Method::POST, "/token").json(&body)).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
    }
}

/// Where records cannot be reached, sessions end all the same, and the failure is told.
#[tokio::test]
async fn who_logs_out_everywhere_loses_the_sessions_though_the_tokens_store_fails() {
    let database = auth_tests::sqlite().await;
    let site = Site::with(|builder| builder.database(&database.url)).await;
    site.auth.migrate().await.unwrap();
    let (member, user) = site.member("alice").await;
    database.sql("DROP TABLE auth_record").await;
    assert_eq!(member.get("/me").await.status, StatusCode::OK);
    assert!(site.auth.log_out_everywhere(&user.id.to_string()).await.is_err());
    assert_eq!(member.get("/me").await.status, StatusCode::UNAUTHORIZED);
}

/// What is shown to anybody says nothing of what stands behind: it is the source, for the log.
#[tokio::test]
async fn what_failed_is_not_shown() {
    let site = Site::start().await;
    let flow = AuthorizationFlow::new("secret-backend-name", "https://example.com/");
    let credentials = AuthCredentials::oauth(flow, AuthorizationResponse::new("code"));
    let error = site.auth.authentication().authenticate(credentials, &Origin::unknown()).await.unwrap_err();
    assert!(!error.to_string().contains("secret-backend-name"), "{error}");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("secret-backend-name"));
}

/// Whatever stands in a header, the answer is a refusal, and the server goes on.
#[tokio::test]
async fn hostile_headers_are_refused() {
    let site = Site::start().await;
    let layer = site.auth.layer().or(BearerAuthentication).or(ApiKeyAuthentication);
    let remote = RemoteUserAuthentication::behind([IpAddr::V4(Ipv4Addr::LOCALHOST)]).unwrap().create_unknown_user(true);
    let layer = layer.or(HttpBasicAuth::new("here").unwrap()).or(remote);
    let visitor = Visitor::new(&serve(router_by(&site.auth, layer)).await);
    let long = "a".repeat(9000);
    let values: Vec<Vec<u8>> = [
        "",
        " ",
        "\t",
        ",",
        "=",
        ".",
        "..",
        "...",
        "a.b.c",
        "====",
        "e30.e30.e30",
        "Og==",
        "Ojo6",
        "AA==",
        "/////w==",
        "auth_",
        "auth_refresh_",
        "_",
        "\u{e9}",
        "\u{202e}x",
        "a;b",
        "%00",
        "'\"--",
        "*)(uid=*",
        long.as_str(),
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .chain([vec![0x80], vec![0xff; 50], vec![b'\t'; 100]])
    .collect();
    for value in &values {
        for scheme in ["", "Bearer ", "bearer  ", "Basic ", "ApiKey ", "Digest ", "Negotiate ", "Bearer\t"] {
            let authorization = [scheme.as_bytes(), value].concat();
            let request = visitor.request(Method::GET, "/maybe").header("authorization", authorization.clone());
            let status = visitor.send(request).await.status;
            assert!(status.is_client_error(), "{status} {authorization:?}");
        }
        let request = visitor.request(Method::GET, "/me").header("x-api-key", value.clone());
        assert!(visitor.send(request).await.status.is_client_error(), "{value:?}");
        let request = visitor.request(Method::GET, "/me").header("remote_user", value.clone());
        let status = visitor.send(request).await.status;
        assert!(status == StatusCode::OK || status.is_client_error(), "{status} {value:?}");
        let cookies = [b"session=".as_slice(), value, b"; session-device=", value, b"; session-csrf=", value].concat();
        let request = visitor.request(Method::GET, "/me").header("cookie", cookies);
        assert!(visitor.send(request).await.status.is_client_error(), "{value:?}");
    }
    assert_eq!(visitor.get("/open").await.status, StatusCode::OK);
}
