//! What managers tell of, and what no event holds.

use std::fmt;
use std::sync::{Arc, Mutex};

use auth::BoxFuture;
use auth::audit::{Audit, AuditAction, AuditError, AuditEvent, AuditSink, ChannelSink, Lost, Origin};
use auth::clock::Clock as _;
use auth::sessions::{Device, InMemorySessionBackend, Login, SessionManager, SessionType};
use auth::testing::{ManualClock, TestUser};
use auth::users::{BaseUserManager as _, Extra, UserManager};
use proptest::prelude::*;

/// Keeps what it is told.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<AuditEvent>>>);

impl Kept {
    fn take(&self) -> Vec<AuditEvent> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// The names and details of what happened since the last time.
    fn told(&self) -> Vec<String> {
        let event = |event: AuditEvent| {
            let details = event.action.details().into_iter().map(|(_, text)| format!(" {text}"));
            format!("{}{}", event.action.name(), details.collect::<String>())
        };
        self.take().into_iter().map(event).collect()
    }
}

impl AuditSink for Kept {
    fn record<'a>(&'a self, event: &'a AuditEvent) -> BoxFuture<'a, Result<(), AuditError>> {
        self.0.lock().unwrap().push(event.clone());
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Never takes anything.
#[derive(Debug)]
struct Failing;

impl AuditSink for Failing {
    fn record<'a>(&'a self, _: &'a AuditEvent) -> BoxFuture<'a, Result<(), AuditError>> {
        Box::pin(std::future::ready(Err("no".into())))
    }
}

fn kept() -> (Kept, Audit) {
    let kept = Kept::default();
    (kept.clone(), Audit::new().with_sink(Failing).with_sink(kept))
}

#[tokio::test]
async fn changes_of_users_are_told_once_they_are_made() {
    let (kept, audit) = kept();
    let users = UserManager::<TestUser>::in_memory().with_audit(audit);
    let admin = users.by(Origin::source(Some([203, 0, 113, 7].into())).by("1"));
    let password = "correct horse battery";
    let user = admin.create_user("ann", Some(password), Extra::default()).await.unwrap();
    let [created] = &*kept.take() else { panic!("one event") };
    assert_eq!((created.action.name(), created.user.as_deref()), ("user.created", Some(&*user.id.to_string())));
    assert_eq!((created.origin.actor.as_deref(), created.origin.source), (Some("1"), Some([203, 0, 113, 7].into())));

    users.create_user("ann", Some(password), Extra::default()).await.unwrap_err();
    users.create_user("bob", Some("short"), Extra::default()).await.unwrap_err();
    users.set_password(&user.id, "short").await.unwrap_err();
    users.set_password(&999, "correct horse battery 2").await.unwrap_err();
    assert_eq!(kept.told(), [""; 0], "what was refused is no change");

    users.set_password(&user.id, "correct horse battery 2").await.unwrap();
    let mut user = users.get_by_id(&user.id).await.unwrap().unwrap();
    users.update(&user).await.unwrap();
    assert_eq!(kept.told(), ["password.changed"]);
    user.about = "hunter2hunter2".to_owned();
    user.is_superuser = true;
    users.update(&user).await.unwrap();
    users.update_columns(&user, &["is_superuser", "username"]).await.unwrap();
    assert_eq!(kept.told(), ["user.changed about", "user.changed is_superuser, username"]);
    auth::users::BaseUser::set_password(&mut user, "correct horse battery 3").unwrap();
    users.update(&user).await.unwrap();
    assert_eq!(kept.told(), ["password.changed"]);

    users.store().create_group("crew", "Crew").await.unwrap();
    for _ in 0..2 {
        users.grant_named(&user.id, "suite.read").await.unwrap();
        users.add_to_group(&user.id, "crew").await.unwrap();
    }
    for _ in 0..2 {
        users.revoke_named(&user.id, "suite.read").await.unwrap();
        users.remove_from_group(&user.id, "crew").await.unwrap();
        users.delete(&user.id).await.unwrap();
        if users.get_by_id(&user.id).await.unwrap().is_none() {
            break;
        }
    }
    users.delete(&user.id).await.unwrap();
    let all =
        ["permission.granted suite.read", "group.joined crew", "permission.revoked suite.read", "group.left crew"];
    assert_eq!(kept.told(), [&all[..], &["user.deleted"]].concat());

    users.register("cid", password, Extra::default()).await.unwrap();
    let [registered] = &*kept.take() else { panic!("one event") };
    assert_eq!((registered.action.name(), &registered.origin), ("user.created", &Origin::unknown()));
}

#[tokio::test]
async fn ended_sessions_are_told_with_the_reason() {
    let (kept, audit) = kept();
    let manager = SessionManager::new(Arc::new(InMemorySessionBackend::new())).unwrap().with_audit(audit);
    let mut keys = Vec::new();
    for _ in 0..6 {
        let login = Login::new("7", [0; 32], chrono::Utc::now());
        let session = manager.create(login, Device::new(SessionType::Mobile)).await.unwrap();
        keys.push(session.key().unwrap());
    }
    let started = kept.take();
    assert_eq!(started.len(), 6);
    let shown = format!("{started:?}");
    for key in &keys {
        assert!(shown.contains(&key.digest().to_string()) && !shown.contains(&*key.expose()), "never the key");
    }
    let manager = manager.by(Origin::unknown().by("1"));
    assert!(manager.destroy(&keys[0]).await.unwrap());
    assert!(!manager.destroy(&keys[0]).await.unwrap());
    assert!(manager.destroy_of("7", &keys[1].digest()).await.unwrap());
    assert!(!manager.destroy_of("8", &keys[2].digest()).await.unwrap());
    assert_eq!(manager.destroy_others("7", &keys[2]).await.unwrap(), 3);
    assert_eq!(manager.destroy_others("7", &keys[2]).await.unwrap(), 0);
    assert_eq!(manager.destroy_all("7").await.unwrap(), 1);
    assert_eq!(manager.destroy_all("7").await.unwrap(), 0);
    let ended = kept.take();
    assert!(ended.iter().all(|event| event.user.as_deref() == Some("7") && event.origin.actor.as_deref() == Some("1")));
    let ended: Vec<_> = ended.iter().map(|event| event.action.details()[0].1).collect();
    assert_eq!(ended, [&*keys[0].digest().to_string(), &keys[1].digest().to_string(), "others", "all"]);
}

#[tokio::test]
async fn a_full_channel_loses_the_event_and_says_so() {
    let (sink, mut events) = ChannelSink::bounded(0);
    let clock = ManualClock::new();
    let audit = Audit::new().with_sink(sink.clone()).with_clock(Arc::new(clock.clone()));
    audit.record(AuditAction::LoggedOut, Some("7")).await;
    audit.record(AuditAction::PasswordChanged, Some("7")).await;
    let first = events.recv().await.unwrap();
    assert_eq!((first.action.name(), first.at), ("logout", clock.now()));
    sink.record(&first).await.unwrap();
    let lost = |error: AuditError| *error.downcast::<Lost>().unwrap();
    assert_eq!(lost(sink.record(&first).await.unwrap_err()), Lost::Full);
    drop(events);
    assert_eq!(lost(sink.record(&first).await.unwrap_err()), Lost::Closed);
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "\\PC*",
        "[\u{0}-\u{9f}\u{200e}\u{2028}-\u{202e}\u{2066}-\u{2069}\"'{}<>%a]{0,600}",
        Just("\r\n".repeat(10_000) + "x"),
        Just("\u{10ffff}".repeat(1000)),
    ]
}

proptest! {
    #[test]
    fn every_text_in_an_event_is_short_and_in_one_line([a, b, c, d, e] in [texts(), texts(), texts(), texts(), texts()]) {
        let (kept, audit) = kept();
        let mut origin = Origin::unknown().by(&c);
        origin.user_agent = Some(d);
        let action = AuditAction::Custom { name: a.into(), text: b.into() };
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(audit.from(origin).record(action, Some(&e)));
        let [event] = &*kept.take() else { panic!("one event") };
        let mut texts: Vec<_> = event.action.details().into_iter().map(|(_, text)| text).collect();
        texts.extend([&event.user, &event.origin.actor, &event.origin.user_agent].into_iter().flatten().map(|s| &**s));
        prop_assert_eq!(texts.len(), 5);
        for text in texts {
            prop_assert!(text.chars().count() <= 256);
            let is_bad = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            prop_assert!(!text.chars().any(is_bad));
            prop_assert_eq!(text.lines().count(), usize::from(!text.is_empty()));
        }
    }
}

#[tokio::test]
async fn no_password_is_told_or_shown() {
    let (kept, audit) = kept();
    let users = UserManager::<TestUser>::in_memory().with_audit(audit.clone());
    let password = "correct horse battery";
    let user = users.create_user("ann", Some(password), Extra::default()).await.unwrap();
    users.set_password(&user.id, "tr0ub4dor and three").await.unwrap();
    let things: [&dyn fmt::Debug; 3] = [&kept.take(), &users, &audit];
    let shown = format!("{things:?}");
    for secret in [password, "tr0ub4dor", "argon2", "ann"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
