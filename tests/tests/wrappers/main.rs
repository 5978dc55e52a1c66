//! Backends around backends keep the promises of a backend, and add one.
#![expect(clippy::unwrap_used, reason = "a test panics when something is wrong")]

use std::sync::Arc;

use auth::clock::Clock as _;
use auth::sessions::{
    DatabaseSessionBackend, InMemorySessionBackend, SaveIf, Saved, SessionBackend, SessionDigest, SessionKey,
    SessionRecord,
};
use auth::testing::ManualClock;
use auth_tests::TestDatabase;
use chrono::TimeDelta;

mod compressed;
mod failover;
mod instrumented;
mod layered;
mod listed;
mod matrix;
mod migration;
mod replicated;
mod tenant;

fn memory() -> (InMemorySessionBackend, ManualClock) {
    let clock = ManualClock::new();
    (InMemorySessionBackend::with_clock(Arc::new(clock.clone())), clock)
}

async fn sqlite() -> (DatabaseSessionBackend, ManualClock, TestDatabase) {
    let (clock, test) = (ManualClock::new(), auth_tests::sqlite().await);
    let backend = DatabaseSessionBackend::new(test.database.clone()).with_clock(Arc::new(clock.clone()));
    backend.create_table().await.expect("the table can be made");
    (backend, clock, test)
}

fn id() -> SessionDigest {
    SessionKey::generate().digest()
}

/// A record that lives for an hour.
fn record(clock: &ManualClock, version: u64, data: &[u8]) -> Arc<SessionRecord> {
    let now = clock.now();
    let mut record = SessionRecord::new(now, now + TimeDelta::hours(1), now + TimeDelta::hours(24));
    (record.version, record.data) = (version, data.into());
    Arc::new(record)
}

async fn add(backend: &impl SessionBackend, clock: &ManualClock, data: &[u8]) -> SessionDigest {
    let id = id();
    let saved = backend.save(&id, record(clock, 1, data), SaveIf::Absent).await;
    assert_eq!(saved.expect("the backend works"), Saved::Done);
    id
}
