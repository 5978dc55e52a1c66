//! What happens while a factor is changed.

use std::sync::{Arc, Mutex};

use auth::BoxFuture;
use auth::accounts::{AuthCredentials, AuthResult, AuthenticationError};
use auth::audit::Origin;
use auth::clock::Clock as _;
use auth::mfa::MFAAuthentication;
use auth::prelude::*;
use auth::sessions::{
    InMemorySessionBackend, SaveIf, Saved, SessionBackend, SessionDigest, SessionError, SessionRecord,
};
use auth::testing::{ManualClock, TestUser};
use auth::users::Extra;
use chrono::{DateTime, Utc};

use crate::fixture::{app, enrol};

const PASSWORD: &str = "vortex-lantern-29-quilt";

/// What happens at the next write of a session.
#[derive(Debug)]
enum Meanwhile {
    /// After it, somebody logs out everywhere.
    Logout,
    /// Before it, the user's first factor is added, which ends all sessions that there are.
    Factor(Box<MFAAuthentication>, ManualClock, String),
}

#[derive(Debug)]
struct Racing {
    inner: InMemorySessionBackend,
    meanwhile: Arc<Mutex<Option<Meanwhile>>>,
}

impl SessionBackend for Racing {
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        self.inner.load(id)
    }

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move {
            let meanwhile = self.meanwhile.lock().unwrap().take();
            if let Some(Meanwhile::Factor(mfa, clock, user)) = &meanwhile {
                enrol(mfa, clock, user, "Phone").await;
            }
            let saved = self.inner.save(id, record, condition).await?;
            if let Some(Meanwhile::Logout) = meanwhile {
                self.inner.delete(id).await?;
            }
            Ok(saved)
        })
    }

    fn touch<'a>(
        &'a self,
        id: &'a SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<bool, SessionError>> {
        self.inner.touch(id, seen_at, expires_at)
    }

    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        self.inner.delete(id)
    }

    fn exists<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        self.inner.exists(id)
    }
}

struct Site {
    auth: Auth<TestUser>,
    clock: ManualClock,
    meanwhile: Arc<Mutex<Option<Meanwhile>>>,
}

impl Site {
    async fn start() -> Self {
        let (clock, meanwhile) = (ManualClock::new(), Arc::new(Mutex::new(None)));
        let inner = InMemorySessionBackend::with_clock(Arc::new(clock.clone()));
        let sessions = Racing { inner, meanwhile: meanwhile.clone() };
        let auth = Auth::<TestUser>::builder().clock(clock.clone()).session_backend(sessions).build().await.unwrap();
        auth.users().create_user("ada", Some(PASSWORD), Extra::new()).await.unwrap();
        Self { auth, clock, meanwhile }
    }

    async fn log_in(&self, session: &Session) -> Result<AuthResult<TestUser>, AuthenticationError> {
        self.auth.log_in(session, AuthCredentials::password("ada", PASSWORD), &Origin::unknown()).await
    }

    fn meanwhile(&self, what: Meanwhile) {
        *self.meanwhile.lock().unwrap() = Some(what);
    }
}

#[tokio::test]
async fn a_session_that_was_ended_does_not_come_back_with_a_factor() {
    let site = Site::start().await;
    let (session, origin) = (site.auth.new_session(), Origin::unknown());
    let ada = site.log_in(&session).await.unwrap();
    let changes = site.auth.change_factors(ada.principal(), &session, &origin).await.unwrap();
    let begun = changes.begin_totp().await.unwrap();
    let code = app(&begun).code_at(site.clock.now());
    site.meanwhile(Meanwhile::Logout);
    changes.confirm_totp(&begun.challenge, code.expose(), "Phone").await.unwrap().unwrap();
    let (_, principal) = site.auth.resume(session.key()).await.unwrap();
    assert!(principal.is_none(), "a logout is final");
}

/// Whoever knows the password logs in all the time, and hopes for the moment in which a factor is added.
#[tokio::test]
async fn a_factor_that_is_added_during_a_login_is_required() {
    let site = Site::start().await;
    let id = site.auth.users().get_by_username("ada").await.unwrap().unwrap().id.to_string();
    let factor = || Meanwhile::Factor(Box::new(site.auth.mfa().clone()), site.clock.clone(), id.clone());
    let session = site.auth.new_session();
    site.meanwhile(factor());
    let refused = site.log_in(&session).await.unwrap_err();
    assert!(matches!(refused, AuthenticationError::SecondFactorRequired(_)), "{refused:?}");
    assert!(session.login().is_none() && session.key().is_none());
}

/// The same by tokens.
#[tokio::test]
async fn a_factor_that_is_added_before_tokens_are_issued_is_required() {
    let site = Site::start().await;
    let (auth, origin) = (&site.auth, Origin::unknown());
    let password = AuthCredentials::password("ada", PASSWORD);
    let mut ada = auth.authentication().authenticate(password, &origin).await.unwrap();
    let id = ada.principal().id().to_owned();
    enrol(auth.mfa(), &site.clock, &id, "Phone").await;
    let refused = auth.issue_tokens(&mut ada, None, None).await.unwrap_err();
    assert!(matches!(refused, AuthenticationError::SecondFactorRequired(_)), "{refused:?}");
    assert!(ada.token.is_none() && auth.tokens().rotation().families(&id).await.unwrap().is_empty());
}
