//! What is left when one of the backends is killed: a server of the test's own on one side, memory on the other.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auth::clock::Clock as _;
use auth::database::Database;
use auth::sessions::{
    AcknowledgedReplication, AsyncReplication, DatabaseSessionBackend, DynSessionBackend, InMemorySessionBackend,
    ReplicatedSessionBackend, ReplicationStrategy, SaveIf, Saved, SessionBackend, SessionDigest, SessionError,
    SyncReplication,
};
use auth::testing::ManualClock;
use auth_tests::{Before, Call, DatabaseServer, PATIENCE};
use chrono::TimeDelta;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::RwLock;
use tokio::task::JoinSet;

use crate::{add, id, record};

type Memory = Arc<InMemorySessionBackend>;

/// What a database of these tests may take.
const TIMEOUT: Duration = Duration::from_secs(3);
const TRIES: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

fn over<B: SessionBackend>(
    primary: B,
    replicas: impl IntoIterator<Item = DynSessionBackend>,
    strategy: impl ReplicationStrategy,
) -> ReplicatedSessionBackend<B> {
    let retries = (TRIES, Duration::from_millis(10));
    ReplicatedSessionBackend::with_retries(primary, replicas, strategy, retries).unwrap()
}

fn memory(clock: &ManualClock) -> Memory {
    Arc::new(InMemorySessionBackend::with_clock(Arc::new(clock.clone())))
}

async fn postgres(clock: &ManualClock, timeout: Duration) -> (Arc<DatabaseSessionBackend>, DatabaseServer) {
    let server = DatabaseServer::postgres().await;
    let pool = PgPoolOptions::new().acquire_timeout(timeout).connect(&server.url()).await.unwrap();
    let backend = DatabaseSessionBackend::new(Database::Postgres(pool)).with_clock(Arc::new(clock.clone()));
    backend.create_table().await.unwrap();
    (Arc::new(backend), server)
}

/// A replica that is told nothing while the lock is held.
fn lagging(store: Memory) -> (Before<Memory>, Arc<RwLock<()>>) {
    let lock = Arc::<RwLock<()>>::default();
    let waited = lock.clone();
    let hook = move |call| {
        let lock = waited.clone();
        async move {
            if call == Call::Load {
                drop(lock.read().await);
            }
            Ok(())
        }
    };
    (Before::new(store, hook), lock)
}

async fn same(primary: &impl SessionBackend, replica: &impl SessionBackend, id: &SessionDigest) -> bool {
    primary.load(id).await.unwrap() == replica.load(id).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's server"]
async fn what_the_primary_alone_had_goes_with_it() {
    let clock = ManualClock::new();
    let (primary, mut server) = postgres(&clock, TIMEOUT).await;
    let (replica, lock) = lagging(memory(&clock));
    let backend = over(primary, [Arc::new(replica.clone()) as DynSessionBackend], AsyncReplication);
    let (kept, ended) = (add(&backend, &clock, b"kept").await, add(&backend, &clock, b"ended").await);
    backend.settle().await;

    let held = lock.write().await;
    let lost = add(&backend, &clock, b"lost").await;
    assert!(backend.delete(&ended).await.unwrap());
    server.kill();
    assert!(matches!(backend.load(&kept).await, Err(SessionError::Store(_))), "nobody fails over by themselves");
    let replica = &replica.inner;
    assert!(replica.exists(&kept).await.unwrap());
    assert!(!replica.exists(&lost).await.unwrap(), "a login that was not copied is lost");
    assert!(replica.exists(&ended).await.unwrap(), "and a logout that was not");
    clock.advance(TimeDelta::hours(1));
    assert!(!replica.exists(&ended).await.unwrap(), "for as long as the session lives");
    drop(held);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's server"]
async fn nothing_that_every_replica_was_told_goes_with_the_primary() {
    let clock = ManualClock::new();
    let (primary, mut server) = postgres(&clock, TIMEOUT).await;
    let replicas = [memory(&clock), memory(&clock)];
    let backend = over(primary, replicas.clone().map(|replica| replica as DynSessionBackend), SyncReplication);
    let mut clients = JoinSet::new();
    for client in 0..8 {
        let (backend, clock) = (backend.clone(), clock.clone());
        clients.spawn(async move {
            let (mut begun, mut ended) = (Vec::new(), Vec::new());
            // Until the primary is killed.
            for round in 0..10_000 {
                let id = id();
                match backend.save(&id, record(&clock, 1, b"x"), SaveIf::Absent).await {
                    Ok(saved) => assert_eq!(saved, Saved::Done),
                    Err(error) => return (begun, ended, error),
                }
                if (client + round) % 2 == 0 {
                    begun.push(id);
                    continue;
                }
                match backend.delete(&id).await {
                    Ok(there) => assert!(there),
                    Err(error) => return (begun, ended, error),
                }
                ended.push(id);
            }
            unreachable!("the primary is killed")
        });
    }
    while replicas[0].len() < 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.kill();
    let (mut logins, mut logouts) = (0, 0);
    while let Some(client) = clients.join_next().await {
        let (begun, ended, error) = client.unwrap();
        assert!(matches!(error, SessionError::Store(_)), "{error:?}");
        (logins, logouts) = (logins + begun.len(), logouts + ended.len());
        for replica in &replicas {
            for id in &begun {
                assert!(replica.exists(id).await.unwrap());
            }
            for id in &ended {
                assert!(!replica.exists(id).await.unwrap());
            }
        }
    }
    assert!(logins > 90 && logouts > 90, "{logins} {logouts}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's server"]
async fn one_acknowledgement_is_one_replica_that_can_take_over() {
    let clock = ManualClock::new();
    let (primary, mut server) = postgres(&clock, TIMEOUT).await;
    let (prompt, (other, lock)) = (memory(&clock), lagging(memory(&clock)));
    let replicas = [Arc::new(other.clone()) as DynSessionBackend, prompt.clone()];
    let backend = over(primary, replicas, AcknowledgedReplication(1));
    let ended = add(&backend, &clock, b"ended").await;
    backend.settle().await;

    let held = lock.write().await;
    let begun = add(&backend, &clock, b"begun").await;
    assert!(backend.delete(&ended).await.unwrap());
    server.kill();
    assert!(prompt.exists(&begun).await.unwrap() && !prompt.exists(&ended).await.unwrap());
    let other = &other.inner;
    assert!(!other.exists(&begun).await.unwrap() && other.exists(&ended).await.unwrap(), "the other cannot");
    drop(held);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's server"]
async fn without_a_replica_that_must_be_told_changes_fail_although_they_are_made() {
    let clock = ManualClock::new();
    let (replica, mut server) = postgres(&clock, TIMEOUT).await;
    let primary = memory(&clock);
    let backend = over(primary.clone(), [replica.clone() as DynSessionBackend], SyncReplication);
    let (id, ended) = (add(&backend, &clock, b"1").await, add(&backend, &clock, b"ended").await);

    server.kill();
    let saved = backend.save(&id, record(&clock, 2, b"2"), SaveIf::Version(1)).await;
    assert!(matches!(saved, Err(SessionError::Store(_))), "{saved:?}");
    assert_eq!(primary.load(&id).await.unwrap().unwrap().version, 2, "the primary has it");
    assert!(matches!(backend.delete(&ended).await, Err(SessionError::Store(_))));
    assert!(!backend.exists(&ended).await.unwrap(), "it is not served any more");

    server.start_again().await;
    assert_eq!(replica.load(&id).await.unwrap().unwrap().version, 1);
    assert!(replica.exists(&ended).await.unwrap());
    // The next change mends it, and a logout that failed is done again.
    assert_eq!(backend.save(&id, record(&clock, 3, b"3"), SaveIf::Version(2)).await.unwrap(), Saved::Done);
    assert!(same(&primary, &*replica, &id).await);
    assert!(!backend.delete(&ended).await.unwrap());
    assert!(!replica.exists(&ended).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's server"]
async fn without_a_replica_that_need_not_be_told_nothing_is_noticed() {
    let clock = ManualClock::new();
    let (replica, mut server) = postgres(&clock, TIMEOUT).await;
    let primary = memory(&clock);
    let backend = over(primary.clone(), [replica.clone() as DynSessionBackend], AsyncReplication);
    let (id, ended) = (add(&backend, &clock, b"1").await, add(&backend, &clock, b"ended").await);
    backend.settle().await;

    server.kill();
    assert_eq!(backend.save(&id, record(&clock, 2, b"2"), SaveIf::Version(1)).await.unwrap(), Saved::Done);
    let begun = add(&backend, &clock, b"begun").await;
    assert!(backend.delete(&ended).await.unwrap());
    backend.settle().await;

    server.start_again().await;
    assert!(!replica.exists(&begun).await.unwrap());
    assert_eq!(backend.save(&id, record(&clock, 3, b"3"), SaveIf::Version(2)).await.unwrap(), Saved::Done);
    assert!(backend.touch(&begun, clock.now(), clock.now() + TimeDelta::hours(2)).await.unwrap());
    backend.settle().await;
    assert!(
        same(&primary, &*replica, &id).await && same(&primary, &*replica, &begun).await,
        "the next change mends it"
    );
    assert!(replica.exists(&ended).await.unwrap(), "there is no next change of what was ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's server"]
async fn one_replica_may_be_away_where_the_other_acknowledges() {
    let clock = ManualClock::new();
    let (away, server) = postgres(&clock, PATIENCE).await;
    let (primary, there) = (memory(&clock), memory(&clock));
    let replicas = [away as DynSessionBackend, there.clone()];
    let backend = over(primary.clone(), replicas, AcknowledgedReplication(1));
    let ended = add(&backend, &clock, b"ended").await;
    server.hang();
    let start = Instant::now();
    let begun = add(&backend, &clock, b"begun").await;
    assert!(backend.delete(&ended).await.unwrap());
    assert!(start.elapsed() < PATIENCE, "nobody waits for who is away");
    assert!(same(&primary, &there, &begun).await && !there.exists(&ended).await.unwrap());
    server.go_on();
    backend.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's server"]
async fn a_replica_that_hangs_is_waited_for_so_many_times() {
    let clock = ManualClock::new();
    let (replica, server) = postgres(&clock, TIMEOUT).await;
    let backend = over(memory(&clock), [replica.clone() as DynSessionBackend], SyncReplication);
    let id = add(&backend, &clock, b"1").await;
    server.hang();
    let began = Instant::now();
    let saved = backend.save(&id, record(&clock, 2, b"2"), SaveIf::Version(1)).await;
    assert!(matches!(saved, Err(SessionError::Store(_))), "{saved:?}");
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    server.go_on();
    assert_eq!(backend.save(&id, record(&clock, 3, b"3"), SaveIf::Version(2)).await.unwrap(), Saved::Done);
    assert_eq!(replica.load(&id).await.unwrap().unwrap().version, 3);
}

#[tokio::test]
async fn changes_wait_when_too_many_copies_do() {
    let clock = ManualClock::new();
    let (primary, (replica, lock)) = (memory(&clock), lagging(memory(&clock)));
    let backend = over(primary.clone(), [Arc::new(replica.clone()) as DynSessionBackend], AsyncReplication);
    let held = lock.write().await;
    for _ in 0..256 {
        add(&backend, &clock, b"x").await;
    }
    let one_more = tokio::spawn({
        let (backend, clock) = (backend.clone(), clock.clone());
        async move { add(&backend, &clock, b"x").await }
    });
    while primary.len() < 257 {
        tokio::task::yield_now().await;
    }
    assert!(!one_more.is_finished());
    drop(held);
    one_more.await.unwrap();
    backend.settle().await;
    assert_eq!(replica.inner.len(), 257);
}
