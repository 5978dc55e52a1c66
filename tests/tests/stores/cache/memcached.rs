//! A memcached that is killed, hangs, and comes back.

use auth_tests::{PATIENCE, TestMemcached};

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

async fn listed() -> (ListedSessionBackend<CacheSessionBackend<MemcachedCache>>, ManualClock, TestMemcached) {
    super::listed(backend()).await
}

auth::cache_suite!(
    #[ignore = "needs memcached"]
    cache
);
auth::session_backend_suite!(
    #[ignore = "needs memcached"]
    backend
);
auth::user_sessions_suite!(
    #[ignore = "needs memcached"]
    listed
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
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

/// Service resumes by itself, soon.
async fn is_in_service(backend: &CacheSessionBackend<MemcachedCache>, clock: &ManualClock) {
    let started = Instant::now();
    let id = id();
    while backend.exists(&id).await.is_err() {
        assert!(started.elapsed() < PATIENCE);
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
    let connect = async |url: &str| sessions(MemcachedCache::connect_with_timeout(url, TIMEOUT).await.unwrap(), &clock);
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
    assert!(format!("{backend:?}").contains("CacheSessionBackend { cache: MemcachedCache"), "{backend:?}");
    assert!(backend.user_sessions().is_some());
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
        assert!(started.elapsed() < PATIENCE);
    }
    for url in ["memcached:", "memcached://", "memcached://me:hunter2@cache", "memcached://cache/0"] {
        let error = connect(url).await.unwrap_err();
        assert!(matches!(error, SessionError::Configuration(_)), "{url}: {error:?}");
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }
}
