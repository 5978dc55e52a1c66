//! Every user store holds to the same promises.

use std::sync::Arc;

use auth::accounts::migrate;
use auth::testing::TestUser;
use auth::users::{CachedUserStore, DatabaseUserStore, InMemoryUserStore};
use auth_tests::TestDatabase;

mod memory {
    use super::*;

    async fn store() -> (InMemoryUserStore<TestUser>, ()) {
        (InMemoryUserStore::new(), ())
    }

    auth::user_store_suite!(store);
}

mod cached {
    use super::*;

    async fn store() -> (CachedUserStore<TestUser>, ()) {
        (CachedUserStore::new(Arc::new(InMemoryUserStore::new())), ())
    }

    auth::user_store_suite!(store);
}

async fn over(test: TestDatabase) -> (DatabaseUserStore<TestUser>, TestDatabase) {
    migrate::<TestUser>(&test.database).await.expect("the tables can be made");
    (DatabaseUserStore::new(test.database.clone()), test)
}

macro_rules! database {
    ($(#[$attribute:meta])* $name:ident) => {
        mod $name {
            use super::*;

            async fn store() -> (DatabaseUserStore<TestUser>, TestDatabase) {
                over(auth_tests::$name().await).await
            }

            auth::user_store_suite!($(#[$attribute])* store);
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
