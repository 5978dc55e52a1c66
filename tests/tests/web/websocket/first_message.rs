//! Those of whom nothing is known say who they are, in time, in one message.

use auth_tests::PATIENCE;
use auth_tests::http::Visitor;
use auth_tests::socket::{Heard, Socket, text};
use axum::http::StatusCode;
use serde_json::json;

use super::{Sockets, has_ended};

const REFUSED: Heard = Heard::Closed(Some(4401));

fn key(visitor: &Visitor) -> String {
    visitor.cookie().unwrap().split_once('=').unwrap().1.to_owned()
}

async fn stranger(sockets: &Sockets, path: &str) -> Socket {
    Socket::open(&sockets.address, path, &[]).await.unwrap()
}

fn says(id: impl serde::Serialize, token: &str) -> String {
    json!({ "user_id": id, "session_token": token }).to_string()
}

#[tokio::test]
async fn a_sessions_key_lets_in() {
    let sockets = Sockets::start().await;
    let (visitor, _socket) = sockets.member("alice").await;
    let id = sockets.site.user("alice").await.id;
    let mut socket = stranger(&sockets, "/echo").await;
    socket.say(says(id, &key(&visitor))).await;
    assert_eq!(socket.ask("who").await, text("alice"));
    let mut another = stranger(&sockets, "/hasty").await;
    another.say(says(id.to_string(), &key(&visitor))).await;
    assert_eq!(another.ask("who").await, text("alice"));
    visitor.post("/logout", &json!({})).await;
    has_ended(socket).await;
    has_ended(another).await;
}

#[tokio::test]
async fn a_ticket_lets_in_once_and_only_its_own_user() {
    let sockets = Sockets::start().await;
    let (visitor, _socket) = sockets.member("alice").await;
    let (other, _socket) = sockets.member("bob").await;
    let (alice, bob) = (sockets.site.user("alice").await.id, sockets.site.user("bob").await.id);
    let ticket = async |visitor: &Visitor| {
        visitor.post("/ticket", &json!({})).await.json()["ticket"].as_str().unwrap().to_owned()
    };
    let made = ticket(&visitor).await;
    let mut socket = stranger(&sockets, "/echo").await;
    socket.say(says(alice, &made)).await;
    assert_eq!(socket.ask("who").await, text("alice"));
    assert_eq!(stranger(&sockets, "/echo").await.ask(&says(alice, &made)).await, REFUSED);
    let theirs = ticket(&other).await;
    assert_eq!(stranger(&sockets, "/echo").await.ask(&says(alice, &theirs)).await, REFUSED);
    assert_eq!(stranger(&sockets, "/echo").await.ask(&says(bob, &theirs)).await, REFUSED, "it was used up");
}

#[tokio::test]
async fn anything_else_closes() {
    let sockets = Sockets::start().await;
    let (visitor, _socket) = sockets.member("alice").await;
    let (other, _socket) = sockets.member("bob").await;
    let (id, key, other) = (sockets.site.user("alice").await.id, key(&visitor), key(&other));
    let wrong = [
        "who".to_owned(),
        "{}".to_owned(),
        key.clone(),
        says(id, ""),
        says(id, "x"),
        says(id, &"A".repeat(43)),
        says(id, &other),
        says(id + 1000, &key),
        says("", &key),
        says("alice", &key),
        says(format!(" {id}"), &key),
        says([id], &key),
        json!({ "user_id": id, "session_token": key, "more": 1 }).to_string(),
        says(id, &"x".repeat(20 << 10)),
    ];
    for wrong in wrong {
        let mut socket = stranger(&sockets, "/echo").await;
        assert_eq!(socket.ask(&wrong).await, REFUSED, "{wrong}");
        // There is no second try.
        assert!(matches!(socket.ask(&says(id, &key)).await, Heard::Closed(_)));
    }
    let mut socket = stranger(&sockets, "/echo").await;
    assert!(matches!(socket.ask(&says(id, &"x".repeat(1 << 20))).await, Heard::Closed(_)));
}

#[tokio::test]
async fn whoever_says_nothing_is_shown_out() {
    let sockets = Sockets::start().await;
    assert_eq!(stranger(&sockets, "/hasty").await.hear().await, REFUSED);
}

#[tokio::test]
async fn who_is_inactive_or_logged_out_is_not_let_in() {
    let sockets = Sockets::start().await;
    let (visitor, _socket) = sockets.member("alice").await;
    let (key, mut alice) = (key(&visitor), sockets.site.user("alice").await);
    alice.is_active = false;
    sockets.site.auth.users().update_columns(&alice, &["is_active"]).await.unwrap();
    assert_eq!(stranger(&sockets, "/echo").await.ask(&says(alice.id, &key)).await, REFUSED);
    let (visitor, _socket) = sockets.member("bob").await;
    let (key, bob) = (self::key(&visitor), sockets.site.user("bob").await);
    visitor.post("/logout", &json!({})).await;
    assert_eq!(stranger(&sockets, "/echo").await.ask(&says(bob.id, &key)).await, REFUSED);
}

#[tokio::test]
async fn there_are_not_too_many_strangers() {
    let sockets = Sockets::start().await;
    let mut waiting = Vec::new();
    // On a slow machine the first are sent away before the last have come.
    let refused = loop {
        assert!(waiting.len() < 1024 * 8, "nobody is refused");
        match Socket::open(&sockets.address, "/echo", &[]).await {
            Ok(socket) => waiting.push(socket),
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused, StatusCode::TOO_MANY_REQUESTS);
    assert!(waiting.len() >= 1024, "{}", waiting.len());
    let (_, mut member) = sockets.member("alice").await;
    assert_eq!(member.ask("who").await, text("alice"), "whoever is known comes in");
    drop(waiting);
    let began = std::time::Instant::now();
    while Socket::open(&sockets.address, "/echo", &[]).await.is_err() {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
