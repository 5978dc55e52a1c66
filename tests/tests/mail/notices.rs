//! Whoever can log in in another way than before is told by mail.

use std::sync::Arc;
use std::time::Duration;

use auth::BoxFuture;
use auth::accounts::AuthCredentials;
use auth::accounts::config::AuthConfig;
use auth::audit::{AuditAction, Origin};
use auth::mail::{Mail, MailError, Mailer, Outbox};
use auth::prelude::*;
use auth::testing::{ManualClock, TestUser};
use auth::users::Extra;
use auth_tests::PATIENCE;
use serde_json::json;
use tokio::sync::Semaphore;

const PASSWORD: &str = "correct horse battery";

async fn auth(mailer: impl Mailer) -> (Auth<TestUser>, ManualClock) {
    let clock = ManualClock::at("2031-05-06T07:08:09Z".parse().unwrap());
    let builder = Auth::<TestUser>::builder().config(AuthConfig::new()).clock(clock.clone()).mfa_issuer("Example");
    (builder.mailer(mailer).build().await.unwrap(), clock)
}

async fn user(auth: &Auth<TestUser>, name: &str, email: &str) -> TestUser {
    let extra = Extra::from_iter([("email".to_owned(), json!(email))]);
    auth.users().create_user(name, Some(PASSWORD), extra).await.unwrap()
}

fn from_there() -> Origin {
    Origin::source("198.51.100.7".parse().ok()).with_user_agent("Call 0800-EVIL at once")
}

#[tokio::test]
async fn a_changed_password_is_told_with_when_and_from_where() {
    let outbox = Outbox::new();
    let (auth, _) = auth(outbox.clone()).await;
    let ann = user(&auth, "ann", "ann@example.com").await;
    assert_eq!(outbox.take_mail(), []);
    auth.users().by(from_there()).set_password(&ann.id, "another horse battery").await.unwrap();
    let [mail] = &outbox.take_mail()[..] else { panic!("one mail") };
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("ann@example.com", "Your account at Example was changed"));
    for words in ["Your password was changed.", "2031-05-06 07:08 UTC", "from 198.51.100.7", "at Example"] {
        assert!(mail.text.contains(words), "{}", mail.text);
    }
    for words in ["horse", "EVIL", "argon2"] {
        assert!(!mail.text.contains(words), "{}", mail.text);
    }
}

#[tokio::test]
async fn every_other_change_of_the_ways_in_is_told() {
    let outbox = Outbox::new();
    let (auth, _) = auth(outbox.clone()).await;
    let ann = user(&auth, "ann", "ann@example.com").await;
    let audit = auth.audit().from(from_there());
    let id = ann.id.to_string();
    for (action, words) in [
        (
            AuditAction::FactorAdded { kind: "totp".into() },
            "A second factor was added to your account: an authenticator app.",
        ),
        (
            AuditAction::FactorRemoved { kind: "passkey".into() },
            "A second factor was removed from your account: a passkey.",
        ),
        (AuditAction::FactorRemoved { kind: "all".into() }, "All second factors were removed from your account."),
        (AuditAction::IdentityLinked { provider: "github".into() }, "one can log in to your account with github."),
        (
            AuditAction::IdentityUnlinked { provider: "github".into() },
            "can no longer log in to your account with github.",
        ),
    ] {
        audit.record(action, Some(&id)).await;
        let [mail] = &outbox.take_mail()[..] else { panic!("one mail") };
        assert!(mail.text.contains(words), "{}", mail.text);
    }
}

#[tokio::test]
async fn nothing_else_is_told_and_nobody_without_an_address() {
    let outbox = Outbox::new();
    let (auth, _) = auth(outbox.clone()).await;
    let (ann, bob) = (user(&auth, "ann", "ann@example.com").await, user(&auth, "bob", "").await);
    let logged_in = auth.new_session();
    auth.log_in(&logged_in, AuthCredentials::password("ann", PASSWORD), &from_there()).await.unwrap();
    auth.users().update_columns(&TestUser { about: "new".into(), ..ann }, &["about"]).await.unwrap();
    auth.users().set_password(&bob.id, "another horse battery").await.unwrap();
    auth.audit().record(AuditAction::PasswordChanged, Some("nobody")).await;
    auth.audit().record(AuditAction::PasswordChanged, None).await;
    assert_eq!(outbox.take_mail(), []);
}

#[derive(Debug)]
struct Broken;

impl Mailer for Broken {
    fn send<'a>(&'a self, _: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(std::future::ready(Err("the mail server is down".into())))
    }
}

#[tokio::test]
async fn a_mailer_that_fails_undoes_nothing() {
    let (auth, _) = auth(Broken).await;
    let ann = user(&auth, "ann", "ann@example.com").await;
    auth.users().set_password(&ann.id, "another horse battery").await.unwrap();
    let session = auth.new_session();
    assert!(auth.log_in(&session, AuthCredentials::password("ann", PASSWORD), &from_there()).await.is_err());
    auth.log_in(&session, AuthCredentials::password("ann", "another horse battery"), &from_there()).await.unwrap();
}

/// Holds each letter back until it is let go.
#[derive(Clone, Debug)]
struct Slow {
    outbox: Outbox,
    begun: Arc<Semaphore>,
    let_go: Arc<Semaphore>,
}

impl Mailer for Slow {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move {
            self.begun.add_permits(1);
            self.let_go.acquire().await?.forget();
            self.outbox.send(mail).await
        })
    }
}

/// Whoever has broken in does so, and closes the connection before the letter is sent.
#[tokio::test]
async fn whoever_hangs_up_does_not_keep_the_owner_from_being_told() {
    let none = || Arc::new(Semaphore::new(0));
    let slow = Slow { outbox: Outbox::new(), begun: none(), let_go: none() };
    let (auth, _) = auth(slow.clone()).await;
    let ann = user(&auth, "ann", "ann@example.com").await;
    let changing = auth.users().clone();
    let changing = tokio::spawn(async move { changing.set_password(&ann.id, "another horse battery").await });
    slow.begun.acquire().await.unwrap().forget();
    changing.abort();
    assert!(changing.await.unwrap_err().is_cancelled());
    slow.let_go.add_permits(1);
    let told = async {
        while slow.outbox.take_mail().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.unwrap();
}

#[tokio::test]
async fn codes_by_mail_need_a_mailer() {
    let error = Auth::<TestUser>::builder().config(AuthConfig::new()).mail_codes().build().await.unwrap_err();
    assert!(error.to_string().contains("mailer"), "{error}");
}
