//! Every session backend holds to the same promises.

use std::sync::Arc;

use auth::sessions::{CleanupExpired, DatabaseSessionBackend, InMemorySessionBackend};
use auth::testing::ManualClock;
use auth_tests::TestDatabase;

mod memory {
    use super::*;

    async fn backend() -> (InMemorySessionBackend, ManualClock, ()) {
        let clock = ManualClock::new();
        (InMemorySessionBackend::with_clock(Arc::new(clock.clone())), clock, ())
    }

    auth::session_backend_suite!(backend);
    auth::user_sessions_suite!(backend);
}

async fn over(test: TestDatabase) -> (DatabaseSessionBackend, ManualClock, TestDatabase) {
    let clock = ManualClock::new();
    let backend = DatabaseSessionBackend::new(test.database.clone()).with_clock(Arc::new(clock.clone()));
    backend.create_table().await.expect("the table can be made");
    backend.create_table().await.expect("and is left alone the second time");
    (backend, clock, test)
}

macro_rules! database {
    ($(#[$attribute:meta])* $name:ident) => {
        mod $name {
            use super::*;

            async fn backend() -> (DatabaseSessionBackend, ManualClock, TestDatabase) {
                over(auth_tests::$name().await).await
            }

            auth::session_backend_suite!($(#[$attribute])* backend);
            auth::user_sessions_suite!($(#[$attribute])* backend);

            #[tokio::test(flavor = "multi_thread")]
            $(#[$attribute])*
            async fn expired_records_are_swept_in_batches() {
                swept_in_batches(backend().await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            $(#[$attribute])*
            async fn new_sessions_sweep_expired_ones() {
                new_sessions_sweep(backend().await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            $(#[$attribute])*
            async fn a_damaged_record_counts_as_none() {
                damaged_record_counts_as_none(backend().await).await;
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

fn record(clock: &ManualClock) -> auth::sessions::SessionRecord {
    use auth::clock::Clock as _;
    use chrono::TimeDelta;
    let now = clock.now();
    auth::sessions::SessionRecord::new(now, now + TimeDelta::hours(1), now + TimeDelta::hours(2))
}

async fn swept_in_batches((backend, clock, _test): (DatabaseSessionBackend, ManualClock, TestDatabase)) {
    use auth::sessions::{SaveIf, Saved, SessionBackend as _, SessionKey};
    for _ in 0..5 {
        let id = SessionKey::generate().digest();
        let saved = backend.save(&id, Arc::new(record(&clock)), SaveIf::Absent).await.unwrap();
        assert_eq!(saved, Saved::Done);
    }
    assert_eq!(backend.cleanup_expired(3).await.unwrap(), 0);
    clock.advance(chrono::TimeDelta::hours(1));
    let alive = SessionKey::generate().digest();
    let saved = backend.save(&alive, Arc::new(record(&clock)), SaveIf::Absent).await.unwrap();
    assert_eq!(saved, Saved::Done);
    assert_eq!(backend.cleanup_expired(3).await.unwrap(), 3);
    assert_eq!(backend.cleanup_expired(3).await.unwrap(), 2);
    assert_eq!(backend.cleanup_expired(3).await.unwrap(), 0);
    assert!(backend.exists(&alive).await.unwrap());
}

async fn new_sessions_sweep((backend, clock, test): (DatabaseSessionBackend, ManualClock, TestDatabase)) {
    use auth::sessions::{SaveIf, Saved, SessionBackend as _, SessionKey};
    for _ in 0..300 {
        let id = SessionKey::generate().digest();
        let saved = backend.save(&id, Arc::new(record(&clock)), SaveIf::Absent).await.unwrap();
        assert_eq!(saved, Saved::Done);
        clock.advance(chrono::TimeDelta::minutes(30));
    }
    // Two are alive at any time; nobody has called for a cleanup.
    let rows = test.sql("UPDATE auth_session SET version = version + 1").await;
    assert!((2..=66).contains(&rows), "{rows}");
}

async fn damaged_record_counts_as_none((backend, clock, test): (DatabaseSessionBackend, ManualClock, TestDatabase)) {
    use auth::clock::Clock as _;
    use auth::sessions::{Login, SaveIf, Saved, SessionBackend as _, SessionKey};
    let id = SessionKey::generate().digest();
    let mut whole = record(&clock);
    whole.login = Some(Login::new("1", [1; 32], clock.now()));
    for damage in [
        "tie = NULL",
        "login_at = NULL",
        "version = -1",
        "created_at = 9223372036854775807",
        "ends_at = -9223372036854775808",
    ] {
        let saved = backend.save(&id, Arc::new(whole.clone()), SaveIf::Absent).await.unwrap();
        assert_eq!(saved, Saved::Done);
        assert!(backend.load(&id).await.unwrap().is_some());
        assert_eq!(test.sql(&format!("UPDATE auth_session SET {damage}")).await, 1);
        assert!(backend.load(&id).await.unwrap().is_none(), "{damage}");
        assert!(backend.delete(&id).await.unwrap());
    }
}

#[tokio::test]
async fn a_table_name_is_a_name() {
    let test = auth_tests::sqlite_in_memory().await;
    for name in ["sessions", "_s1", &"x".repeat(60)] {
        let backend = DatabaseSessionBackend::with_table(test.database.clone(), name).unwrap();
        backend.create_table().await.unwrap();
    }
    for name in ["", "1s", "a b", "a\"b", "a;b", "tést", &"x".repeat(61)] {
        assert!(DatabaseSessionBackend::with_table(test.database.clone(), name).is_err(), "{name}");
    }
}

#[tokio::test]
async fn an_address_chooses_the_backend() {
    use auth::clock::SystemClock;
    use auth::registry::{Context, Url};
    use auth::secret::SecretKey;
    let test = auth_tests::sqlite().await;
    let mut context = Context::new(Arc::new(SystemClock), SecretKey::random());
    assert!(auth::sessions::connect(&Url::new("database:"), &context).await.is_err());
    context.database = Some(test.database.clone());
    for address in ["memory:", "database:", &test.url, "sqlite::memory:"] {
        let backend = auth::sessions::connect(&Url::new(address), &context).await;
        assert!(backend.is_ok(), "{address}: {backend:?}");
    }
}
