//! Who may open a socket, from where.

use std::time::{Duration, Instant};

use auth::accounts::{AuthCredentials, AuthenticationError};
use auth::clock::Clock as _;
use auth::mfa::{Totp, TotpConfig};
use auth::web::authentication::{
    ApiKeyAuthentication, AuthenticationBackend, AuthenticationRequest, BearerAuthentication, Found, HttpBasicAuth,
    SessionAuthentication,
};
use auth_tests::http::{PASSWORD, Visitor};
use auth_tests::socket::{Heard, Socket, text};
use axum::http::{Method, StatusCode};
use base64ct::{Base64, Encoding as _};

use super::announced::{MINUTE, Room};
use super::{SOON, Sockets, has_ended, is_open, sockets_by};
use crate::app::{self, PublishPost, Site};

#[tokio::test]
async fn a_page_of_this_site_opens_one_by_the_sessions_cookie() {
    let sockets = Sockets::start().await;
    let (_, mut socket) = sockets.member("alice").await;
    assert_eq!(socket.ask("who").await, text("alice"));
    is_open(&mut socket).await;
}

#[tokio::test]
async fn no_other_page_does_and_nobody_without_an_origin() {
    let sockets = Sockets::start().await;
    let (visitor, _socket) = sockets.member("alice").await;
    let (cookie, own) = (visitor.cookie().unwrap(), sockets.address.clone());
    let port = own.rsplit(':').next().unwrap();
    let elsewhere =
        ["null", "", "https://evil.example", "http://127.0.0.1", &format!("http://127.0.0.1.evil.example:{port}")];
    for origin in elsewhere {
        let headers = [("cookie", cookie.as_str()), ("origin", origin)];
        let refused = Socket::open(&own, "/echo", &headers).await.unwrap_err();
        assert_eq!(refused, StatusCode::FORBIDDEN, "{origin}");
        // A foreign page gets nowhere, whatever it brings.
        let refused = Socket::open(&own, "/echo", &[("origin", origin)]).await.unwrap_err();
        assert_eq!(refused, StatusCode::FORBIDDEN, "{origin}");
    }
    for headers in [
        vec![("cookie", cookie.as_str())],
        vec![("cookie", &cookie), ("origin", &own), ("origin", &own)],
        vec![("cookie", &cookie), ("sec-fetch-site", "same-origin")],
    ] {
        let refused = Socket::open(&own, "/echo", &headers).await.unwrap_err();
        assert_eq!(refused, StatusCode::FORBIDDEN, "{headers:?}");
    }
}

#[tokio::test]
async fn a_trusted_page_does_and_then_only_that() {
    let sockets = Sockets::with(|builder| builder.origin("https://app.example").origin("http://localhost:1")).await;
    let auth = &sockets.site.auth;
    let user = sockets.site.create("alice", |_| {}).await;
    let session = auth.new_session();
    auth.log_in_user(&session, &user.id).await.unwrap().unwrap();
    let cookie = format!("session={}", session.key().unwrap().expose());
    let open = async |origin| {
        let headers = [("cookie", cookie.as_str()), ("origin", origin), ("host", "localhost:1")];
        Socket::open(&sockets.address, "/echo", &headers[..2]).await.map(drop)
    };
    // The cookie is the plain one only where the request is a loopback's; the origin is judged first in any case.
    assert_eq!(open(&sockets.address).await, Err(StatusCode::FORBIDDEN));
    assert!(open("http://localhost:1").await.is_ok());
}

/// Credentials that no browser adds: as a bearer token is.
#[derive(Debug)]
struct Named;

impl AuthenticationBackend for Named {
    fn find(&self, request: &AuthenticationRequest<'_>) -> Result<Found, AuthenticationError> {
        let name = request.parts.headers.get("x-name").and_then(|name| name.to_str().ok());
        let found = |name: &str| AuthCredentials::RemoteUser { username: name.to_owned(), create: false };
        Ok(name.map_or(Found::Nothing, |name| Found::Credentials(found(name))))
    }

    fn is_ambient(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn a_program_with_credentials_of_its_own_needs_no_origin() {
    let site = Site::start().await;
    let user = site.create("alice", |_| {}).await;
    let address = app::serve(sockets_by(site.auth.layer_by(Named).or(SessionAuthentication))).await;
    let open = async |headers: &[(&str, &str)]| Socket::open(&address, "/echo", headers).await;
    let mut socket = open(&[("x-name", "alice")]).await.unwrap();
    assert_eq!(socket.ask("who").await, text("alice"));
    assert_eq!(open(&[("x-name", "nobody")]).await.unwrap_err(), StatusCode::UNAUTHORIZED);
    let from_elsewhere = [("x-name", "alice"), ("origin", "https://evil.example")];
    assert_eq!(open(&from_elsewhere).await.unwrap_err(), StatusCode::FORBIDDEN);
    let mixed = Socket::open(&address, "/echo?ticket=wst_x", &[("x-name", "alice")]).await.unwrap_err();
    assert_eq!(mixed, StatusCode::BAD_REQUEST);
    site.auth.users().set_password(&user.id, "another-lantern-30-quilt").await.unwrap();
    has_ended(socket).await;
}

#[tokio::test]
async fn an_access_token_opens_one_by_header_or_first_message_until_it_is_revoked() {
    let site = Site::start().await;
    let id = site.create("alice", |_| {}).await.id;
    let routes = sockets_by(site.auth.layer_by(BearerAuthentication));
    let routes = routes.merge(site.auth.token_routes().layer(site.auth.layer_by(BearerAuthentication)));
    let address = app::serve(routes).await;
    let visitor = Visitor::new(&address);
    let login = serde_json::json!({ "username": "alice", "password": PASSWORD });
    let pair = visitor.send(visitor.request(Method::POST, "/token").json(&login)).await.json();
    let access = pair["access_token"].as_str().unwrap();
    let bearer = format!("Bearer {access}");
    let mut first = Socket::open(&address, "/echo", &[("authorization", &bearer)]).await.unwrap();
    assert_eq!(first.ask("who").await, text("alice"));
    let says = serde_json::json!({ "user_id": id, "session_token": access }).to_string();
    let mut second = Socket::open(&address, "/echo", &[]).await.unwrap();
    second.say(says.clone()).await;
    assert_eq!(second.ask("who").await, text("alice"));
    let mut refresh = Socket::open(&address, "/echo", &[]).await.unwrap();
    let wrong = says.replace(access, pair["refresh_token"].as_str().unwrap());
    assert_eq!(refresh.ask(&wrong).await, Heard::Closed(Some(4401)), "a refresh token is for something else");

    assert!(site.auth.tokens().revoke(access).await.unwrap());
    has_ended(first).await;
    has_ended(second).await;
    assert_eq!(Socket::open(&address, "/echo", &[]).await.unwrap().ask(&says).await, Heard::Closed(Some(4401)));
}

#[tokio::test]
async fn an_api_key_opens_one_until_it_is_revoked() {
    for interval in [Duration::from_millis(800), MINUTE] {
        let site = Site::with(|it| it.announce_endings(Room::default()).recheck_sockets_every(interval)).await;
        let owner = site.create("alice", |_| {}).await.id.to_string();
        let address = app::serve(sockets_by(site.auth.layer_by(ApiKeyAuthentication))).await;
        let keys = site.auth.api_keys();
        let (key, shown_once) = keys.create(&owner, "chat", &["blog.publish_post"], None).await.unwrap();
        let headers = [("x-api-key", shown_once.expose())];
        let mut socket = Socket::open(&address, "/echo", &headers).await.unwrap();
        assert_eq!(socket.ask("who").await, text("alice"));
        assert_eq!(socket.ask("may").await, text("false"), "no more than the owner may");
        // The check that every socket begins with is over.
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(keys.revoke(&owner, &key.id).await.unwrap());
        has_ended(socket).await;
        assert_eq!(Socket::open(&address, "/echo", &headers).await.unwrap_err(), StatusCode::UNAUTHORIZED);

        let visitor = Visitor::new(&address);
        let (_, shown_once) = keys.create(&owner, "ticket", &[], None).await.unwrap();
        let request = visitor.request(Method::POST, "/ticket").header("x-api-key", shown_once.expose());
        assert_eq!(visitor.send(request).await.status, StatusCode::FORBIDDEN, "a key makes no ticket");
    }
}

#[tokio::test]
async fn a_password_in_the_request_is_asked_once_and_ends_with_its_change() {
    let site = Site::start().await;
    let user = site.create("alice", |_| {}).await;
    let address = app::serve(sockets_by(site.auth.layer_by(HttpBasicAuth::new("here").unwrap()))).await;
    let basic = format!("Basic {}", Base64::encode_string(format!("alice:{PASSWORD}").as_bytes()));
    let ambient = Socket::open(&address, "/echo", &[("authorization", &basic)]).await.unwrap_err();
    assert_eq!(ambient, StatusCode::FORBIDDEN, "browsers add it by themselves");
    let headers = [("authorization", basic.as_str()), ("origin", &address)];
    let mut socket = Socket::open(&address, "/echo", &headers).await.unwrap();
    is_open(&mut socket).await;
    site.auth.users().set_password(&user.id, "another-lantern-30-quilt").await.unwrap();
    has_ended(socket).await;
}

#[tokio::test]
async fn a_password_in_the_request_is_not_enough_any_more_where_a_second_factor_came() {
    let site = Site::with(|it| it.recheck_sockets_every(Duration::from_millis(800))).await;
    let user = site.create("alice", |_| {}).await.id.to_string();
    let address = app::serve(sockets_by(site.auth.layer_by(HttpBasicAuth::new("here").unwrap()))).await;
    let basic = format!("Basic {}", Base64::encode_string(format!("alice:{PASSWORD}").as_bytes()));
    let headers = [("authorization", basic.as_str()), ("origin", &address)];
    let mut socket = Socket::open(&address, "/echo", &headers).await.unwrap();
    is_open(&mut socket).await;
    let begun = site.auth.mfa().register_user(&user, "session", "alice").await.unwrap();
    let app = Totp::from_base32(begun.secret.expose(), TotpConfig::default()).unwrap();
    let code = app.code_at(site.clock.now());
    let added = site.auth.mfa().confirm_totp(&user, "session", &begun.challenge, code.expose(), "Phone").await;
    assert!(added.unwrap().is_some());
    has_ended(socket).await;
    assert!(Socket::open(&address, "/echo", &headers).await.is_err());
}

#[tokio::test]
async fn what_is_no_upgrade_is_none_and_takes_no_ticket() {
    let sockets = Sockets::start().await;
    let (visitor, _socket) = sockets.member("alice").await;
    let ticket = visitor.post("/ticket", &serde_json::json!({})).await.json();
    let path = format!("/echo?ticket={}", ticket["ticket"].as_str().unwrap());
    assert!(visitor.get(&path).await.status.is_client_error());
    assert!(visitor.post(&path, &serde_json::json!({})).await.status.is_client_error());
    assert!(Socket::open(&sockets.address, &path, &[]).await.is_ok());
}

#[tokio::test]
async fn what_the_user_may_do_is_asked_anew() {
    let sockets = Sockets::start().await;
    let (_, mut socket) = sockets.member("alice").await;
    assert_eq!(socket.ask("may").await, text("false"));
    let (users, id) = (sockets.site.auth.users(), sockets.site.user("alice").await.id);
    for (may, answer) in [(true, "true"), (false, "false")] {
        if may {
            users.grant::<PublishPost>(&id).await.unwrap();
        } else {
            users.revoke::<PublishPost>(&id).await.unwrap();
        }
        let began = Instant::now();
        while socket.ask("may").await != text(answer) {
            assert!(began.elapsed() < SOON);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn a_message_that_is_too_long_closes_the_socket() {
    let sockets = Sockets::start().await;
    let (visitor, mut socket) = sockets.member("alice").await;
    let longest = "x".repeat(64 << 10);
    assert_eq!(socket.ask(&longest).await, text(&longest));
    assert!(matches!(socket.ask(&format!("{longest}x")).await, Heard::Closed(_)));
    let mut small = visitor.socket("/hasty").await.unwrap();
    assert!(matches!(small.ask(&"x".repeat(101)).await, Heard::Closed(_)));
}

#[tokio::test]
async fn under_a_layer_without_sessions_a_cookie_opens_nothing() {
    let site = Site::start().await;
    let (member, _) = site.member("alice").await;
    let address = app::serve(sockets_by(site.auth.layer_by(Named))).await;
    let cookie = member.cookie().unwrap();
    let headers = [("cookie", cookie.as_str()), ("origin", address.as_str())];
    let mut socket = Socket::open(&address, "/hasty", &headers).await.unwrap();
    assert_eq!(socket.ask("who").await, Heard::Closed(Some(4401)), "it is asked who it is");
    assert_eq!(Visitor::new(&address).post("/ticket", &serde_json::json!({})).await.status, StatusCode::UNAUTHORIZED);
}
