//! Every store of records holds to the same promises.

use std::sync::Arc;

use auth::clock::Clock as _;
use auth::records::{
    DatabaseRecordStore, DynRecordStore, InMemoryRecordStore, NewRecord, RecordError, RecordKind, RecordStore as _,
    RedisRecordStore,
};
use auth::registry::{Context, Url};
use auth::secret::SecretKey;
use auth::testing::ManualClock;
use auth_tests::{TestDatabase, TestRedis};
use chrono::TimeDelta;

const KIND: RecordKind = RecordKind::new("test");

fn record(clock: &ManualClock, owner: &str) -> NewRecord {
    NewRecord { owner: Some(owner.to_owned()), value: b"x".to_vec(), expires_at: clock.now() + TimeDelta::hours(1) }
}

mod memory {
    use super::*;

    async fn store() -> (InMemoryRecordStore, ManualClock, ()) {
        let clock = ManualClock::new();
        (InMemoryRecordStore::with_clock(Arc::new(clock.clone())), clock, ())
    }

    auth::record_store_suite!(store);
}

async fn over(test: TestDatabase) -> (DatabaseRecordStore, ManualClock, TestDatabase) {
    let clock = ManualClock::new();
    let store = DatabaseRecordStore::new(test.database.clone()).with_clock(Arc::new(clock.clone()));
    store.create_table().await.expect("the table can be made");
    store.create_table().await.expect("and is left alone the second time");
    (store, clock, test)
}

macro_rules! database {
    ($(#[$attribute:meta])* $name:ident) => {
        mod $name {
            use super::*;

            async fn store() -> (DatabaseRecordStore, ManualClock, TestDatabase) {
                over(auth_tests::$name().await).await
            }

            auth::record_store_suite!($(#[$attribute])* store);

            #[tokio::test(flavor = "multi_thread")]
            $(#[$attribute])*
            async fn new_records_sweep_expired_ones() {
                new_records_sweep(store().await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            $(#[$attribute])*
            async fn a_damaged_record_cannot_be_told() {
                damaged_record_cannot_be_told(store().await).await;
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

async fn new_records_sweep((store, clock, test): (DatabaseRecordStore, ManualClock, TestDatabase)) {
    for i in 0..300 {
        assert!(store.insert(KIND, &i.to_string(), record(&clock, "ada")).await.unwrap());
        clock.advance(TimeDelta::minutes(30));
    }
    // Two are alive at any time; nobody has called for a cleanup.
    let rows = test.sql("UPDATE auth_record SET version = version + 1").await;
    assert!((2..=66).contains(&rows), "{rows}");
}

/// It may have been one that keeps somebody out.
async fn damaged_record_cannot_be_told((store, clock, test): (DatabaseRecordStore, ManualClock, TestDatabase)) {
    for damage in ["version = -1", "expires_at = 9223372036854775807"] {
        assert!(store.insert(KIND, "id", record(&clock, "ada")).await.unwrap());
        assert_eq!(test.sql(&format!("UPDATE auth_record SET {damage}")).await, 1);
        assert!(matches!(store.get(KIND, &["id"]).await, Err(RecordError::Store(_))), "{damage}");
        assert!(matches!(store.owned(KIND, "ada").await, Err(RecordError::Store(_))), "{damage}");
        assert_eq!(store.delete_owned(KIND, "ada").await.unwrap(), 1);
    }
}

mod redis {
    use super::*;
    use auth_tests::RedisServer;

    async fn at(url: &str, prefix: &str) -> (RedisRecordStore, ManualClock) {
        let (clock, url) = (ManualClock::new(), format!("{url}?prefix={prefix}&timeout=10000"));
        let store = RedisRecordStore::connect(url.as_str()).await.expect("the server is there");
        (store.with_clock(Arc::new(clock.clone())), clock)
    }

    async fn store() -> (RedisRecordStore, ManualClock, TestRedis) {
        let test = auth_tests::redis();
        let (store, clock) = at(&test.url, &test.prefix).await;
        (store, clock, test)
    }

    auth::record_store_suite!(
        #[ignore = "needs Redis"]
        store
    );

    mod cluster {
        use super::*;
        use crate::redis::cluster::CLUSTER;

        async fn store() -> (RedisRecordStore, ManualClock, ()) {
            let (store, clock) = at(&CLUSTER.url(), &auth_tests::prefix()).await;
            (store, clock, ())
        }

        auth::record_store_suite!(
            #[ignore = "needs redis-server"]
            store
        );
    }

    mod sentinel {
        use super::*;
        use crate::redis::sentinel::SENTINEL;

        async fn store() -> (RedisRecordStore, ManualClock, ()) {
            let (store, clock) = at(&SENTINEL.url(), &auth_tests::prefix()).await;
            (store, clock, ())
        }

        auth::record_store_suite!(
            #[ignore = "needs redis-server"]
            store
        );
    }

    #[tokio::test]
    #[ignore = "needs Redis"]
    async fn a_damaged_record_cannot_be_told() {
        let (store, clock, test) = store().await;
        let key = format!("{}test:id", test.prefix);
        for damage in ["x", &"x".repeat(57), &"x".repeat(100), &"x".repeat(70_000)] {
            test.command::<()>(&["SET", &key, damage]);
            assert!(matches!(store.get(KIND, &["id"]).await, Err(RecordError::Store(_))), "{}", damage.len());
        }
        test.command::<()>(&["SET", &key, "x"]);
        assert!(matches!(store.insert(KIND, "id", record(&clock, "ada")).await, Err(RecordError::Store(_))));
        test.command::<()>(&["DEL", &key]);
        test.command::<()>(&["SADD", &key, "x"]);
        assert!(matches!(store.get(KIND, &["id"]).await, Err(RecordError::Store(_))));
        assert!(matches!(store.take(KIND, "id").await, Err(RecordError::Store(_))));
    }

    #[tokio::test]
    #[ignore = "needs Redis"]
    async fn every_key_goes_by_itself() {
        let (store, clock, test) = store().await;
        assert!(store.insert(KIND, "a", record(&clock, "ada")).await.unwrap());
        let found = store.get(KIND, &["a"]).await.unwrap()[0].clone().unwrap();
        let longer = NewRecord { expires_at: clock.now() + TimeDelta::days(30), ..record(&clock, "ada") };
        _ = store.replace(KIND, "a", found.version, longer).await.unwrap();
        let keys = test.keys();
        assert_eq!(keys.len(), 2, "{keys:?}");
        for key in keys {
            let lifetime: i64 = test.command(&["PTTL", &key]);
            assert!(lifetime > TimeDelta::days(29).num_milliseconds(), "{key}: {lifetime}");
        }
        assert!(store.take(KIND, "a").await.unwrap().is_some());
        assert_eq!(test.keys(), Vec::<String>::new());
    }

    #[tokio::test]
    #[ignore = "needs Redis"]
    async fn what_an_insertion_left_behind_is_tidied_up() {
        let (store, clock, test) = store().await;
        let index = format!("{}test@ada", test.prefix);
        let until = (clock.now() + TimeDelta::hours(1)).timestamp_millis().to_string();
        let member = format!("{:016x}{:016x}id", clock.now().timestamp_millis(), 7);
        test.command::<()>(&["ZADD", &index, &until, &member]);
        for _ in 0..2 {
            assert!(store.owned(KIND, "ada").await.unwrap().is_empty());
            assert_eq!(store.delete_owned(KIND, "ada").await.unwrap(), 0);
            assert_eq!(test.command::<u64>(&["ZCARD", &index]), 1, "it may be under way");
        }
        clock.advance(TimeDelta::minutes(1));
        assert!(store.owned(KIND, "ada").await.unwrap().is_empty());
        assert_eq!(test.keys(), Vec::<String>::new());
    }

    #[tokio::test]
    #[ignore = "needs redis-server"]
    async fn a_server_that_is_gone_is_an_error() {
        let mut server = RedisServer::start();
        let (store, clock) = at(&server.url(), "auth:record:").await;
        assert!(store.insert(KIND, "id", record(&clock, "ada")).await.unwrap());
        server.kill();
        assert!(matches!(store.get(KIND, &["id"]).await, Err(RecordError::Store(_))));
        assert!(matches!(store.take(KIND, "id").await, Err(RecordError::Store(_))));
        server.start_again();
        assert!(store.get(KIND, &["id"]).await.unwrap()[0].is_some());
    }
}

async fn connect(address: &str, context: &Context) -> Result<DynRecordStore, RecordError> {
    auth::records::connect(&Url::new(address), context).await
}

#[tokio::test]
async fn an_address_chooses_the_store() {
    let (test, clock) = (auth_tests::sqlite().await, ManualClock::new());
    let mut context = Context::new(Arc::new(clock.clone()), SecretKey::random());
    for refused in ["database:", "elsewhere:", "", "redis://:hunter2@", "mongodb://:hunter2@host"] {
        let error = connect(refused, &context).await.unwrap_err();
        assert!(matches!(error, RecordError::Configuration(_)), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    context.database = Some(test.database.clone());
    for address in ["memory:", &test.url, "database:", "sqlite::memory:"] {
        let store = connect(address, &context).await.unwrap();
        assert!(store.insert(KIND, address, record(&clock, "ada")).await.unwrap(), "{address}");
        clock.advance(TimeDelta::hours(1));
        assert_eq!(store.get(KIND, &[address]).await.unwrap(), [None], "{address}: it goes by the clock");
    }
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn an_address_chooses_redis() {
    let (test, clock) = (auth_tests::redis(), ManualClock::new());
    let context = Context::new(Arc::new(clock.clone()), SecretKey::random());
    let store = connect(&format!("{}?prefix={}", test.url, test.prefix), &context).await.unwrap();
    assert!(store.insert(KIND, "id", record(&clock, "ada")).await.unwrap());
    assert_eq!(test.keys().len(), 2);
}
