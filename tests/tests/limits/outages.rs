//! Where a store is gone, nothing is allowed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use auth::BoxFuture;
use auth::limits::{
    Attempt, DatabaseLimitStore, Decision, LimitError, LimitKey, LimitRule, LimitStore, RedisLimitStore, Settlement,
};
use auth_tests::{DatabaseServer, PATIENCE, RedisServer};
use chrono::{DateTime, Utc};

use crate::logins::{World, from};

#[tokio::test]
async fn a_store_that_fails_allows_nothing() {
    #[derive(Debug)]
    struct Broken;
    impl LimitStore for Broken {
        fn attempt<'a>(
            &'a self,
            _: &'a [(LimitKey, LimitRule)],
            _: DateTime<Utc>,
        ) -> BoxFuture<'a, Result<Attempt, LimitError>> {
            Box::pin(async { Err(LimitError::store("the cable is out")) })
        }
        fn settle<'a>(
            &'a self,
            _: &'a [(LimitKey, Settlement)],
            _: DateTime<Utc>,
        ) -> BoxFuture<'a, Result<(), LimitError>> {
            Box::pin(async { Err(LimitError::store("the cable is out")) })
        }
    }
    refuses(&World::over(Arc::new(Broken))).await;
}

/// Refuses, and soon.
async fn refuses(world: &World) {
    for attempt in [from("ada", "192.0.2.1"), from("ada", "192.0.2.1").known_device("ada's telephone")] {
        let began = Instant::now();
        let refused = world.limiter.attempt(&attempt).await;
        assert!(matches!(refused, Err(LimitError::Store(_))), "{refused:?}");
        assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    }
    assert!(world.limiter.unlock("ada", None).await.is_err());
}

async fn five_tries(world: &World) {
    for _ in 0..5 {
        assert_eq!(world.fail(from("ada", "192.0.2.1")).await, Duration::ZERO);
    }
}

/// Allows what was allowed before, once the server answers.
async fn counts_on(world: &World) {
    let began = Instant::now();
    let waits = loop {
        match world.limiter.attempt(&from("ada", "192.0.2.1")).await {
            Ok(Decision::Wait(wait)) => break wait,
            Ok(Decision::Allowed(_)) => panic!("what was counted is forgotten"),
            Err(error) => assert!(began.elapsed() < PATIENCE, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(waits, Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts a Redis server"]
async fn a_redis_that_is_killed_allows_nothing_and_counts_on_afterwards() {
    let mut server = RedisServer::start();
    let address = format!("{}?timeout=1000", server.url());
    let world = World::over(Arc::new(RedisLimitStore::connect(address.as_str()).await.unwrap()));
    five_tries(&world).await;
    server.kill();
    refuses(&world).await;
    server.start_again();
    counts_on(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts a Redis server"]
async fn a_redis_that_hangs_allows_nothing() {
    let server = RedisServer::start();
    let address = format!("{}?timeout=300", server.url());
    let world = World::over(Arc::new(RedisLimitStore::connect(address.as_str()).await.unwrap()));
    five_tries(&world).await;
    server.signal("STOP");
    refuses(&world).await;
    server.signal("CONT");
    counts_on(&world).await;
}

#[tokio::test]
#[ignore = "starts a Redis server"]
async fn a_redis_without_memory_allows_nothing() {
    let server = RedisServer::start();
    let world = World::over(Arc::new(RedisLimitStore::connect(server.url().as_str()).await.unwrap()));
    five_tries(&world).await;
    server.command::<()>(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    server.command::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
    let bob = world.limiter.attempt(&from("bob", "192.0.2.7")).await;
    assert!(matches!(bob, Err(LimitError::Store(_))), "{bob:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts a PostgreSQL server"]
async fn a_postgres_that_is_killed_allows_nothing_and_counts_on_afterwards() {
    let mut server = DatabaseServer::postgres().await;
    let store = DatabaseLimitStore::new(auth::database::Database::connect(server.url().as_str()).await.unwrap());
    store.create_table().await.unwrap();
    let world = World::over(Arc::new(store));
    five_tries(&world).await;
    server.kill();
    refuses(&world).await;
    server.start_again().await;
    counts_on(&world).await;
}

#[tokio::test]
async fn a_database_without_the_table_allows_nothing() {
    let test = auth_tests::sqlite_in_memory().await;
    refuses(&World::over(Arc::new(DatabaseLimitStore::new(test.database.clone())))).await;
}
