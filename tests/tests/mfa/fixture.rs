//! Users with authenticator apps.

use std::sync::Arc;

use auth::clock::Clock as _;
use auth::mfa::{Factor, MFAAuthentication, Totp, TotpConfig, TotpEnrolment};
use auth::records::{DynRecordStore, Record, RecordKind};
use auth::secret::SecretKey;
use auth::testing::ManualClock;
use chrono::{DateTime, TimeDelta};

pub(crate) const SECRET: &str = "qwertyuiopasdfghjklzxcvbnm0123456789";
pub(crate) const ATTEMPT: &str = "session 1";
pub(crate) const FACTOR: RecordKind = RecordKind::new("mfa_factor");
pub(crate) const CHALLENGE: RecordKind = RecordKind::new("mfa_challenge");

/// The factors in that store, as one of the servers sees them. A time step begins now.
pub(crate) fn mfa(store: &DynRecordStore, clock: &ManualClock) -> MFAAuthentication {
    clock.set(DateTime::from_timestamp(clock.now().timestamp() / 30 * 30, 0).unwrap());
    with_secret(store, clock, SecretKey::new(SECRET).unwrap())
}

pub(crate) fn with_secret(store: &DynRecordStore, clock: &ManualClock, secret: SecretKey) -> MFAAuthentication {
    MFAAuthentication::over("My App", store.clone(), secret, Arc::new(clock.clone()))
}

/// What the user's app makes of what it was shown.
pub(crate) fn app(enrolment: &TotpEnrolment) -> Totp {
    Totp::from_base32(enrolment.secret.expose(), TotpConfig::default()).unwrap()
}

/// An app in force, whose present code is used up.
pub(crate) async fn enrol(mfa: &MFAAuthentication, clock: &ManualClock, user: &str, name: &str) -> (Totp, Factor) {
    let enrolment = mfa.register_user(user, ATTEMPT, user).await.unwrap();
    let (app, challenge) = (app(&enrolment), &enrolment.challenge);
    let code = app.code_at(clock.now());
    let factor = mfa.confirm_totp(user, ATTEMPT, challenge, code.expose(), name).await.unwrap();
    (app, factor.unwrap())
}

/// The app's code of a moment by its owner's clock, which is off by so many steps.
pub(crate) fn code(app: &Totp, clock: &ManualClock, steps: i32) -> String {
    app.code_at(clock.now() + TimeDelta::seconds(30) * steps).expose().to_owned()
}

/// A code that the app shows at no time that counts.
pub(crate) fn wrong(app: &Totp, clock: &ManualClock) -> String {
    let right: Vec<_> = (-2..=2).map(|steps| code(app, clock, steps)).collect();
    (0..10).map(|number| format!("{number:06}")).find(|number| !right.contains(number)).unwrap()
}

/// How many of fifty at once, half of them on each server, are told yes.
pub(crate) async fn fifty<F>(servers: [MFAAuthentication; 2], ask: impl Fn(MFAAuthentication) -> F) -> usize
where
    F: Future<Output = bool> + Send + 'static,
{
    let mut all = tokio::task::JoinSet::new();
    for server in servers.iter().cycle().take(50) {
        all.spawn(ask(server.clone()));
    }
    all.join_all().await.into_iter().filter(|yes| *yes).count()
}

/// What is kept of a user's, as text.
pub(crate) async fn kept(store: &DynRecordStore, kind: RecordKind, user: &str) -> Vec<(String, Record, String)> {
    let records = store.owned(kind, user).await.unwrap();
    let text = |record: &Record| String::from_utf8(record.value.clone()).unwrap();
    records.into_iter().map(|(id, record)| (id, record.clone(), text(&record))).collect()
}
