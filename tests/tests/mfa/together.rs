//! Two servers that have read the same before either writes: whatever the store is, and however fast.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use auth::BoxFuture;
use auth::records::{DynRecordStore, NewRecord, Record, RecordError, RecordKind, RecordReplaced, RecordStore};
use auth::testing::ManualClock;
use chrono::TimeDelta;
use tokio::sync::Barrier;

use crate::fixture::{code, enrol, mfa};
use crate::records::tests_on_every_store;

tests_on_every_store!(a_code_is_taken_by_one_of_both, a_recovery_code_is_taken_by_one_of_both);

async fn a_code_is_taken_by_one_of_both(store: DynRecordStore, clock: ManualClock) {
    let (app, _) = enrol(&mfa(&store, &clock), &clock, "ada", "Phone").await;
    clock.advance(TimeDelta::seconds(30));
    let given = code(&app, &clock, 0);
    let [one, other] = Server::both(&store).map(|server| mfa(&server, &clock));
    let (one, other) = tokio::join!(one.verify_code("ada", &given), other.verify_code("ada", &given));
    assert_eq!([one.unwrap(), other.unwrap()].into_iter().filter(|taken| *taken).count(), 1);
}

async fn a_recovery_code_is_taken_by_one_of_both(store: DynRecordStore, clock: ManualClock) {
    let alone = mfa(&store, &clock);
    enrol(&alone, &clock, "ada", "Phone").await;
    let codes = alone.generate_recovery_codes("ada").await.unwrap();
    let given = codes[0].expose();
    let [one, other] = Server::both(&store).map(|server| mfa(&server, &clock));
    let (one, other) = tokio::join!(one.verify_recovery_code("ada", given), other.verify_recovery_code("ada", given));
    assert_eq!([one.unwrap(), other.unwrap()].into_iter().filter(|taken| *taken).count(), 1);
    // Of two different ones at once, neither is lost.
    let (first, second) = (codes[1].expose(), codes[2].expose());
    let [one, other] = Server::both(&store).map(|server| mfa(&server, &clock));
    let (one, other) = tokio::join!(one.verify_recovery_code("ada", first), other.verify_recovery_code("ada", second));
    assert!(one.unwrap() && other.unwrap());
    for used in &codes[..3] {
        assert!(!alone.verify_recovery_code("ada", used.expose()).await.unwrap());
    }
    assert_eq!(alone.remaining_recovery_codes("ada").await.unwrap(), 7);
}

/// One of two servers that wait for one another before they write over a record for the first time.
#[derive(Debug)]
struct Server {
    store: DynRecordStore,
    both: Arc<Barrier>,
    waited: AtomicBool,
}

impl Server {
    fn both(store: &DynRecordStore) -> [DynRecordStore; 2] {
        let both = Arc::new(Barrier::new(2));
        let server = || Self { store: store.clone(), both: both.clone(), waited: AtomicBool::new(false) };
        [Arc::new(server()), Arc::new(server())]
    }
}

impl RecordStore for Server {
    fn get<'a>(
        &'a self,
        kind: RecordKind,
        ids: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Option<Record>>, RecordError>> {
        self.store.get(kind, ids)
    }

    fn insert<'a>(
        &'a self,
        kind: RecordKind,
        id: &'a str,
        record: NewRecord,
    ) -> BoxFuture<'a, Result<bool, RecordError>> {
        self.store.insert(kind, id, record)
    }

    fn replace<'a>(
        &'a self,
        kind: RecordKind,
        id: &'a str,
        version: u64,
        record: NewRecord,
    ) -> BoxFuture<'a, Result<RecordReplaced, RecordError>> {
        Box::pin(async move {
            if !self.waited.swap(true, Ordering::SeqCst) {
                self.both.wait().await;
            }
            self.store.replace(kind, id, version, record).await
        })
    }

    fn take<'a>(&'a self, kind: RecordKind, id: &'a str) -> BoxFuture<'a, Result<Option<Record>, RecordError>> {
        self.store.take(kind, id)
    }

    fn owned<'a>(
        &'a self,
        kind: RecordKind,
        owner: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(String, Record)>, RecordError>> {
        self.store.owned(kind, owner)
    }

    fn delete_owned<'a>(&'a self, kind: RecordKind, owner: &'a str) -> BoxFuture<'a, Result<u64, RecordError>> {
        self.store.delete_owned(kind, owner)
    }

    fn count(&self, kind: RecordKind) -> BoxFuture<'_, Result<u64, RecordError>> {
        self.store.count(kind)
    }

    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, RecordError>> {
        self.store.cleanup_expired(batch)
    }
}
