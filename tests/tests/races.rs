//! Many who change the same sessions at once, on every backend: thousands of rounds, on several threads.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use auth::cache::MemcachedCache;
use auth::clock::{Clock as _, SystemClock};
use auth::sessions::{
    CacheSessionBackend, DatabaseSessionBackend, FileSessionBackend, InMemorySessionBackend, RedisSessionBackend,
    SaveIf, Saved, Session, SessionBackend, SessionError, SessionKey, SessionRecord,
};
use auth_tests::{RedisCluster, TestDatabase, TestDirectory, TestMemcached, TestRedis};
use chrono::TimeDelta;
use tokio::task::JoinSet;

type Store = Arc<dyn SessionBackend>;

/// Rounds of each of the four races; each round writes several times.
const ROUNDS: usize = 500;
/// How many sessions are raced for at once, so that a slow disk is waited for by several.
const LANES: usize = 4;

async fn saved(store: &Store) -> Session<Store> {
    let session = Session::new(store.clone());
    session.set("begun", true).unwrap();
    session.save().await.unwrap();
    session
}

async fn opened(store: &Store, key: &SessionKey) -> Session<Store> {
    Session::open(store.clone(), key.clone()).await.unwrap()
}

/// Runs the rounds of a race in several lanes.
async fn rounds<F: Future<Output = ()> + Send + 'static>(store: &Store, round: fn(Store) -> F) {
    let mut lanes = JoinSet::new();
    for _ in 0..LANES {
        let store = store.clone();
        lanes.spawn(async move {
            for _ in 0..ROUNDS / LANES {
                round(store.clone()).await;
            }
        });
    }
    while let Some(lane) = lanes.join_next().await {
        lane.unwrap();
    }
}

/// Clients that change different keys of one session all keep their changes.
async fn no_change_is_lost(store: Store) {
    const CLIENTS: usize = 4;
    let key = saved(&store).await.key().unwrap();
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (store, key) = (store.clone(), key.clone());
        clients.spawn(async move {
            for round in 1..=ROUNDS / CLIENTS {
                let session = opened(&store, &key).await;
                let name = format!("client {client}");
                assert_eq!(session.get::<usize>(&name).unwrap().unwrap_or_default(), round - 1, "{name}");
                session.set(&name, round).unwrap();
                session.save().await.unwrap();
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    let after = opened(&store, &key).await;
    for client in 0..CLIENTS {
        assert_eq!(after.get::<usize>(&format!("client {client}")).unwrap(), Some(ROUNDS / CLIENTS));
    }
}

/// Saves that meet the end of the session, or come after it, never bring it back.
async fn a_logout_that_meets_saves(store: Store) {
    let session = saved(&store).await;
    let key = session.key().unwrap();
    let mut saves = JoinSet::new();
    for (name, late) in [("one", opened(&store, &key).await), ("two", opened(&store, &key).await)] {
        late.set(name, true).unwrap();
        saves.spawn(async move { (late.save().await, late) });
    }
    session.flush().await.unwrap();
    while let Some(save) = saves.join_next().await {
        let (result, late) = save.unwrap();
        assert!(matches!(result, Ok(()) | Err(SessionError::Ended)), "{result:?}");
        late.set("later", true).unwrap();
        assert!(matches!(late.save().await, Err(SessionError::Ended)));
    }
    assert!(!store.exists(&key.digest()).await.unwrap());
    assert!(opened(&store, &key).await.key().is_none());
}

/// Of those who begin a session under one id exactly one does, and it is that one's.
async fn an_id_that_several_take(store: Store) {
    let (key, now) = (SessionKey::generate(), SystemClock.now());
    let mut takers = JoinSet::new();
    for taker in 0..3_u8 {
        let (store, id) = (store.clone(), key.digest());
        let mut record = SessionRecord::new(now, now + TimeDelta::hours(1), now + TimeDelta::hours(2));
        record.data = [taker].as_slice().into();
        takers.spawn(async move { (taker, store.save(&id, Arc::new(record), SaveIf::Absent).await.unwrap()) });
    }
    let mut winners = Vec::new();
    while let Some(taker) = takers.join_next().await {
        match taker.unwrap() {
            (taker, Saved::Done) => winners.push(taker),
            (_, other) => assert_eq!(other, Saved::Conflict),
        }
    }
    let held = store.load(&key.digest()).await.unwrap().unwrap();
    assert_eq!(winners, *held.data);
    assert!(store.delete(&key.digest()).await.unwrap());
}

/// A change of the key that meets a logout, and another change of the key, leaves no way in.
async fn changes_of_the_key_that_meet_a_logout(store: Store) {
    let session = saved(&store).await;
    let first = session.key().unwrap();
    let mut tasks = JoinSet::new();
    for changed in [opened(&store, &first).await, opened(&store, &first).await] {
        tasks.spawn(async move { (changed.cycle_key().await, changed) });
    }
    session.flush().await.unwrap();
    let (mut keys, mut renewed) = (vec![first.clone()], 0);
    while let Some(task) = tasks.join_next().await {
        let (result, changed) = task.unwrap();
        assert!(matches!(result, Ok(()) | Err(SessionError::Ended)), "{result:?}");
        renewed += usize::from(result.is_ok());
        keys.extend(changed.key());
    }
    assert!(renewed <= 1, "one key goes to one new one");
    assert!(!store.exists(&first.digest()).await.unwrap());
    for key in keys {
        assert!(opened(&store, &key).await.key().is_none());
    }
}

macro_rules! races {
    ($($(#[$attribute:meta])* $name:ident: $store:expr;)*) => { $(
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            $(#[$attribute])*
            async fn no_change_is_lost() {
                let (store, _keep) = $store.await;
                super::no_change_is_lost(store).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            $(#[$attribute])*
            async fn what_was_ended_stays_ended() {
                let (store, _keep) = $store.await;
                rounds(&store, a_logout_that_meets_saves).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            $(#[$attribute])*
            async fn an_id_in_use_is_never_overwritten() {
                let (store, _keep) = $store.await;
                rounds(&store, an_id_that_several_take).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            $(#[$attribute])*
            async fn a_logout_that_meets_changes_of_the_key_is_final() {
                let (store, _keep) = $store.await;
                rounds(&store, changes_of_the_key_that_meet_a_logout).await;
            }
        }
    )* };
}

races! {
    memory: async { (Arc::new(InMemorySessionBackend::new()) as Store, ()) };
    files: files();
    sqlite: table(auth_tests::sqlite());
    #[ignore = "needs PostgreSQL"]
    postgres: table(auth_tests::postgres());
    #[ignore = "needs MariaDB"]
    mysql: table(auth_tests::mysql());
    #[ignore = "needs Redis"]
    redis: redis();
    #[ignore = "needs redis-server"]
    redis_cluster: redis_cluster();
    #[ignore = "needs memcached"]
    memcached: memcached();
}

async fn files() -> (Store, TestDirectory) {
    let directory = TestDirectory::new();
    let store = FileSessionBackend::open(directory.path().join("sessions")).await.unwrap();
    (Arc::new(store), directory)
}

async fn table(database: impl Future<Output = TestDatabase>) -> (Store, TestDatabase) {
    let database = database.await;
    let store = DatabaseSessionBackend::new(database.database.clone());
    store.create_table().await.unwrap();
    (Arc::new(store), database)
}

async fn redis() -> (Store, TestRedis) {
    let redis = auth_tests::redis();
    let store = RedisSessionBackend::connect(redis.url.as_str()).await.unwrap();
    (Arc::new(store.with_prefix(&redis.prefix).unwrap()), redis)
}

async fn redis_cluster() -> (Store, RedisCluster) {
    let cluster = RedisCluster::start();
    (Arc::new(RedisSessionBackend::connect(cluster.url().as_str()).await.unwrap()), cluster)
}

async fn memcached() -> (Store, TestMemcached) {
    let server = auth_tests::memcached();
    let cache = MemcachedCache::connect(server.url().as_str()).await.unwrap();
    (Arc::new(CacheSessionBackend::new(cache)), server)
}
