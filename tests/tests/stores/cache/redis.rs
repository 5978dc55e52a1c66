//! Sessions and other values in a Redis that others use too, in a cluster, by sentinels.

use auth_tests::{PATIENCE, RedisServer, TestRedis};

use super::*;

async fn cache() -> (RedisCache, TestRedis) {
    let test = auth_tests::redis();
    (connect_at(&test.url, &test.prefix).await, test)
}

async fn connect_at(url: &str, prefix: &str) -> RedisCache {
    let url = format!("{url}?prefix={prefix}&timeout=10000");
    RedisCache::connect(url.as_str()).await.expect("the server is there")
}

async fn backend() -> (CacheSessionBackend<RedisCache>, ManualClock, TestRedis) {
    let (clock, (cache, test)) = (ManualClock::new(), cache().await);
    (sessions(cache, &clock), clock, test)
}

async fn listed() -> (ListedSessionBackend<CacheSessionBackend<RedisCache>>, ManualClock, TestRedis) {
    super::listed(backend()).await
}

auth::cache_suite!(
    #[ignore = "needs Redis"]
    cache
);
auth::session_backend_suite!(
    #[ignore = "needs Redis"]
    backend
);
auth::user_sessions_suite!(
    #[ignore = "needs Redis"]
    listed
);

mod cluster {
    use super::*;
    use crate::redis::cluster::CLUSTER;

    async fn cache() -> (RedisCache, ()) {
        (connect_at(&CLUSTER.url(), &auth_tests::prefix()).await, ())
    }

    auth::cache_suite!(
        #[ignore = "needs redis-server"]
        cache
    );
}

mod sentinel {
    use super::*;
    use crate::redis::sentinel::SENTINEL;

    async fn cache() -> (RedisCache, ()) {
        (connect_at(&SENTINEL.url(), &auth_tests::prefix()).await, ())
    }

    auth::cache_suite!(
        #[ignore = "needs redis-server"]
        cache
    );
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn an_address_chooses_a_cluster_sentinels_and_tls() {
    use crate::redis::{cluster::CLUSTER, sentinel::SENTINEL};
    let (_server, tls) = RedisServer::start_with_tls();
    for address in [CLUSTER.url(), SENTINEL.url(), tls] {
        let (id, backend) = (id(), connect(&format!("cache+{address}")).await.unwrap());
        let saved = backend.save(&id, record(&ManualClock::new()), SaveIf::Absent).await.unwrap();
        assert_eq!((saved, backend.exists(&id).await.unwrap()), (Saved::Done, true));
        assert!(backend.user_sessions().is_some());
        assert!(backend.delete(&id).await.unwrap());
    }
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_prefix_stands_in_front_of_every_key() {
    let (cache, test) = cache().await;
    let other = cache.clone().with_prefix(&format!("{}other:", test.prefix)).unwrap();
    assert!(cache.insert("key", b"x", HOUR).await.unwrap());
    assert!(other.insert("key", b"y", HOUR).await.unwrap());
    assert!(cache.delete("key").await.unwrap());
    assert_eq!(test.keys(), [format!("{}other:key", test.prefix)]);
    for bad in ["", ":", "a", "a b:", "a{b}:", "a*:", "ä:", &format!("{}:", "x".repeat(64))] {
        let refused = cache.clone().with_prefix(bad).unwrap_err();
        assert!(matches!(refused, CacheError::Configuration(_)), "{bad}");
    }
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn damaged_records_count_as_none() {
    let (cache, _test) = cache().await;
    super::damaged_records_count_as_none(cache, ManualClock::new()).await;
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn what_somebody_else_wrote_is_in_nobodys_way() {
    let (cache, test) = cache().await;
    let backend = sessions(cache, &ManualClock::new());
    let (id, record) = (id(), record(&ManualClock::new()));
    let key = format!("{}auth:cache:session:{id}", test.prefix);
    for value in ["x", "sixteen bytes ok", "something that is longer than a version"] {
        test.command::<()>(&["SET", &key, value]);
        assert_eq!(backend.load(&id).await.unwrap(), None);
        assert_eq!(backend.save(&id, record.clone(), SaveIf::Absent).await.unwrap(), Saved::Done);
        assert!(backend.delete(&id).await.unwrap());
    }
    // Longer than any value: nobody can tell what it is, but it can be removed.
    test.command::<()>(&["SETRANGE", &key, "5000000", "x"]);
    assert!(matches!(backend.load(&id).await, Err(SessionError::Store(_))));
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn the_server_forgets_a_record_with_its_session() {
    let (backend, clock, test) = backend().await;
    // However wrong the server's clock is, or ours.
    for hours in [0, -24 * 365 * 20, 24 * 365 * 40] {
        clock.advance(TimeDelta::hours(hours));
        let id = id();
        let key = format!("{}auth:cache:session:{id}", test.prefix);
        assert_eq!(backend.save(&id, record(&clock), SaveIf::Absent).await.unwrap(), Saved::Done);
        let left = test.command::<i64>(&["PTTL", &key]);
        assert!((3_540_000..=3_600_000).contains(&left), "{left}");
        assert!(backend.touch(&id, clock.now(), clock.now() + TimeDelta::minutes(90)).await.unwrap());
        let left = test.command::<i64>(&["PTTL", &key]);
        assert!((5_340_000..=5_400_000).contains(&left), "{left}");
    }
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn an_address_chooses_it() {
    let test = auth_tests::redis();
    let backend = connect(&format!("cache+{}", test.url)).await.unwrap();
    assert!(format!("{backend:?}").contains("CacheSessionBackend { cache: RedisCache"), "{backend:?}");
    assert!(backend.user_sessions().is_some());
    assert!(!backend.exists(&id()).await.unwrap());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_in_time() {
    // Takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://:hunter2@{}", silent.local_addr().unwrap());
    let timeout = Duration::from_millis(100);
    for url in [url.as_str(), "redis://:hunter2@127.0.0.1:1"] {
        let started = Instant::now();
        let error = RedisCache::connect_with_timeout(url, timeout).await.unwrap_err();
        assert!(matches!(error, CacheError::Store(_)), "{error:?}");
        assert!(started.elapsed() < PATIENCE);
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }
    for url in ["cache+redis:", "cache+redis://", "cache+http://127.0.0.1", "cache+redis://127.0.0.1?x=1"] {
        let error = connect(url).await.unwrap_err();
        assert!(matches!(error, SessionError::Configuration(_) | SessionError::UnknownBackend(_)), "{url}: {error:?}");
    }
}
