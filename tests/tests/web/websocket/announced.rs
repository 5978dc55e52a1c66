//! Servers that tell each other which logins end need not ask so often.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth::accounts::{AuthBuilder, Error};
use auth::prelude::*;
use auth::sessions::{Invalidated, Listening, RedisInvalidations, SessionInvalidations};
use auth_tests::http::{PASSWORD, Visitor};
use auth_tests::socket::Socket;
use auth_tests::{TestDatabase, sqlite};
use serde_json::json;

use super::{SOON, has_ended, is_open, serve};
use crate::app::{Author, PublishPost};

type Heard = Arc<dyn Fn(Invalidated) + Send + Sync>;

/// Everybody hears what anybody says.
#[derive(Clone, Default)]
pub(super) struct Room(Arc<Mutex<Vec<Heard>>>);

impl SessionInvalidations for Room {
    fn publish(&self, what: Invalidated) {
        let all = self.0.lock().unwrap().clone();
        for heard in all {
            heard(what);
        }
    }

    fn listen(&self, heard: Heard) -> Listening {
        self.0.lock().unwrap().push(heard);
        Listening::until_dropped(())
    }
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Room")
    }
}

pub(super) const MINUTE: Duration = Duration::from_mins(1);

fn builder(database: &TestDatabase) -> AuthBuilder<Author> {
    Auth::<Author>::builder().database(&database.url).secret("a-secret-for-tests-only-0123456789")
}

/// Two servers on one database that ask once a minute.
async fn drive(database: TestDatabase, rooms: [impl SessionInvalidations; 2]) {
    let mut servers = Vec::new();
    for room in rooms {
        let builder = builder(&database).announce_endings(room).recheck_sockets_every(MINUTE);
        let auth = builder.build().await.unwrap();
        auth.migrate().await.unwrap();
        servers.push((serve(&auth).await, auth));
    }
    let [(first, _), (second, auth)] = &servers[..] else { unreachable!("there are two") };
    let visitor = Visitor::new(first);
    visitor.join("alice").await;
    let login = json!({ "username": "alice", "password": PASSWORD });
    let open = async |visitor: &Visitor, server: &String| {
        let cookie = visitor.cookie().unwrap();
        let headers = [("origin", server.as_str()), ("cookie", cookie.as_str())];
        let mut socket = Socket::open(server, "/echo", &headers).await.unwrap();
        is_open(&mut socket).await;
        // The check that every socket begins with is over.
        tokio::time::sleep(Duration::from_millis(300)).await;
        socket
    };
    let (here, there) = (open(&visitor, first).await, open(&visitor, second).await);
    visitor.post("/logout", &json!({})).await;
    has_ended(here).await;
    has_ended(there).await;

    visitor.post("/login", &login).await;
    let mut there = open(&visitor, first).await;
    let alice = auth.users().get_by_username("alice").await.unwrap().unwrap();
    auth.users().grant::<PublishPost>(&alice.id).await.unwrap();
    let began = std::time::Instant::now();
    while there.ask("may").await != auth_tests::socket::text("true") {
        assert!(began.elapsed() < SOON);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    auth.session_manager().unwrap().destroy_all(&alice.id.to_string()).await.unwrap();
    has_ended(there).await;

    visitor.post("/login", &login).await;
    let there = open(&visitor, first).await;
    auth.users().set_password(&alice.id, "another-lantern-30-quilt").await.unwrap();
    has_ended(there).await;
}

#[tokio::test]
async fn in_one_room() {
    let room = Room::default();
    drive(sqlite().await, [room.clone(), room]).await;
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn through_redis() {
    let redis = auth_tests::redis();
    let url = format!("{}?prefix={}", redis.url, redis.prefix);
    let room = async || RedisInvalidations::connect(url.as_str()).await.unwrap();
    drive(sqlite().await, [room().await, room().await]).await;
}

#[tokio::test]
async fn whoever_hears_nothing_asks_every_second() {
    let refused = |builder: AuthBuilder<Author>| async move {
        match builder.build().await {
            Err(Error::Configuration(text)) => text,
            other => panic!("{other:?}"),
        }
    };
    let builder = Auth::<Author>::builder;
    assert!(refused(builder().recheck_sockets_every(Duration::from_millis(1001))).await.contains("announce_endings"));
    assert!(refused(builder().recheck_sockets_every(Duration::ZERO)).await.contains("minute"));
    let told = builder().announce_endings(Room::default());
    assert!(refused(told.recheck_sockets_every(Duration::from_secs(61))).await.contains("minute"));
    let told = builder().announce_endings(Room::default()).sessions("cookie:memory:");
    assert!(refused(told.recheck_sockets_every(MINUTE)).await.contains("cookie"));
    builder().recheck_sockets_every(Duration::from_secs(1)).build().await.unwrap();
}
