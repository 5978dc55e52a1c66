//! A session's dictionary, and what becomes of it when requests meet.
#![expect(clippy::unwrap_used, reason = "a test panics when something is wrong")]

use std::sync::Arc;

use auth::sessions::{InMemorySessionBackend, Lifetime, SaveIf, Session, SessionBackend as _, SessionError};
use auth::testing::ManualClock;
use auth_tests::sqlite;
use chrono::TimeDelta;
use serde_json::json;

type Store = Arc<InMemorySessionBackend>;

fn store() -> Store {
    Arc::new(InMemorySessionBackend::new())
}

async fn saved(store: &Store, items: &[(&str, i64)]) -> Session<Store> {
    let session = Session::new(store.clone());
    for (key, value) in items {
        session.set(*key, value).unwrap();
    }
    session.save().await.unwrap();
    session
}

async fn again(store: &Store, session: &Session<Store>) -> Session<Store> {
    Session::open(store.clone(), session.key().unwrap()).await.unwrap()
}

#[tokio::test]
async fn it_is_a_dictionary_of_any_type() {
    let store = store();
    let session = saved(&store, &[("a", 1), ("b", 2)]).await;
    session.set("list", ["x", "y"]).unwrap();
    session.save().await.unwrap();

    let session = again(&store, &session).await;
    assert_eq!(session.get::<i64>("a").unwrap(), Some(1));
    assert_eq!(session.get::<Vec<String>>("list").unwrap(), Some(vec!["x".into(), "y".into()]));
    assert_eq!(session.get::<i64>("absent").unwrap(), None);
    assert!(matches!(session.get::<i64>("list"), Err(SessionError::Value { key, .. }) if key == "list"));
    assert_eq!(session.keys(), ["a", "b", "list"]);
    assert_eq!(session.values(), [json!(1), json!(2), json!(["x", "y"])]);
    assert_eq!(session.items()[0], ("a".to_owned(), json!(1)));
    assert!(session.delete("a") && !session.delete("a") && !session.contains_key("a"));
    session.save().await.unwrap();
    assert_eq!(again(&store, &session).await.keys(), ["b", "list"]);
}

#[tokio::test]
async fn it_is_read_and_written_only_when_it_must_be() {
    let store = store();
    let session = saved(&store, &[("a", 1)]).await;
    let session = again(&store, &session).await;
    assert!(!session.is_accessed() && !session.is_modified());
    let _: Option<i64> = session.get("a").unwrap();
    assert!(session.is_accessed() && !session.is_modified());
    let version = async || store.load(&session.key().unwrap().digest()).await.unwrap().unwrap().version;
    session.save().await.unwrap();
    assert_eq!(version().await, 1);
    session.mark_modified();
    session.save().await.unwrap();
    assert_eq!(version().await, 2);
    session.set("a", 3).unwrap();
    session.mark_unmodified();
    session.save().await.unwrap();
    assert_eq!(version().await, 2);
    assert_eq!(again(&store, &session).await.get::<i64>("a").unwrap(), Some(1));
}

#[tokio::test]
async fn a_session_that_holds_nothing_is_not_kept() {
    let store = store();
    let session = Session::new(store.clone());
    session.mark_modified();
    session.save().await.unwrap();
    assert!(store.is_empty() && session.key().is_none());
    let session = saved(&store, &[("a", 1)]).await;
    session.clear();
    session.save().await.unwrap();
    assert!(store.is_empty());
    session.set("a", 1).unwrap();
    session.save().await.unwrap();
    assert_eq!(store.len(), 1, "and can begin again");
}

#[tokio::test]
async fn keys_are_made_once_and_changed_at_once() {
    let store = store();
    let session = Session::new(store.clone());
    let key = session.get_or_create_key();
    assert_eq!(session.get_or_create_key(), key);
    assert_ne!(Session::<Store>::generate_key(), key);
    session.set("a", 1).unwrap();
    session.save().await.unwrap();
    assert_eq!(session.key(), Some(key.clone()));

    session.set("b", 2).unwrap();
    session.cycle_key().await.unwrap();
    assert_ne!(session.key(), Some(key.clone()));
    let old = Session::open(store.clone(), key.clone()).await.unwrap();
    assert!(old.keys().is_empty() && old.key().is_none(), "the old key opens nothing");
    assert_eq!(again(&store, &session).await.keys(), ["a", "b"]);

    let key = session.key().unwrap();
    session.flush().await.unwrap();
    assert!(!store.exists(&key.digest()).await.unwrap() && store.is_empty());
    assert!(session.keys().is_empty());
}

#[tokio::test]
async fn changing_the_key_does_not_make_a_session_live_longer() {
    let clock = ManualClock::new();
    let store = Arc::new(InMemorySessionBackend::with_clock(Arc::new(clock.clone())));
    let lifetime = Lifetime::new(TimeDelta::hours(1), TimeDelta::hours(2));
    let session = Session::with(store.clone(), Arc::new(clock.clone()), lifetime);
    session.set("a", 1).unwrap();
    session.save().await.unwrap();
    for _ in 0..3 {
        clock.advance(TimeDelta::minutes(39));
        session.cycle_key().await.unwrap();
    }
    clock.advance(TimeDelta::minutes(4));
    assert!(matches!(session.cycle_key().await, Err(SessionError::Ended)));
}

#[tokio::test]
async fn requests_that_change_different_keys_keep_both() {
    let store = store();
    let first = saved(&store, &[("a", 0), ("b", 0), ("gone", 0)]).await;
    let (one, two) = (again(&store, &first).await, again(&store, &first).await);
    one.set("a", 1).unwrap();
    two.set("b", 2).unwrap();
    two.delete("gone");
    one.save().await.unwrap();
    two.save().await.unwrap();
    let after = again(&store, &first).await;
    assert_eq!(after.items(), [("a".to_owned(), json!(1)), ("b".to_owned(), json!(2))]);
}

#[tokio::test]
async fn what_was_ended_is_not_brought_back() {
    let store = store();
    let first = saved(&store, &[("a", 1)]).await;
    let (slow, gone) = (again(&store, &first).await, again(&store, &first).await);
    slow.set("b", 2).unwrap();
    gone.flush().await.unwrap();
    assert!(matches!(slow.save().await, Err(SessionError::Ended)));
    assert!(matches!(slow.cycle_key().await, Err(SessionError::Ended)));
    assert!(store.is_empty());
}

#[tokio::test]
async fn a_change_that_meets_a_change_of_the_key_is_not_lost_in_between() {
    let store = store();
    let first = saved(&store, &[("a", 1)]).await;
    let (one, two) = (again(&store, &first).await, again(&store, &first).await);
    one.set("b", 2).unwrap();
    one.save().await.unwrap();
    two.cycle_key().await.unwrap();
    assert_eq!(again(&store, &two).await.keys(), ["a", "b"], "also what the other saved meanwhile");
}

#[tokio::test]
async fn who_came_with_the_old_key_changes_nothing_any_more() {
    let store = store();
    let first = saved(&store, &[("a", 1)]).await;
    let (slow, other) = (again(&store, &first).await, again(&store, &first).await);
    slow.set("planted", true).unwrap();
    other.cycle_key().await.unwrap();
    assert!(matches!(slow.save().await, Err(SessionError::Ended)));
    assert!(matches!(slow.cycle_key().await, Err(SessionError::Ended)));
    assert_eq!(again(&store, &other).await.keys(), ["a"]);
}

/// Whichever comes first, a session that is ended in one request does not go on under another key in the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_that_meets_a_change_of_the_key_is_final() {
    for _ in 0..2000 {
        let store = store();
        let first = saved(&store, &[("a", 1)]).await;
        let (one, two) = (again(&store, &first).await, again(&store, &first).await);
        let renewal = tokio::spawn(async move { (one.cycle_key().await, one.key()) });
        two.flush().await.unwrap();
        let (renewed, key) = renewal.await.unwrap();
        assert!(matches!(renewed, Ok(()) | Err(SessionError::Ended)));
        assert!(store.is_empty());
        assert!(Session::open(store.clone(), key.unwrap()).await.unwrap().key().is_none());
    }
}

#[tokio::test]
async fn data_that_cannot_be_read_count_as_none() {
    let store = store();
    for data in [&b"\xff"[..], b"\x01", b"\x01{", b"\x01[]", b"\x01{\"a\":\xff}", b"\x02{}"] {
        let session = saved(&store, &[("a", 1)]).await;
        let id = session.key().unwrap().digest();
        let mut record = (*store.load(&id).await.unwrap().unwrap()).clone();
        (record.data, record.version) = (data.into(), 2);
        let written = store.save(&id, Arc::new(record), SaveIf::Version(1)).await.unwrap();
        assert_eq!(written, auth::sessions::Saved::Done);
        let session = again(&store, &session).await;
        assert_eq!(session.keys(), Vec::<String>::new(), "{data:?}");
        session.set("b", 2).unwrap();
        session.save().await.unwrap();
    }
}

#[tokio::test]
async fn a_session_is_bounded() {
    let session = Session::new(store());
    session.set("a", "x".repeat(2 << 20)).unwrap();
    assert!(matches!(session.save().await, Err(SessionError::TooLarge { .. })));
}

/// Many clients count in keys of their own and one of them ends the session at the end.
async fn race<B: auth::sessions::SessionBackend + Clone>(store: B) {
    const CLIENTS: i64 = 16;
    const ROUNDS: i64 = 60;
    let first = Session::new(store.clone());
    first.set("begun", true).unwrap();
    first.save().await.unwrap();
    let key = first.key().unwrap();
    let clients = (0..CLIENTS).map(|client| {
        let (store, key) = (store.clone(), key.clone());
        tokio::spawn(async move {
            for round in 1..=ROUNDS {
                let session = Session::open(store.clone(), key.clone()).await.unwrap();
                session.set(format!("client {client}"), round).unwrap();
                session.save().await.unwrap();
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let after = Session::open(store.clone(), key.clone()).await.unwrap();
    for client in 0..CLIENTS {
        assert_eq!(after.get::<i64>(&format!("client {client}")).unwrap(), Some(ROUNDS), "client {client}");
    }
    // Saves that meet the end of the session: whatever order they come in, it stays ended.
    let late: Vec<_> = (0..CLIENTS).map(|_| Session::open(store.clone(), key.clone())).collect();
    let mut tasks = Vec::new();
    for session in late {
        let session = session.await.unwrap();
        session.set("late", true).unwrap();
        tasks.push(tokio::spawn(async move { session.save().await }));
    }
    after.flush().await.unwrap();
    for task in tasks {
        assert!(matches!(task.await.unwrap(), Ok(()) | Err(SessionError::Ended)));
    }
    assert!(!store.exists(&key.digest()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_lose_nothing_in_memory() {
    race(store()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_lose_nothing_in_sqlite() {
    let database = sqlite().await;
    let store = auth::sessions::DatabaseSessionBackend::new(database.database.clone());
    store.create_table().await.unwrap();
    race(Arc::new(store)).await;
}
