//! Changes of factors during which a store fails, or somebody else makes one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use auth::access::Principal;
use auth::accounts::{AuthCredentials, FactorError};
use auth::audit::Origin;
use auth::clock::Clock as _;
use auth::mfa::{FactorKind, MFAAuthentication};
use auth::prelude::*;
use auth::records::{DynRecordStore, InMemoryRecordStore, RecordError};
use auth::testing::{ManualClock, TestUser};
use auth::users::Extra;
use auth_tests::{BeforeRecords, RecordCall};

use crate::fixture::{FACTOR, app, enrol};

const PASSWORD: &str = "vortex-lantern-29-quilt";

struct Site {
    auth: Auth<TestUser>,
    clock: ManualClock,
    session: Session,
    /// Whether what says that tokens are void cannot be written.
    fails: Arc<AtomicBool>,
    /// Who adds a factor before the next one is written.
    meanwhile: Arc<Mutex<Option<(MFAAuthentication, String)>>>,
}

impl Site {
    /// Somebody is logged in, with a password.
    async fn start() -> Self {
        let (clock, fails, meanwhile) = (ManualClock::new(), Arc::<AtomicBool>::default(), Arc::new(Mutex::new(None)));
        let store: DynRecordStore = Arc::new(InMemoryRecordStore::with_clock(Arc::new(clock.clone())));
        let records = BeforeRecords::new(store, {
            let (clock, fails, meanwhile) = (clock.clone(), fails.clone(), meanwhile.clone());
            move |call, kind| {
                let is_refused = kind.name().starts_with("token_") && fails.load(Ordering::SeqCst);
                let adds = call == RecordCall::Insert && kind == FACTOR;
                let other: Option<(MFAAuthentication, String)> =
                    if adds { meanwhile.lock().unwrap().take() } else { None };
                let clock = clock.clone();
                async move {
                    if let Some((mfa, user)) = other {
                        enrol(&mfa, &clock, &user, "Theirs").await;
                    }
                    if is_refused { Err(RecordError::store("away")) } else { Ok(()) }
                }
            }
        });
        let auth = Auth::<TestUser>::builder().clock(clock.clone()).record_store(records).build().await.unwrap();
        auth.users().create_user("ada", Some(PASSWORD), Extra::new()).await.unwrap();
        let session = auth.new_session();
        auth.log_in(&session, AuthCredentials::password("ada", PASSWORD), &Origin::unknown()).await.unwrap();
        Self { auth, clock, session, fails, meanwhile }
    }

    async fn ada(&self) -> Principal {
        self.auth.resume(self.session.key()).await.unwrap().1.unwrap()
    }

    /// Adds an authenticator app.
    async fn add(&self) -> Result<(), FactorError> {
        let (ada, origin) = (self.ada().await, Origin::unknown());
        let changes = self.auth.change_factors(&ada, &self.session, &origin).await?;
        let begun = changes.begin_totp().await?;
        let code = app(&begun).code_at(self.clock.now());
        changes.confirm_totp(&begun.challenge, code.expose(), "Phone").await.map(|added| assert!(added.is_some()))
    }

    async fn remove(&self, id: &str) -> Result<bool, FactorError> {
        let (ada, origin) = (self.ada().await, Origin::unknown());
        self.auth.change_factors(&ada, &self.session, &origin).await?.remove(id).await
    }

    /// The names and ids of the apps.
    async fn apps(&self) -> Vec<(String, String)> {
        let factors = self.auth.mfa().factors(self.ada().await.id()).await.unwrap();
        let apps = factors.into_iter().filter(|factor| factor.kind == FactorKind::Totp);
        apps.map(|factor| (factor.name, factor.id)).collect()
    }
}

#[tokio::test]
async fn a_factor_that_does_not_end_the_other_logins_is_not_added() {
    let site = Site::start().await;
    site.fails.store(true, Ordering::SeqCst);
    assert!(matches!(site.add().await, Err(FactorError::Failed(_))));
    assert_eq!(site.apps().await, []);
    site.fails.store(false, Ordering::SeqCst);
    site.add().await.unwrap();
    assert_eq!(site.apps().await.len(), 1);
}

#[tokio::test]
async fn a_factor_whose_removal_does_not_end_the_other_logins_stays() {
    let site = Site::start().await;
    site.add().await.unwrap();
    let (_, id) = site.apps().await.remove(0);
    site.fails.store(true, Ordering::SeqCst);
    assert!(matches!(site.remove(&id).await, Err(FactorError::Failed(_))));
    assert_eq!(site.apps().await.len(), 1);
    site.fails.store(false, Ordering::SeqCst);
    assert!(site.remove(&id).await.unwrap());
    assert!(!site.remove(&id).await.unwrap());
    assert_eq!(site.apps().await, []);
}

/// Whoever knows the password waits with a factor of their own for the moment in which its owner adds the first one.
#[tokio::test]
async fn of_two_first_factors_none_is_added_beside_the_other() {
    let site = Site::start().await;
    let user = site.ada().await.id().to_owned();
    *site.meanwhile.lock().unwrap() = Some((site.auth.mfa().clone(), user));
    assert!(matches!(site.add().await, Err(FactorError::Denied(_))));
    let apps = site.apps().await;
    assert_eq!(apps.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["Theirs"]);
}
