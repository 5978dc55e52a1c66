//! Sessions that are watched.

use std::sync::{Arc, Mutex};

use auth::sessions::{
    CleanupExpired as _, DeletionReason, InMemorySessionBackend, InstrumentedSessionBackend, Lifetime, LoggerAnalytics,
    PrometheusAnalytics, SaveIf, Session, SessionAnalytics, SessionBackend as _, SessionEvent,
};
use auth::testing::ManualClock;
use chrono::TimeDelta;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use crate::{add, id, memory, record};

type Over<B> = InstrumentedSessionBackend<B>;

mod over_memory {
    use super::*;

    async fn backend() -> (Over<InMemorySessionBackend>, ManualClock, ()) {
        let (store, clock) = memory();
        (Over::new(store, LoggerAnalytics).with_clock(Arc::new(clock.clone())), clock, ())
    }

    auth::session_backend_suite!(backend);
}

mod over_sqlite {
    use auth::sessions::DatabaseSessionBackend;
    use auth_tests::TestDatabase;

    use super::*;

    async fn backend() -> (Over<DatabaseSessionBackend>, ManualClock, TestDatabase) {
        let (store, clock, keep) = crate::sqlite().await;
        (Over::new(store, PrometheusAnalytics).with_clock(Arc::new(clock.clone())), clock, keep)
    }

    auth::session_backend_suite!(backend);
}

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<SessionEvent>>);

impl SessionAnalytics for Heard {
    fn record(&self, event: &SessionEvent) {
        self.0.lock().expect("no test panics here").push(*event);
    }
}

impl Heard {
    fn take(&self) -> Vec<SessionEvent> {
        std::mem::take(&mut *self.0.lock().expect("no test panics here"))
    }
}

#[tokio::test]
async fn what_succeeded_is_heard_and_nothing_else() {
    let (store, clock) = memory();
    let heard = Arc::new(Heard::default());
    let backend = Over::new(store, heard.clone()).with_clock(Arc::new(clock.clone()));
    let id = add(&backend, &clock, b"four").await;
    assert_eq!(heard.take(), [SessionEvent::Created { id, size: 4 }]);

    let again = record(&clock, 1, b"x");
    assert!(backend.save(&id, again.clone(), SaveIf::Absent).await.is_ok());
    assert!(backend.save(&id, again.clone(), SaveIf::Version(7)).await.is_ok());
    assert_eq!(heard.take(), []);
    assert!(backend.save(&id, record(&clock, 2, b"five!"), SaveIf::Version(1)).await.is_ok());
    assert_eq!(heard.take(), [SessionEvent::Changed { id, size: 5 }]);

    backend.load(&id).await.unwrap();
    let [SessionEvent::Accessed { found: true, .. }] = heard.take()[..] else { panic!("it was found") };
    backend.load(&crate::id()).await.unwrap();
    let [SessionEvent::Accessed { found: false, .. }] = heard.take()[..] else { panic!("there was none") };

    backend.delete(&id).await.unwrap();
    backend.delete(&id).await.unwrap();
    assert_eq!(heard.take(), [SessionEvent::Deleted { id, reason: DeletionReason::Ended }]);

    add(&backend, &clock, b"x").await;
    heard.take();
    clock.advance(TimeDelta::hours(1));
    backend.cleanup_expired(9).await.unwrap();
    backend.cleanup_expired(9).await.unwrap();
    assert_eq!(heard.take(), [SessionEvent::Expired { count: 1 }]);
}

#[tokio::test]
async fn another_key_is_a_change_and_an_emptied_session_has_ended() {
    let (store, clock) = memory();
    let (heard, clock) = (Arc::new(Heard::default()), Arc::new(clock));
    let backend = Over::new(Arc::new(store), heard.clone()).with_clock(clock.clone());
    let session = Session::with(backend, clock, Lifetime::default());
    session.set("a", 1).unwrap();
    session.save().await.unwrap();
    let key = session.key().unwrap();
    heard.take();
    session.cycle_key().await.unwrap();
    assert_ne!(session.key(), Some(key.clone()));
    let [SessionEvent::Changed { id, .. }] = heard.take()[..] else { panic!("one event") };
    assert_eq!(id, key.digest());
    session.clear();
    session.save().await.unwrap();
    assert_eq!(heard.take(), [SessionEvent::Deleted { id, reason: DeletionReason::Emptied }]);
}

#[tokio::test]
async fn metrics_have_the_names_that_are_promised() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let (store, clock) = memory();
    let backend = Over::new(store, PrometheusAnalytics);
    let guard = metrics::set_default_local_recorder(&recorder);
    let first = add(&backend, &clock, b"four").await;
    add(&backend, &clock, b"x").await;
    backend.load(&first).await.unwrap();
    backend.load(&id()).await.unwrap();
    backend.delete(&first).await.unwrap();
    clock.advance(TimeDelta::hours(1));
    backend.cleanup_expired(9).await.unwrap();
    drop(guard);
    let mut seen: Vec<_> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, _, _, value)| {
            let key = key.key();
            let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
            let value = match value {
                DebugValue::Counter(count) => count.to_string(),
                DebugValue::Histogram(values) if key.name() == "session_size_bytes" => format!("{values:?}"),
                DebugValue::Histogram(values) => format!("{} values", values.len()),
                DebugValue::Gauge(_) => panic!("{key} is a gauge"),
            };
            format!("{} {labels:?} {value}", key.name()).replace('"', "")
        })
        .collect();
    seen.sort();
    assert_eq!(
        seen,
        [
            "session_access_latency_seconds [] 2 values",
            "session_accessed_total [found=false] 1",
            "session_accessed_total [found=true] 1",
            "session_created_total [] 2",
            "session_deleted_total [reason=ended] 1",
            "session_expired_total [] 1",
            "session_size_bytes [] [4.0, 1.0]",
        ]
    );
}
