//! Sessions in files: crashes, damage, and several programs on one directory.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use auth::clock::{Clock as _, SystemClock};
use auth::sessions::{
    CleanupExpired as _, FileSessionBackend, SaveIf, Saved, SessionBackend as _, SessionDigest, SessionError,
    SessionKey, SessionRecord,
};
use auth::testing::ManualClock;
use auth_tests::TestDirectory;
use chrono::TimeDelta;

async fn backend() -> (FileSessionBackend, ManualClock, TestDirectory) {
    let (clock, keep) = (ManualClock::new(), TestDirectory::new());
    (open(&keep, &clock).await, clock, keep)
}

auth::session_backend_suite!(backend);

mod with_lists {
    use auth::sessions::ListedSessionBackend;

    use super::*;

    async fn backend() -> (ListedSessionBackend<FileSessionBackend>, ManualClock, TestDirectory) {
        let (backend, clock, keep) = super::backend().await;
        (ListedSessionBackend::new(backend).with_clock(Arc::new(clock.clone())), clock, keep)
    }

    auth::session_backend_suite!(backend);
    auth::user_sessions_suite!(backend);
}

async fn open(keep: &TestDirectory, clock: &ManualClock) -> FileSessionBackend {
    let backend = FileSessionBackend::open(keep.path().join("sessions")).await.unwrap();
    backend.with_clock(Arc::new(clock.clone()))
}

fn record(clock: &ManualClock) -> Arc<SessionRecord> {
    let now = clock.now();
    Arc::new(SessionRecord::new(now, now + TimeDelta::hours(1), now + TimeDelta::hours(2)))
}

async fn saved(backend: &FileSessionBackend, clock: &ManualClock) -> SessionDigest {
    let id = SessionKey::generate().digest();
    assert_eq!(backend.save(&id, record(clock), SaveIf::Absent).await.unwrap(), Saved::Done);
    id
}

fn file(keep: &TestDirectory, id: &SessionDigest) -> PathBuf {
    let name = id.to_string();
    keep.path().join("sessions").join(&name[..2]).join(name)
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    let (backend, clock, keep) = backend().await;
    let id = saved(&backend, &clock).await;
    drop(backend);
    assert_eq!(open(&keep, &clock).await.load(&id).await.unwrap(), Some(record(&clock)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_programs_on_one_directory_lose_nothing() {
    const ROUNDS: u64 = 24;
    let (backend, clock, keep) = backend().await;
    let id = saved(&backend, &clock).await;
    let work = [backend, open(&keep, &clock).await, open(&keep, &clock).await].map(|backend| {
        tokio::spawn(async move {
            for _ in 0..ROUNDS {
                loop {
                    let old = backend.load(&id).await.unwrap().unwrap();
                    let mut next = SessionRecord::clone(&old);
                    next.version += 1;
                    match backend.save(&id, Arc::new(next), SaveIf::Version(old.version)).await.unwrap() {
                        Saved::Done => break,
                        Saved::Conflict => {}
                        other => panic!("{other:?}"),
                    }
                }
            }
        })
    });
    for work in work {
        work.await.unwrap();
    }
    let last = open(&keep, &clock).await.load(&id).await.unwrap().unwrap();
    assert_eq!(last.version, 1 + 3 * ROUNDS);
}

#[tokio::test]
async fn a_damaged_file_is_no_session() {
    let (backend, clock, keep) = backend().await;
    let id = saved(&backend, &clock).await;
    let (path, whole) = (file(&keep, &id), fs::read(file(&keep, &id)).unwrap());
    let huge = vec![0; 3 << 20];
    for damaged in [&b""[..], b"x", &whole[..whole.len() - 1], &[&whole[..], b"x"].concat(), &huge] {
        fs::write(&path, damaged).unwrap();
        assert_eq!(backend.load(&id).await.unwrap(), None);
        assert!(!backend.exists(&id).await.unwrap());
        let next = backend.save(&id, record(&clock), SaveIf::Version(1)).await.unwrap();
        assert_eq!(next, Saved::Gone);
        assert_eq!(backend.save(&id, record(&clock), SaveIf::Absent).await.unwrap(), Saved::Done);
    }
    fs::write(&path, b"x").unwrap();
    assert!(!backend.delete(&id).await.unwrap());
    assert!(!path.exists());
}

#[tokio::test]
async fn what_a_crash_left_half_written_is_removed() {
    let (backend, clock, keep) = backend().await;
    let id = saved(&backend, &clock).await;
    let half = file(&keep, &id).with_file_name("new");
    // By the next write,
    fs::write(&half, b"half").unwrap();
    assert!(backend.touch(&id, clock.now(), clock.now() + TimeDelta::hours(1)).await.unwrap());
    assert!(!half.exists());
    // by the next start,
    fs::write(&half, b"half").unwrap();
    let again = open(&keep, &clock).await;
    assert!(!half.exists());
    // and by a clean-up.
    fs::write(&half, b"half").unwrap();
    assert_eq!(again.cleanup_expired(10).await.unwrap(), 0);
    assert!(!half.exists());
    assert!(again.exists(&id).await.unwrap());
}

#[tokio::test]
async fn an_expired_file_goes_when_it_is_asked_for() {
    let (backend, clock, keep) = backend().await;
    let id = saved(&backend, &clock).await;
    clock.advance(TimeDelta::hours(1));
    assert!(file(&keep, &id).exists());
    assert_eq!(backend.load(&id).await.unwrap(), None);
    assert!(!file(&keep, &id).exists());
}

#[tokio::test]
async fn expired_files_are_swept_in_batches() {
    let (backend, clock, keep) = backend().await;
    for _ in 0..5 {
        saved(&backend, &clock).await;
    }
    assert_eq!(backend.cleanup_expired(3).await.unwrap(), 0);
    clock.advance(TimeDelta::hours(1));
    let alive = saved(&backend, &clock).await;
    fs::write(file(&keep, &alive).with_file_name("0".repeat(64)), b"no record").unwrap();
    let swept = [3, 3, 3].map(|batch| backend.cleanup_expired(batch));
    let mut counts = Vec::new();
    for sweep in swept {
        counts.push(sweep.await.unwrap());
    }
    assert_eq!(counts, [3, 3, 0]);
    assert!(backend.exists(&alive).await.unwrap());
}

#[tokio::test]
async fn a_store_that_fails_is_no_answer() {
    let (backend, clock, keep) = backend().await;
    let id = saved(&backend, &clock).await;
    fs::remove_file(file(&keep, &id)).unwrap();
    fs::create_dir(file(&keep, &id)).unwrap();
    assert!(matches!(backend.load(&id).await, Err(SessionError::Store(_))));
    assert!(matches!(backend.exists(&id).await, Err(SessionError::Store(_))));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_reads_or_writes() {
    use std::os::unix::fs::PermissionsExt as _;
    let (backend, clock, keep) = backend().await;
    let id = saved(&backend, &clock).await;
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(keep.path().join("sessions")), 0o700);
    assert_eq!(mode(file(&keep, &id).with_file_name("")), 0o700);
    assert_eq!(mode(file(&keep, &id)), 0o600);
    assert_eq!(mode(file(&keep, &id).with_file_name("lock")), 0o600);
    for open_to_others in [0o777, 0o720, 0o702] {
        let path = keep.path().join(format!("{open_to_others:o}"));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(open_to_others)).unwrap();
        let refused = FileSessionBackend::open(&path).await;
        assert!(matches!(refused, Err(SessionError::Configuration(_))), "{refused:?}");
    }
    let no_directory = file(&keep, &id);
    assert!(FileSessionBackend::open(no_directory).await.is_err());
}

#[tokio::test]
async fn an_address_opens_it() {
    use auth::registry::{Context, Url};
    use auth::secret::SecretKey;
    let keep = TestDirectory::new();
    let context = Context::new(Arc::new(SystemClock), SecretKey::random());
    let address = format!("file:{}", keep.path().join("sessions").display());
    auth::sessions::connect(&Url::new(&address), &context).await.unwrap();
    assert!(keep.path().join("sessions").is_dir());
    for address in ["file:", "file://elsewhere/sessions"] {
        assert!(auth::sessions::connect(&Url::new(address), &context).await.is_err(), "{address}");
    }
}
