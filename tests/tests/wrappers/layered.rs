//! Memory before a slower backend.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth::BoxFuture;
use auth::cache::{Cache, CacheError, CacheVersion, Cached, InMemoryCache, Replaced};
use auth::clock::Clock as _;
use auth::sessions::{
    InMemorySessionBackend, InstrumentedSessionBackend, Invalidated, LayeredSessionBackend, Listening, Login, SaveIf,
    Saved, SessionAnalytics, SessionBackend, SessionError, SessionEvent, SessionInvalidations, TenantSessionBackend,
    UserSessions as _,
};
use auth::testing::ManualClock;
use auth_tests::{Before, Call, PATIENCE, TestDatabase};
use chrono::TimeDelta;

use crate::{add, memory, record};

type Over<B> = LayeredSessionBackend<B>;

fn over<B: SessionBackend>(store: B, clock: &ManualClock) -> Over<B> {
    LayeredSessionBackend::new(store).with_clock(Arc::new(clock.clone()))
}

mod over_memory {
    use super::*;

    async fn backend() -> (Over<InMemorySessionBackend>, ManualClock, ()) {
        let (store, clock) = memory();
        (over(store, &clock).with_bound(Over::<InMemorySessionBackend>::MAX_BOUND).unwrap(), clock, ())
    }

    auth::session_backend_suite!(backend);
}

mod over_sqlite {
    use auth::sessions::DatabaseSessionBackend;

    use super::*;

    async fn backend() -> (Over<DatabaseSessionBackend>, ManualClock, TestDatabase) {
        let (store, clock, keep) = crate::sqlite().await;
        (over(store, &clock), clock, keep)
    }

    auth::session_backend_suite!(backend);
}

mod with_a_cache {
    use auth::cache::InMemoryCache;

    use super::*;

    async fn backend() -> (Over<InMemorySessionBackend>, ManualClock, ()) {
        let (store, clock) = memory();
        (over(store, &clock).with_cache(InMemoryCache::new(), "here"), clock, ())
    }

    auth::session_backend_suite!(backend);
    auth::user_sessions_suite!(backend);
}

/// What processes tell each other, without a server between them.
#[derive(Clone, Debug, Default)]
struct Wire(Arc<Mutex<Vec<Heard>>>);

#[derive(Clone)]
struct Heard(Arc<dyn Fn(Invalidated) + Send + Sync>);

impl std::fmt::Debug for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Heard")
    }
}

impl SessionInvalidations for Wire {
    fn publish(&self, what: Invalidated) {
        let listeners = self.0.lock().unwrap().clone();
        for listener in listeners {
            (listener.0)(what);
        }
    }

    fn listen(&self, heard: Arc<dyn Fn(Invalidated) + Send + Sync>) -> Listening {
        self.0.lock().unwrap().push(Heard(heard));
        Listening::until_dropped(())
    }
}

#[tokio::test]
async fn what_another_process_told_is_seen_at_once() {
    let (store, clock) = memory();
    let (store, wire) = (Arc::new(store), Wire::default());
    let process = || over(store.clone(), &clock).with_invalidations(wire.clone());
    let (one, other) = (process(), process());
    let id = add(&one, &clock, b"x").await;
    for _ in 0..2 {
        assert!(other.load(&id).await.unwrap().is_some());
        assert_eq!(one.save(&id, record(&clock, 2, b"y"), SaveIf::Version(1)).await.unwrap(), Saved::Done);
        assert_eq!(*other.load(&id).await.unwrap().unwrap().data, *b"y");
        assert!(one.delete(&id).await.unwrap());
        assert_eq!(other.load(&id).await.unwrap(), None);
        assert_eq!(one.save(&id, record(&clock, 1, b"x"), SaveIf::Absent).await.unwrap(), Saved::Done);
    }
    // All of a user's, too.
    let (login, mut theirs) = (crate::id(), record(&clock, 1, b"x"));
    Arc::make_mut(&mut theirs).login = Some(Login::new("1", [0; 32], clock.now()));
    assert_eq!(one.save(&login, theirs, SaveIf::Absent).await.unwrap(), Saved::Done);
    assert!(other.load(&login).await.unwrap().is_some());
    assert_eq!(one.delete_all_of("1", None).await.unwrap(), 1);
    assert_eq!(other.load(&login).await.unwrap(), None);
}

#[tokio::test]
async fn processes_share_a_cache_and_a_change_empties_it() {
    let (store, clock) = memory();
    let (asked, cache) = (Arc::new(Asked::default()), shared_cache(&clock));
    let store = Arc::new(InstrumentedSessionBackend::new(store, asked.clone()));
    let process = || over(store.clone(), &clock).with_cache(cache.clone(), "here");
    let id = add(&process(), &clock, b"x").await;
    let count = || asked.0.swap(0, std::sync::atomic::Ordering::SeqCst);
    for _ in 0..5 {
        assert!(process().load(&id).await.unwrap().is_some());
    }
    assert_eq!(count(), 1, "the others found the first one's copy");
    assert!(process().delete(&id).await.unwrap());
    assert_eq!(process().load(&id).await.unwrap(), None);
    let id = add(&process(), &clock, b"x").await;
    assert!(process().load(&id).await.unwrap().is_some());
    count();
    clock.advance(Over::<InMemorySessionBackend>::BOUND / 4);
    assert!(process().load(&id).await.unwrap().is_some());
    assert_eq!(count(), 1, "a copy that is too old is none");
}

fn shared_cache(clock: &ManualClock) -> Arc<InMemoryCache> {
    Arc::new(InMemoryCache::with_clock(Arc::new(clock.clone())))
}

#[tokio::test]
async fn tenants_with_one_cache_see_only_their_own_sessions() {
    let (store, clock) = memory();
    let (store, cache) = (Arc::new(store), shared_cache(&clock));
    let tenant = |name: &str| {
        let tenant = TenantSessionBackend::new(store.clone(), name).with_clock(Arc::new(clock.clone()));
        over(tenant, &clock).with_cache(cache.clone(), name)
    };
    let id = add(&tenant("mine"), &clock, b"x").await;
    // Leaves a copy in the cache: nothing is held of it in another process's memory.
    assert!(tenant("mine").load(&id).await.unwrap().is_some());
    for other in ["theirs", "", "mine:", "min"] {
        assert_eq!(tenant(other).load(&id).await.unwrap(), None, "{other:?}");
    }
    assert!(tenant("mine").load(&id).await.unwrap().is_some());
}

#[tokio::test]
async fn the_bound_holds_for_shared_copies_whatever_the_clocks_of_others_say() {
    let (millisecond, bound) = (TimeDelta::milliseconds(1), Over::<InMemorySessionBackend>::BOUND);
    for ahead in [TimeDelta::zero(), TimeDelta::milliseconds(900), TimeDelta::hours(1), TimeDelta::hours(-1)] {
        let (store, clock) = memory();
        let (asked, cache, theirs) = (Arc::new(Asked::default()), shared_cache(&clock), ManualClock::new());
        theirs.set(clock.now() + ahead);
        let store = Arc::new(InstrumentedSessionBackend::new(store, asked.clone()));
        let process = |clock: &ManualClock| over(store.clone(), clock).with_cache(cache.clone(), "here");
        let (one, other) = (process(&theirs), process(&clock));
        let mut lasting = record(&clock, 1, b"x");
        Arc::make_mut(&mut lasting).expires_at += TimeDelta::hours(2);
        let id = crate::id();
        assert_eq!(store.save(&id, lasting, SaveIf::Absent).await.unwrap(), Saved::Done);
        assert!(one.load(&id).await.unwrap().is_some());
        clock.advance(bound / 4 - millisecond);
        assert!(other.load(&id).await.unwrap().is_some());
        assert_eq!(asked.0.load(std::sync::atomic::Ordering::SeqCst), 1, "the other took the copy");
        assert!(store.delete(&id).await.unwrap());
        clock.advance(bound / 2 - millisecond);
        assert!(other.load(&id).await.unwrap().is_some());
        clock.advance(millisecond);
        assert_eq!(other.load(&id).await.unwrap(), None);
    }
}

/// Time passes between the question and the copy, and the copy is as old as the question.
#[tokio::test]
async fn a_slow_answer_leaves_no_shared_copy() {
    let (store, clock) = memory();
    let (asked, cache, slow) = (Arc::new(Asked::default()), shared_cache(&clock), clock.clone());
    let store = Before::new(store, move |call| {
        if call == Call::Load {
            slow.advance(Over::<InMemorySessionBackend>::BOUND / 4);
        }
        std::future::ready(Ok(()))
    });
    let store = Arc::new(InstrumentedSessionBackend::new(store, asked.clone()));
    let process = || over(store.clone(), &clock).with_cache(cache.clone(), "here");
    let id = add(&process(), &clock, b"x").await;
    for times in 1..=3 {
        assert!(process().load(&id).await.unwrap().is_some());
        assert_eq!(asked.0.load(std::sync::atomic::Ordering::SeqCst), times);
    }
}

#[tokio::test]
async fn no_copy_is_taken_from_those_with_a_longer_bound() {
    let (store, clock) = memory();
    let (asked, cache) = (Arc::new(Asked::default()), shared_cache(&clock));
    let store = Arc::new(InstrumentedSessionBackend::new(store, asked.clone()));
    let process = |seconds| {
        let process = over(store.clone(), &clock).with_cache(cache.clone(), "here");
        process.with_bound(TimeDelta::seconds(seconds)).unwrap()
    };
    let id = add(&process(5), &clock, b"x").await;
    for (bound, times) in [(3, 1), (5, 1), (3, 1), (2, 2), (0, 3)] {
        assert!(process(bound).load(&id).await.unwrap().is_some());
        assert_eq!(asked.0.load(std::sync::atomic::Ordering::SeqCst), times, "{bound}");
    }
}

/// A copy that was read before a change never stands after it, however the two fall together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_copy_is_never_older_than_an_acknowledged_change() {
    let (store, clock) = memory();
    let (store, cache) = (Arc::new(store), Arc::new(InMemoryCache::new()));
    let process = || over(store.clone(), &clock).with_cache(cache.clone(), "here");
    for _ in 0..2000 {
        let id = add(&process(), &clock, b"x").await;
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let process = process();
                tokio::spawn(async move { process.load(&id).await.unwrap() })
            })
            .collect();
        assert!(process().delete(&id).await.unwrap());
        assert_eq!(process().load(&id).await.unwrap(), None);
        for reader in readers {
            reader.await.unwrap();
        }
        assert_eq!(process().load(&id).await.unwrap(), None);
    }
}

/// A cache that is not there.
#[derive(Debug)]
struct Down;

impl Cache for Down {
    fn get<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Cached>, CacheError>> {
        Box::pin(async { Err(CacheError::store("down")) })
    }

    fn insert<'a>(&'a self, _: &'a str, _: &'a [u8], _: Duration) -> BoxFuture<'a, Result<bool, CacheError>> {
        Box::pin(async { Err(CacheError::store("down")) })
    }

    fn replace<'a>(
        &'a self,
        _: &'a str,
        _: &'a CacheVersion,
        _: &'a [u8],
        _: Duration,
    ) -> BoxFuture<'a, Result<Replaced, CacheError>> {
        Box::pin(async { Err(CacheError::store("down")) })
    }

    fn delete<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<bool, CacheError>> {
        Box::pin(async { Err(CacheError::store("down")) })
    }
}

#[tokio::test]
async fn without_its_cache_the_backend_is_asked() {
    let (store, clock) = memory();
    let backend = over(store, &clock).with_cache(Down, "here");
    let id = add(&backend, &clock, b"x").await;
    assert!(backend.load(&id).await.unwrap().is_some());
    assert!(backend.delete(&id).await.unwrap());
    assert_eq!(backend.load(&id).await.unwrap(), None);
}

mod with_redis {
    use auth::cache::RedisCache;
    use auth::sessions::{DatabaseSessionBackend, RedisInvalidations};
    use auth_tests::TestRedis;

    use super::*;

    async fn invalidations(redis: &TestRedis) -> RedisInvalidations {
        let url = format!("{}?prefix={}", redis.url, redis.prefix);
        RedisInvalidations::connect(url.as_str()).await.unwrap()
    }

    /// Memory before Redis before a database.
    async fn backend() -> (Over<DatabaseSessionBackend>, ManualClock, (TestDatabase, TestRedis)) {
        let (store, clock, keep) = crate::sqlite().await;
        let redis = auth_tests::redis();
        let cache = RedisCache::connect(redis.url.as_str()).await.unwrap();
        let told = invalidations(&redis).await;
        (over(store, &clock).with_cache(cache, &redis.prefix).with_invalidations(told), clock, (keep, redis))
    }

    auth::session_backend_suite!(
        #[ignore = "needs Redis"]
        backend
    );
    auth::user_sessions_suite!(
        #[ignore = "needs Redis"]
        backend
    );

    #[tokio::test]
    #[ignore = "needs Redis"]
    async fn a_session_that_ended_elsewhere_is_refused_before_the_bound() {
        let (one, clock, keep) = backend().await;
        let told = invalidations(&keep.1).await;
        let cache = RedisCache::connect(keep.1.url.as_str()).await.unwrap();
        let other = over(one.inner().clone(), &clock).with_cache(cache, &keep.1.prefix).with_invalidations(told);
        let started = std::time::Instant::now();
        // The clock stands still, so nothing but a message ends a copy.
        loop {
            let id = add(&one, &clock, b"x").await;
            assert!(other.load(&id).await.unwrap().is_some());
            assert!(one.delete(&id).await.unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
            if other.load(&id).await.unwrap().is_none() {
                break;
            }
            assert!(started.elapsed() < PATIENCE, "no message arrived");
        }
    }
}

/// Counts how often the backend is asked.
#[derive(Debug, Default)]
struct Asked(std::sync::atomic::AtomicUsize);

impl SessionAnalytics for Asked {
    fn record(&self, event: &SessionEvent) {
        if matches!(event, SessionEvent::Accessed { .. }) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    }
}

#[tokio::test]
async fn the_backend_is_asked_once_within_the_bound() {
    let (store, clock) = memory();
    let store = Arc::new(store);
    let asked = Arc::new(Asked::default());
    let count = || asked.0.load(std::sync::atomic::Ordering::SeqCst);
    let near = over(InstrumentedSessionBackend::new(store.clone(), asked.clone()), &clock);
    let id = add(&store, &clock, b"x").await;
    for _ in 0..5 {
        assert!(near.load(&id).await.unwrap().is_some());
        clock.advance(TimeDelta::milliseconds(199));
    }
    assert_eq!(count(), 1);
    clock.advance(TimeDelta::milliseconds(5));
    assert!(near.load(&id).await.unwrap().is_some());
    assert_eq!(count(), 2);
    // What this process writes, it need not ask for.
    assert_eq!(near.save(&id, record(&clock, 2, b"y"), SaveIf::Version(1)).await.unwrap(), Saved::Done);
    assert_eq!(*near.load(&id).await.unwrap().unwrap().data, *b"y");
    assert_eq!(count(), 2);
    // What is large is asked for each time.
    let large = add(&near, &clock, &vec![0; 20_000]).await;
    near.load(&large).await.unwrap();
    near.load(&large).await.unwrap();
    assert_eq!(count(), 4);
}

#[tokio::test]
async fn a_session_ended_elsewhere_is_served_until_the_bound_and_not_after() {
    for bound in [TimeDelta::seconds(1), TimeDelta::seconds(5), TimeDelta::zero()] {
        let (store, clock) = memory();
        let store = Arc::new(store);
        let (here, there) = (over(store.clone(), &clock).with_bound(bound).unwrap(), over(store, &clock));
        let id = add(&here, &clock, b"x").await;
        assert!(there.delete(&id).await.unwrap());
        assert_eq!(there.load(&id).await.unwrap(), None);
        if !bound.is_zero() {
            clock.advance(bound - TimeDelta::microseconds(1));
            assert!(here.load(&id).await.unwrap().is_some());
            clock.advance(TimeDelta::microseconds(1));
        }
        assert_eq!(here.load(&id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_clock_set_back_makes_no_copy_last() {
    let (store, clock) = memory();
    let store = Arc::new(store);
    let near = over(store.clone(), &clock);
    let id = add(&near, &clock, b"x").await;
    assert!(store.delete(&id).await.unwrap());
    clock.advance(TimeDelta::hours(-1));
    assert_eq!(near.load(&id).await.unwrap(), None);
}

#[tokio::test]
async fn a_conflict_shows_what_another_process_wrote() {
    let (store, clock) = memory();
    let store = Arc::new(store);
    let (here, there) = (over(store.clone(), &clock), over(store, &clock));
    let id = add(&here, &clock, b"x").await;
    assert_eq!(there.load(&id).await.unwrap().unwrap().version, 1);
    assert_eq!(here.save(&id, record(&clock, 2, b"y"), SaveIf::Version(1)).await.unwrap(), Saved::Done);
    assert_eq!(there.save(&id, record(&clock, 2, b"z"), SaveIf::Version(1)).await.unwrap(), Saved::Conflict);
    assert_eq!(*there.load(&id).await.unwrap().unwrap().data, *b"y");
}

#[tokio::test]
async fn what_is_held_is_bounded() {
    let (store, clock) = memory();
    let near = over(store, &clock).with_capacity(0);
    let id = add(&near, &clock, b"x").await;
    assert!(near.load(&id).await.unwrap().is_some());
    assert!(near.delete(&id).await.unwrap());
    assert_eq!(near.load(&id).await.unwrap(), None);
}

#[tokio::test]
async fn a_longer_bound_is_refused() {
    for bound in [TimeDelta::milliseconds(5001), TimeDelta::milliseconds(-1)] {
        let (store, clock) = memory();
        let refused = over(store, &clock).with_bound(bound);
        assert!(matches!(refused, Err(SessionError::Configuration(_))));
    }
}
