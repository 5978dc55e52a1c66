//! Logins by a passkey, alone or after a password, without HTTP.

use std::net::IpAddr;

use auth::access::Principal;
use auth::accounts::{AuthCredentials, AuthenticationError, Error, RegisterOutcome};
use auth::audit::Origin;
use auth::mfa::{AuthMethods, FactorKind, FactorProof};
use auth::prelude::*;
use auth::testing::{ManualClock, TestUser};
use auth::users::Extra;
use auth_tests::http::PASSWORD;
use auth_tests::{TestAuthenticator, TestPasskey};
use chrono::TimeDelta;

const ORIGIN: &str = "http://localhost:3000";

struct Site {
    auth: Auth<TestUser>,
    clock: ManualClock,
    browser: TestAuthenticator,
}

impl Site {
    async fn start() -> Self {
        let clock = ManualClock::new();
        let auth = Auth::<TestUser>::builder().clock(clock.clone()).origin(ORIGIN).build().await.unwrap();
        auth.users().create_user("alice", Some(PASSWORD), Extra::new()).await.unwrap();
        Self { auth, clock, browser: TestAuthenticator::at(ORIGIN) }
    }

    async fn alice(&self) -> TestUser {
        self.auth.users().get_by_username("alice").await.unwrap().unwrap()
    }

    /// A session that alice is logged in to by her password.
    async fn by_password(&self) -> (Session, Principal) {
        let session = self.auth.new_session();
        let credentials = AuthCredentials::password("alice", PASSWORD);
        let result = self.auth.log_in(&session, credentials, &Origin::unknown()).await.unwrap();
        (session, result.principal().clone())
    }

    async fn register(&self) -> TestPasskey {
        let (session, alice) = self.by_password().await;
        let origin = Origin::unknown();
        let changes = self.auth.change_factors(&alice, &session, &origin).await.unwrap();
        let asked = changes.begin_passkey().await.unwrap();
        let (passkey, response) = self.browser.create(&asked.public_key);
        assert!(changes.confirm_passkey("x", &response, "Phone").await.unwrap().is_none());
        let added = changes.confirm_passkey(&asked.challenge, &response, "Phone").await.unwrap().unwrap();
        assert_eq!(added.factor.kind, FactorKind::Passkey);
        assert!(added.recovery_codes.is_some(), "with the first one");
        passkey
    }

    /// By the passkey alone, in this session.
    async fn log_in(&self, session: &Session, passkey: &mut TestPasskey) -> Result<Principal, AuthenticationError> {
        let asked = self.auth.start_passkey_login(session, &Origin::unknown()).await?;
        let response = self.browser.get(passkey, &asked.public_key);
        let result = self.auth.log_in_with_passkey(session, &asked.challenge, &response, &Origin::unknown()).await?;
        Ok(result.principal().clone())
    }
}

fn methods(principal: &Principal) -> (AuthMethods, bool) {
    (principal.auth_methods(), principal.is_multi_factor())
}

#[tokio::test]
async fn a_passkey_alone_is_a_whole_login() {
    let site = Site::start().await;
    let mut passkey = site.register().await;
    let session = site.auth.new_session();
    let principal = site.log_in(&session, &mut passkey).await.unwrap();
    assert_eq!(principal.username(), "alice");
    assert_eq!(methods(&principal), (AuthMethods::PASSKEY | AuthMethods::USER_VERIFIED, true));
    let (_, resumed) = site.auth.resume(session.key()).await.unwrap();
    assert_eq!(methods(&resumed.unwrap()), methods(&principal));
}

#[tokio::test]
async fn a_password_is_only_the_first_step_then() {
    let site = Site::start().await;
    let mut passkey = site.register().await;
    let session = site.auth.new_session();
    let credentials = AuthCredentials::password("alice", PASSWORD);
    let refused = site.auth.log_in(&session, credentials, &Origin::unknown()).await;
    assert!(matches!(refused, Err(AuthenticationError::SecondFactorRequired(_))));
    let pending = site.auth.pending_login(&session).await.unwrap().unwrap();
    assert_eq!(pending.factors, [FactorKind::Passkey, FactorKind::RecoveryCodes]);
    let asked = site.auth.mfa().start_passkey_authentication(&pending.user_id, &pending.id).await.unwrap().unwrap();
    let response = site.browser.get(&mut passkey, &asked.public_key);
    let proof = FactorProof::passkey(&asked.challenge, &response);
    let result = site.auth.log_in_with_factor(&session, &proof, &Origin::unknown()).await.unwrap();
    let expected = AuthMethods::PASSWORD | AuthMethods::PASSKEY | AuthMethods::USER_VERIFIED;
    assert_eq!(methods(result.principal()), (expected, true));
}

#[tokio::test]
async fn who_is_gone_or_inactive_looks_like_who_was_never_there() {
    let site = Site::start().await;
    let mut passkey = site.register().await;
    let mut unknown = passkey.clone();
    unknown.id = b"nobody's".to_vec();
    let mut alice = site.alice().await;
    alice.is_active = false;
    site.auth.users().update_columns(&alice, &["is_active"]).await.unwrap();
    let inactive = site.log_in(&site.auth.new_session(), &mut passkey).await;
    let unknown = site.log_in(&site.auth.new_session(), &mut unknown).await;
    assert!(matches!(inactive, Err(AuthenticationError::InvalidCredentials)), "{inactive:?}");
    assert_eq!(inactive.unwrap_err().to_string(), unknown.unwrap_err().to_string());
}

#[tokio::test]
async fn what_is_asked_in_one_session_is_not_answered_in_another() {
    let site = Site::start().await;
    let mut passkey = site.register().await;
    let (mine, another) = (site.auth.new_session(), site.auth.new_session());
    let asked = site.auth.start_passkey_login(&mine, &Origin::unknown()).await.unwrap();
    let response = site.browser.get(&mut passkey, &asked.public_key);
    let refused = site.auth.log_in_with_passkey(&another, &asked.challenge, &response, &Origin::unknown()).await;
    assert!(matches!(refused, Err(AuthenticationError::InvalidCredentials)), "{refused:?}");
    assert!(another.login().is_none());
}

#[tokio::test]
async fn tries_from_one_source_are_limited() {
    let site = Site::start().await;
    let mut passkey = site.register().await;
    let origin = Origin::source(Some(IpAddr::from([192, 0, 2, 7])));
    let session = site.auth.new_session();
    for _ in 0..50 {
        let wrong = site.auth.log_in_with_passkey(&session, "x", "{}", &origin).await;
        assert!(matches!(wrong, Err(AuthenticationError::InvalidCredentials)), "{wrong:?}");
    }
    let limited = site.auth.log_in_with_passkey(&session, "x", "{}", &origin).await;
    assert!(matches!(limited, Err(AuthenticationError::TooMany { .. })), "{limited:?}");
    assert!(site.log_in(&session, &mut passkey).await.is_ok(), "from another source");

    let begun = async || site.auth.start_passkey_login(&session, &origin).await;
    for _ in 0..100 {
        assert!(begun().await.is_ok());
    }
    assert!(matches!(begun().await, Err(AuthenticationError::TooMany { .. })));
    site.clock.advance(TimeDelta::seconds(1));
    assert!(begun().await.is_ok());
}

/// As one, all who cannot be told apart could be kept out by a single stranger.
#[tokio::test]
async fn a_stranger_from_nowhere_keeps_nobody_out() {
    let site = Site::start().await;
    let mut passkey = site.register().await;
    let (session, origin) = (site.auth.new_session(), Origin::unknown());
    for _ in 0..60 {
        let wrong = site.auth.log_in_with_passkey(&session, "x", "{}", &origin).await;
        assert!(matches!(wrong, Err(AuthenticationError::InvalidCredentials)), "{wrong:?}");
        let weak = site.auth.register("mallory", "x", Extra::new(), &origin).await;
        assert!(matches!(weak, Err(Error::User(_))), "{weak:?}");
    }
    for _ in 0..110 {
        assert!(site.auth.start_passkey_login(&session, &origin).await.is_ok());
    }
    assert!(site.log_in(&site.auth.new_session(), &mut passkey).await.is_ok());
    let new = site.auth.register("bob", PASSWORD, Extra::new(), &origin).await;
    assert!(matches!(new, Ok(RegisterOutcome::Registered(_))), "{new:?}");
}
