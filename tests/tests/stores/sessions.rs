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

mod redis {
    use auth::clock::Clock as _;
    use auth::sessions::{RedisSessionBackend, SaveIf, Saved, SessionBackend as _, SessionKey};
    use auth_tests::TestRedis;

    use super::*;

    async fn backend() -> (RedisSessionBackend, ManualClock, TestRedis) {
        let (clock, test) = (ManualClock::new(), auth_tests::redis());
        let backend = RedisSessionBackend::connect(test.url.as_str()).await.expect("the server is there");
        let backend = backend.with_prefix(&test.prefix).with_clock(Arc::new(clock.clone()));
        (backend, clock, test)
    }

    auth::session_backend_suite!(
        #[ignore = "needs Redis"]
        backend
    );
    auth::user_sessions_suite!(
        #[ignore = "needs Redis"]
        backend
    );

    #[tokio::test]
    #[ignore = "needs Redis"]
    async fn a_users_set_goes_with_the_last_session() {
        use auth::sessions::{Login, UserSessions as _};
        let (backend, clock, test) = backend().await;
        let mut ours = record(&clock);
        ours.login = Some(Login::new("1", [0; 32], clock.now()));
        let ids = [SessionKey::generate().digest(), SessionKey::generate().digest()];
        for (id, hours) in ids.iter().zip([2, 1]) {
            ours.expires_at = clock.now() + chrono::TimeDelta::hours(hours);
            let saved = backend.save(id, Arc::new(ours.clone()), SaveIf::Absent).await.unwrap();
            assert_eq!(saved, Saved::Done);
        }
        let set = format!("{}user:1", test.prefix);
        let left = test.command::<i64>(&["PTTL", &set]);
        assert!((7_140_000..=7_200_000).contains(&left), "{left}");
        // The server forgot a record by itself: it is dropped when the set is read.
        test.command::<()>(&["DEL", &format!("{}{}", test.prefix, ids[0])]);
        assert_eq!(backend.count_of("1").await.unwrap(), 1);
        assert_eq!(test.command::<u64>(&["ZCARD", &set]), 1);
        assert!(backend.delete(&ids[1]).await.unwrap());
        assert_eq!(test.keys(), Vec::<String>::new());
    }

    #[tokio::test]
    #[ignore = "needs Redis"]
    async fn a_damaged_record_counts_as_none() {
        let (backend, clock, test) = backend().await;
        let id = SessionKey::generate().digest();
        let key = format!("{}{id}", test.prefix);
        for damage in [
            vec!["SET", &key, "nonsense"],
            vec!["SETRANGE", &key, "0", "\x07"],
            vec!["APPEND", &key, "x"],
            vec!["SETRANGE", &key, "4194303", "x"],
            vec!["LPUSH", &key, "x"],
        ] {
            let saved = backend.save(&id, Arc::new(record(&clock)), SaveIf::Absent).await.unwrap();
            assert_eq!(saved, Saved::Done, "what is damaged is not in the way of {damage:?}");
            assert!(backend.exists(&id).await.unwrap());
            if damage[0] == "LPUSH" {
                test.command::<()>(&["DEL", &key]);
            }
            test.command::<()>(&damage);
            assert_eq!(backend.load(&id).await.unwrap(), None, "{damage:?}");
            assert!(!backend.exists(&id).await.unwrap(), "{damage:?}");
            let _ = backend.delete(&id).await.unwrap();
            assert_eq!(test.command::<u64>(&["EXISTS", &key]), 0, "{damage:?}");
        }
    }

    #[tokio::test]
    #[ignore = "needs Redis"]
    async fn the_server_forgets_a_record_with_its_session() {
        let (backend, clock, test) = backend().await;
        let id = SessionKey::generate().digest();
        let key = format!("{}{id}", test.prefix);
        // However wrong the server's clock is, or ours.
        for hours in [0, -24 * 365 * 20, 24 * 365 * 40] {
            clock.advance(chrono::TimeDelta::hours(hours));
            let saved = backend.save(&id, Arc::new(record(&clock)), SaveIf::Absent).await.unwrap();
            assert_eq!(saved, Saved::Done);
            let left = test.command::<i64>(&["PTTL", &key]);
            assert!((3_540_000..=3_600_000).contains(&left), "{left}");
            let (now, later) = (clock.now(), clock.now() + chrono::TimeDelta::minutes(90));
            assert!(backend.touch(&id, now, later).await.unwrap());
            let left = test.command::<i64>(&["PTTL", &key]);
            assert!((5_340_000..=5_400_000).contains(&left), "{left}");
            assert!(backend.delete(&id).await.unwrap());
        }
        let mut ended = record(&clock);
        ended.expires_at = clock.now();
        assert_eq!(backend.save(&id, Arc::new(ended), SaveIf::Absent).await.unwrap(), Saved::Done);
        assert_eq!(test.command::<u64>(&["EXISTS", &key]), 0);
    }

    #[tokio::test]
    #[ignore = "needs Redis"]
    async fn scripts_come_back_after_the_server_forgot_them() {
        let (backend, clock, test) = backend().await;
        test.command::<()>(&["SCRIPT", "FLUSH"]);
        let id = SessionKey::generate().digest();
        let saved = backend.save(&id, Arc::new(record(&clock)), SaveIf::Absent).await.unwrap();
        assert_eq!(saved, Saved::Done);
        assert!(backend.delete(&id).await.unwrap());
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_in_time() {
        use auth::sessions::SessionError;
        // Takes connections and never answers.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("redis://:hunter2@{}", silent.local_addr().unwrap());
        let timeout = std::time::Duration::from_millis(100);
        for url in [url.as_str(), "redis://:hunter2@127.0.0.1:1"] {
            let started = std::time::Instant::now();
            let error = RedisSessionBackend::connect_with_timeout(url, timeout).await.unwrap_err();
            assert!(matches!(error, SessionError::Store(_)), "{error:?}");
            assert!(started.elapsed() < timeout * 10);
            assert!(!format!("{error:?} {error}").contains("hunter2"));
        }
        for url in ["redis:", "redis://", "http://127.0.0.1", "rediss://127.0.0.1"] {
            let error = RedisSessionBackend::connect(url).await.unwrap_err();
            assert!(matches!(error, SessionError::Configuration(_)), "{url}: {error:?}");
        }
    }
}

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
