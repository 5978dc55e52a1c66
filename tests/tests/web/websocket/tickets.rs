//! Tickets: short, for one socket, of one login.

use auth::prelude::*;
use auth_tests::http::{PASSWORD, Visitor};
use auth_tests::socket::{Socket, text};
use axum::http::{Method, StatusCode};
use serde_json::json;

use super::{Sockets, has_ended};

async fn ticket(visitor: &Visitor) -> String {
    let answer = visitor.post("/ticket", &json!({})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(answer.header("cache-control").is_some_and(|value| value.contains("no-store")));
    assert_eq!(answer.json()["expires_in"], json!(30));
    answer.json()["ticket"].as_str().unwrap().to_owned()
}

async fn open(sockets: &Sockets, ticket: &str) -> Result<Socket, StatusCode> {
    Socket::open(&sockets.address, &format!("/echo?ticket={ticket}"), &[]).await
}

#[tokio::test]
async fn a_ticket_opens_one_socket_without_a_cookie() {
    let sockets = Sockets::start().await;
    let (visitor, _socket) = sockets.member("alice").await;
    let ticket = ticket(&visitor).await;
    assert!(ticket.len() >= 43, "256 bits");
    let mut socket = open(&sockets, &ticket).await.unwrap();
    assert_eq!(socket.ask("who").await, text("alice"));
    assert_eq!(open(&sockets, &ticket).await.unwrap_err(), StatusCode::UNAUTHORIZED, "once");
    assert_eq!(visitor.post("/logout", &json!({})).await.status, StatusCode::NO_CONTENT);
    has_ended(socket).await;
}

#[tokio::test]
async fn of_many_who_bring_the_same_one_comes_in() {
    let sockets = Sockets::start().await;
    let (visitor, _socket) = sockets.member("alice").await;
    let ticket = ticket(&visitor).await;
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (address, path) = (sockets.address.clone(), format!("/echo?ticket={ticket}"));
        tries.spawn(async move { Socket::open(&address, &path, &[]).await.is_ok() });
    }
    assert_eq!(tries.join_all().await.into_iter().filter(|came_in| *came_in).count(), 1);
}

#[tokio::test]
async fn it_is_good_for_thirty_seconds() {
    let sockets = Sockets::start().await;
    let (visitor, _socket) = sockets.member("alice").await;
    let [early, late] = [ticket(&visitor).await, ticket(&visitor).await];
    sockets.site.clock.advance(TimeDelta::seconds(29));
    assert!(open(&sockets, &early).await.is_ok());
    sockets.site.clock.advance(TimeDelta::seconds(1));
    assert_eq!(open(&sockets, &late).await.unwrap_err(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn it_is_dead_when_the_login_is() {
    let sockets = Sockets::start().await;
    let (users, refused) = (sockets.site.auth.users(), StatusCode::UNAUTHORIZED);

    let (visitor, _socket) = sockets.member("alice").await;
    let made = ticket(&visitor).await;
    visitor.post("/logout", &json!({})).await;
    assert_eq!(open(&sockets, &made).await.unwrap_err(), refused, "logged out");

    let (visitor, _socket) = sockets.member("bob").await;
    let made = ticket(&visitor).await;
    users.set_password(&sockets.site.user("bob").await.id, "another-lantern-30-quilt").await.unwrap();
    assert_eq!(open(&sockets, &made).await.unwrap_err(), refused, "another password");

    let (visitor, _socket) = sockets.member("carol").await;
    let made = ticket(&visitor).await;
    let mut carol = sockets.site.user("carol").await;
    carol.is_active = false;
    users.update_columns(&carol, &["is_active"]).await.unwrap();
    assert_eq!(open(&sockets, &made).await.unwrap_err(), refused, "inactive");

    let (visitor, _socket) = sockets.member("dave").await;
    let made = ticket(&visitor).await;
    let body = json!({ "username": "dave", "password": PASSWORD });
    assert_eq!(visitor.post("/login", &body).await.status, StatusCode::OK);
    assert_eq!(open(&sockets, &made).await.unwrap_err(), refused, "the session has another key");
}

#[tokio::test]
async fn what_is_no_ticket_is_refused_and_no_cookie_is_asked_instead() {
    let sockets = Sockets::start().await;
    let (visitor, _socket) = sockets.member("alice").await;
    let made = ticket(&visitor).await;
    let key = visitor.cookie().unwrap().split_once('=').unwrap().1.to_owned();
    let wrong = [
        String::new(),
        "x".to_owned(),
        made[..made.len() - 1].to_owned(),
        format!("{made}A"),
        made.to_uppercase(),
        format!("wst_{}", "A".repeat(43)),
        key,
    ];
    for wrong in wrong {
        let refused = visitor.socket(&format!("/echo?ticket={wrong}")).await.unwrap_err();
        assert_eq!(refused, StatusCode::UNAUTHORIZED, "{wrong}");
    }
    let two = visitor.socket(&format!("/echo?ticket={made}&ticket={made}")).await.unwrap_err();
    assert_eq!(two, StatusCode::BAD_REQUEST);
    assert!(open(&sockets, &made).await.is_ok(), "and none of that took it");
}

#[tokio::test]
async fn no_page_elsewhere_brings_one_or_makes_one() {
    let sockets = Sockets::start().await;
    let (visitor, _socket) = sockets.member("alice").await;
    let made = ticket(&visitor).await;
    let path = format!("/echo?ticket={made}");
    let refused = Socket::open(&sockets.address, &path, &[("origin", "https://evil.example")]).await.unwrap_err();
    assert_eq!(refused, StatusCode::FORBIDDEN);
    let request = visitor.request(Method::POST, "/ticket").header("origin", "https://evil.example");
    assert_eq!(visitor.send(request).await.status, StatusCode::FORBIDDEN);
    let stranger = Visitor::new(&sockets.address);
    assert_eq!(stranger.post("/ticket", &json!({})).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_ticket_opens_nothing_but_a_socket() {
    let sockets = Sockets::start().await;
    let (visitor, _socket) = sockets.member("alice").await;
    let made = ticket(&visitor).await;
    let stranger = Visitor::new(&sockets.address);
    assert_eq!(stranger.get(&format!("/closed?ticket={made}")).await.status, StatusCode::UNAUTHORIZED);
    let request = stranger.request(Method::GET, "/closed").header("cookie", format!("session={made}"));
    assert_eq!(stranger.send(request).await.status, StatusCode::UNAUTHORIZED);
}
