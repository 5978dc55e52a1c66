//! Sessions in Redis: one server, a master that sentinels name, a cluster.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use auth::clock::Clock as _;
use auth::sessions::{
    Login, RedisSessionBackend, SaveIf, Saved, SessionBackend as _, SessionError, SessionKey, SessionRecord,
    UserSessions as _,
};
use auth::testing::ManualClock;
use auth_tests::{RedisCluster, RedisSentinel, RedisServer, TestRedis};
use chrono::TimeDelta;

async fn connect(url: &str, prefix: &str) -> (RedisSessionBackend, ManualClock) {
    let clock = ManualClock::new();
    let timeout = Duration::from_secs(10);
    let backend = RedisSessionBackend::connect_with_timeout(url, timeout).await.expect("the server is there");
    (backend.with_prefix(prefix).unwrap().with_clock(Arc::new(clock.clone())), clock)
}

fn record(clock: &ManualClock) -> SessionRecord {
    let now = clock.now();
    SessionRecord::new(now, now + TimeDelta::hours(1), now + TimeDelta::hours(2))
}

mod single {
    use super::*;

    pub(super) async fn backend() -> (RedisSessionBackend, ManualClock, TestRedis) {
        let test = auth_tests::redis();
        let (backend, clock) = connect(&test.url, &test.prefix).await;
        (backend, clock, test)
    }

    auth::session_backend_suite!(
        #[ignore = "needs Redis"]
        backend
    );
    auth::user_sessions_suite!(
        #[ignore = "needs Redis"]
        backend
    );
}

mod cluster {
    use super::*;

    static CLUSTER: LazyLock<RedisCluster> = LazyLock::new(RedisCluster::start);

    async fn backend() -> (RedisSessionBackend, ManualClock, ()) {
        let (backend, clock) = connect(&CLUSTER.url(), &auth_tests::prefix()).await;
        (backend, clock, ())
    }

    auth::session_backend_suite!(
        #[ignore = "needs redis-server"]
        backend
    );
    auth::user_sessions_suite!(
        #[ignore = "needs redis-server"]
        backend
    );
}

mod sentinel {
    use super::*;

    static SENTINEL: LazyLock<RedisSentinel> = LazyLock::new(RedisSentinel::start);

    async fn backend() -> (RedisSessionBackend, ManualClock, ()) {
        let (backend, clock) = connect(&SENTINEL.url(), &auth_tests::prefix()).await;
        (backend, clock, ())
    }

    auth::session_backend_suite!(
        #[ignore = "needs redis-server"]
        backend
    );
    auth::user_sessions_suite!(
        #[ignore = "needs redis-server"]
        backend
    );
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_users_set_goes_with_the_last_session() {
    let (backend, clock, test) = single::backend().await;
    let mut ours = record(&clock);
    ours.login = Some(Login::new("1", [0; 32], clock.now()));
    let ids = [SessionKey::generate().digest(), SessionKey::generate().digest()];
    for (id, hours) in ids.iter().zip([2, 1]) {
        ours.expires_at = clock.now() + TimeDelta::hours(hours);
        let saved = backend.save(id, Arc::new(ours.clone()), SaveIf::Absent).await.unwrap();
        assert_eq!(saved, Saved::Done);
    }
    let set = format!("{}user:1", test.prefix);
    let left = test.command::<i64>(&["PTTL", &set]);
    assert!((7_140_000..=7_200_000).contains(&left), "{left}");
    // The server forgot a record by itself: its entry goes when the index is read, but not while it may still be saved.
    test.command::<()>(&["DEL", &format!("{}{}", test.prefix, ids[0])]);
    assert_eq!(backend.count_of("1").await.unwrap(), 1);
    assert_eq!(test.command::<Option<f64>>(&["ZSCORE", &set, &ids[0].to_string()]).is_some(), true);
    clock.advance(TimeDelta::seconds(31));
    assert_eq!(backend.count_of("1").await.unwrap(), 1);
    assert_eq!(test.command::<Vec<String>>(&["ZRANGE", &set, "0", "-1"]), [ids[1].to_string()]);
    assert!(backend.delete(&ids[1]).await.unwrap());
    assert_eq!(test.keys(), Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_damaged_record_counts_as_none() {
    let (backend, clock, test) = single::backend().await;
    let id = SessionKey::generate().digest();
    let key = format!("{}{id}", test.prefix);
    for damage in [
        vec!["SET", &key, "nonsense"],
        vec!["SETRANGE", &key, "0", "\x07"],
        vec!["APPEND", &key, "x"],
        vec!["SETRANGE", &key, "4194303", "x"],
        vec!["LPUSH", &key, "x"],
    ] {
        let saved = backend.save(&id, Arc::new(record(&clock)), SaveIf::Absent).await.unwrap();
        assert_eq!(saved, Saved::Done, "what is damaged is not in the way of {damage:?}");
        assert!(backend.exists(&id).await.unwrap());
        if damage[0] == "LPUSH" {
            test.command::<()>(&["DEL", &key]);
        }
        test.command::<()>(&damage);
        assert_eq!(backend.load(&id).await.unwrap(), None, "{damage:?}");
        assert!(!backend.exists(&id).await.unwrap(), "{damage:?}");
        let _ = backend.delete(&id).await.unwrap();
        assert_eq!(test.command::<u64>(&["EXISTS", &key]), 0, "{damage:?}");
    }
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn the_server_forgets_a_record_with_its_session() {
    let (backend, clock, test) = single::backend().await;
    let id = SessionKey::generate().digest();
    let key = format!("{}{id}", test.prefix);
    // However wrong the server's clock is, or ours.
    for hours in [0, -24 * 365 * 20, 24 * 365 * 40] {
        clock.advance(TimeDelta::hours(hours));
        let saved = backend.save(&id, Arc::new(record(&clock)), SaveIf::Absent).await.unwrap();
        assert_eq!(saved, Saved::Done);
        let left = test.command::<i64>(&["PTTL", &key]);
        assert!((3_540_000..=3_600_000).contains(&left), "{left}");
        let (now, later) = (clock.now(), clock.now() + TimeDelta::minutes(90));
        assert!(backend.touch(&id, now, later).await.unwrap());
        let left = test.command::<i64>(&["PTTL", &key]);
        assert!((5_340_000..=5_400_000).contains(&left), "{left}");
        assert!(backend.delete(&id).await.unwrap());
    }
    let mut ended = record(&clock);
    ended.expires_at = clock.now();
    assert_eq!(backend.save(&id, Arc::new(ended), SaveIf::Absent).await.unwrap(), Saved::Done);
    assert_eq!(test.command::<u64>(&["EXISTS", &key]), 0);
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn scripts_come_back_after_the_server_forgot_them() {
    let (backend, clock, test) = single::backend().await;
    test.command::<()>(&["SCRIPT", "FLUSH"]);
    let id = SessionKey::generate().digest();
    let saved = backend.save(&id, Arc::new(record(&clock)), SaveIf::Absent).await.unwrap();
    assert_eq!(saved, Saved::Done);
    assert!(backend.delete(&id).await.unwrap());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_in_time() {
    // Takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://:hunter2@{}", silent.local_addr().unwrap());
    let timeout = Duration::from_millis(100);
    for url in [url.as_str(), "redis://:hunter2@127.0.0.1:1"] {
        let started = Instant::now();
        let error = RedisSessionBackend::connect_with_timeout(url, timeout).await.unwrap_err();
        assert!(matches!(error, SessionError::Store(_)), "{error:?}");
        assert!(started.elapsed() < timeout * 10);
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }
    for url in ["redis:", "redis://", "http://127.0.0.1", "rediss://127.0.0.1"] {
        let error = RedisSessionBackend::connect(url).await.unwrap_err();
        assert!(matches!(error, SessionError::Configuration(_)), "{url}: {error:?}");
    }
}
