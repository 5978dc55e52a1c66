//! Two servers, each a process of its own: whoever logs out at one is out of the other.

use std::process::Command;
use std::time::{Duration, Instant};

use auth_tests::http::{PASSWORD, Server, Visitor};
use auth_tests::socket::{Socket, text};
use auth_tests::{TestDatabase, postgres, redis, sqlite};
use http::StatusCode;
use serde_json::{Value, json};

fn start(database: &TestDatabase, redis: Option<&str>) -> Server {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat"));
    command.env("AUTH_DATABASE", &database.url).env("AUTH_SECRET", "a-secret-for-tests-only-0123456789");
    match redis {
        Some(url) => command.env("REDIS_URL", url),
        None => command.env_remove("REDIS_URL"),
    };
    Server::start(&mut command)
}

/// A socket at a server, with the cookie that another server gave.
async fn open(at: &Visitor, cookie: &str) -> Socket {
    let headers = [("origin", at.address()), ("cookie", cookie)];
    let mut socket = Socket::open(at.address(), "/chat", &headers).await.expect("whoever is logged in comes in");
    assert_eq!(socket.ask("hello").await, text("alice: hello"));
    // The check that every socket begins with is over.
    tokio::time::sleep(Duration::from_millis(300)).await;
    socket
}

async fn has_ended(mut socket: Socket) {
    let began = Instant::now();
    assert_eq!(socket.end().await, Some(4401));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

async fn drive(database: TestDatabase, redis: Option<&str>) {
    let servers = [start(&database, redis), start(&database, redis)];
    let [here, there] = servers.each_ref().map(Server::visitor);
    here.join("alice").await;
    let login = json!({ "username": "alice", "password": PASSWORD });

    // The logout here.
    let cookie = here.cookie().expect("there is a session");
    let (own, other) = (open(&here, &cookie).await, open(&there, &cookie).await);
    assert_eq!(here.post("/logout", &json!({})).await.status, StatusCode::NO_CONTENT);
    has_ended(own).await;
    has_ended(other).await;

    // A login that this socket does not belong to is none of its business.
    assert_eq!(here.post("/login", &login).await.status, StatusCode::OK);
    let second = here.another();
    assert_eq!(second.post("/login", &login).await.status, StatusCode::OK);
    let ends = open(&there, &here.cookie().expect("there is a session")).await;
    let mut stays = open(&there, &second.cookie().expect("there is a session")).await;
    assert_eq!(here.post("/logout", &json!({})).await.status, StatusCode::NO_CONTENT);
    has_ended(ends).await;
    assert_eq!(stays.ask("still there").await, text("alice: still there"));

    // A ticket that one server gave, at the other; it is good once, at all of them.
    let made: Value = second.post("/chat/ticket", &json!({})).await.json();
    let path = format!("/chat?ticket={}", made["ticket"].as_str().expect("there is a ticket"));
    let mut socket = Socket::open(there.address(), &path, &[]).await.expect("it is good");
    assert_eq!(Socket::open(here.address(), &path, &[]).await.err(), Some(StatusCode::UNAUTHORIZED));
    assert_eq!(second.post("/logout", &json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(socket.end().await, Some(4401));
    assert_eq!(stays.end().await, Some(4401));
}

#[tokio::test]
async fn two_servers_on_one_file() {
    drive(sqlite().await, None).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn two_servers_on_postgres_and_redis() {
    let redis = redis();
    let url = format!("{}?prefix={}", redis.url, redis.prefix);
    drive(postgres().await, Some(&url)).await;
}
