//! Stores of records, and tests on each kind of them.

use std::sync::Arc;

use auth::records::{DatabaseRecordStore, DynRecordStore, InMemoryRecordStore, RedisRecordStore};
use auth::testing::ManualClock;

use crate::{TestDatabase, TestRedis};

/// One in memory, and its clock.
pub fn memory() -> (DynRecordStore, ManualClock, ()) {
    let clock = ManualClock::new();
    (Arc::new(InMemoryRecordStore::with_clock(Arc::new(clock.clone()))), clock, ())
}

/// One in this database.
pub async fn database(test: impl Future<Output = TestDatabase>) -> (DynRecordStore, ManualClock, TestDatabase) {
    let (clock, test) = (ManualClock::new(), test.await);
    let store = DatabaseRecordStore::new(test.database.clone()).with_clock(Arc::new(clock.clone()));
    store.create_table().await.expect("its table can be made");
    (Arc::new(store), clock, test)
}

/// One in Redis.
pub async fn redis() -> (DynRecordStore, ManualClock, TestRedis) {
    let (clock, test) = (ManualClock::new(), crate::redis());
    let url = format!("{}?prefix={}&timeout=10000", test.url, test.prefix);
    let store =
        RedisRecordStore::connect(url.as_str()).await.expect("Redis answers").with_clock(Arc::new(clock.clone()));
    (Arc::new(store), clock, test)
}

/// One that fails whatever it is asked: its table is missing.
pub async fn broken() -> (DynRecordStore, TestDatabase) {
    let test = crate::sqlite_in_memory().await;
    (Arc::new(DatabaseRecordStore::new(test.database.clone())), test)
}

/// A suite on each kind of store.
#[macro_export]
macro_rules! on_every_store {
    ($suite:ident, |$store:ident| $make:expr => $made:ty) => {
        mod memory {
            use super::*;

            async fn fixture() -> ($made, auth::testing::ManualClock, ()) {
                let ($store, clock, keep) = $crate::records::memory();
                ($make, clock, keep)
            }

            auth::$suite!(fixture);
        }

        $crate::on_every_store! { @database sqlite [] $suite, |$store| $make => $made }
        $crate::on_every_store! { @database postgres [#[ignore = "needs PostgreSQL"]] $suite, |$store| $make => $made }
        $crate::on_every_store! { @database mysql [#[ignore = "needs MariaDB"]] $suite, |$store| $make => $made }

        mod redis {
            use super::*;

            async fn fixture() -> ($made, auth::testing::ManualClock, $crate::TestRedis) {
                let ($store, clock, keep) = $crate::records::redis().await;
                ($make, clock, keep)
            }

            auth::$suite!(#[ignore = "needs Redis"] fixture);
        }
    };
    (@database $name:ident [$($attribute:tt)*] $suite:ident, |$store:ident| $make:expr => $made:ty) => {
        mod $name {
            use super::*;

            async fn fixture() -> ($made, auth::testing::ManualClock, $crate::TestDatabase) {
                let ($store, clock, keep) = $crate::records::database($crate::$name()).await;
                ($make, clock, keep)
            }

            auth::$suite!($($attribute)* fixture);
        }
    };
}
pub use on_every_store;

/// These tests, functions of a store and its clock, on each kind of store.
#[macro_export]
macro_rules! tests_on_every_store {
    ($($test:ident),+ $(,)?) => {
        $crate::tests_on_every_store! { @store in_memory [] ($crate::records::memory()) $($test)+ }
        $crate::tests_on_every_store! {
            @store sqlite [] ($crate::records::database($crate::sqlite()).await) $($test)+
        }
        $crate::tests_on_every_store! {
            @store postgres [#[ignore = "needs PostgreSQL"]]
            ($crate::records::database($crate::postgres()).await) $($test)+
        }
        $crate::tests_on_every_store! {
            @store mysql [#[ignore = "needs MariaDB"]] ($crate::records::database($crate::mysql()).await) $($test)+
        }
        $crate::tests_on_every_store! {
            @store redis [#[ignore = "needs Redis"]] ($crate::records::redis().await) $($test)+
        }
    };
    (@store $name:ident $attributes:tt $store:tt $($test:ident)+) => {
        mod $name {
            $($crate::tests_on_every_store! { @test $attributes $store $test })+
        }
    };
    (@test [$($attribute:tt)*] ($store:expr) $test:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        $($attribute)*
        async fn $test() {
            let (store, clock, _keep) = $store;
            super::$test(store, clock).await;
        }
    };
}
pub use tests_on_every_store;
