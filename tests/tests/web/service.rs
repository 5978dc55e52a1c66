//! The service behind every way in: backends in their order, providers, and what is told of it all.

use std::sync::{Arc, Mutex};

use auth::BoxFuture;
use auth::accounts::{
    AuthBackend, AuthBackendError, AuthCredentials, AuthenticationError, CompositeAuthBackend, Verdict,
};
use auth::audit::{AuditError, AuditEvent, AuditSink, Origin};
use auth::limits::InMemoryLimitStore;
use auth::oauth2::{AuthProvider, AuthProviderError, AuthorizationFlow, AuthorizationResponse, OAuthUserInfo};
use auth::prelude::*;
use auth::records::InMemoryRecordStore;
use auth::secret::SecretString;
use auth_tests::http::PASSWORD;
use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::json;

use crate::app::{Author, Site};

/// Always says the same, and counts how often it was asked.
#[derive(Debug)]
struct Says {
    verdict: Option<Verdict>,
    asked: Arc<Mutex<Vec<String>>>,
    name: &'static str,
}

impl AuthBackend for Says {
    fn authenticate<'a>(&'a self, _: &'a str, _: &'a SecretString) -> BoxFuture<'a, Result<Verdict, AuthBackendError>> {
        self.asked.lock().unwrap().push(self.name.to_owned());
        let answer = self.verdict.clone().ok_or_else(|| "the directory is gone".into());
        Box::pin(std::future::ready(answer))
    }
}

/// Keeps what it is told.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Vec<AuditEvent>>>);

impl AuditSink for Told {
    fn record<'a>(&'a self, event: &'a AuditEvent) -> BoxFuture<'a, Result<(), AuditError>> {
        self.0.lock().unwrap().push(event.clone());
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Told {
    fn take(&self) -> Vec<AuditEvent> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn names(&self) -> Vec<String> {
        let shown = |event: &AuditEvent| {
            let outcome = if event.action.succeeded() { "" } else { " failed" };
            format!("{}{outcome}", event.action.name())
        };
        self.take().iter().map(shown).collect()
    }
}

async fn password(site: &Site, name: &str) -> Result<String, AuthenticationError> {
    let credentials = AuthCredentials::password(name, PASSWORD);
    let result = site.auth.authentication().authenticate(credentials, &Origin::unknown()).await?;
    Ok(result.principal().username().to_owned())
}

#[tokio::test]
async fn backends_are_asked_in_their_order_until_one_decides() {
    use Verdict::{Authenticated, Next, Refused};
    let site = Site::start().await;
    let alice = site.create("alice", |_| {}).await;
    let yes = || Some(Authenticated(alice.id.to_string()));
    for (backends, expected, asked) in [
        (vec![Some(Next), yes(), Some(Refused)], Ok("alice"), 2),
        (vec![yes(), None], Ok("alice"), 1),
        (vec![Some(Refused), yes()], Err("refused"), 1),
        (vec![Some(Next), Some(Next)], Err("refused"), 2),
        (vec![None, yes()], Err("cannot tell"), 1),
        (vec![Some(Authenticated("no key".to_owned()))], Err("refused"), 1),
        (vec![Some(Authenticated("4711".to_owned()))], Err("refused"), 1),
        (vec![], Err("refused"), 0),
    ] {
        let told = Arc::default();
        let composite = CompositeAuthBackend::new();
        for (verdict, name) in backends.into_iter().zip(["first", "second", "third"]) {
            composite.add_backend(name, Arc::new(Says { verdict, asked: Arc::clone(&told), name }));
        }
        // A composite is a backend like any other; this one stands in the place of the users' own.
        site.auth.authentication().backends().add_backend("users", Arc::new(composite));
        let outcome = password(&site, "alice").await;
        match (outcome, expected) {
            (Ok(name), Ok(expected)) => assert_eq!(name, expected),
            (Err(AuthenticationError::InvalidCredentials), Err("refused")) => {}
            (Err(AuthenticationError::Unavailable(error)), Err("cannot tell")) => {
                let shown = format!("{error:?}");
                assert!(shown.contains("first") && shown.contains("the directory is gone"), "{shown}");
            }
            (outcome, _) => panic!("{outcome:?} instead of {expected:?}"),
        }
        assert_eq!(told.lock().unwrap().len(), asked);
        site.clock.advance(TimeDelta::hours(25));
    }
    assert_eq!(site.auth.authentication().backends().names(), ["users"]);
}

#[tokio::test]
async fn a_backend_is_added_at_run_time() {
    let site = Site::start().await;
    let alice = site.create("alice", BaseUser::set_unusable_password).await;
    assert!(matches!(password(&site, "alice").await, Err(AuthenticationError::InvalidCredentials)));
    let verdict = Some(Verdict::Authenticated(alice.id.to_string()));
    let directory = Says { verdict, asked: Arc::default(), name: "directory" };
    site.auth.authentication().backends().add_backend("directory", Arc::new(directory));
    assert_eq!(password(&site, "alice").await.unwrap(), "alice");
    let login = site.visitor().post("/login", &json!({ "username": "alice", "password": PASSWORD })).await;
    assert_eq!(login.status, StatusCode::OK);
    assert_eq!(site.user("alice").await.last_login, Some(auth::clock::Clock::now(&site.clock)));
}

/// Vouches for one account of its own.
#[derive(Debug)]
pub(crate) struct GitForge;

impl AuthProvider for GitForge {
    fn name(&self) -> &'static str {
        "forge"
    }

    fn get_auth_url<'a>(&'a self, flow: &'a AuthorizationFlow) -> BoxFuture<'a, Result<String, AuthProviderError>> {
        Box::pin(std::future::ready(Ok(format!("https://forge.example/?state={}", flow.state()))))
    }

    fn exchange_code<'a>(
        &'a self,
        response: &'a AuthorizationResponse,
        _: &'a AuthorizationFlow,
    ) -> BoxFuture<'a, Result<OAuthUserInfo, AuthProviderError>> {
        Box::pin(std::future::ready(match response.code().expose() {
            "good" => Ok(OAuthUserInfo::new("https://forge.example", "7").with_username("carol")),
            "gone" => Err(AuthProviderError::unavailable("the forge is gone")),
            _ => Err(AuthProviderError::refused("the forge does not know it")),
        }))
    }
}

pub(crate) fn of_forge(code: &str) -> AuthCredentials {
    AuthCredentials::oauth(AuthorizationFlow::new("forge", "https://example.com/"), AuthorizationResponse::new(code))
}

#[tokio::test]
async fn providers_are_registered_by_name() {
    let told = Told::default();
    let site = Site::with(|builder| builder.audit_sink(told.clone())).await;
    let service = site.auth.authentication();
    let by = async |code: &str| service.authenticate(of_forge(code), &Origin::unknown()).await;
    assert!(matches!(by("good").await, Err(AuthenticationError::Unavailable(_))), "nobody is registered");
    service.register_provider(GitForge);
    assert_eq!(by("good").await.unwrap().user.username, "carol");
    told.take();
    assert_eq!(by("good").await.unwrap().user.username, "carol");
    assert!(matches!(by("bad").await, Err(AuthenticationError::InvalidToken { .. })));
    assert!(matches!(by("gone").await, Err(AuthenticationError::Unavailable(_))));
    assert_eq!(told.names(), ["login", "login failed"]);
    let mut disabled = site.user("carol").await;
    disabled.is_active = false;
    site.auth.users().update_columns(&disabled, &["is_active"]).await.unwrap();
    assert!(matches!(by("good").await, Err(AuthenticationError::UserNotFound)), "inactive");
}

#[tokio::test]
async fn every_step_is_told_and_nothing_secret() {
    let told = Told::default();
    let site = Site::with(|builder| builder.audit_sink(told.clone())).await;
    let (alice, user) = site.member("alice").await;
    let events = told.take();
    let login: Vec<_> = events.iter().filter(|event| event.action.name() == "login").collect();
    assert_eq!(login.len(), 1);
    assert_eq!(login[0].user.as_deref(), Some(user.id.to_string().as_str()));
    assert_eq!(login[0].origin.source, Some("127.0.0.1".parse().unwrap()));
    assert!(events.iter().any(|event| event.action.name() == "session.started"), "{events:?}");

    let wrong = json!({ "username": "alice", "password": "secret-of-alice-77" });
    site.visitor().post("/login", &wrong).await;
    site.visitor().post("/login", &json!({ "username": "secret-of-alice-77", "password": "x" })).await;
    assert_eq!(alice.post("/logout", &json!({})).await.status, StatusCode::NO_CONTENT);
    let events = told.take();
    let shown = format!("{events:?}");
    assert!(!shown.contains("secret-of-alice") && !shown.contains("argon2"), "{shown}");
    assert!(!shown.contains(&alice.cookie().unwrap_or_default()) || alice.cookie().is_none());
    let names: Vec<_> = events.iter().map(|event| (event.action.name(), event.user.is_some())).collect();
    assert_eq!(names, [("login", true), ("login", false), ("logout", true), ("session.ended", true)]);
    assert!(events.iter().all(|event| event.origin.source == Some("127.0.0.1".parse().unwrap())), "{events:?}");
    for _ in 0..5 {
        site.visitor().post("/login", &wrong).await;
    }
    assert_eq!(told.names().last().map(String::as_str), Some("login.limited failed"));
}

#[tokio::test]
async fn what_anybody_may_read_never_tells_why() {
    let errors = [
        AuthenticationError::InvalidCredentials,
        AuthenticationError::UserNotFound,
        AuthenticationError::SessionExpired,
        AuthenticationError::InvalidToken { reason: "revoked" },
    ];
    for error in errors {
        assert_eq!(error.to_string(), "the credentials are not valid", "{}", error.reason());
    }
}

#[tokio::test]
async fn an_own_store_takes_the_place_of_an_address() {
    let database = auth_tests::sqlite().await;
    // With a database, records would be kept there.
    let site = Site::with(|builder| {
        builder.database(&database.url).record_store(InMemoryRecordStore::new()).limit_store(InMemoryLimitStore::new())
    })
    .await;
    assert!(format!("{:?}", site.auth.records()).contains("InMemoryRecordStore"));
    let both = Auth::<Author>::builder().records("memory:").record_store(InMemoryRecordStore::new()).build().await;
    assert!(both.unwrap_err().to_string().contains("record_store"));
    let both = Auth::<Author>::builder().limits("memory:").limit_store(InMemoryLimitStore::new()).build().await;
    assert!(both.unwrap_err().to_string().contains("limit_store"));
}
