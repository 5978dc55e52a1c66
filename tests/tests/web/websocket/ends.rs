//! A socket ends with its login, however that ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use auth::prelude::*;
use auth::sessions::{InMemorySessionBackend, SessionBackend as _, SessionError, SessionKey};
use auth_tests::http::{PASSWORD, Visitor};
use auth_tests::socket::{Heard, Socket, text};
use auth_tests::{Before, PATIENCE};
use axum::http::StatusCode;
use serde_json::json;
use tokio::runtime::Handle;

use super::{Sockets, has_ended, is_open, member, serve};
use crate::app::Author;

fn key(visitor: &Visitor) -> SessionKey {
    SessionKey::parse(visitor.cookie().unwrap().split_once('=').unwrap().1.as_bytes()).unwrap()
}

#[tokio::test]
async fn with_the_logout_and_no_other_does() {
    let sockets = Sockets::start().await;
    let (visitor, socket) = sockets.member("alice").await;
    let (_, mut other) = sockets.member("bob").await;
    let (_, mut elsewhere) = {
        let visitor = Visitor::new(&sockets.address);
        visitor.post("/login", &json!({ "username": "alice", "password": PASSWORD })).await;
        let socket = visitor.socket("/echo").await.unwrap();
        (visitor, socket)
    };
    let second = visitor.socket("/echo").await.unwrap();
    visitor.post("/logout", &json!({})).await;
    has_ended(socket).await;
    has_ended(second).await;
    is_open(&mut other).await;
    is_open(&mut elsewhere).await;
}

#[tokio::test]
async fn while_the_application_is_busy() {
    let sockets = Sockets::start().await;
    let (visitor, _socket) = sockets.member("alice").await;
    let mut busy = visitor.socket("/busy").await.unwrap();
    assert_eq!(busy.hear().await, text("busy"));
    for _ in 0..100 {
        busy.say("is anybody there?").await;
    }
    visitor.post("/logout", &json!({})).await;
    has_ended(busy).await;
}

#[tokio::test]
async fn for_whom_does_not_read_what_is_sent() {
    let sockets = Sockets::start().await;
    let (visitor, _socket) = sockets.member("alice").await;
    let mut full = visitor.socket("/flood").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    visitor.post("/logout", &json!({})).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let end = tokio::time::timeout(PATIENCE, full.end()).await;
    assert_eq!(end, Ok(None), "it ended while there was no room even to say so");
}

#[tokio::test]
async fn with_another_password_a_deactivation_and_the_user() {
    let sockets = Sockets::start().await;
    let users = sockets.site.auth.users();
    let (_, socket) = sockets.member("alice").await;
    users.set_password(&sockets.site.user("alice").await.id, "another-lantern-30-quilt").await.unwrap();
    has_ended(socket).await;

    let (_, socket) = sockets.member("bob").await;
    let mut bob = sockets.site.user("bob").await;
    bob.is_active = false;
    users.update_columns(&bob, &["is_active"]).await.unwrap();
    has_ended(socket).await;

    let (_, socket) = sockets.member("carol").await;
    users.delete(&sockets.site.user("carol").await.id).await.unwrap();
    has_ended(socket).await;
}

#[tokio::test]
async fn with_the_session_whoever_ends_it() {
    let sockets = Sockets::start().await;
    let (visitor, socket) = sockets.member("alice").await;
    sockets.site.sessions.delete(&key(&visitor).digest()).await.unwrap();
    has_ended(socket).await;

    let (_, socket) = sockets.member("bob").await;
    let manager = sockets.site.auth.session_manager().unwrap();
    manager.destroy_all(&sockets.site.user("bob").await.id.to_string()).await.unwrap();
    has_ended(socket).await;

    let (visitor, socket) = sockets.member("carol").await;
    let (session, _) = sockets.site.auth.resume(Some(key(&visitor))).await.unwrap();
    session.cycle_key().await.unwrap();
    has_ended(socket).await;

    let (visitor, socket) = sockets.member("dave").await;
    visitor.post("/login", &json!({ "username": "bob", "password": PASSWORD })).await;
    has_ended(socket).await;
}

#[tokio::test]
async fn when_the_session_expires_unless_messages_come() {
    let sockets = Sockets::start().await;
    let (_, mut silent) = sockets.member("alice").await;
    let (_, mut lively) = sockets.member("bob").await;
    for _ in 0..3 {
        is_open(&mut lively).await;
        tokio::time::sleep(Duration::from_millis(1200)).await;
        sockets.site.clock.advance(TimeDelta::minutes(25));
    }
    // The clock was moved in leaps that no check could follow: what counts is that there was a check between two of them.
    assert_eq!(silent.end().await, Some(4401));
    is_open(&mut lively).await;
    sockets.site.clock.advance(TimeDelta::hours(24));
    assert_eq!(lively.end().await, Some(4401));
}

#[tokio::test]
async fn with_a_logout_on_another_server() {
    let database = auth_tests::sqlite().await;
    let mut servers = Vec::new();
    for _ in 0..2 {
        let builder = Auth::<Author>::builder().database(&database.url).secret("a-secret-for-tests-only-0123456789");
        let auth = builder.build().await.unwrap();
        auth.migrate().await.unwrap();
        servers.push(serve(&auth).await);
    }
    let visitor = Visitor::new(&servers[0]);
    visitor.join("alice").await;
    let cookie = visitor.cookie().unwrap();
    let headers = [("origin", servers[1].as_str()), ("cookie", cookie.as_str())];
    let mut socket = Socket::open(&servers[1], "/echo", &headers).await.unwrap();
    is_open(&mut socket).await;
    visitor.post("/logout", &json!({})).await;
    has_ended(socket).await;

    // A ticket of one server opens a socket on the other.
    visitor.post("/login", &json!({ "username": "alice", "password": PASSWORD })).await;
    let ticket = visitor.post("/ticket", &json!({})).await.json()["ticket"].as_str().unwrap().to_owned();
    let path = format!("/echo?ticket={ticket}");
    let mut socket = Socket::open(&servers[1], &path, &[]).await.unwrap();
    is_open(&mut socket).await;
    database.sql("UPDATE author SET is_active = 0").await;
    has_ended(socket).await;
}

#[tokio::test]
async fn of_a_session_that_travels_in_its_cookie() {
    let auth = Auth::<Author>::builder().sessions("cookie:memory:").build().await.unwrap();
    let (visitor, mut socket) = member(&serve(&auth).await, "alice").await;
    is_open(&mut socket).await;
    let none = visitor.post("/ticket", &json!({})).await;
    assert!(!none.status.is_success(), "nothing to tie a ticket to");
    visitor.post("/logout", &json!({})).await;
    has_ended(socket).await;
}

#[tokio::test]
async fn nothing_passes_while_nobody_can_tell_and_then_it_is_closed() {
    let (gone, sessions) = (Arc::new(AtomicBool::new(false)), InMemorySessionBackend::new());
    let fails = gone.clone();
    let backend = Before::new(sessions, move |_| {
        let fails = fails.load(Ordering::SeqCst);
        std::future::ready(if fails { Err(SessionError::store("the store is gone")) } else { Ok(()) })
    });
    let sockets = Sockets::with(|builder| builder.session_backend(backend)).await;
    let (visitor, mut socket) = sockets.member("alice").await;
    is_open(&mut socket).await;

    // A moment's failure is waited for.
    gone.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    socket.say("held back").await;
    let answer = tokio::time::timeout(Duration::from_millis(500), socket.hear()).await;
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(visitor.socket("/echo").await.unwrap_err(), StatusCode::SERVICE_UNAVAILABLE);
    gone.store(false, Ordering::SeqCst);
    assert_eq!(socket.hear().await, text("held back"));

    gone.store(true, Ordering::SeqCst);
    let began = Instant::now();
    assert_eq!(socket.hear().await, Heard::Closed(Some(1013)));
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}

#[tokio::test]
async fn no_task_stays_when_everybody_has_gone() {
    let sockets = Sockets::start().await;
    let (visitor, socket) = sockets.member("alice").await;
    drop(socket);
    let calm = async |at_most: usize| {
        let began = Instant::now();
        while Handle::current().metrics().num_alive_tasks() > at_most {
            assert!(began.elapsed() < PATIENCE, "{}", Handle::current().metrics().num_alive_tasks());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let before = Handle::current().metrics().num_alive_tasks();
    let mut open = Vec::new();
    for _ in 0..20 {
        let mut socket = visitor.socket("/echo").await.unwrap();
        is_open(&mut socket).await;
        open.push(socket);
    }
    assert!(Handle::current().metrics().num_alive_tasks() >= before + 20);
    drop(open);
    calm(before).await;
}
