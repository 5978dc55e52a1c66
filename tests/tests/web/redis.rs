//! Sessions in a Redis that is killed, hangs, and comes back.

use std::time::Instant;

use auth_tests::http::{PASSWORD, Visitor};
use auth_tests::{PATIENCE, RedisServer};
use axum::http::{Method, StatusCode};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::json;

use crate::app::Site;

/// Whatever is asked, there is no access, and the answer comes in time.
async fn is_out_of_service(site: &Site, visitor: &Visitor) {
    let started = Instant::now();
    let requests: Vec<_> = (0..16)
        .map(|_| {
            let visitor = visitor.clone();
            tokio::spawn(async move { visitor.get("/closed").await.status })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap(), StatusCode::SERVICE_UNAVAILABLE);
    }
    in_time(started);
    for path in ["/me", "/publish", "/maybe"] {
        let started = Instant::now();
        assert_eq!(visitor.get(path).await.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        in_time(started);
    }
    let started = Instant::now();
    assert_eq!(visitor.post("/logout", &json!({})).await.status, StatusCode::SERVICE_UNAVAILABLE);
    in_time(started);
    let stranger = site.visitor();
    let started = Instant::now();
    let answer = stranger.post("/login", &json!({ "username": "alice", "password": PASSWORD })).await;
    assert_eq!((answer.status, stranger.cookie()), (StatusCode::SERVICE_UNAVAILABLE, None));
    in_time(started);
    assert_eq!(visitor.get("/open").await.status, StatusCode::OK, "what asks nothing needs no store");
}

/// It was answered, however busy the machine.
fn in_time(started: Instant) {
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

/// Service resumes by itself, soon.
async fn is_in_service(visitor: &Visitor) {
    let started = Instant::now();
    loop {
        match visitor.get("/closed").await.status {
            StatusCode::OK => break,
            status => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "nobody is logged out"),
        }
        assert!(started.elapsed() < PATIENCE);
    }
    for _ in 0..8 {
        assert_eq!(visitor.get("/closed").await.status, StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server"]
async fn without_redis_there_is_no_access_and_with_it_again_there_is() {
    let mut redis = RedisServer::start();
    let address = redis.url();
    let site = Site::with(|builder| builder.sessions(&address)).await;
    let (visitor, _) = site.member("alice").await;
    is_in_service(&visitor).await;

    redis.kill();
    is_out_of_service(&site, &visitor).await;
    redis.start_again();
    is_in_service(&visitor).await;

    redis.signal("STOP");
    is_out_of_service(&site, &visitor).await;
    redis.signal("CONT");
    is_in_service(&visitor).await;

    site.visitor().join("bob").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server"]
async fn a_restart_between_two_requests_is_not_noticed() {
    let mut redis = RedisServer::start();
    let address = redis.url();
    let site = Site::with(|builder| builder.sessions(&address)).await;
    let (visitor, _) = site.member("alice").await;
    for _ in 0..3 {
        redis.kill();
        redis.start_again();
        assert_eq!(visitor.get("/closed").await.status, StatusCode::OK);
    }
}

/// What somebody finds who reads all of the server: keys, values as they are, and as a dump has them.
fn everything_in(redis: &RedisServer) -> Vec<Vec<u8>> {
    let keys: Vec<String> = redis.command(&["KEYS", "*"]);
    let mut found = Vec::new();
    for key in &keys {
        found.push(redis.command(&["DUMP", key]));
        match redis.command::<String>(&["TYPE", key]).as_str() {
            "string" => found.push(redis.command(&["GET", key])),
            "zset" => found.extend(redis.command::<Vec<Vec<u8>>>(&["ZRANGE", key, "0", "-1"])),
            other => panic!("there is a {other}"),
        }
    }
    found.extend(keys.into_iter().map(String::into_bytes));
    found
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server"]
async fn whoever_reads_the_server_cannot_take_over_a_session() {
    let redis = RedisServer::start();
    let site = Site::with(|builder| builder.sessions(&redis.url())).await;
    let (visitor, _) = site.member("alice").await;
    assert_eq!(visitor.get("/closed").await.status, StatusCode::OK);
    let cookie = visitor.cookie().unwrap();
    let (name, value) = cookie.split_once('=').unwrap();
    let key = Base64UrlUnpadded::decode_vec(value).unwrap();
    assert_eq!((value.len(), key.len()), (43, 32));

    let found = everything_in(&redis);
    assert!(found.len() >= 5, "a record and an index: {}", found.len());
    let hex = |bytes: &[u8]| bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect::<Vec<u8>>();
    let halves = [&key[..16], &key[16..]];
    let mut secrets = vec![value.as_bytes().to_vec(), value.as_bytes()[..21].to_vec(), value.as_bytes()[22..].to_vec()];
    for half in halves {
        secrets.extend([half.to_vec(), hex(half), Base64UrlUnpadded::encode_string(half).into_bytes()]);
    }
    for found in &found {
        assert!(!secrets.iter().any(|secret| contains(found, secret)), "{}", String::from_utf8_lossy(found));
    }

    // Whatever stands there, as it is, and every stretch of it that has the length of a key or of a cookie.
    let mut tries: Vec<String> = Vec::new();
    for found in &found {
        tries.extend(std::str::from_utf8(found).ok().map(str::to_owned));
        tries.extend(found.windows(32).map(Base64UrlUnpadded::encode_string));
        tries.extend(found.windows(43).filter_map(|part| std::str::from_utf8(part).ok()).map(str::to_owned));
    }
    tries.retain(|text| text.bytes().all(|byte| byte.is_ascii_graphic() && !b";,\"\\".contains(&byte)));
    tries.sort_unstable();
    tries.dedup();
    assert!(tries.len() > 100);
    let thief = site.visitor();
    for text in &tries {
        let request = thief.request(Method::GET, "/closed").header("cookie", format!("{name}={text}"));
        assert_eq!(thief.send(request).await.status, StatusCode::UNAUTHORIZED, "{text}");
    }
    let request = thief.request(Method::GET, "/closed").header("cookie", format!("{name}={value}"));
    assert_eq!(thief.send(request).await.status, StatusCode::OK, "the cookie itself would");
}
