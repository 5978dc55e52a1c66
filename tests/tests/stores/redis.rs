//! Sessions in Redis: one server, a master that sentinels name, a cluster.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use auth::clock::Clock as _;
use auth::sessions::{
    Login, RedisSessionBackend, SaveIf, Saved, SessionBackend as _, SessionError, SessionKey, SessionLimit,
    SessionRecord, UserSessions as _,
};
use auth::testing::ManualClock;
use auth_tests::{PATIENCE, RedisCluster, RedisSentinel, RedisServer, TestRedis};
use chrono::TimeDelta;

async fn connect(url: &str, prefix: &str) -> (RedisSessionBackend, ManualClock) {
    let clock = ManualClock::new();
    let timeout = Duration::from_secs(10);
    let backend = RedisSessionBackend::connect_with_timeout(url, timeout).await.expect("the server is there");
    (backend.with_prefix(prefix).unwrap().with_clock(Arc::new(clock.clone())), clock)
}

pub(crate) fn record(clock: &ManualClock) -> SessionRecord {
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

pub(crate) mod cluster {
    use super::*;

    pub(crate) static CLUSTER: LazyLock<RedisCluster> = LazyLock::new(RedisCluster::start);

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

pub(crate) mod sentinel {
    use super::*;

    pub(crate) static SENTINEL: LazyLock<RedisSentinel> = LazyLock::new(RedisSentinel::start);

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
    // The server forgot a record by itself: its entry goes when the index is read.
    test.command::<()>(&["DEL", &format!("{}{}", test.prefix, ids[0])]);
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
        assert!(started.elapsed() < PATIENCE);
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }
    for url in ["redis:", "redis://", "http://127.0.0.1", "redis://127.0.0.1?x=1"] {
        let error = RedisSessionBackend::connect(url).await.unwrap_err();
        assert!(matches!(error, SessionError::Configuration(_)), "{url}: {error:?}");
    }
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn an_address_says_the_prefix_and_prefixes_are_kept_apart() {
    let test = auth_tests::redis();
    let clock = ManualClock::new();
    let mut apart = Vec::new();
    for name in ["a", "b"] {
        let url = format!("{}?prefix={}{name}:&timeout=10000", test.url, test.prefix);
        apart.push(RedisSessionBackend::connect(url.as_str()).await.unwrap().with_clock(Arc::new(clock.clone())));
    }
    let id = SessionKey::generate().digest();
    assert_eq!(apart[0].save(&id, login(&clock), SaveIf::Absent).await.unwrap(), Saved::Done);
    assert!(!apart[1].exists(&id).await.unwrap());
    assert_eq!((apart[0].count_of("1").await.unwrap(), apart[1].count_of("1").await.unwrap()), (1, 0));
    assert_eq!(apart[1].delete_all_of("1", None).await.unwrap(), 0);
    let mut keys = test.keys();
    keys.sort_unstable();
    assert_eq!(keys, [format!("{}a:{id}", test.prefix), format!("{}a:user:1", test.prefix)]);
    for bad in ["", ":", "a", "a b:", "a{b}:", "a*:", "ä:", "a:user:", "user:b:", &format!("{}:", "x".repeat(64))] {
        let refused = apart[0].clone().with_prefix(bad).unwrap_err();
        assert!(matches!(refused, SessionError::Configuration(_)), "{bad}");
    }
}

pub(crate) fn login(clock: &ManualClock) -> Arc<SessionRecord> {
    let mut login = record(clock);
    login.login = Some(Login::new("1", [0; 32], clock.now()));
    Arc::new(login)
}

async fn log_in(backend: RedisSessionBackend, clock: ManualClock, limit: SessionLimit) -> Result<Saved, SessionError> {
    let id = SessionKey::generate().digest();
    backend.save_within(&id, login(&clock), SaveIf::Absent, limit).await
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_login_that_broke_off_holds_its_place_for_half_a_minute() {
    let (backend, clock, test) = single::backend().await;
    let (id, index) = (SessionKey::generate().digest(), format!("{}user:1", test.prefix));
    let score = |seconds| (clock.now() + TimeDelta::seconds(seconds)).timestamp_micros().to_string();
    test.command::<()>(&["ZADD", &index, &score(3600), &id.to_string()]);
    test.command::<()>(&["ZADD", &index, &score(30), &format!("?{id}0123456789abcdef")]);
    let limit = SessionLimit::refuse(1);
    let refused = log_in(backend.clone(), clock.clone(), limit).await;
    assert!(matches!(refused, Err(SessionError::LimitReached { max: 1 })), "{refused:?}");
    assert_eq!(backend.count_of("1").await.unwrap(), 0);
    clock.advance(TimeDelta::seconds(30));
    assert_eq!(log_in(backend.clone(), clock.clone(), limit).await.unwrap(), Saved::Done);
    assert_eq!(backend.count_of("1").await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis"]
async fn a_hundred_logins_by_two_servers_stay_within_the_limit() {
    let test = auth_tests::redis();
    let (one, clock) = connect(&test.url, &test.prefix).await;
    let (other, _) = connect(&test.url, &test.prefix).await;
    let backends = [one.clone(), other.with_clock(Arc::new(clock.clone()))];
    for limit in [SessionLimit::refuse(3), SessionLimit::end_oldest(3)] {
        let logins: Vec<_> = (0..100)
            .map(|i| {
                let (backend, clock) = (backends[i % 2].clone(), clock.clone());
                tokio::spawn(async move {
                    let result = log_in(backend.clone(), clock, limit).await;
                    assert!(backend.count_of("1").await.unwrap() <= 3);
                    result
                })
            })
            .collect();
        let mut inside = 0;
        for login in logins {
            match login.await.unwrap() {
                Ok(saved) => inside += usize::from(saved == Saved::Done),
                Err(error) => assert!(matches!(error, SessionError::LimitReached { max: 3 }), "{error:?}"),
            }
        }
        assert_eq!(inside, if limit == SessionLimit::refuse(3) { 3 } else { 100 });
        assert_eq!(one.sessions_of("1").await.unwrap().len(), 3);
        assert_eq!(one.delete_all_of("1", None).await.unwrap(), 3);
        assert_eq!(test.keys(), Vec::<String>::new());
    }
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn tls_is_spoken_with_those_who_are_trusted() {
    let (_server, url) = RedisServer::start_with_tls();
    let (backend, clock) = connect(&url, "tls:").await;
    let id = SessionKey::generate().digest();
    assert_eq!(backend.save(&id, login(&clock), SaveIf::Absent).await.unwrap(), Saved::Done);
    assert_eq!(backend.count_of("1").await.unwrap(), 1);
    let (untrusted, _) = url.split_once('?').unwrap();
    let error = RedisSessionBackend::connect(untrusted).await.unwrap_err();
    assert!(matches!(error, SessionError::Store(_)), "{error:?}");
    let other_name = url.replace("127.0.0.1", "localhost");
    assert!(RedisSessionBackend::connect(other_name.as_str()).await.is_err());
    let missing = format!("{untrusted}?ca=/nowhere/ca.pem");
    let error = RedisSessionBackend::connect(missing.as_str()).await.unwrap_err();
    assert!(matches!(error, SessionError::Configuration(_)), "{error:?}");
}
