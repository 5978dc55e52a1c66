//! Every store counts as [`LimitRule`] does, whatever happened before.

use std::collections::HashMap;
use std::time::Duration;

use auth::limits::{Attempt, Backoff, InMemoryLimitStore, LimitKey, LimitRule, LimitStore, Rate, Settlement, Tries};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};

use crate::stores::{in_database, in_redis};

/// All times are multiples of it. In Redis nothing may go by the server's own clock while the test's stands still.
const UNIT: i64 = 10_007;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Time passes, so many units.
    Pass(i64),
    /// A try under these keys.
    Attempt([usize; 2]),
    /// Under all of them.
    AttemptAll,
    Forget(usize),
    /// Of those that were counted, so many ago.
    TakeBack(usize),
}

fn units(many: u32) -> Duration {
    Duration::from_millis(UNIT.unsigned_abs()) * many
}

fn rule() -> impl Strategy<Value = LimitRule> {
    let backoff =
        (1..6_u32, 1..6_u32, 1..50_u32, 1..4_u32, 0..20_u32).prop_map(|(free, more, locked, first, longer)| {
            let backoff = Backoff::new(free, free + more, units(locked)).unwrap();
            backoff.waits(units(first), units(first + longer)).unwrap().into()
        });
    let rate = (1..9_u32, 1..7_u32).prop_map(|(period, burst)| Rate::new(units(period), burst).unwrap().into());
    prop_oneof![backoff, rate]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..9_i64).prop_map(Step::Pass),
        1 => (0..99_i64).prop_map(Step::Pass),
        6 => [0..3_usize, 0..3_usize].prop_map(Step::Attempt),
        2 => Just(Step::AttemptAll),
        1 => (0..3_usize).prop_map(Step::Forget),
        3 => (0..4_usize).prop_map(Step::TakeBack),
    ]
}

/// The machine's time, and moments at the ends of what there are.
fn began() -> impl Strategy<Value = DateTime<Utc>> {
    let ends = [DateTime::<Utc>::MIN_UTC + TimeDelta::days(1), DateTime::<Utc>::MAX_UTC - TimeDelta::days(99)];
    prop_oneof![2 => Just(Utc::now()), 1 => Just(ends[0]), 1 => Just(ends[1]), 1 => Just(DateTime::UNIX_EPOCH)]
}

fn model(held: &mut HashMap<LimitKey, Tries>, limits: &[(LimitKey, LimitRule)], now: DateTime<Utc>) -> Attempt {
    let waits = limits.iter().filter_map(|(key, rule)| rule.count(held.get(key).copied(), now).err());
    if let Some(wait) = waits.max() {
        return Attempt::Wait(wait);
    }
    let counted = limits.iter().map(|(key, rule)| {
        if let Ok(tries) = rule.count(held.get(key).copied(), now) {
            held.insert(*key, tries);
        }
        held[key]
    });
    Attempt::Counted(counted.collect())
}

async fn agrees(
    store: &impl LimitStore,
    rules: [LimitRule; 3],
    began: DateTime<Utc>,
    steps: &[Step],
) -> Result<(), TestCaseError> {
    let limits = rules.map(|rule| (LimitKey::new("test", &[uuid::Uuid::new_v4().as_bytes()]), rule));
    let (mut held, mut counted, mut now) = (HashMap::new(), Vec::new(), began);
    for step in steps {
        let chosen = match *step {
            Step::Pass(units) => {
                now += TimeDelta::milliseconds(UNIT * units);
                continue;
            }
            Step::Attempt(which) => which.map(|i| limits[i]).to_vec(),
            Step::AttemptAll => limits.to_vec(),
            Step::Forget(which) => {
                store.settle(&[(limits[which].0, Settlement::Forget)], now).await.unwrap();
                held.remove(&limits[which].0);
                continue;
            }
            Step::TakeBack(ago) => {
                let Some((key, rule, tries)) = counted.iter().rev().nth(ago).copied() else { continue };
                store.settle(&[(key, Settlement::TakeBack { rule, counted: tries })], now).await.unwrap();
                let left = held.remove(&key).and_then(|held| LimitRule::take_back(&rule, held, tries, now));
                held.extend(left.map(|tries| (key, tries)));
                continue;
            }
        };
        let expected = model(&mut held, &chosen, now);
        prop_assert_eq!(&store.attempt(&chosen, now).await.unwrap(), &expected);
        if let Attempt::Counted(tries) = expected {
            counted.extend(chosen.iter().zip(tries).map(|((key, rule), tries)| (*key, *rule, tries)));
        }
    }
    // What is kept under each key at the end.
    for limit in limits {
        let expected = model(&mut held, &[limit], now);
        prop_assert_eq!(store.attempt(&[limit], now).await.unwrap(), expected);
    }
    Ok(())
}

/// Blocks a thread of the runtime, of which there are two.
fn histories(store: &impl LimitStore, cases: u32) {
    let persistence = FileFailurePersistence::Direct("tests/proptest-regressions/limits.txt");
    let config = Config { cases, failure_persistence: Some(Box::new(persistence)), ..Config::default() };
    let runtime = tokio::runtime::Handle::current();
    let history = ([rule(), rule(), rule()], began(), proptest::collection::vec(step(), 1..60));
    let result = TestRunner::new(config).run(&history, |(rules, began, steps)| {
        tokio::task::block_in_place(|| runtime.block_on(agrees(store, rules, began, &steps)))
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory() {
    histories(&InMemoryLimitStore::new(), 256);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis"]
async fn redis() {
    histories(&in_redis().await, 128);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    histories(&in_database(auth_tests::sqlite_in_memory().await).await, 32);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn postgres() {
    histories(&in_database(auth_tests::postgres().await).await, 24);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs MariaDB"]
async fn mariadb() {
    histories(&in_database(auth_tests::mysql().await).await, 24);
}

/// A history of a rate: in no time are there more tries than the burst and one for each period.
#[test]
fn a_rate_is_never_exceeded() {
    let history = (1..20_u32, 1..6_u32, proptest::collection::vec(0..40_u32, 1..100));
    let result = TestRunner::default().run(&history, |(period, burst, pauses)| {
        let rule = LimitRule::from(Rate::new(Duration::from_millis(period.into()), burst).unwrap());
        let (mut held, mut now, mut allowed) = (None, 0, Vec::new());
        for pause in pauses {
            now += i64::from(pause);
            if let Ok(tries) = rule.count(held, DateTime::from_timestamp_millis(now).unwrap()) {
                held = Some(tries);
                allowed.push(now);
            }
        }
        for (i, from) in allowed.iter().enumerate() {
            for (many, to) in (1_i64..).zip(&allowed[i..]) {
                prop_assert!(many <= i64::from(burst) + (to - from) / i64::from(period), "{:?}", allowed);
            }
        }
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

/// Tries that were taken back make no room for more of those that were not.
#[test]
fn taking_back_buys_nothing() {
    let history = (1..20_u32, 1..6_u32, proptest::collection::vec((0..40_u32, 0..3_u8, 0..3_usize), 1..100));
    let result = TestRunner::default().run(&history, |(period, burst, steps)| {
        let rule = LimitRule::from(Rate::new(Duration::from_millis(period.into()), burst).unwrap());
        let (mut held, mut without, mut now, mut open) = (None, None, 0, Vec::<Tries>::new());
        for (pause, what, which) in steps {
            now += i64::from(pause);
            let time = DateTime::from_timestamp_millis(now).unwrap();
            match what {
                0 => {
                    if let Ok(tries) = rule.count(held, time) {
                        held = Some(tries);
                        // Had the others never been made, this one would have been allowed too.
                        let alone = rule.count(without, time);
                        prop_assert!(alone.is_ok(), "{:?} {:?}", held, without);
                        without = alone.ok();
                    }
                }
                1 => {
                    if let Ok(tries) = rule.count(held, time) {
                        held = Some(tries);
                        open.push(tries);
                    }
                }
                _ if which < open.len() => {
                    let tries = open.remove(which);
                    held = held.and_then(|held| rule.take_back(held, tries, time));
                }
                _ => {}
            }
        }
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
