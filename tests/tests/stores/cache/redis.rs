//! Keys of the test's own in a Redis that others use too.

use auth::BoxFuture;
use auth::cache::{CacheVersion, Cached, Replaced};
use auth_tests::TestRedis;

use super::*;

/// Keys of the test's own, so that they are removed after it.
#[derive(Debug)]
struct Prefixed(RedisCache, String);

impl Prefixed {
    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.1)
    }
}

impl Cache for Prefixed {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Cached>, CacheError>> {
        Box::pin(async { self.0.get(&self.key(key)).await })
    }

    fn insert<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<bool, CacheError>> {
        Box::pin(async move { self.0.insert(&self.key(key), value, lifetime).await })
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        version: &'a CacheVersion,
        value: &'a [u8],
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<Replaced, CacheError>> {
        Box::pin(async move { self.0.replace(&self.key(key), version, value, lifetime).await })
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, CacheError>> {
        Box::pin(async { self.0.delete(&self.key(key)).await })
    }
}

async fn cache() -> (Prefixed, TestRedis) {
    let test = auth_tests::redis();
    let cache = RedisCache::connect(test.url.as_str()).await.expect("the server is there");
    (Prefixed(cache, test.prefix.clone()), test)
}

async fn backend() -> (CacheSessionBackend<Prefixed>, ManualClock, TestRedis) {
    let (clock, (cache, test)) = (ManualClock::new(), cache().await);
    (sessions(cache, &clock), clock, test)
}

async fn listed() -> (ListedSessionBackend<CacheSessionBackend<Prefixed>>, ManualClock, TestRedis) {
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
        assert!(started.elapsed() < timeout * 10);
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }
    for url in ["cache+redis:", "cache+redis://", "cache+http://127.0.0.1", "cache+rediss://127.0.0.1"] {
        let error = connect(url).await.unwrap_err();
        assert!(matches!(error, SessionError::Configuration(_) | SessionError::UnknownBackend(_)), "{url}: {error:?}");
    }
}
