//! A thousand guess at one account at once, from a thousand addresses.

use std::sync::Arc;
use std::time::Duration;

use auth::limits::{
    Attempt, Backoff, DatabaseLimitStore, Decision, InMemoryLimitStore, KnownDevices, LimitKey, LimitStore,
    LoginLimiter, RedisLimitStore, Settlement,
};
use auth::secret::SecretKey;
use auth_tests::TestDatabase;
use chrono::Utc;
use tokio::task::JoinSet;

use crate::logins::{World, from};
use crate::stores::{in_database, in_redis};

const DAY: Duration = Duration::from_hours(24);

/// Wrong passwords for Ada, all at once, each from an address of its own; says how many were let through, and the
/// shortest wait of the others.
async fn guess(world: &World, addresses: std::ops::Range<u32>) -> (u32, Duration) {
    let mut guesses = JoinSet::new();
    for address in addresses {
        let limiter: LoginLimiter = world.limiter.clone();
        guesses.spawn(async move {
            let source = std::net::Ipv4Addr::from(0x0a00_0000 + address).to_string();
            limiter.attempt(&from("ada", &source)).await.unwrap()
        });
    }
    let (mut allowed, mut shortest) = (0, Duration::MAX);
    for decision in guesses.join_all().await {
        match decision {
            Decision::Allowed(_) => allowed += 1,
            Decision::Wait(wait) => shortest = shortest.min(wait),
        }
    }
    (allowed, shortest)
}

async fn a_day_of_guessing(store: Arc<dyn LimitStore>) {
    let world = World::over(store);
    let devices = KnownDevices::new(&SecretKey::random(), Arc::new(world.clock.clone()));
    let token = devices.issue("ada's id");
    let device = devices.recognise("ada's id", token.expose()).unwrap();
    let at_home = from("ada", "192.0.2.1").known_device(&device);
    let abroad = from("ada", "198.51.100.1");

    let (mut allowed, mut wait) = guess(&world, 0..1000).await;
    assert_eq!(allowed, Backoff::ACCOUNT.free());
    world.succeed(at_home).await;
    let (mut left, mut next) = (DAY, 1000);
    while !left.is_zero() {
        assert_ne!(world.fail(abroad).await, Duration::ZERO);
        world.pass(wait.min(left));
        left = left.saturating_sub(wait);
        let (more, shortest) = guess(&world, next..next + 8).await;
        (allowed, wait, next) = (allowed + more, shortest, next + 8);
        world.succeed(at_home).await;
    }
    assert_eq!(allowed, 100, "let through in a day");

    let wait = world.fail(abroad).await;
    assert!(wait > Duration::ZERO && wait <= DAY, "{wait:?}");
    world.pass(wait);
    world.succeed(abroad).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory() {
    a_day_of_guessing(Arc::new(InMemoryLimitStore::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis"]
async fn in_redis_too() {
    a_day_of_guessing(Arc::new(in_redis().await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_sqlite_too() {
    a_day_of_guessing(Arc::new(in_database(auth_tests::sqlite().await).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn in_postgres_too() {
    a_day_of_guessing(Arc::new(in_database(auth_tests::postgres().await).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs MariaDB"]
async fn in_mariadb_too() {
    a_day_of_guessing(Arc::new(in_database(auth_tests::mysql().await).await)).await;
}

/// As two processes would: nothing in common but the address.
async fn one_budget(stores: [Arc<dyn LimitStore>; 2]) {
    let now = Utc::now();
    let limits = [(LimitKey::new("test", &[b"ada"]), Backoff::ACCOUNT.into())];
    let mut tries = JoinSet::new();
    for i in 0..100 {
        let store = stores[i % 2].clone();
        tries.spawn(async move { store.attempt(&limits, now).await.unwrap() });
    }
    let answers = tries.join_all().await;
    let allowed = answers.iter().filter(|answer| matches!(answer, Attempt::Counted(_))).count();
    assert_eq!(allowed, 20);
    // What one forgets, the other has forgotten.
    stores[0].settle(&[(limits[0].0, Settlement::Forget)], now).await.unwrap();
    assert!(matches!(stores[1].attempt(&limits, now).await.unwrap(), Attempt::Counted(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis"]
async fn two_stores_in_one_redis_share_one_budget() {
    let first = in_redis().await;
    let address = format!("{}?prefix={}", first.ground.url, first.ground.prefix);
    let second = RedisLimitStore::connect(address.as_str()).await.unwrap();
    one_budget([Arc::new(first), Arc::new(second)]).await;
}

async fn in_one_database(test: TestDatabase) {
    let other = auth::database::Database::connect(test.url.as_str()).await.unwrap();
    let first = in_database(test).await;
    one_budget([Arc::new(first), Arc::new(DatabaseLimitStore::new(other))]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_in_one_sqlite_share_one_budget() {
    in_one_database(auth_tests::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn two_stores_in_one_postgres_share_one_budget() {
    in_one_database(auth_tests::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs MariaDB"]
async fn two_stores_in_one_mariadb_share_one_budget() {
    in_one_database(auth_tests::mysql().await).await;
}
