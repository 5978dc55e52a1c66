//! Limits on logins.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use auth::clock::Clock as _;
use auth::limits::{
    Backoff, BackoffError, Decision, InMemoryLimitStore, LimitKey, LimitStore, Limiter, LoginAttempt, LoginLimiter,
};
use auth::testing::ManualClock;
use chrono::{DateTime, TimeDelta};

pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) limiter: LoginLimiter,
}

impl World {
    fn new() -> Self {
        Self::over(Arc::new(InMemoryLimitStore::new()))
    }

    pub(crate) fn over(store: Arc<dyn LimitStore>) -> Self {
        let clock = ManualClock::at(DateTime::UNIX_EPOCH);
        let limiter = LoginLimiter::new(Limiter::new(store, Arc::new(clock.clone())));
        Self { clock, limiter }
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(TimeDelta::from_std(time).unwrap());
    }

    pub(crate) async fn attempt(&self, attempt: LoginAttempt<'_>) -> Decision {
        self.limiter.attempt(&attempt).await.unwrap()
    }

    /// A wrong password; says how long to wait if it could not be tried.
    pub(crate) async fn fail(&self, attempt: LoginAttempt<'_>) -> Duration {
        match self.attempt(attempt).await {
            Decision::Wait(wait) => wait,
            Decision::Allowed(_) => Duration::ZERO,
        }
    }

    /// The right password, which is not limited now.
    pub(crate) async fn succeed(&self, attempt: LoginAttempt<'_>) {
        let Decision::Allowed(ticket) = self.attempt(attempt).await else { panic!("limited") };
        self.limiter.succeeded(ticket).await.unwrap();
    }
}

pub(crate) fn from<'a>(account: &'a str, source: &str) -> LoginAttempt<'a> {
    LoginAttempt::new(account, Some(source.parse().unwrap()))
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn five_tries_are_free_and_then_waits_double() {
    for attempt in [from("ada", "192.0.2.1"), LoginAttempt::new("ada", None)] {
        let world = World::new();
        for _ in 0..5 {
            assert_eq!(world.fail(attempt).await, Duration::ZERO);
        }
        for wait in [1, 2, 4, 8, 16] {
            assert_eq!(world.fail(attempt).await, wait * SECOND);
            world.pass(wait * SECOND);
            assert_eq!(world.fail(attempt).await, Duration::ZERO);
        }
    }
}

#[tokio::test]
async fn a_patient_attacker_has_a_hundred_tries_and_they_take_most_of_a_day() {
    let world = World::new();
    let (mut tries, mut locked) = (0, Duration::ZERO);
    for source in 0.. {
        // A new source for each try.
        let source = format!("10.{}.{}.1", source / 256, source % 256);
        locked = world.fail(from("ada", &source)).await;
        if locked > Duration::from_hours(1) {
            break;
        }
        world.pass(locked);
        tries += u32::from(locked.is_zero());
    }
    assert_eq!((tries, locked), (100, Duration::from_hours(24)));
    let began = DateTime::UNIX_EPOCH + Duration::from_hours(17);
    assert!(world.clock.now() > began, "{}", world.clock.now());
    world.pass(locked);
    assert_eq!(world.fail(from("ada", "192.0.2.1")).await, Duration::ZERO);
}

#[tokio::test]
async fn a_success_forgets_the_failures_of_the_account() {
    let world = World::new();
    for _ in 0..10 {
        for _ in 0..4 {
            assert_eq!(world.fail(from("ada", "192.0.2.1")).await, Duration::ZERO);
        }
        world.succeed(from("ada", "192.0.2.1")).await;
        world.pass(Duration::from_mins(15));
    }
}

#[tokio::test]
async fn an_attackers_own_account_buys_no_guesses_at_others() {
    let world = World::new();
    let mut allowed = 0;
    for victim in 0..200 {
        let wait = world.fail(from(&format!("victim {victim}"), "192.0.2.1")).await;
        allowed += u32::from(wait.is_zero());
        if let Decision::Allowed(ticket) = world.attempt(from("mallory", "192.0.2.1")).await {
            world.limiter.succeeded(ticket).await.unwrap();
        }
    }
    assert_eq!(allowed, 50);
}

#[tokio::test]
async fn many_users_behind_one_source_log_in_freely() {
    let world = World::new();
    for user in 0..1000 {
        world.succeed(from(&format!("user {user}"), "192.0.2.1")).await;
    }
}

#[tokio::test]
async fn a_known_device_is_not_kept_out_by_others() {
    let world = World::new();
    let mut wait = Duration::ZERO;
    while wait < Duration::from_hours(24) {
        wait = world.fail(from("ada", "192.0.2.1")).await;
        world.pass(wait.min(Duration::from_hours(1)));
    }
    let known = from("ada", "192.0.2.7").known_device("ada's telephone");
    world.succeed(known).await;
    // It is limited by itself, and knows one account only.
    for _ in 0..5 {
        assert_eq!(world.fail(known).await, Duration::ZERO);
    }
    assert_eq!(world.fail(known).await, SECOND);
    let other = from("bob", "192.0.2.7").known_device("ada's telephone");
    assert_eq!(world.fail(other).await, Duration::ZERO);
    assert!(world.fail(from("ada", "192.0.2.7")).await > Duration::ZERO);
}

#[tokio::test]
async fn ipv6_counts_by_its_prefix_and_mapped_addresses_as_ipv4() {
    let world = World::new();
    for host in 0..5 {
        let source = format!("2001:db8:1:2::{host:x}");
        assert_eq!(world.fail(from("ada", &source)).await, Duration::ZERO);
    }
    assert_eq!(world.fail(from("ada", "2001:db8:1:2:ffff::1")).await, SECOND);
    assert_eq!(world.fail(from("ada", "2001:db8:1:3::1")).await, Duration::ZERO);
    for _ in 0..5 {
        assert_eq!(world.fail(from("bob", "192.0.2.1")).await, Duration::ZERO);
    }
    assert_eq!(world.fail(from("bob", "::ffff:192.0.2.1")).await, SECOND);
}

#[tokio::test]
async fn a_thousand_parallel_guesses_are_five() {
    let world = Arc::new(World::new());
    let allowed = Arc::new(AtomicU32::new(0));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (world, allowed) = (world.clone(), allowed.clone());
            let runtime = tokio::runtime::Handle::current();
            std::thread::spawn(move || {
                for _ in 0..125 {
                    let wait = runtime.block_on(world.fail(from("ada", "192.0.2.1")));
                    allowed.fetch_add(u32::from(wait.is_zero()), Ordering::Relaxed);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(allowed.load(Ordering::Relaxed), 5);
}

#[tokio::test]
async fn what_was_never_tried_does_not_count_and_an_administrator_can_unlock() {
    let world = World::new();
    let ada = from("ada", "192.0.2.1");
    for _ in 0..100 {
        let Decision::Allowed(ticket) = world.attempt(ada).await else { panic!("limited") };
        world.limiter.not_made(ticket).await.unwrap();
    }
    while world.fail(ada).await.is_zero() {}
    world.limiter.unlock("ada", ada.source).await.unwrap();
    assert_eq!(world.fail(ada).await, Duration::ZERO);
}

#[tokio::test]
async fn memory_is_bounded_and_the_account_under_attack_is_not_forgotten() {
    let world = World::new();
    let store = Arc::new(InMemoryLimitStore::with_capacity(1024));
    let limiter = LoginLimiter::new(Limiter::new(store.clone(), Arc::new(world.clock.clone())));
    for _ in 0..2 {
        let _ = limiter.attempt(&LoginAttempt::new("ada", None)).await.unwrap();
    }
    for name in 0..20_000 {
        let _ = limiter.attempt(&LoginAttempt::new(&format!("name {name}"), None)).await.unwrap();
    }
    assert!(store.len() <= 1024, "{}", store.len());
    for _ in 0..3 {
        let _ = limiter.attempt(&LoginAttempt::new("ada", None)).await.unwrap();
    }
    let decision = limiter.attempt(&LoginAttempt::new("ada", None)).await.unwrap();
    assert!(matches!(decision, Decision::Wait(SECOND)), "{decision:?}");
}

#[test]
fn an_account_has_a_hundred_tries_at_most() {
    let limiter = || LoginLimiter::new(Limiter::in_memory());
    let more = Backoff::new(5, 101, Duration::from_hours(1)).unwrap();
    assert_eq!(limiter().by_account(more).unwrap_err(), BackoffError::TooManyTries);
    assert_eq!(limiter().by_account_and_source(more).unwrap_err(), BackoffError::TooManyTries);
    let _ = limiter().by_source(more);
    assert_eq!(Decision::retry_after(Duration::from_millis(1)), 1);
    assert_eq!(Decision::retry_after(Duration::from_secs(2)), 2);
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    let shown = format!("{:?}", LimitKey::new("x", &[address.to_string().as_bytes()]));
    assert_eq!(shown, "LimitKey(…)");
}
