//! Every store of limits holds to the same promises.

use auth::BoxFuture;
use auth::limits::{
    Attempt, Backoff, DatabaseLimitStore, InMemoryLimitStore, LimitError, LimitKey, LimitRule, LimitStore, Rate,
    RedisLimitStore, Settlement,
};
use auth_tests::{PATIENCE, RedisCluster, RedisSentinel, RedisServer, TestDatabase, TestRedis};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// A store, and what goes with it.
#[derive(Debug)]
pub(crate) struct Held<S, G> {
    pub(crate) store: S,
    pub(crate) ground: G,
}

impl<S: LimitStore, G: std::fmt::Debug + Send + Sync + 'static> LimitStore for Held<S, G> {
    fn attempt<'a>(
        &'a self,
        limits: &'a [(LimitKey, LimitRule)],
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Attempt, LimitError>> {
        self.store.attempt(limits, now)
    }

    fn settle<'a>(
        &'a self,
        settlements: &'a [(LimitKey, Settlement)],
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<(), LimitError>> {
        self.store.settle(settlements, now)
    }
}

pub(crate) async fn in_redis() -> Held<RedisLimitStore, TestRedis> {
    let ground = auth_tests::redis();
    let store = RedisLimitStore::connect(format!("{}?prefix={}", ground.url, ground.prefix).as_str()).await.unwrap();
    Held { store, ground }
}

pub(crate) async fn in_database(ground: TestDatabase) -> Held<DatabaseLimitStore, TestDatabase> {
    let store = DatabaseLimitStore::new(ground.database.clone());
    store.create_table().await.unwrap();
    store.create_table().await.unwrap();
    Held { store, ground }
}

mod memory {
    async fn store() -> auth::limits::InMemoryLimitStore {
        auth::limits::InMemoryLimitStore::new()
    }
    auth::limit_store_suite!(store);
}

mod redis {
    use super::in_redis;
    auth::limit_store_suite!(
        #[ignore = "needs Redis"]
        in_redis
    );
}

macro_rules! database {
    ($(#[$attribute:meta])* $name:ident) => {
        mod $name {
            use super::*;

            async fn store() -> Held<DatabaseLimitStore, TestDatabase> {
                in_database(auth_tests::$name().await).await
            }

            auth::limit_store_suite!($(#[$attribute])* store);

            #[tokio::test]
            $(#[$attribute])*
            async fn attempts_sweep_what_has_expired() {
                sweeps(store().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$attribute])*
            async fn attempts_and_sweeps_do_not_stand_in_each_others_way() {
                no_deadlocks(store().await).await;
            }
        }
    };
}

database!(sqlite);
database!(sqlite_in_memory);
database!(
    #[ignore = "needs PostgreSQL"]
    postgres
);
database!(
    #[ignore = "needs MariaDB"]
    mysql
);

fn key(name: &str) -> LimitKey {
    LimitKey::new("test", &[name.as_bytes()])
}

/// Expired after a second.
fn second() -> LimitRule {
    Rate::new(Duration::from_secs(1), 1).unwrap().into()
}

fn day() -> LimitRule {
    Backoff::ACCOUNT.into()
}

async fn rows(test: &TestDatabase) -> i64 {
    use auth::database::Database;
    let count = "SELECT COUNT(*) FROM auth_limit";
    match &test.database {
        Database::Sqlite(pool) => sqlx::query_scalar(count).fetch_one(pool).await.unwrap(),
        Database::Postgres(pool) => sqlx::query_scalar(count).fetch_one(pool).await.unwrap(),
        Database::MySql(pool) => sqlx::query_scalar(count).fetch_one(pool).await.unwrap(),
        _ => unreachable!("there are three"),
    }
}

async fn sweeps(held: Held<DatabaseLimitStore, TestDatabase>) {
    let mut now = Utc::now();
    let lasting = [(key("lasting"), day())];
    let _ = held.attempt(&lasting, now).await.unwrap();
    for name in 0..1000 {
        let limits = ["a", "b", "c"].map(|part| (key(&format!("{part} {name}")), second()));
        let _ = held.attempt(&limits, now).await.unwrap();
        now += TimeDelta::milliseconds(100);
    }
    let rows = rows(&held.ground).await;
    assert!(rows < 300, "{rows}");
    let Attempt::Counted(tries) = held.attempt(&lasting, now).await.unwrap() else { panic!("it has to wait") };
    assert_eq!(tries[0].count, 2);
}

/// Rows that expire all the time, taken in every order by attempts that wait for one another.
async fn no_deadlocks(held: Held<DatabaseLimitStore, TestDatabase>) {
    let held = std::sync::Arc::new(held);
    let began = Utc::now();
    let workers: Vec<_> = (0..8_i64)
        .map(|worker| {
            let held = held.clone();
            tokio::spawn(async move {
                for i in 0..40_i64 {
                    let name = |n: i64| key(&format!("{}", (worker * 7 + i * n) % 5));
                    let limits = [(name(1), second()), (name(2), second()), (name(3), second())];
                    let now = began + TimeDelta::milliseconds(i * 700);
                    if let Attempt::Counted(tries) = held.attempt(&limits, now).await.unwrap() {
                        let settle = |(i, counted)| {
                            let (key, rule): (LimitKey, LimitRule) = limits[i];
                            (key, Settlement::TakeBack { rule, counted })
                        };
                        let settlements: Vec<_> = tries.into_iter().enumerate().map(settle).collect();
                        held.settle(&settlements, now).await.unwrap();
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
}

#[tokio::test]
async fn memory_is_bounded_whatever_the_rule() {
    let store = InMemoryLimitStore::with_capacity(1024);
    let now = Utc::now();
    for name in 0..20_000 {
        let limits = [(key(&format!("rate {name}")), second()), (key(&format!("day {name}")), day())];
        let _ = store.attempt(&limits, now).await.unwrap();
    }
    assert!(store.len() <= 1024, "{}", store.len());
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn keys_in_redis_have_the_prefix_and_go_with_what_they_hold() {
    let held = in_redis().await;
    let now = Utc::now();
    let limits = [(key("ada"), day()), (key("bob"), second())];
    let Attempt::Counted(tries) = held.attempt(&limits, now).await.unwrap() else { panic!("it has to wait") };
    let keys = held.ground.keys();
    assert_eq!(keys.len(), 2);
    for key in &keys {
        let digest = key.strip_prefix(&held.ground.prefix).unwrap().strip_prefix("{all}:").unwrap();
        assert!(digest.len() == 64 && !key.contains("ada") && !key.contains("bob"), "{key}");
        let left: i64 = held.ground.command(&["PTTL", key]);
        assert!((1..=86_400_000).contains(&left), "{left}");
    }
    let settle = |i: usize| (limits[i].0, Settlement::TakeBack { rule: limits[i].1, counted: tries[i] });
    held.settle(&[settle(0), settle(1)], now).await.unwrap();
    assert_eq!(held.ground.keys(), Vec::<String>::new());
    for i in 0..3 {
        let taken = held.attempt(&limits[..1], now).await.unwrap();
        assert!(matches!(taken, Attempt::Counted(_)), "{i}");
    }
    let Attempt::Counted(tries) = held.attempt(&limits[..1], now).await.unwrap() else { panic!("it has to wait") };
    held.settle(&[(limits[0].0, Settlement::TakeBack { rule: day(), counted: tries[0] })], now).await.unwrap();
    let left: i64 = held.ground.command(&["PTTL", &held.ground.keys()[0]]);
    assert!(left > 86_000_000, "{left}");
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_damaged_value_in_redis_allows_nothing() {
    let held = in_redis().await;
    let (limits, now) = ([(key("ada"), day()), (key("bob"), day())], Utc::now());
    let _ = held.attempt(&limits[..1], now).await.unwrap();
    let name = &held.ground.keys()[0];
    for value in ["", "1", "1 2", "1 2 3 4", "-1 2 3", "x 2 3", "1e3 2 3"] {
        held.ground.command::<()>(&["SET", name, value]);
        assert!(held.attempt(&limits, now).await.is_err(), "{value}");
    }
    held.ground.command::<()>(&["DEL", name]);
    held.ground.command::<()>(&["LPUSH", name, "x"]);
    assert!(held.attempt(&limits, now).await.is_err());
    assert_eq!(held.ground.keys().len(), 1, "nothing was counted under the other key");
    held.settle(&[(limits[0].0, Settlement::Forget)], now).await.unwrap();
    assert!(matches!(held.attempt(&limits, now).await.unwrap(), Attempt::Counted(_)));
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_server_that_forgot_the_scripts_is_told_them_again() {
    let server = RedisServer::start();
    let store = RedisLimitStore::connect(server.url().as_str()).await.unwrap();
    let (limits, now) = ([(key("ada"), day())], Utc::now());
    for count in 1..=3 {
        server.command::<()>(&["SCRIPT", "FLUSH"]);
        let Attempt::Counted(tries) = store.attempt(&limits, now).await.unwrap() else { panic!("it has to wait") };
        assert_eq!(tries[0].count, count);
    }
    assert!(server.command::<Vec<String>>(&["KEYS", "*"])[0].starts_with(RedisLimitStore::PREFIX));
}

#[tokio::test]
#[ignore = "starts Redis servers"]
async fn a_cluster_runs_the_script_over_all_keys() {
    let cluster = RedisCluster::start();
    let store = RedisLimitStore::connect(cluster.url().as_str()).await.unwrap();
    let now = Utc::now();
    let limits: Vec<_> = (0..20).map(|name| (key(&name.to_string()), day())).collect();
    let Attempt::Counted(tries) = store.attempt(&limits, now).await.unwrap() else { panic!("it has to wait") };
    assert_eq!(tries.len(), 20);
    let settlements: Vec<_> = limits.iter().map(|(key, _)| (*key, Settlement::Forget)).collect();
    store.settle(&settlements, now).await.unwrap();
    let held: usize = cluster.nodes.iter().map(|node| node.command::<Vec<String>>(&["KEYS", "*"]).len()).sum();
    assert_eq!(held, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts Redis servers"]
async fn after_a_failover_the_new_master_counts_on() {
    let servers = RedisSentinel::start();
    let store = RedisLimitStore::connect(servers.url().as_str()).await.unwrap();
    let (limits, mut now) = ([(key("ada"), day())], Utc::now());
    let _ = store.attempt(&limits, now).await.unwrap();
    auth_tests::until("the replica has it", || servers.replica.command::<Vec<String>>(&["KEYS", "*"]).len() == 1);
    servers.fail_over();
    let is_over = || servers.replica.says(&["INFO", "replication"], "role:master");
    auth_tests::until("the replica takes over", is_over);
    let began = std::time::Instant::now();
    loop {
        assert!(began.elapsed() < PATIENCE, "it does not count on");
        // No wait is longer.
        now += TimeDelta::minutes(15);
        if let Ok(answer) = store.attempt(&limits, now).await {
            assert!(matches!(&answer, Attempt::Counted(tries) if tries[0].count > 1), "{answer:?}");
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
