//! Sessions that move from one backend to another while they are used.

mod orders;
mod race;
mod stops;

use std::sync::Arc;

use auth::BoxFuture;
use auth::clock::Clock as _;
use auth::sessions::{
    DynSessionBackend, FileSessionBackend, InMemorySessionBackend, Login, MigratingSessionBackend, MigrationProgress,
    RedisSessionBackend, SaveIf, Saved, ScanCursor, SessionBackend, SessionDigest, SessionError, SessionMigration,
    SessionRecord, UserSessions,
};
use auth::testing::ManualClock;
use auth_tests::{TestDatabase, TestDirectory, TestRedis};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use crate::{id, memory, record};

type Store = Arc<InMemorySessionBackend>;
type Both = MigratingSessionBackend<Store, Store>;

fn both() -> (Both, ManualClock) {
    let (from, clock) = memory();
    let to = InMemorySessionBackend::with_clock(Arc::new(clock.clone()));
    (Both::new(Arc::new(from), Arc::new(to)), clock)
}

async fn add(store: &impl SessionBackend, record: &SessionRecord) -> SessionDigest {
    let id = id();
    assert_eq!(store.save(&id, Arc::new(record.clone()), SaveIf::Absent).await.unwrap(), Saved::Done);
    id
}

fn login(clock: &ManualClock, version: u64, data: &[u8]) -> SessionRecord {
    let mut record = SessionRecord::clone(&*record(clock, version, data));
    (record.login, record.verifier) = (Some(Login::new("7", [3; 32], clock.now())), [9; 32]);
    record
}

async fn migrate<F: SessionBackend, T: SessionBackend>(
    both: &MigratingSessionBackend<F, T>,
) -> Result<MigrationProgress, SessionError> {
    let (mut migration, mut last) = (SessionMigration::new(both)?, None);
    while let Some(progress) = migration.next_batch().await? {
        last = Some(progress);
    }
    Ok(last.expect("there is a last batch"))
}

/// A migration in which every session begins in the old store, so that whatever is done to it moves it.
#[derive(Debug)]
struct Old<F, T> {
    both: MigratingSessionBackend<F, T>,
    /// Held by whoever begins a session: looking and beginning are two steps.
    beginning: Mutex<()>,
}

impl<F: SessionBackend, T: SessionBackend> SessionBackend for Old<F, T> {
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        self.both.load(id)
    }

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move {
            // Data that begin like the mark were never saved without it.
            let marked = record.data.first() == Some(&0xfb);
            if condition != SaveIf::Absent || marked {
                return self.both.save(id, record, condition).await;
            }
            let _turn = self.beginning.lock().await;
            if self.both.exists(id).await? {
                return self.both.save(id, record, condition).await;
            }
            self.both.from().save(id, record, condition).await
        })
    }

    fn touch<'a>(
        &'a self,
        id: &'a SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<bool, SessionError>> {
        self.both.touch(id, seen_at, expires_at)
    }

    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        self.both.delete(id)
    }

    fn exists<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        self.both.exists(id)
    }
}

/// Both suites over new sessions; the first, over old ones, too.
macro_rules! suites {
    ($(#[$attribute:meta])* $name:ident: $both:path) => {
        mod $name {
            use super::*;

            auth::session_backend_suite!($(#[$attribute])* $both);

            mod of_old_sessions {
                use super::*;

                async fn backend() -> (impl SessionBackend, ManualClock, impl Sized) {
                    let (both, clock, keep) = $both().await;
                    (Old { both, beginning: Mutex::default() }, clock, keep)
                }

                auth::session_backend_suite!($(#[$attribute])* backend);
            }
        }
    };
}

async fn in_memory() -> (Both, ManualClock, ()) {
    let (both, clock) = both();
    (both, clock, ())
}

async fn sqlite_to_files() -> (kinds::SqliteToFiles, ManualClock, (TestDatabase, TestDirectory)) {
    let ((from, clock, test), keep) = (crate::sqlite().await, TestDirectory::new());
    let to = FileSessionBackend::open(keep.path().join("sessions")).await.unwrap();
    (MigratingSessionBackend::new(from, to.with_clock(Arc::new(clock.clone()))), clock, (test, keep))
}

async fn sqlite_to_redis() -> (kinds::SqliteToRedis, ManualClock, (TestDatabase, TestRedis)) {
    let ((from, clock, test), keep) = (crate::sqlite().await, auth_tests::redis());
    let to = RedisSessionBackend::connect(keep.url.as_str()).await.expect("the server is there");
    let to = to.with_prefix(&keep.prefix).unwrap().with_clock(Arc::new(clock.clone()));
    (MigratingSessionBackend::new(from, to), clock, (test, keep))
}

async fn redis_to_sqlite() -> (kinds::RedisToSqlite, ManualClock, (TestDatabase, TestRedis)) {
    let ((to, clock, test), keep) = (crate::sqlite().await, auth_tests::redis());
    let from = RedisSessionBackend::connect(keep.url.as_str()).await.expect("the server is there");
    let from = from.with_prefix(&keep.prefix).unwrap().with_clock(Arc::new(clock.clone()));
    (MigratingSessionBackend::new(from, to), clock, (test, keep))
}

mod kinds {
    use auth::sessions::DatabaseSessionBackend;

    use super::{FileSessionBackend, MigratingSessionBackend, RedisSessionBackend};

    pub(super) type SqliteToFiles = MigratingSessionBackend<DatabaseSessionBackend, FileSessionBackend>;
    pub(super) type SqliteToRedis = MigratingSessionBackend<DatabaseSessionBackend, RedisSessionBackend>;
    pub(super) type RedisToSqlite = MigratingSessionBackend<RedisSessionBackend, DatabaseSessionBackend>;
}

suites!(memory_to_memory: in_memory);
suites!(database_to_files: sqlite_to_files);
suites!(
    #[ignore = "needs Redis"]
    database_to_redis: sqlite_to_redis
);
suites!(
    #[ignore = "needs Redis"]
    redis_to_database: redis_to_sqlite
);

auth::user_sessions_suite!(in_memory);

/// Many sessions move, with all that they hold, and none that has expired.
async fn moves_whole<F: SessionBackend, T: SessionBackend, K>(
    (both, clock, _keep): (MigratingSessionBackend<F, T>, ManualClock, K),
) {
    let expired = add(both.from(), &record(&clock, 1, b"")).await;
    clock.advance(TimeDelta::hours(1));
    let mut sessions = Vec::new();
    for number in 0..50_u8 {
        let mut record = login(&clock, u64::from(number) + 1, &[1, number]);
        record.expires_at = clock.now() + TimeDelta::minutes(i64::from(number) + 1);
        sessions.push((add(both.from(), &record).await, record));
    }
    let progress = migrate(&both).await.unwrap();
    assert_eq!((progress.moved, progress.skipped, progress.cursor), (50, 0, None));
    for (id, record) in &sessions {
        assert_eq!(both.to().load(id).await.unwrap().as_deref(), Some(record));
        assert!(!both.from().exists(id).await.unwrap());
    }
    assert!(!both.exists(&expired).await.unwrap());
    clock.advance(TimeDelta::minutes(25));
    for (number, (id, _)) in sessions.iter().enumerate() {
        assert_eq!(both.to().exists(id).await.unwrap(), number >= 25, "the expiry came along");
    }
    assert_eq!(migrate(&both).await.unwrap().moved, 0, "a second time there is nothing to do");
}

#[tokio::test]
async fn sessions_move_whole_between_memories() {
    moves_whole(in_memory().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_move_whole_from_sqlite_to_files() {
    moves_whole(sqlite_to_files().await).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis"]
async fn sessions_move_whole_from_sqlite_to_redis() {
    moves_whole(sqlite_to_redis().await).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis"]
async fn sessions_move_whole_from_redis_to_sqlite() {
    moves_whole(redis_to_sqlite().await).await;
}

#[tokio::test]
async fn a_migration_goes_on_where_it_stopped() {
    let (both, clock) = both();
    for _ in 0..250 {
        add(both.from(), &login(&clock, 1, b"\x01{}")).await;
    }
    let mut first = SessionMigration::new(&both).unwrap().with_batch(90);
    let progress = first.next_batch().await.unwrap().unwrap();
    assert_eq!(progress.moved, 90);
    let cursor = progress.cursor.unwrap().to_string();

    let mut second = SessionMigration::new(&both).unwrap().resume(ScanCursor::new(cursor));
    let mut last = None;
    while let Some(progress) = second.next_batch().await.unwrap() {
        last = Some(progress);
    }
    assert_eq!(last.map(|last| last.moved), Some(160));
    assert!(second.next_batch().await.unwrap().is_none());
    assert!(both.from().is_empty());
    assert_eq!(both.to().len(), 250);
}

#[tokio::test]
async fn a_session_moves_when_it_is_used_or_changed() {
    let (both, clock) = both();
    let record = login(&clock, 1, b"\x01{}");
    let (read, used, changed) =
        (add(both.from(), &record).await, add(both.from(), &record).await, add(both.from(), &record).await);
    assert_eq!(both.load(&read).await.unwrap().as_deref(), Some(&record));
    assert!(both.from().exists(&read).await.unwrap(), "reading leaves it where it is");
    assert!(both.touch(&used, clock.now(), record.expires_at).await.unwrap());
    let next = Arc::new(login(&clock, 2, b"\x01{\"a\":1}"));
    assert_eq!(both.save(&changed, next.clone(), SaveIf::Version(1)).await.unwrap(), Saved::Done);
    for (id, record) in [(used, record), (changed, (*next).clone())] {
        assert!(!both.from().exists(&id).await.unwrap());
        assert_eq!(both.to().load(&id).await.unwrap(), Some(Arc::new(record)));
    }
}

#[tokio::test]
async fn a_users_sessions_are_told_from_both_stores() {
    let (both, clock) = both();
    let record = login(&clock, 1, b"");
    let (old, new) = (add(both.from(), &record).await, add(&both, &record).await);
    let stranger = add(both.from(), &crate::record(&clock, 1, b"\x01{}")).await;
    let mut ids: Vec<_> = both.sessions_of("7").await.unwrap().into_iter().map(|session| session.id).collect();
    ids.sort_unstable();
    let mut expected = [old, new];
    expected.sort_unstable();
    assert_eq!(ids, expected);
    assert_eq!(both.count_of("7").await.unwrap(), 2);
    let another = add(both.from(), &record).await;
    assert!(!both.delete_of("8", &another).await.unwrap());
    assert_eq!(both.delete_all_of("7", Some(&another)).await.unwrap(), 2);
    assert!(both.exists(&another).await.unwrap() && both.exists(&stranger).await.unwrap());
}

#[tokio::test]
async fn a_limit_counts_the_sessions_in_both_stores() {
    use auth::sessions::SessionLimit;
    let (both, clock) = both();
    let record = Arc::new(login(&clock, 1, b""));
    add(both.from(), &record).await;
    let save = |limit| {
        let (both, record) = (&both, record.clone());
        async move { both.save_within(&id(), record, SaveIf::Absent, limit).await }
    };
    assert!(matches!(save(SessionLimit::refuse(1)).await, Err(SessionError::LimitReached { max: 1 })));
    assert_eq!(save(SessionLimit::refuse(2)).await.unwrap(), Saved::Done);
    assert_eq!(save(SessionLimit::end_oldest(1)).await.unwrap(), Saved::Done);
    assert_eq!(both.count_of("7").await.unwrap(), 1);
}

#[tokio::test]
async fn a_store_that_cannot_tell_its_sessions_is_not_moved_from() {
    #[derive(Debug)]
    struct Silent;

    impl SessionBackend for Silent {
        fn load<'a>(&'a self, _: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
            Box::pin(std::future::ready(Ok(None)))
        }

        fn save<'a>(
            &'a self,
            _: &'a SessionDigest,
            _: Arc<SessionRecord>,
            _: SaveIf,
        ) -> BoxFuture<'a, Result<Saved, SessionError>> {
            Box::pin(std::future::ready(Ok(Saved::Gone)))
        }

        fn touch<'a>(
            &'a self,
            _: &'a SessionDigest,
            _: DateTime<Utc>,
            _: DateTime<Utc>,
        ) -> BoxFuture<'a, Result<bool, SessionError>> {
            Box::pin(std::future::ready(Ok(false)))
        }

        fn delete<'a>(&'a self, _: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
            Box::pin(std::future::ready(Ok(false)))
        }

        fn exists<'a>(&'a self, _: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
            Box::pin(std::future::ready(Ok(false)))
        }
    }

    let to: DynSessionBackend = Arc::new(InMemorySessionBackend::new());
    let both = MigratingSessionBackend::new(Silent, to);
    assert!(matches!(SessionMigration::new(&both), Err(SessionError::Configuration(_))));
    assert!(both.user_sessions().is_none());
}
