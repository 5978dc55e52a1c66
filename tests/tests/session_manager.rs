//! A user's sessions, seen from outside a request.
#![expect(clippy::unwrap_used, reason = "a test panics when something is wrong")]

use std::sync::Arc;

use auth::clock::Clock as _;
use auth::prelude::{Auth, BaseUserManager as _};
use auth::sessions::{
    Device, Identity, InMemorySessionBackend, Lifetime, Login, Session, SessionError, SessionKey, SessionLimit,
    SessionManager, SessionType,
};
use auth::testing::{ManualClock, TestUser};
use auth::users::Extra;
use chrono::TimeDelta;

fn manager() -> (SessionManager, Arc<InMemorySessionBackend>, ManualClock) {
    let clock = ManualClock::new();
    let backend = Arc::new(InMemorySessionBackend::with_clock(Arc::new(clock.clone())));
    let manager = SessionManager::new(backend.clone()).unwrap().with_clock(Arc::new(clock.clone()));
    (manager, backend, clock)
}

async fn create(manager: &SessionManager, clock: &ManualClock, user_id: &str, device: Device) -> SessionKey {
    let session = manager.create(Login::new(user_id, [1; 32], clock.now()), device).await.unwrap();
    clock.advance(TimeDelta::seconds(1));
    session.key().unwrap()
}

#[tokio::test]
async fn a_user_sees_the_devices_the_newest_first() {
    let (manager, _, clock) = manager();
    let laptop = Device::new(SessionType::Web).with_ip([203, 0, 113, 7].into()).with_user_agent("Firefox");
    let phone = Device::new(SessionType::Mobile).with_ip([0x20; 16].into());
    create(&manager, &clock, "1", laptop.clone()).await;
    create(&manager, &clock, "2", Device::default()).await;
    let key = create(&manager, &clock, "1", phone.clone()).await;
    let devices: Vec<_> =
        manager.list("1").await.unwrap().iter().map(|session| session.record.device.clone().unwrap()).collect();
    assert_eq!(devices, [phone.clone(), laptop]);
    let found = manager.find(&key).await.unwrap().unwrap();
    assert_eq!((found.id, found.record.device.clone()), (key.digest(), Some(phone)));
    assert_eq!(manager.find(&SessionKey::generate()).await.unwrap(), None);
}

#[tokio::test]
async fn sessions_are_ended_one_by_one_or_all_but_this() {
    let (manager, _, clock) = manager();
    let mut keys = Vec::new();
    for user_id in ["1", "1", "1", "1", "2"] {
        keys.push(create(&manager, &clock, user_id, Device::default()).await);
    }
    assert!(!manager.destroy_of("2", &keys[0].digest()).await.unwrap(), "that is not theirs");
    assert!(manager.destroy_of("1", &keys[0].digest()).await.unwrap());
    assert!(manager.destroy(&keys[1]).await.unwrap());
    assert!(!manager.destroy(&keys[1]).await.unwrap());
    assert_eq!(manager.destroy_others("1", &keys[2]).await.unwrap(), 1);
    assert_eq!(manager.list("1").await.unwrap().len(), 1);
    assert!(manager.find(&keys[2]).await.unwrap().is_some());
    assert_eq!(manager.destroy_all("1").await.unwrap(), 1);
    assert_eq!(manager.list("2").await.unwrap().len(), 1);
}

#[tokio::test]
async fn use_moves_the_idle_limit_and_not_the_absolute_one() {
    let (manager, _, clock) = manager();
    let manager = manager.with_lifetime(Lifetime::new(TimeDelta::hours(1), TimeDelta::hours(3)));
    let (used, idle) = (
        create(&manager, &clock, "1", Device::default()).await,
        create(&manager, &clock, "1", Device::default()).await,
    );
    for _ in 0..3 {
        clock.advance(TimeDelta::minutes(50));
        assert!(manager.touch(&used).await.unwrap());
    }
    assert!(!manager.touch(&idle).await.unwrap());
    assert_eq!(manager.list("1").await.unwrap().len(), 1);
    clock.advance(TimeDelta::minutes(31));
    assert!(!manager.touch(&used).await.unwrap());
    assert_eq!(manager.find(&used).await.unwrap(), None);
    assert!(manager.list("1").await.unwrap().is_empty());
}

#[tokio::test]
async fn the_device_stays_with_a_session_whose_key_changes() {
    let (manager, backend, clock) = manager();
    let device = Device::new(SessionType::Api).with_user_agent("curl");
    let key = create(&manager, &clock, "1", device.clone()).await;
    let session = Session::open(backend, key).await.unwrap();
    assert_eq!(session.device(), Some(device.clone()));
    session.cycle_key().await.unwrap();
    let sessions = manager.list("1").await.unwrap();
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0].record.device, Some(device));
    assert_eq!(sessions[0].id, session.key().unwrap().digest());
}

#[tokio::test]
async fn a_device_alone_is_not_stored() {
    let (_, backend, _) = manager();
    let session = Session::new(backend.clone());
    session.set_device(Device::default());
    session.save().await.unwrap();
    assert!(backend.is_empty(), "anonymous visitors leave no stored session");
}

#[tokio::test]
async fn an_identity_is_kept_in_the_session() {
    let (_, backend, _) = manager();
    let identity = Identity::new("https://id.example", "248289761001")
        .with_email("jane@id.example")
        .with_username("jane")
        .with_attribute("groups", vec!["staff"]);
    let session = Session::new(backend.clone());
    assert_eq!(session.identity().unwrap(), None);
    session.set_identity(&identity).unwrap();
    session.save().await.unwrap();
    let session = Session::open(backend.clone(), session.key().unwrap()).await.unwrap();
    assert_eq!(session.identity().unwrap(), Some(identity));
    session.cycle_key().await.unwrap();
    let session = Session::open(backend, session.key().unwrap()).await.unwrap();
    assert!(session.forget_identity() && !session.forget_identity());
    assert_eq!(session.identity().unwrap(), None);
}

#[tokio::test]
async fn an_identity_stays_at_login_and_goes_with_its_user() {
    let auth = Auth::<TestUser>::builder().build().await.unwrap();
    let mut ids = Vec::new();
    for name in ["alice", "bob"] {
        ids.push(auth.users().create_user(name, None, Extra::new()).await.unwrap().id);
    }
    let session = auth.new_session();
    session.set_identity(&Identity::new("github", "1")).unwrap();
    session.set_device(Device::new(SessionType::Web));
    for (id, expected) in [(ids[0], Some(Identity::new("github", "1"))), (ids[1], None)] {
        assert!(auth.log_in_user(&session, &id).await.unwrap().is_some());
        assert_eq!(session.identity().unwrap(), expected);
        assert_eq!(session.device().is_some(), expected.is_some(), "what another user had goes");
        assert_eq!(auth.session_manager().unwrap().list(&id.to_string()).await.unwrap().len(), 1);
    }
    assert!(auth.session_manager().unwrap().list(&ids[0].to_string()).await.unwrap().is_empty());
}

#[tokio::test]
async fn as_many_sessions_as_the_application_allows() {
    let limited = |limit| async move {
        let auth = Auth::<TestUser>::builder().max_sessions_per_user(limit).build().await.unwrap();
        let id = auth.users().create_user("alice", None, Extra::new()).await.unwrap().id;
        (auth, id)
    };
    let log_in = async |auth: &Auth<TestUser>, id| {
        let session = auth.new_session();
        auth.log_in_user(&session, &id).await.map(|_| session)
    };
    let (auth, id) = limited(SessionLimit::refuse(2)).await;
    let first = log_in(&auth, id).await.unwrap();
    log_in(&auth, id).await.unwrap();
    assert!(log_in(&auth, id).await.is_err());
    // Who is in logs in once more, and is one.
    auth.log_in_user(&first, &id).await.unwrap();
    auth.log_out(&first).await.unwrap();
    log_in(&auth, id).await.unwrap();
    let manager = auth.session_manager().unwrap();
    assert_eq!(manager.list(&id.to_string()).await.unwrap().len(), 2);
    let one_more = manager.create(Login::new(id.to_string(), [1; 32], chrono::Utc::now()), Device::default()).await;
    assert!(matches!(one_more, Err(SessionError::LimitReached { max: 2 })));

    let (auth, id) = limited(SessionLimit::end_oldest(1)).await;
    let (old, new) = (log_in(&auth, id).await.unwrap(), log_in(&auth, id).await.unwrap());
    assert!(auth.resume(old.key()).await.unwrap().1.is_none());
    assert!(auth.resume(new.key()).await.unwrap().1.is_some());
}
