//! Caches, and sessions in them: in memory, in Redis, in a memcached of the test's own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use auth::cache::{Cache, CacheError, InMemoryCache, MemcachedCache, RedisCache};
use auth::clock::Clock as _;
use auth::registry::{Context, Url};
use auth::secret::SecretKey;
use auth::sessions::{
    CacheSessionBackend, DynSessionBackend, SaveIf, Saved, SessionBackend, SessionDigest, SessionError, SessionKey,
    SessionRecord,
};
use auth::testing::ManualClock;
use chrono::TimeDelta;

const HOUR: Duration = Duration::from_hours(1);

fn id() -> SessionDigest {
    SessionKey::generate().digest()
}

fn record(clock: &ManualClock) -> Arc<SessionRecord> {
    let now = clock.now();
    Arc::new(SessionRecord::new(now, now + TimeDelta::hours(1), now + TimeDelta::hours(2)))
}

fn sessions<C: Cache>(cache: C, clock: &ManualClock) -> CacheSessionBackend<C> {
    CacheSessionBackend::new(cache).with_clock(Arc::new(clock.clone()))
}

/// What a program gets that names this address.
async fn connect(address: &str) -> Result<DynSessionBackend, SessionError> {
    let context = Context::new(Arc::new(ManualClock::new()), SecretKey::random());
    auth::sessions::connect(&Url::new(address), &context).await
}

/// Whatever stands where a record was counts as none, and is in nobody's way.
async fn damaged_records_count_as_none<C: Cache>(cache: C, clock: ManualClock) {
    let cache = Arc::new(cache);
    let backend = sessions(cache.clone(), &clock).with_prefix("damaged:");
    let (id, record) = (id(), record(&clock));
    let key = format!("damaged:{id}");
    assert_eq!(backend.save(&id, record.clone(), SaveIf::Absent).await.unwrap(), Saved::Done);
    let whole = cache.get(&key).await.unwrap().unwrap().value;
    for damage in [&b""[..], b"nonsense", &whole[..whole.len() - 1], &[&whole[..], b"x"].concat(), &[0xff; 4096]] {
        let found = cache.get(&key).await.unwrap().unwrap().version;
        let _ = cache.replace(&key, &found, damage, HOUR).await.unwrap();
        assert_eq!(backend.load(&id).await.unwrap(), None, "{damage:?}");
        assert!(!backend.exists(&id).await.unwrap());
        assert!(!backend.touch(&id, clock.now(), record.expires_at).await.unwrap());
        let mut next = (*record).clone();
        next.version = 2;
        assert_eq!(backend.save(&id, Arc::new(next), SaveIf::Version(1)).await.unwrap(), Saved::Gone);
        assert_eq!(backend.save(&id, record.clone(), SaveIf::Absent).await.unwrap(), Saved::Done);
        assert_eq!(backend.load(&id).await.unwrap().as_ref(), Some(&record));
    }
    let found = cache.get(&key).await.unwrap().unwrap().version;
    let _ = cache.replace(&key, &found, b"nonsense", HOUR).await.unwrap();
    assert!(!backend.delete(&id).await.unwrap());
    assert_eq!(cache.get(&key).await.unwrap(), None);
}

mod memory {
    use super::*;

    async fn cache() -> (InMemoryCache, ()) {
        (InMemoryCache::new(), ())
    }

    async fn backend() -> (CacheSessionBackend<Arc<dyn Cache>>, ManualClock, ()) {
        let clock = ManualClock::new();
        let cache = InMemoryCache::with_clock(Arc::new(clock.clone()));
        (sessions(Arc::new(cache) as Arc<dyn Cache>, &clock), clock, ())
    }

    auth::cache_suite!(cache);
    auth::session_backend_suite!(backend);

    #[tokio::test]
    async fn a_value_goes_with_its_lifetime() {
        let clock = ManualClock::new();
        let cache = InMemoryCache::with_clock(Arc::new(clock.clone()));
        for key in 0..100 {
            assert!(cache.insert(&key.to_string(), b"x", HOUR).await.unwrap());
        }
        let found = cache.get("1").await.unwrap().unwrap();
        clock.advance(TimeDelta::hours(1));
        assert_eq!(cache.get("1").await.unwrap(), None);
        assert!(!cache.delete("1").await.unwrap());
        assert_eq!(cache.replace("2", &found.version, b"y", HOUR).await.unwrap(), auth::cache::Replaced::Gone);
        assert!(cache.insert("2", b"y", HOUR).await.unwrap());
        for key in 0..200 {
            let _ = cache.insert(&format!("new {key}"), b"x", HOUR).await.unwrap();
        }
        assert!(cache.len() <= 202, "{}", cache.len());
        assert!(!cache.is_empty());
    }

    #[tokio::test]
    async fn damaged_records_count_as_none() {
        let clock = ManualClock::new();
        super::damaged_records_count_as_none(InMemoryCache::with_clock(Arc::new(clock.clone())), clock).await;
    }
}

mod redis {
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

    auth::cache_suite!(
        #[ignore = "needs Redis"]
        cache
    );
    auth::session_backend_suite!(
        #[ignore = "needs Redis"]
        backend
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
        assert!(format!("{backend:?}").starts_with("CacheSessionBackend { cache: RedisCache"), "{backend:?}");
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
            assert!(
                matches!(error, SessionError::Configuration(_) | SessionError::UnknownBackend(_)),
                "{url}: {error:?}"
            );
        }
    }
}

mod memcached {
    use auth_tests::TestMemcached;

    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(500);

    async fn over(test: &TestMemcached) -> MemcachedCache {
        let cache = MemcachedCache::connect_with_timeout(test.url().as_str(), TIMEOUT).await;
        cache.expect("the server is there").with_max_value(4_000_000)
    }

    async fn cache() -> (MemcachedCache, TestMemcached) {
        let test = auth_tests::memcached();
        let url = test.url();
        let cache = MemcachedCache::connect(url.as_str()).await.expect("the server is there");
        (cache.with_max_value(4_000_000), test)
    }

    async fn backend() -> (CacheSessionBackend<MemcachedCache>, ManualClock, TestMemcached) {
        let (clock, (cache, test)) = (ManualClock::new(), cache().await);
        (sessions(cache, &clock), clock, test)
    }

    auth::cache_suite!(
        #[ignore = "needs memcached"]
        cache
    );
    auth::session_backend_suite!(
        #[ignore = "needs memcached"]
        backend
    );

    #[tokio::test]
    #[ignore = "needs memcached"]
    async fn damaged_records_count_as_none() {
        let (cache, _test) = cache().await;
        super::damaged_records_count_as_none(cache, ManualClock::new()).await;
    }

    /// Seconds until the server forgets what stands under this key.
    fn left(test: &TestMemcached, key: &str) -> u64 {
        let answer = test.command(&format!("mg {key} t"));
        answer.strip_prefix("HD t").and_then(|left| left.parse().ok()).unwrap_or_else(|| panic!("{answer}"))
    }

    #[tokio::test]
    #[ignore = "needs memcached"]
    async fn the_server_forgets_a_record_with_its_session() {
        let (backend, clock, test) = backend().await;
        for hours in [0, -24 * 365 * 20, 24 * 365 * 40] {
            clock.advance(TimeDelta::hours(hours));
            let id = id();
            let key = format!("auth:cache:session:{id}");
            assert_eq!(backend.save(&id, record(&clock), SaveIf::Absent).await.unwrap(), Saved::Done);
            let seconds = left(&test, &key);
            assert!((3540..=3601).contains(&seconds), "{seconds}");
            // More than 30 days are told in another way.
            assert!(backend.touch(&id, clock.now(), clock.now() + TimeDelta::days(60)).await.unwrap());
            let seconds = left(&test, &key);
            assert!((5_183_900..=5_184_002).contains(&seconds), "{seconds}");
        }
    }

    #[tokio::test]
    #[ignore = "needs memcached"]
    async fn a_session_that_grows_too_large_stays_as_it_was() {
        let (clock, test) = (ManualClock::new(), auth_tests::memcached());
        let url = test.url();
        let backend = sessions(MemcachedCache::connect(url.as_str()).await.unwrap(), &clock);
        let (id, first) = (id(), record(&clock));
        assert_eq!(backend.save(&id, first.clone(), SaveIf::Absent).await.unwrap(), Saved::Done);
        let mut grown = (*first).clone();
        (grown.version, grown.data) = (2, vec![0; 1 << 20].into());
        let error = backend.save(&id, Arc::new(grown.clone()), SaveIf::Version(1)).await.unwrap_err();
        assert!(format!("{error:?}").contains("TooLarge"), "{error:?}");
        assert_eq!(backend.load(&id).await.unwrap(), Some(first));
        grown.data = vec![0; MemcachedCache::MAX_VALUE - 1024].into();
        assert_eq!(backend.save(&id, Arc::new(grown), SaveIf::Version(1)).await.unwrap(), Saved::Done);
    }

    /// Whatever is asked is answered with a failure, in time.
    async fn is_out_of_service(backend: &CacheSessionBackend<MemcachedCache>, clock: &ManualClock, id: &SessionDigest) {
        let started = Instant::now();
        let (now, later) = (clock.now(), clock.now() + TimeDelta::hours(1));
        let all = tokio::join!(
            async { backend.load(id).await.err() },
            async { backend.exists(id).await.err() },
            async { backend.save(id, record(clock), SaveIf::Absent).await.err() },
            async { backend.save(id, record(clock), SaveIf::Version(1)).await.err() },
            async { backend.touch(id, now, later).await.err() },
            async { backend.delete(id).await.err() },
        );
        let all = [all.0, all.1, all.2, all.3, all.4, all.5];
        assert!(all.iter().all(|error| matches!(error, Some(SessionError::Store(_)))), "{all:?}");
        assert!(!format!("{all:?}").contains(&id.to_string()), "{all:?}");
        // Each broke off at its first call.
        assert!(started.elapsed() < 2 * TIMEOUT, "{:?}", started.elapsed());
    }

    /// Service resumes by itself, soon.
    async fn is_in_service(backend: &CacheSessionBackend<MemcachedCache>, clock: &ManualClock) {
        let started = Instant::now();
        let id = id();
        while backend.exists(&id).await.is_err() {
            assert!(started.elapsed() < 4 * TIMEOUT);
        }
        assert_eq!(backend.save(&id, record(clock), SaveIf::Absent).await.unwrap(), Saved::Done);
        assert!(backend.load(&id).await.unwrap().is_some());
        assert!(backend.delete(&id).await.unwrap());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs memcached"]
    async fn a_server_that_dies_takes_its_sessions_along_and_nothing_else() {
        let (clock, mut test) = (ManualClock::new(), auth_tests::memcached());
        let backend = sessions(over(&test).await, &clock);
        let id = id();
        assert_eq!(backend.save(&id, record(&clock), SaveIf::Absent).await.unwrap(), Saved::Done);

        test.kill();
        is_out_of_service(&backend, &clock, &id).await;
        test.start_again();
        is_in_service(&backend, &clock).await;
        assert_eq!(backend.load(&id).await.unwrap(), None, "the user has to log in again");
        assert_eq!(backend.save(&id, record(&clock), SaveIf::Version(1)).await.unwrap(), Saved::Gone);

        assert_eq!(backend.save(&id, record(&clock), SaveIf::Absent).await.unwrap(), Saved::Done);
        test.stop();
        is_out_of_service(&backend, &clock, &id).await;
        test.resume();
        is_in_service(&backend, &clock).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs memcached"]
    async fn a_restart_between_two_requests_is_not_noticed() {
        let (clock, mut test) = (ManualClock::new(), auth_tests::memcached());
        let backend = sessions(over(&test).await, &clock);
        for _ in 0..3 {
            let id = id();
            assert_eq!(backend.save(&id, record(&clock), SaveIf::Absent).await.unwrap(), Saved::Done);
            test.kill();
            test.start_again();
            assert_eq!(backend.load(&id).await.unwrap(), None);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs memcached"]
    async fn each_key_has_its_server_and_no_other() {
        let (clock, mut tests) = (ManualClock::new(), [auth_tests::memcached(), auth_tests::memcached()]);
        let hosts = [0, 1].map(|at: usize| format!("127.0.0.1:{}", tests[at].port));
        let ids: Vec<_> = (0..32).map(|_| id()).collect();
        let [there, back] = [[0, 1], [1, 0]].map(|[a, b]: [usize; 2]| format!("memcached://{},{}", hosts[a], hosts[b]));
        let connect =
            async |url: &str| sessions(MemcachedCache::connect_with_timeout(url, TIMEOUT).await.unwrap(), &clock);
        let (writer, reader) = (connect(&there).await, connect(&back).await);
        for id in &ids {
            assert_eq!(writer.save(id, record(&clock), SaveIf::Absent).await.unwrap(), Saved::Done);
        }
        for id in &ids {
            assert!(reader.exists(id).await.unwrap());
        }
        tests[0].kill();
        let mut gone = 0;
        for id in &ids {
            match reader.save(id, record(&clock), SaveIf::Absent).await {
                Ok(saved) => assert_eq!(saved, Saved::Conflict, "it stands in the other server"),
                Err(error) => gone += usize::from(matches!(error, SessionError::Store(_))),
            }
        }
        assert!(gone > 0 && gone < ids.len(), "{gone}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs memcached"]
    async fn a_hundred_requests_share_the_connections() {
        let (backend, clock, test) = backend().await;
        let work: Vec<_> = (0..100)
            .map(|_| {
                let (backend, record) = (backend.clone(), record(&clock));
                tokio::spawn(async move {
                    let id = id();
                    assert_eq!(backend.save(&id, record.clone(), SaveIf::Absent).await.unwrap(), Saved::Done);
                    assert_eq!(backend.load(&id).await.unwrap(), Some(record));
                })
            })
            .collect();
        for task in work {
            task.await.unwrap();
        }
        drop(test);
    }

    #[tokio::test]
    #[ignore = "needs memcached"]
    async fn an_address_chooses_it() {
        let test = auth_tests::memcached();
        let backend = connect(&test.url()).await.unwrap();
        assert!(format!("{backend:?}").starts_with("CacheSessionBackend { cache: MemcachedCache"), "{backend:?}");
        assert!(!backend.exists(&id()).await.unwrap());
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_in_time() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("memcached://{}", silent.local_addr().unwrap());
        let timeout = Duration::from_millis(100);
        for url in [url.as_str(), "memcached://127.0.0.1:1"] {
            let started = Instant::now();
            let error = MemcachedCache::connect_with_timeout(url, timeout).await.unwrap_err();
            assert!(matches!(error, CacheError::Store(_)), "{error:?}");
            assert!(started.elapsed() < timeout * 10);
        }
        for url in ["memcached:", "memcached://", "memcached://me:hunter2@cache", "memcached://cache/0"] {
            let error = connect(url).await.unwrap_err();
            assert!(matches!(error, SessionError::Configuration(_)), "{url}: {error:?}");
            assert!(!format!("{error:?} {error}").contains("hunter2"));
        }
    }
}
