//! Runs the program.
#![expect(clippy::unwrap_used, reason = "a test panics when something is wrong")]

use std::process::Command;
use std::sync::Arc;

use auth::clock::SystemClock;
use auth::registry::{Context, Url};
use auth::secret::SecretKey;
use auth::sessions::{
    Device, DynSessionBackend, Login, Session, SessionBackend as _, SessionKey, SessionManager, connect,
};
use auth_tests::{TestDatabase, TestDirectory};
use chrono::Utc;

const MANY: usize = 230;

async fn open(address: &str) -> DynSessionBackend {
    connect(&Url::new(address), &Context::new(Arc::new(SystemClock), SecretKey::random())).await.unwrap()
}

/// A database with sessions in it, and their keys.
async fn old_store() -> (TestDatabase, Vec<SessionKey>) {
    let test = auth_tests::sqlite().await;
    let manager = SessionManager::new(open(&test.url).await).unwrap();
    let mut keys = Vec::new();
    for user in 0..MANY {
        let login = Login::new(user.to_string(), [7; 32], Utc::now());
        let session = manager.create(login, Device::default().with_user_agent("curl")).await.unwrap();
        session.set("cart", [user]).unwrap();
        session.save().await.unwrap();
        keys.push(session.key().unwrap());
    }
    (test, keys)
}

fn run(arguments: &[&str]) -> Result<String, String> {
    let done = Command::new(env!("CARGO_BIN_EXE_migrate-sessions")).args(arguments).output().unwrap();
    if done.status.success() {
        Ok(String::from_utf8(done.stdout).unwrap())
    } else {
        Err(String::from_utf8(done.stderr).unwrap())
    }
}

/// Whoever was logged in still is, in the new store alone, with what the session held.
async fn assert_moved(old: &str, new: &str, keys: &[SessionKey]) {
    let (old, new) = (open(old).await, open(new).await);
    for (user, key) in keys.iter().enumerate() {
        assert!(!old.exists(&key.digest()).await.unwrap());
        let session = Session::open(new.clone(), key.clone()).await.unwrap();
        assert_eq!(session.login().unwrap().user_id, user.to_string());
        assert_eq!(session.get::<Vec<usize>>("cart").unwrap(), Some(vec![user]));
        assert!(session.device().is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_sqlite_to_files() {
    let ((test, keys), keep) = (old_store().await, TestDirectory::new());
    let new = format!("file:{}", keep.path().join("sessions").display());
    let told = run(&[&test.url, &new]).unwrap();
    let lines: Vec<_> = told.lines().collect();
    assert!(lines[0].starts_with("100 sessions moved, 0 ended before; --resume "), "{told}");
    assert_eq!(lines.last(), Some(&"230 sessions moved, 0 ended before: that was all"));
    assert_moved(&test.url, &new, &keys).await;

    // Back again, from the middle: what the cursor has been through stays.
    let cursor = lines[0].rsplit(' ').next().unwrap();
    assert_eq!(
        run(&[&new, &test.url, "--resume", cursor]).unwrap().lines().last(),
        Some("130 sessions moved, 0 ended before: that was all")
    );
    assert_eq!(
        run(&[&new, &test.url]).unwrap().lines().last(),
        Some("100 sessions moved, 0 ended before: that was all")
    );
    assert_moved(&new, &test.url, &keys).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn from_sqlite_to_postgres() {
    let ((test, keys), new) = (old_store().await, auth_tests::postgres().await);
    run(&[&test.url, &new.url]).unwrap();
    assert_moved(&test.url, &new.url, &keys).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis"]
async fn from_sqlite_to_redis() {
    let ((test, keys), redis) = (old_store().await, auth_tests::redis());
    run(&[&test.url, &redis.url]).unwrap();
    assert_moved(&test.url, &redis.url, &keys).await;
    // They stand under the usual prefix there, not the test's own.
    let (new, users) = (open(&redis.url).await, 0..MANY);
    for (user, key) in users.zip(&keys) {
        new.user_sessions().unwrap().delete_of(&user.to_string(), &key.digest()).await.unwrap();
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    assert!(run(&[]).unwrap_err().contains("usage"));
    assert!(run(&["sqlite::memory:", "nonsense:"]).unwrap_err().contains("nonsense"));
    assert!(run(&["sqlite::memory:", "memory:", "--resume", "x"]).unwrap_err().contains("cursor"));
}
