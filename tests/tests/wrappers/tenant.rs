//! Sessions of many tenants in one backend.

use std::sync::Arc;

use auth::clock::Clock as _;
use auth::sessions::{
    InMemorySessionBackend, Login, SaveIf, Saved, Session, SessionBackend, SessionDigest, SessionError,
    TenantSessionBackend, TenantSessionOperations as _, UserSessions as _,
};
use auth::testing::ManualClock;
use auth_tests::TestDatabase;
use chrono::TimeDelta;

use crate::{add, id, memory, record};

type Over<B> = TenantSessionBackend<B>;

fn over<B: SessionBackend>(store: B, clock: &ManualClock, tenant: &str) -> Over<B> {
    TenantSessionBackend::new(store, tenant).with_clock(Arc::new(clock.clone()))
}

mod over_memory {
    use super::*;

    async fn backend() -> (Over<InMemorySessionBackend>, ManualClock, ()) {
        let (store, clock) = memory();
        (over(store, &clock, "a"), clock, ())
    }

    auth::session_backend_suite!(backend);
}

mod over_sqlite {
    use auth::sessions::DatabaseSessionBackend;

    use super::*;

    async fn backend() -> (Over<DatabaseSessionBackend>, ManualClock, TestDatabase) {
        let (store, clock, keep) = crate::sqlite().await;
        (over(store, &clock, "a"), clock, keep)
    }

    auth::session_backend_suite!(backend);
}

#[tokio::test]
async fn no_tenant_sees_anothers_sessions_whatever_the_ids() {
    let (store, clock) = memory();
    let store = Arc::new(store);
    let names = ["", "a", "b", "a:session:b", "a:session:", "{session_id}", "{tenant_id}", "tenant:a", "a\0", "ключ"];
    let tenants = names.map(|name| over(store.clone(), &clock, name));
    let id = id();
    for (i, tenant) in (0..).zip(&tenants) {
        assert_eq!(tenant.load(&id).await.unwrap(), None);
        assert!(!tenant.delete(&id).await.unwrap());
        assert_eq!(tenant.save(&id, record(&clock, 1, &[i]), SaveIf::Absent).await.unwrap(), Saved::Done);
    }
    assert_eq!(store.load(&id).await.unwrap(), None);
    for (i, tenant) in (0..).zip(&tenants) {
        assert_eq!(*tenant.load(&id).await.unwrap().unwrap().data, [i]);
        assert_eq!(tenant.list_sessions().await.unwrap(), [id]);
    }
    assert_eq!(tenants[0].delete_all_sessions().await.unwrap(), 1);
    for (i, tenant) in tenants.iter().enumerate() {
        assert_eq!(tenant.count_sessions().await.unwrap(), usize::from(i != 0));
    }
}

#[tokio::test]
async fn another_pattern_is_another_namespace() {
    let (store, clock) = memory();
    let store = Arc::new(store);
    let first = over(store.clone(), &clock, "a");
    let second = over(store.clone(), &clock, "a").with_pattern("{tenant_id}/{session_id}").unwrap();
    let id = add(&first, &clock, b"x").await;
    assert!(!second.exists(&id).await.unwrap());
    for bad in ["", "{tenant_id}", "{session_id}", "{tenant_id}{tenant_id}{session_id}"] {
        let refused = over(store.clone(), &clock, "a").with_pattern(bad);
        assert!(matches!(refused, Err(SessionError::Configuration(_))), "{bad}");
    }
}

#[tokio::test]
async fn the_list_is_exact_and_survives_a_restart() {
    let (store, clock) = memory();
    let store = Arc::new(store);
    let tenant = over(store.clone(), &clock, "a");
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(add(&tenant, &clock, b"x").await);
    }
    assert!(tenant.delete(&ids.remove(1)).await.unwrap());
    let again = over(store, &clock, "a");
    assert_eq!(again.list_sessions().await.unwrap(), ids);
    assert_eq!(again.delete_all_sessions().await.unwrap(), 3);
    assert_eq!(again.count_sessions().await.unwrap(), 0);
    for id in &ids {
        assert_eq!(tenant.load(id).await.unwrap(), None);
    }
    ids = vec![add(&tenant, &clock, b"x").await];
    assert_eq!(again.list_sessions().await.unwrap(), ids);
    clock.advance(TimeDelta::hours(1));
    assert_eq!(again.count_sessions().await.unwrap(), 0);
}

#[tokio::test]
async fn one_more_than_the_limit_is_refused_until_one_has_ended() {
    let (store, clock) = memory();
    let tenant = over(store, &clock, "a").with_limit(2);
    let one_more = async |tenant: &Over<_>| {
        let saved = tenant.save(&id(), record(&clock, 1, b"x"), SaveIf::Absent).await;
        assert!(matches!(saved, Err(SessionError::LimitReached { max: 2 })), "{saved:?}");
    };
    let (first, second) = (add(&tenant, &clock, b"x").await, add(&tenant, &clock, b"x").await);
    one_more(&tenant).await;
    // What is there can still be changed, and is still not overwritten.
    let next = record(&clock, 2, b"y");
    assert_eq!(tenant.save(&first, next.clone(), SaveIf::Version(1)).await.unwrap(), Saved::Done);
    assert_eq!(tenant.save(&first, next, SaveIf::Absent).await.unwrap(), Saved::Conflict);
    assert!(tenant.delete(&first).await.unwrap());
    add(&tenant, &clock, b"x").await;
    one_more(&tenant).await;
    // The second expires, the third is used meanwhile.
    clock.advance(TimeDelta::minutes(59));
    let [_, third] = tenant.list_sessions().await.unwrap()[..] else { panic!("there are two") };
    let later = clock.now() + TimeDelta::hours(1);
    assert!(tenant.touch(&third, later - TimeDelta::hours(1), later).await.unwrap());
    clock.advance(TimeDelta::minutes(1));
    let fourth = add(&tenant, &clock, b"x").await;
    one_more(&tenant).await;
    assert!(!tenant.exists(&second).await.unwrap());
    assert_eq!(tenant.list_sessions().await.unwrap(), [third, fourth]);
}

#[tokio::test]
async fn a_session_that_somebody_logs_in_to_stays_in_the_list() {
    let (store, clock) = memory();
    let acme = over(store, &clock, "acme").with_limit(1);
    let used = async |id, times| {
        for _ in 0..times {
            clock.advance(TimeDelta::minutes(57));
            let now = clock.now();
            assert!(acme.touch(id, now, now + TimeDelta::hours(1)).await.unwrap());
        }
    };
    let id = add(&acme, &clock, b"x").await;
    // Almost as long as it may last, a login makes it a new one, which outlasts the old.
    used(&id, 24).await;
    let mut login = record(&clock, 2, b"x");
    Arc::make_mut(&mut login).login = Some(Login::new("7", [0; 32], clock.now()));
    assert_eq!(acme.save(&id, login, SaveIf::Version(1)).await.unwrap(), Saved::Done);
    used(&id, 2).await;
    assert_eq!(acme.list_sessions().await.unwrap(), [id]);
    assert_eq!(acme.count_of("7").await.unwrap(), 1);
    let over = acme.save(&crate::id(), record(&clock, 1, b"x"), SaveIf::Absent).await;
    assert!(matches!(over, Err(SessionError::LimitReached { max: 1 })), "{over:?}");
    assert_eq!(acme.delete_all_sessions().await.unwrap(), 1);
    assert!(!acme.exists(&id).await.unwrap());
}

/// The version that was read is not the one that is there: nothing is written, and the list stays right.
#[tokio::test]
async fn a_login_that_comes_too_late_changes_no_list() {
    let (store, clock) = memory();
    let acme = over(store, &clock, "acme").with_limit(1);
    let id = add(&acme, &clock, b"x").await;
    clock.advance(TimeDelta::minutes(1));
    let mut login = record(&clock, 3, b"x");
    Arc::make_mut(&mut login).login = Some(Login::new("7", [0; 32], clock.now()));
    assert_eq!(acme.save(&id, login.clone(), SaveIf::Version(2)).await.unwrap(), Saved::Conflict);
    assert_eq!(acme.list_sessions().await.unwrap(), [id]);
    assert!(acme.delete(&id).await.unwrap());
    assert_eq!(acme.save(&id, login, SaveIf::Version(2)).await.unwrap(), Saved::Gone);
    add(&acme, &clock, b"x").await;
}

async fn many_at_once<B: SessionBackend + Clone>(store: B, clock: ManualClock) {
    const LIMIT: usize = 5;
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let tenant = over(store.clone(), &clock, "a").with_limit(LIMIT);
            let record = record(&clock, 1, b"x");
            tokio::spawn(async move {
                let id = id();
                match tenant.save(&id, record, SaveIf::Absent).await {
                    Ok(Saved::Done) => Some(id),
                    Err(SessionError::LimitReached { .. }) => None,
                    other => panic!("{other:?}"),
                }
            })
        })
        .collect();
    let mut ids: Vec<SessionDigest> = Vec::new();
    for task in tasks {
        ids.extend(task.await.unwrap());
    }
    assert_eq!(ids.len(), LIMIT);
    let mut listed = over(store, &clock, "a").list_sessions().await.unwrap();
    ids.sort();
    listed.sort();
    assert_eq!(listed, ids);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limit_holds_however_many_come_at_once() {
    let (store, clock) = memory();
    many_at_once(Arc::new(store), clock).await;
    let (store, clock, _keep) = crate::sqlite().await;
    many_at_once(store, clock).await;
}

#[tokio::test]
async fn a_session_moves_to_another_key_although_the_limit_is_reached() {
    let (store, clock) = memory();
    let tenant = over(Arc::new(store), &clock, "a").with_limit(1);
    let session = Session::new(tenant.clone());
    session.set("a", 1).unwrap();
    session.save().await.unwrap();
    session.cycle_key().await.unwrap();
    let id = session.key().unwrap().digest();
    assert_eq!(tenant.list_sessions().await.unwrap(), [id]);
    session.flush().await.unwrap();
    assert_eq!(tenant.count_sessions().await.unwrap(), 0);
}
