//! Copies of sessions in other backends.

use std::future::ready;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use auth::clock::Clock as _;
use auth::sessions::{
    AcknowledgedReplication, AsyncReplication, DatabaseSessionBackend, DynSessionBackend, InMemorySessionBackend,
    ReplicatedSessionBackend, ReplicationStrategy, SaveIf, Saved, SessionBackend, SessionDigest, SessionError,
    SyncReplication,
};
use auth::testing::ManualClock;
use auth_tests::{Before, Call, TestDatabase};
use chrono::TimeDelta;

use crate::{add, id, memory, record};

type Store = Arc<InMemorySessionBackend>;
type Over<B> = ReplicatedSessionBackend<B>;

fn stores() -> ([Store; 3], ManualClock) {
    let clock = ManualClock::new();
    ([(); 3].map(|()| Arc::new(InMemorySessionBackend::with_clock(Arc::new(clock.clone())))), clock)
}

fn replicated(strategy: impl ReplicationStrategy) -> (Over<Store>, [Store; 2], ManualClock) {
    let ([primary, first, second], clock) = stores();
    let replicas = [first.clone() as DynSessionBackend, second.clone()];
    (Over::new(primary, replicas, strategy).unwrap(), [first, second], clock)
}

macro_rules! suites {
    ($($name:ident: $strategy:expr),*) => { $(
        mod $name {
            use super::*;

            async fn backend() -> (Over<Store>, ManualClock, [Store; 2]) {
                let (backend, replicas, clock) = replicated($strategy);
                (backend, clock, replicas)
            }

            auth::session_backend_suite!(backend);
        }
    )* };
}

suites!(asynchronous: AsyncReplication, synchronous: SyncReplication, acknowledged: AcknowledgedReplication(1));

mod over_sqlite {
    use super::*;

    async fn backend() -> (Over<DatabaseSessionBackend>, ManualClock, TestDatabase) {
        let (primary, clock, keep) = crate::sqlite().await;
        let replica = InMemorySessionBackend::with_clock(Arc::new(clock.clone()));
        (Over::new(primary, [Arc::new(replica) as DynSessionBackend], SyncReplication).unwrap(), clock, keep)
    }

    auth::session_backend_suite!(backend);
}

async fn assert_same(backend: &Over<Store>, replicas: &[Store], id: &SessionDigest) {
    let expected = backend.load(id).await.unwrap();
    for replica in replicas {
        assert_eq!(replica.load(id).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn replicas_have_every_change_when_it_is_made() {
    let (backend, replicas, clock) = replicated(SyncReplication);
    let id = add(&backend, &clock, b"x").await;
    assert_same(&backend, &replicas, &id).await;
    assert_eq!(backend.save(&id, record(&clock, 2, b"y"), SaveIf::Version(1)).await.unwrap(), Saved::Done);
    assert_same(&backend, &replicas, &id).await;
    assert!(backend.touch(&id, clock.now(), clock.now() + TimeDelta::hours(2)).await.unwrap());
    assert_same(&backend, &replicas, &id).await;
    assert!(backend.delete(&id).await.unwrap());
    assert_same(&backend, &replicas, &id).await;
    assert!(!replicas[0].exists(&id).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_overtake_each_other_end_the_same_everywhere() {
    let (backend, replicas, clock) = replicated(AsyncReplication);
    for round in 0..32 {
        let id = add(&backend, &clock, b"x").await;
        let tasks: Vec<_> = (0..8_u8)
            .map(|i| {
                let (backend, next) = (backend.clone(), record(&clock, 2, &[i]));
                tokio::spawn(async move {
                    if i == 5 && round % 2 == 0 {
                        backend.delete(&id).await.unwrap();
                    } else {
                        let _ = backend.save(&id, next, SaveIf::Version(1)).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        backend.settle().await;
        assert_same(&backend, &replicas, &id).await;
    }
}

/// Fails so many times before it works.
fn failing(store: Store, times: u32) -> Before<Store> {
    let left = Arc::new(AtomicU32::new(times));
    Before::new(store, move |call| {
        let step = |left: u32| left.checked_sub(1);
        let fails = call == Call::Load && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, step).is_ok();
        ready(if fails { Err(SessionError::store("a replica is away")) } else { Ok(()) })
    })
}

/// One replica works, the other fails so many times.
fn with_failures(times: u32, strategy: impl ReplicationStrategy) -> (Over<Store>, [Store; 2], ManualClock) {
    let ([primary, first, second], clock) = stores();
    let failing = failing(second.clone(), times);
    let replicas = [first.clone() as DynSessionBackend, Arc::new(failing)];
    let retries = (NonZeroU32::MIN.saturating_add(2), Duration::ZERO);
    (Over::with_retries(primary, replicas, strategy, retries).unwrap(), [first, second], clock)
}

#[tokio::test]
async fn a_copy_is_tried_again() {
    let (backend, replicas, clock) = with_failures(2, SyncReplication);
    let id = add(&backend, &clock, b"x").await;
    assert_same(&backend, &replicas, &id).await;
}

#[tokio::test]
async fn too_few_replicas_are_a_failure_and_the_next_change_mends_it() {
    let (backend, replicas, clock) = with_failures(3, SyncReplication);
    let id = id();
    let saved = backend.save(&id, record(&clock, 1, b"x"), SaveIf::Absent).await;
    assert!(matches!(saved, Err(SessionError::Store(_))), "{saved:?}");
    assert!(backend.exists(&id).await.unwrap());
    assert!(!replicas[1].exists(&id).await.unwrap());
    assert_eq!(backend.save(&id, record(&clock, 2, b"y"), SaveIf::Version(1)).await.unwrap(), Saved::Done);
    assert_same(&backend, &replicas, &id).await;
}

#[tokio::test]
async fn a_logout_that_failed_can_be_done_again() {
    let (backend, replicas, clock) = with_failures(0, SyncReplication);
    let id = add(&backend, &clock, b"x").await;
    // Gone from the primary, although the replicas were not told.
    assert!(backend.primary().delete(&id).await.unwrap());
    assert!(!backend.delete(&id).await.unwrap());
    assert_same(&backend, &replicas, &id).await;
}

#[tokio::test]
async fn as_many_replicas_as_asked_for_are_enough() {
    for times in [0, u32::MAX] {
        let (backend, replicas, clock) = with_failures(times, AcknowledgedReplication(1));
        let id = add(&backend, &clock, b"x").await;
        backend.settle().await;
        assert!(replicas[0].exists(&id).await.unwrap());
        assert_eq!(replicas[1].exists(&id).await.unwrap(), times == 0);
    }
    let (backend, _, clock) = with_failures(u32::MAX, AcknowledgedReplication(2));
    assert!(backend.save(&id(), record(&clock, 1, b"x"), SaveIf::Absent).await.is_err());
    let (backend, _, clock) = with_failures(u32::MAX, AsyncReplication);
    add(&backend, &clock, b"x").await;
}

#[tokio::test]
async fn more_acknowledgements_than_replicas_are_refused() {
    let (primary, _) = memory();
    let refused = Over::new(primary, [], AcknowledgedReplication(1));
    assert!(matches!(refused, Err(SessionError::Configuration(_))));
}
