//! Stores that can tell all their sessions.

use std::sync::Arc;

use auth::sessions::{DatabaseSessionBackend, FileSessionBackend, InMemorySessionBackend, RedisSessionBackend};
use auth::testing::ManualClock;
use auth_tests::{TestDatabase, TestDirectory, TestRedis};

mod memory {
    use super::*;

    async fn backend() -> (InMemorySessionBackend, ManualClock, ()) {
        let clock = ManualClock::new();
        (InMemorySessionBackend::with_clock(Arc::new(clock.clone())), clock, ())
    }

    auth::session_scan_suite!(backend);
}

mod file {
    use super::*;

    async fn backend() -> (FileSessionBackend, ManualClock, TestDirectory) {
        let (clock, keep) = (ManualClock::new(), TestDirectory::new());
        let backend = FileSessionBackend::open(keep.path().join("sessions")).await.unwrap();
        (backend.with_clock(Arc::new(clock.clone())), clock, keep)
    }

    auth::session_scan_suite!(backend);
}

macro_rules! database {
    ($(#[$attribute:meta])* $name:ident) => {
        mod $name {
            use super::*;

            async fn backend() -> (DatabaseSessionBackend, ManualClock, TestDatabase) {
                let (clock, test) = (ManualClock::new(), auth_tests::$name().await);
                let backend = DatabaseSessionBackend::new(test.database.clone()).with_clock(Arc::new(clock.clone()));
                backend.create_table().await.unwrap();
                (backend, clock, test)
            }

            auth::session_scan_suite!($(#[$attribute])* backend);
        }
    };
}

database!(sqlite);
database!(
    #[ignore = "needs PostgreSQL"]
    postgres
);
database!(
    #[ignore = "needs MariaDB"]
    mysql
);

mod redis {
    use super::*;

    async fn backend() -> (RedisSessionBackend, ManualClock, TestRedis) {
        let (clock, test) = (ManualClock::new(), auth_tests::redis());
        let backend = RedisSessionBackend::connect(test.url.as_str()).await.expect("the server is there");
        (backend.with_prefix(&test.prefix).unwrap().with_clock(Arc::new(clock.clone())), clock, test)
    }

    auth::session_scan_suite!(
        #[ignore = "needs Redis"]
        backend
    );
}
