//! Every store, in every pair of wrappers, holds to every promise; a pair may be a wrapper around itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use auth::cache::{InMemoryCache, MemcachedCache};
use auth::sessions::{
    CacheSessionBackend, CompressedSessionBackend, Compression, DatabaseSessionBackend, DynSessionBackend,
    FileSessionBackend, InMemorySessionBackend, InstrumentedSessionBackend, LayeredSessionBackend,
    ListedSessionBackend, LoggerAnalytics, RedisSessionBackend, ReplicatedSessionBackend, SyncReplication,
    TenantSessionBackend,
};
use auth::testing::ManualClock;
use auth_tests::{TestDatabase, TestDirectory, TestMemcached, TestRedis};

type Wrapper = fn(DynSessionBackend, Arc<ManualClock>) -> DynSessionBackend;

fn compressed(inner: DynSessionBackend, _: Arc<ManualClock>) -> DynSessionBackend {
    Arc::new(CompressedSessionBackend::new(inner, Compression::Zstd).with_threshold(0))
}

fn tenant(inner: DynSessionBackend, clock: Arc<ManualClock>) -> DynSessionBackend {
    Arc::new(TenantSessionBackend::new(inner, "acme").with_clock(clock))
}

fn instrumented(inner: DynSessionBackend, clock: Arc<ManualClock>) -> DynSessionBackend {
    Arc::new(InstrumentedSessionBackend::new(inner, LoggerAnalytics).with_clock(clock))
}

fn layered(inner: DynSessionBackend, clock: Arc<ManualClock>) -> DynSessionBackend {
    Arc::new(LayeredSessionBackend::new(inner).with_cache(InMemoryCache::new(), "here").with_clock(clock))
}

fn listed(inner: DynSessionBackend, clock: Arc<ManualClock>) -> DynSessionBackend {
    Arc::new(ListedSessionBackend::new(inner).with_clock(clock))
}

fn replicated(inner: DynSessionBackend, clock: Arc<ManualClock>) -> DynSessionBackend {
    let replica: DynSessionBackend = Arc::new(InMemorySessionBackend::with_clock(clock));
    Arc::new(ReplicatedSessionBackend::new(inner, [replica], SyncReplication).expect("there is one"))
}

const WRAPPERS: [Wrapper; 6] = [compressed, tenant, instrumented, layered, listed, replicated];

/// A store that many backends share, each in a part of its own.
enum Store {
    Memory,
    Files(TestDirectory),
    /// One table, emptied for each.
    Database(Box<(TestDatabase, DatabaseSessionBackend)>),
    Redis(TestRedis),
    Memcached {
        cache: MemcachedCache,
        _server: TestMemcached,
    },
}

impl Store {
    async fn database(test: TestDatabase) -> Self {
        let table = DatabaseSessionBackend::new(test.database.clone());
        table.create_table().await.expect("the table can be made");
        Self::Database(Box::new((test, table)))
    }

    async fn memcached() -> Self {
        let test = auth_tests::memcached();
        let cache = MemcachedCache::connect(test.url().as_str()).await.expect("the server is there");
        Self::Memcached { cache: cache.with_max_value(4_000_000), _server: test }
    }

    async fn part(&self, clock: Arc<ManualClock>) -> DynSessionBackend {
        static PARTS: AtomicU32 = AtomicU32::new(0);
        let part = format!("part_{}", PARTS.fetch_add(1, Ordering::Relaxed));
        match self {
            Self::Memory => Arc::new(InMemorySessionBackend::with_clock(clock)),
            Self::Files(directory) => {
                let files = FileSessionBackend::open(directory.path().join(part)).await;
                Arc::new(files.expect("the directory can be made").with_clock(clock))
            }
            Self::Database(store) => {
                let (test, table) = &**store;
                test.sql("DELETE FROM auth_session").await;
                Arc::new(table.clone().with_clock(clock))
            }
            Self::Redis(test) => {
                let redis = RedisSessionBackend::connect(test.url.as_str()).await.expect("the server is there");
                let redis = redis.with_prefix(&format!("{}{part}:", test.prefix)).expect("that is a prefix");
                Arc::new(redis.with_clock(clock))
            }
            Self::Memcached { cache, .. } => {
                Arc::new(CacheSessionBackend::new(cache.clone()).with_prefix(&format!("{part}:")).with_clock(clock))
            }
        }
    }
}

/// All promises, one after the other.
async fn hold(outer: Wrapper, store: &Store) {
    for inner in WRAPPERS {
        let stack = async || {
            let clock = Arc::new(ManualClock::new());
            let store = store.part(clock.clone()).await;
            (outer(inner(store, clock.clone()), clock.clone()), ManualClock::clone(&clock), ())
        };
        auth::session_backend_suite!(await stack);
        // Neither files nor caches can tell a user's sessions by themselves.
        if stack().await.0.user_sessions().is_some() {
            auth::user_sessions_suite!(await stack);
        }
    }
}

macro_rules! matrix {
    ($($(#[$attribute:meta])* $name:ident: $store:expr),* $(,)?) => { $(
        mod $name {
            use super::*;

            matrix! { @wrappers [$(#[$attribute])*] $store; compressed, tenant, instrumented, layered, listed, replicated }
        }
    )* };
    (@wrappers $attributes:tt $store:expr; $($outer:ident),*) => { $( matrix! { @test $attributes $store; $outer } )* };
    (@test [$($attribute:tt)*] $store:expr; $outer:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        $($attribute)*
        async fn $outer() {
            hold(super::$outer, &$store).await;
        }
    };
}

matrix! {
    memory: Store::Memory,
    files: Store::Files(TestDirectory::new()),
    sqlite: Store::database(auth_tests::sqlite().await).await,
    #[ignore = "needs PostgreSQL"]
    postgres: Store::database(auth_tests::postgres().await).await,
    #[ignore = "needs MariaDB"]
    mysql: Store::database(auth_tests::mysql().await).await,
    #[ignore = "needs Redis"]
    redis: Store::Redis(auth_tests::redis()),
    #[ignore = "needs memcached"]
    memcached: Store::memcached().await,
}
