//! Caches, and sessions in them: in memory, in Redis, in a memcached of the test's own.

mod memcached;
mod redis;

use std::sync::Arc;
use std::time::{Duration, Instant};

use auth::cache::{Cache, CacheError, InMemoryCache, MemcachedCache, RedisCache};
use auth::clock::Clock as _;
use auth::registry::{Context, Url};
use auth::secret::SecretKey;
use auth::sessions::{
    CacheSessionBackend, DynSessionBackend, ListedSessionBackend, SaveIf, Saved, SessionBackend, SessionDigest,
    SessionError, SessionKey, SessionRecord,
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

/// The same that can tell a user's sessions.
async fn listed<C: Cache, K>(
    backend: impl Future<Output = (CacheSessionBackend<C>, ManualClock, K)>,
) -> (ListedSessionBackend<CacheSessionBackend<C>>, ManualClock, K) {
    let (backend, clock, keep) = backend.await;
    (ListedSessionBackend::new(backend).with_clock(Arc::new(clock.clone())), clock, keep)
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

    async fn listed() -> (ListedSessionBackend<CacheSessionBackend<Arc<dyn Cache>>>, ManualClock, ()) {
        super::listed(backend()).await
    }

    auth::cache_suite!(cache);
    auth::session_backend_suite!(backend);
    auth::user_sessions_suite!(listed);

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
