//! Memory before a slower backend.

use std::sync::Arc;

use auth::sessions::{
    InMemorySessionBackend, InstrumentedSessionBackend, LayeredSessionBackend, SaveIf, Saved, SessionAnalytics,
    SessionBackend, SessionError, SessionEvent,
};
use auth::testing::ManualClock;
use auth_tests::TestDatabase;
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
