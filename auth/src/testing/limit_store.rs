//! What every [`LimitStore`] promises. `auth::limit_store_suite!(store)` makes a test of each promise.

#![expect(clippy::missing_panics_doc, reason = "a test panics when the promise is broken")]

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::at_once;
use crate::limits::{Attempt, Backoff, LimitKey, LimitRule, LimitStore, Rate, Settlement, Tries};
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
            a_rate_gives_a_burst_and_then_one_in_each_period,
            what_is_kept_is_what_the_rules_say,
            a_refused_try_is_counted_under_no_key_and_lengthens_no_wait,
            what_expired_is_forgotten,
            forgetting_starts_from_nothing,
            taking_back_ends_the_wait_that_the_try_began,
            taking_back_keeps_the_waits_of_others,
            taking_back_gives_a_rate_what_has_not_passed,
            settling_what_is_not_there_does_nothing,
            many_keys_are_settled_at_once,
            no_limits_are_no_wait,
            a_key_that_stands_there_twice_is_counted_as_often_as_it_may,
            parallel_tries_are_all_counted,
            parallel_tries_at_a_rate_are_all_counted,
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

/// One try in ten seconds, three at once.
fn rate() -> Rate {
    Rate::new(Duration::from_secs(10), 3).expect("these are within the rules")
}

async fn attempt_by(store: &impl LimitStore, limits: &[(LimitKey, LimitRule)], now: DateTime<Utc>) -> Attempt {
    store.attempt(limits, now).await.expect("the store works")
}

async fn attempt(store: &impl LimitStore, keys: &[LimitKey], now: DateTime<Utc>) -> Attempt {
    let limits: Vec<_> = keys.iter().map(|key| (*key, backoff().into())).collect();
    attempt_by(store, &limits, now).await
}

/// A try by the back-off that must be counted, and is so many then.
async fn count(store: &impl LimitStore, key: LimitKey, expected: u32, now: DateTime<Utc>) -> Tries {
    let tries = counted(&attempt(store, &[key], now).await)[0];
    assert_eq!(tries.count, expected);
    tries
}

async fn settle(store: &impl LimitStore, key: LimitKey, settlement: Settlement, now: DateTime<Utc>) {
    store.settle(&[(key, settlement)], now).await.expect("the store works");
}

fn counted(attempt: &Attempt) -> &[Tries] {
    match attempt {
        Attempt::Counted(tries) => tries,
        Attempt::Wait(wait) => panic!("it has to wait for {wait:?}"),
    }
}

fn take_back(rule: impl Into<LimitRule>, counted: Tries) -> Settlement {
    Settlement::TakeBack { rule: rule.into(), counted }
}

fn wait(seconds: u64) -> Attempt {
    Attempt::Wait(Duration::from_secs(seconds))
}

/// Free tries, doubling waits, and a lock that ends.
pub async fn counts_and_waits_are_those_of_the_back_off(store: &impl LimitStore) {
    let (key, mut now) = (key(), Utc::now());
    let mut model = None;
    for number in 1..=8 {
        let tries = LimitRule::from(backoff()).count(model, now).expect("the wait is over");
        assert_eq!(count(store, key, number, now).await, tries);
        let expected = backoff().wait_after(number);
        if !expected.is_zero() {
            assert_eq!(attempt(store, &[key], now).await, Attempt::Wait(expected));
            let just_before = now + expected - TimeDelta::milliseconds(1);
            let last = Attempt::Wait(Duration::from_millis(1));
            assert_eq!(attempt(store, &[key], just_before).await, last, "{number}");
        }
        now += expected;
        model = Some(tries);
    }
    count(store, key, 1, now).await;
}

/// GCRA, to the millisecond; a refused try lengthens no wait.
pub async fn a_rate_gives_a_burst_and_then_one_in_each_period(store: &impl LimitStore) {
    let (limit, began) = ([(key(), rate().into())], Utc::now());
    let at = |milliseconds| began + TimeDelta::milliseconds(milliseconds);
    let allowed = [0, 0, 0, 10_000, 20_000, 35_000, 40_000, 80_000, 80_000, 80_000];
    let refused = [(0, 10_000), (1, 9_999), (9_999, 1), (10_001, 9_999), (40_001, 9_999), (80_000, 10_000)];
    let mut all: Vec<_> = allowed.map(|time| (time, 0)).into_iter().chain(refused).collect();
    all.sort_unstable();
    for (time, expected) in all {
        match attempt_by(store, &limit, at(time)).await {
            Attempt::Counted(_) => assert_eq!(expected, 0, "at {time}"),
            Attempt::Wait(wait) => assert_eq!(wait, Duration::from_millis(expected), "at {time}"),
        }
    }
}

/// Of every key, whatever its rule.
pub async fn what_is_kept_is_what_the_rules_say(store: &impl LimitStore) {
    let limits = [(key(), LimitRule::from(backoff())), (key(), rate().into())];
    let mut model = [None, None];
    let mut now = Utc::now();
    for pass in [0, 1, 10_000, 3_600_000] {
        now += TimeDelta::milliseconds(pass);
        let expected = [0, 1].map(|i| limits[i].1.count(model[i], now).expect("there is no wait"));
        assert_eq!(counted(&attempt_by(store, &limits, now).await), expected);
        model = expected.map(Some);
    }
}

/// All keys or none.
pub async fn a_refused_try_is_counted_under_no_key_and_lengthens_no_wait(store: &impl LimitStore) {
    let (full, other, now) = (key(), key(), Utc::now());
    for number in 1..=5 {
        count(store, full, number, now).await;
    }
    for keys in [[full, other], [other, full]] {
        assert_eq!(attempt(store, &keys, now).await, wait(1));
    }
    count(store, other, 1, now).await;
    let later = now + TimeDelta::seconds(1);
    let both = attempt(store, &[full, other], later).await;
    assert_eq!(counted(&both).iter().map(|tries| tries.count).collect::<Vec<_>>(), [6, 2]);
    // The longest wait, whichever rule says so.
    let once = (key(), LimitRule::from(rate()));
    for _ in 0..3 {
        let _ = counted(&attempt_by(store, &[once], later).await);
    }
    let limits = [(full, backoff().into()), once, (other, backoff().into())];
    assert_eq!(attempt_by(store, &limits, later).await, wait(10));
    count(store, other, 3, later).await;
}

/// Failures are in a row only while nobody lets them rest.
pub async fn what_expired_is_forgotten(store: &impl LimitStore) {
    let (key, now) = (key(), Utc::now());
    count(store, key, 1, now).await;
    let almost = now + TimeDelta::hours(1) - TimeDelta::milliseconds(1);
    count(store, key, 2, almost).await;
    count(store, key, 1, almost + TimeDelta::hours(1)).await;
}

/// A success at an account ends its waits.
pub async fn forgetting_starts_from_nothing(store: &impl LimitStore) {
    let (key, now) = (key(), Utc::now());
    for number in 1..=5 {
        count(store, key, number, now).await;
    }
    assert_eq!(attempt(store, &[key], now).await, wait(1));
    settle(store, key, Settlement::Forget, now).await;
    count(store, key, 1, now).await;
}

/// A success at a source leaves it as it was.
pub async fn taking_back_ends_the_wait_that_the_try_began(store: &impl LimitStore) {
    let (key, now) = (key(), Utc::now());
    for number in 1..=4 {
        count(store, key, number, now).await;
    }
    let fifth = count(store, key, 5, now).await;
    settle(store, key, take_back(backoff(), fifth), now).await;
    count(store, key, 5, now).await;
    assert_eq!(attempt(store, &[key], now).await, wait(1));
}

/// A success frees no failure that came after it.
pub async fn taking_back_keeps_the_waits_of_others(store: &impl LimitStore) {
    let (key, now) = (key(), Utc::now());
    for number in 1..=3 {
        count(store, key, number, now).await;
    }
    let fourth = count(store, key, 4, now).await;
    count(store, key, 5, now).await;
    settle(store, key, take_back(backoff(), fourth), now).await;
    assert_eq!(attempt(store, &[key], now).await, wait(1));
    count(store, key, 5, now + TimeDelta::seconds(1)).await;
}

/// All of a try at once; less of one that has passed in part; nothing of one that has passed.
pub async fn taking_back_gives_a_rate_what_has_not_passed(store: &impl LimitStore) {
    let (key, now) = (key(), Utc::now());
    let limit = [(key, rate().into())];
    let mut tries = Vec::new();
    for _ in 0..3 {
        tries.push(counted(&attempt_by(store, &limit, now).await)[0]);
    }
    assert_eq!(attempt_by(store, &limit, now).await, wait(10));
    settle(store, key, take_back(rate(), tries[2]), now).await;
    let third = counted(&attempt_by(store, &limit, now).await)[0];
    assert_eq!(third, tries[2]);
    // Of the first, which was to take ten seconds, four are left.
    let later = now + TimeDelta::seconds(6);
    settle(store, key, take_back(rate(), tries[0]), later).await;
    let fourth = counted(&attempt_by(store, &limit, later).await)[0];
    assert_eq!(fourth.expires - third.expires, 10_000 - 4_000);
    // Of none of them is anything left, and the last one keeps its own.
    settle(store, key, take_back(rate(), tries[0]), now + TimeDelta::seconds(10)).await;
    let fifth = counted(&attempt_by(store, &limit, now + TimeDelta::seconds(16)).await)[0];
    assert_eq!(fifth.expires - fourth.expires, 10_000);
}

/// Neither an error nor a key that was not there.
pub async fn settling_what_is_not_there_does_nothing(store: &impl LimitStore) {
    let (key, now) = (key(), Utc::now());
    let before = now - TimeDelta::hours(2);
    let expired = count(store, key, 1, before).await;
    for _ in 0..2 {
        settle(store, key, Settlement::Forget, now).await;
        settle(store, key, take_back(backoff(), expired), now).await;
        settle(store, key, take_back(rate(), expired), now).await;
        let first = count(store, key, 1, now).await;
        settle(store, key, take_back(backoff(), first), now).await;
    }
    count(store, key, 1, now).await;
}

/// Each by itself, and those that are there twice, twice.
pub async fn many_keys_are_settled_at_once(store: &impl LimitStore) {
    let (keys, now) = ([key(), key(), key()], Utc::now());
    let mut last = Vec::new();
    for _ in 0..4 {
        last = counted(&attempt(store, &keys, now).await).to_vec();
    }
    let settlements = [
        (keys[2], take_back(backoff(), last[2])),
        (keys[0], Settlement::Forget),
        (key(), Settlement::Forget),
        (keys[2], take_back(backoff(), last[2])),
        (keys[1], take_back(backoff(), last[1])),
    ];
    store.settle(&settlements, now).await.expect("the store works");
    store.settle(&[], now).await.expect("the store works");
    let left = attempt(store, &keys, now).await;
    assert_eq!(counted(&left).iter().map(|tries| tries.count).collect::<Vec<_>>(), [1, 4, 3]);
}

/// Nothing that holds it back, nothing to keep.
pub async fn no_limits_are_no_wait(store: &impl LimitStore) {
    assert_eq!(attempt(store, &[], Utc::now()).await, Attempt::Counted(Vec::new()));
}

/// Until it has to wait for itself.
pub async fn a_key_that_stands_there_twice_is_counted_as_often_as_it_may(store: &impl LimitStore) {
    let (key, now) = (key(), Utc::now());
    for expected in [[1, 2], [3, 4], [5, 5]] {
        let twice = attempt(store, &[key, key], now).await;
        assert_eq!(counted(&twice).iter().map(|tries| tries.count).collect::<Vec<_>>(), expected);
    }
    assert_eq!(attempt(store, &[key, key], now).await, wait(1));
}

/// Sixty-four at once are five allowed, whatever order they come in.
pub async fn parallel_tries_are_all_counted(store: &impl LimitStore) {
    let (one, other, now) = (key(), key(), Utc::now());
    let attempts = (0..64).map(|i| async move {
        let keys = if i % 2 == 0 { [one, other] } else { [other, one] };
        attempt(store, &keys, now).await
    });
    let answers = at_once(attempts).await;
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Attempt::Counted(_))).count(), 5);
}

/// Sixty-four at once are a burst. A key that not all of them have is counted as often as it was allowed.
pub async fn parallel_tries_at_a_rate_are_all_counted(store: &impl LimitStore) {
    let (keys, now) = ([key(), key(), key()], Utc::now());
    let attempts = (0..64).map(|i| async move {
        let limits = [(keys[2], backoff().into()), (keys[i % 2], LimitRule::from(rate()))];
        (i % 2, attempt_by(store, &limits, now).await)
    });
    let answers = at_once(attempts).await;
    let allowed = |which: usize| {
        let is_allowed = |(i, answer): &&(usize, Attempt)| *i == which && matches!(answer, Attempt::Counted(_));
        answers.iter().filter(is_allowed).count()
    };
    let both = allowed(0) + allowed(1);
    assert!(allowed(0) <= 3 && allowed(1) <= 3 && both == 5, "{answers:?}");
}
