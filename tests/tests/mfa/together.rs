//! Two servers that have read the same before either writes: whatever the store is, and however fast.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use auth::records::DynRecordStore;
use auth::testing::ManualClock;
use auth_tests::{BeforeRecords, RecordCall};
use chrono::TimeDelta;
use tokio::sync::Barrier;

use crate::fixture::{code, enrol, mfa};
use crate::records::tests_on_every_store;

tests_on_every_store!(a_code_is_taken_by_one_of_both, a_recovery_code_is_taken_by_one_of_both);

async fn a_code_is_taken_by_one_of_both(store: DynRecordStore, clock: ManualClock) {
    let (app, _) = enrol(&mfa(&store, &clock), &clock, "ada", "Phone").await;
    clock.advance(TimeDelta::seconds(30));
    let given = code(&app, &clock, 0);
    let [one, other] = both(&store).map(|server| mfa(&server, &clock));
    let (one, other) = tokio::join!(one.verify_code("ada", &given), other.verify_code("ada", &given));
    assert_eq!([one.unwrap(), other.unwrap()].into_iter().filter(|taken| *taken).count(), 1);
}

async fn a_recovery_code_is_taken_by_one_of_both(store: DynRecordStore, clock: ManualClock) {
    let alone = mfa(&store, &clock);
    enrol(&alone, &clock, "ada", "Phone").await;
    let codes = alone.generate_recovery_codes("ada").await.unwrap();
    let given = codes[0].expose();
    let [one, other] = both(&store).map(|server| mfa(&server, &clock));
    let (one, other) = tokio::join!(one.verify_recovery_code("ada", given), other.verify_recovery_code("ada", given));
    assert_eq!([one.unwrap(), other.unwrap()].into_iter().filter(|taken| *taken).count(), 1);
    // Of two different ones at once, neither is lost.
    let (first, second) = (codes[1].expose(), codes[2].expose());
    let [one, other] = both(&store).map(|server| mfa(&server, &clock));
    let (one, other) = tokio::join!(one.verify_recovery_code("ada", first), other.verify_recovery_code("ada", second));
    assert!(one.unwrap() && other.unwrap());
    for used in &codes[..3] {
        assert!(!alone.verify_recovery_code("ada", used.expose()).await.unwrap());
    }
    assert_eq!(alone.remaining_recovery_codes("ada").await.unwrap(), 7);
}

/// Two servers that wait for one another before they write over a record for the first time.
fn both(store: &DynRecordStore) -> [DynRecordStore; 2] {
    let both = Arc::new(Barrier::new(2));
    [(); 2].map(|()| {
        let (both, waited) = (both.clone(), AtomicBool::new(false));
        let hook = move |call, _| {
            let waits = call == RecordCall::Replace && !waited.swap(true, Ordering::SeqCst);
            let both = both.clone();
            async move {
                if waits {
                    both.wait().await;
                }
                Ok(())
            }
        };
        Arc::new(BeforeRecords::new(store.clone(), hook)) as DynRecordStore
    })
}
