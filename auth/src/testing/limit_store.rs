//! What every [`LimitStore`] promises. `auth::limit_store_suite!(store)` makes a test of each promise.

#![expect(clippy::missing_panics_doc, reason = "a test panics when the promise is broken")]

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::limits::{Attempt, Backoff, LimitKey, LimitStore, Settlement};
use crate::secret;

/// Makes one test of each promise of a store of limits, with the path of an asynchronous function that gives one.
/// The store may hold other keys. The crate that uses it needs tokio with its `macros` and `rt` features.
///
/// ```text
/// mod memory {
///     async fn store() -> auth::limits::InMemoryLimitStore { Default::default() }
///     auth::limit_store_suite!(store);
/// }
/// ```
#[macro_export]
macro_rules! limit_store_suite {
    ($(#[$attribute:meta])* $store:path) => {
        $crate::limit_store_suite! { @tests [$(#[$attribute])*] $store:
            counts_and_waits_are_those_of_the_back_off,
            a_refused_try_is_counted_under_no_key_and_lengthens_no_wait,
            what_expired_is_forgotten,
            forgetting_starts_from_nothing,
            taking_back_ends_the_wait_that_the_try_began,
            taking_back_keeps_the_waits_of_others,
            settling_what_is_not_there_does_nothing,
            parallel_tries_are_all_counted,
        }
    };
    (@tests $attributes:tt $store:path: $($promise:ident),* $(,)?) => {
        $($crate::limit_store_suite! { @test $attributes $store: $promise })*
    };
    (@test [$($attributes:tt)*] $store:path: $promise:ident) => {
        #[::tokio::test]
        $($attributes)*
        async fn $promise() {
            $crate::testing::limit_store::$promise(&$store().await).await;
        }
    };
}

/// A key that no other test has.
fn key() -> LimitKey {
    LimitKey::new("suite", &[&secret::random::<16>()])
}

/// Five free tries, locked after eight.
fn backoff() -> Backoff {
    Backoff::new(5, 8, Duration::from_hours(1)).expect("these are within the rules")
}

async fn attempt(store: &impl LimitStore, keys: &[LimitKey], now: DateTime<Utc>) -> Attempt {
    let limits: Vec<_> = keys.iter().map(|key| (*key, backoff())).collect();
    store.attempt(&limits, now).await.expect("the store works")
}

async fn settle(store: &impl LimitStore, key: LimitKey, settlement: Settlement, now: DateTime<Utc>) {
    store.settle(&[(key, settlement)], now).await.expect("the store works");
}

fn counted(count: u32) -> Attempt {
    Attempt::Counted(vec![count])
}

fn wait(seconds: u64) -> Attempt {
    Attempt::Wait(Duration::from_secs(seconds))
}

/// Free tries, doubling waits, and a lock that ends.
pub async fn counts_and_waits_are_those_of_the_back_off(store: &impl LimitStore) {
    let (key, mut now) = (key(), Utc::now());
    let mut model = None;
    for count in 1..=8 {
        assert_eq!(attempt(store, &[key], now).await, counted(count));
        let tries = backoff().count(model, now).expect("the wait is over");
        let expected = backoff().wait_after(count);
        if !expected.is_zero() {
            assert_eq!(attempt(store, &[key], now).await, Attempt::Wait(expected));
            let just_before = now + expected - TimeDelta::milliseconds(1);
            let last = Attempt::Wait(Duration::from_millis(1));
            assert_eq!(attempt(store, &[key], just_before).await, last, "{count}");
        }
        now += expected;
        model = Some(tries);
    }
    assert_eq!(attempt(store, &[key], now).await, counted(1));
}

/// All keys or none.
pub async fn a_refused_try_is_counted_under_no_key_and_lengthens_no_wait(store: &impl LimitStore) {
    let (full, other, now) = (key(), key(), Utc::now());
    for count in 1..=5 {
        assert_eq!(attempt(store, &[full], now).await, counted(count));
    }
    for keys in [[full, other], [other, full]] {
        assert_eq!(attempt(store, &keys, now).await, wait(1));
    }
    assert_eq!(attempt(store, &[other], now).await, counted(1));
    let later = now + TimeDelta::seconds(1);
    assert_eq!(attempt(store, &[full, other], later).await, Attempt::Counted(vec![6, 2]));
}

/// Failures are in a row only while nobody lets them rest.
pub async fn what_expired_is_forgotten(store: &impl LimitStore) {
    let (key, now) = (key(), Utc::now());
    assert_eq!(attempt(store, &[key], now).await, counted(1));
    let almost = now + TimeDelta::hours(1) - TimeDelta::milliseconds(1);
    assert_eq!(attempt(store, &[key], almost).await, counted(2));
    assert_eq!(attempt(store, &[key], almost + TimeDelta::hours(1)).await, counted(1));
}

/// A success at an account ends its waits.
pub async fn forgetting_starts_from_nothing(store: &impl LimitStore) {
    let (key, now) = (key(), Utc::now());
    for count in 1..=5 {
        assert_eq!(attempt(store, &[key], now).await, counted(count));
    }
    assert_eq!(attempt(store, &[key], now).await, wait(1));
    settle(store, key, Settlement::Forget, now).await;
    assert_eq!(attempt(store, &[key], now).await, counted(1));
}

/// A success at a source leaves it as it was.
pub async fn taking_back_ends_the_wait_that_the_try_began(store: &impl LimitStore) {
    let (key, now) = (key(), Utc::now());
    for count in 1..=5 {
        assert_eq!(attempt(store, &[key], now).await, counted(count));
    }
    settle(store, key, Settlement::TakeBack { count: 5 }, now).await;
    assert_eq!(attempt(store, &[key], now).await, counted(5));
    assert_eq!(attempt(store, &[key], now).await, wait(1));
}

/// A success frees no failure that came after it.
pub async fn taking_back_keeps_the_waits_of_others(store: &impl LimitStore) {
    let (key, now) = (key(), Utc::now());
    for count in 1..=5 {
        assert_eq!(attempt(store, &[key], now).await, counted(count));
    }
    settle(store, key, Settlement::TakeBack { count: 4 }, now).await;
    assert_eq!(attempt(store, &[key], now).await, wait(1));
    assert_eq!(attempt(store, &[key], now + TimeDelta::seconds(1)).await, counted(5));
}

/// Neither an error nor a key that was not there.
pub async fn settling_what_is_not_there_does_nothing(store: &impl LimitStore) {
    let (key, now) = (key(), Utc::now());
    settle(store, key, Settlement::Forget, now).await;
    settle(store, key, Settlement::TakeBack { count: 1 }, now).await;
    assert_eq!(attempt(store, &[key], now).await, counted(1));
    settle(store, key, Settlement::TakeBack { count: 1 }, now).await;
    assert_eq!(attempt(store, &[key], now).await, counted(1));
}

/// Sixty-four at once are five allowed, whatever order they come in.
pub async fn parallel_tries_are_all_counted(store: &impl LimitStore) {
    let (one, other, now) = (key(), key(), Utc::now());
    let mut allowed = 0;
    let attempts = (0..64).map(|i| async move {
        let keys = if i % 2 == 0 { [one, other] } else { [other, one] };
        attempt(store, &keys, now).await
    });
    for answer in together(attempts.collect()).await {
        allowed += u32::from(matches!(answer, Attempt::Counted(_)));
    }
    assert_eq!(allowed, 5);
}

/// Polls all of them in turn until all are done.
async fn together<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut answers: Vec<_> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(move |context| {
        for (future, answer) in futures.iter_mut().zip(&mut answers) {
            if answer.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *answer = Some(value);
            }
        }
        if answers.iter().any(Option::is_none) {
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(answers.drain(..).flatten().collect())
    })
    .await
}
