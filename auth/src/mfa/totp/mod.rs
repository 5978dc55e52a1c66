//! Codes of authenticator apps.

mod code;
mod enrolment;
mod qr;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use self::code::Code;
pub use self::code::{Totp, TotpAlgorithm, TotpConfig};
pub use self::enrolment::TotpEnrolment;
use super::factor::{self, Kept};
use super::{Asked, Factor, FactorKind, MFAAuthentication, MfaError};
use crate::secret::{self, MacKey};
use crate::{report, seal};

/// How long an app waits for its first code, and how often one may be tried.
const LIFETIME: TimeDelta = TimeDelta::minutes(10);
const MOST_TRIES: u32 = 5;
/// 160 bits: what RFC 4226 §4 recommends.
const SECRET: usize = 20;

/// An app that waits for its first code.
#[derive(Serialize, Deserialize)]
struct Pending {
    /// The id it will have as a factor, which its secret is bound to.
    factor_id: String,
    data: Data,
}

/// What is kept of an app.
#[derive(Serialize, Deserialize)]
struct Data {
    /// Sealed.
    secret: String,
    algorithm: String,
    digits: u8,
    time_step: u16,
    /// The last time step that a code was taken of: no code of it, or of an older one, is taken again.
    last_step: Option<u64>,
}

impl MFAAuthentication {
    /// Makes and checks codes of authenticator apps in another way. Apps that are enrolled go on as they were, but for the window.
    pub fn with_totp(self, config: TotpConfig) -> Self {
        Self { totp: config, ..self }
    }

    /// Begins to enrol an authenticator app: what its owner scans or types. It is in force when [`Self::confirm_totp`] has seen
    /// a first code, within ten minutes and five tries; before that nothing changes. A user may have several.
    ///
    /// `attempt` is the session or login in which that is done: it is confirmed there only, and the newest of it counts. The
    /// account's name is what the app shows beside the issuer.
    ///
    /// # Errors
    /// [`MfaError::TooMany`], [`MfaError::Invalid`] for a name that is too long, and when the store fails.
    pub async fn register_user(
        &self,
        user_id: &str,
        attempt: &str,
        account_name: &str,
    ) -> Result<TotpEnrolment, MfaError> {
        self.factors.has_room(user_id).await?;
        let totp = Totp::new(&*Zeroizing::new(secret::random::<SECRET>()), self.totp);
        let url = enrolment::url(&totp, &self.issuer, account_name);
        let code = qr::code(url.expose())?;
        let factor_id = factor::new_id();
        let pending = Pending { data: Data::of(&totp, &self.totp_keys(), user_id, &factor_id, None)?, factor_id };
        let challenge = self.challenges.begin(asked(user_id, attempt), &pending, LIFETIME).await?;
        let expires_at = self.clock.now() + LIFETIME;
        Ok(TotpEnrolment { challenge, url, secret: totp.base32(), expires_at, code })
    }

    /// Puts an authenticator app in force by its first code, which is used up by that, under a name of 1 to 64 characters.
    /// `None`: the code is wrong, or nothing waits for it any more.
    ///
    /// # Errors
    /// [`MfaError::Invalid`] for a name that is none, [`MfaError::TooMany`], and when the store fails.
    pub async fn confirm_totp(
        &self,
        user_id: &str,
        attempt: &str,
        challenge: &str,
        code: &str,
        name: &str,
    ) -> Result<Option<Factor>, MfaError> {
        let name = factor::named(name)?;
        let Some(code) = Code::read(code) else { return Ok(None) };
        let asked = asked(user_id, attempt);
        let waits = self.challenges.attempt::<Pending>(challenge, asked, MOST_TRIES).await?;
        let Some(Pending { factor_id, mut data }) = waits else { return Ok(None) };
        let (now, totp) = (self.clock.now(), self.totp_of(&data, user_id, &factor_id)?);
        data.last_step = totp.matches(code, now, None);
        // Of many who confirm it at once, one does.
        if data.last_step.is_none() || self.challenges.take::<Pending>(challenge, asked).await?.is_none() {
            return Ok(None);
        }
        let data = serde_json::to_value(data).map_err(|_| MfaError::Damaged)?;
        self.factors.add_as(&factor_id, user_id, FactorKind::Totp, &name, data, now).await
    }

    /// Whether that is a code of one of the user's authenticator apps, of a time step that none was taken of before: it is used
    /// up by that, on every server.
    ///
    /// Spaces between the digits do not matter. Anything that is no code is refused without a look at the store.
    ///
    /// # Errors
    /// [`MfaError::Damaged`] when none of the user's apps can be read, and when the store fails.
    ///
    /// # Security
    /// It does not limit tries, and a code has six digits only: whoever calls it beside a login limits them.
    pub async fn verify_code(&self, user_id: &str, code: &str) -> Result<bool, MfaError> {
        let Some(code) = Code::read(code) else { return Ok(false) };
        let (mut checked, mut damaged) = (false, None);
        for kept in self.factors.of(user_id).await? {
            if kept.stored.kind != FactorKind::Totp {
                continue;
            }
            match self.use_code(user_id, kept, code).await {
                Ok(true) => return Ok(true),
                Ok(false) => checked = true,
                Err(error @ MfaError::Damaged) => {
                    report::failed("an authenticator app is passed over", &error);
                    damaged = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        // A code that was checked against one app is a guess that counts, whatever became of the others.
        damaged.filter(|_| !checked).map_or(Ok(false), Err)
    }

    async fn use_code(&self, user_id: &str, kept: Kept, code: Code) -> Result<bool, MfaError> {
        let (id, now, keys) = (kept.id.clone(), self.clock.now(), self.totp_keys());
        let used = self.factors.update(user_id, kept, |stored| {
            let data: Data = serde_json::from_value(stored.data.take()).map_err(|_| MfaError::Damaged)?;
            let totp = self.totp_of(&data, user_id, &id)?;
            let Some(step) = totp.matches(code, now, data.last_step) else { return Ok(false) };
            // Sealed anew, and so by the newest secret: older ones can be dropped when everybody has logged in.
            let data = Data::of(&totp, &keys, user_id, &id, Some(step))?;
            stored.data = serde_json::to_value(data).map_err(|_| MfaError::Damaged)?;
            stored.last_used_at = Some(now);
            Ok(true)
        });
        used.await
    }

    fn totp_keys(&self) -> MacKey {
        self.secret.derive("auth: totp")
    }

    fn totp_of(&self, data: &Data, user_id: &str, factor_id: &str) -> Result<Totp, MfaError> {
        let secret = seal::open(&self.totp_keys(), &purpose(user_id, factor_id), data.secret.as_bytes());
        let algorithm = TotpAlgorithm::named(&data.algorithm).ok_or(MfaError::Damaged)?;
        let config = self.totp.with_algorithm(algorithm).with_digits(data.digits);
        let config = config.and_then(|config| config.with_time_step(data.time_step)).map_err(|_| MfaError::Damaged)?;
        Ok(Totp::new(&secret.ok_or(MfaError::Damaged)?, config))
    }
}

impl Data {
    fn of(
        totp: &Totp,
        keys: &MacKey,
        user_id: &str,
        factor_id: &str,
        last_step: Option<u64>,
    ) -> Result<Self, MfaError> {
        let secret = seal::seal(keys, &purpose(user_id, factor_id), totp.secret()).ok_or(MfaError::Damaged)?;
        let config = totp.config();
        let algorithm = config.algorithm().name().to_owned();
        Ok(Self { secret, algorithm, digits: config.digits(), time_step: config.time_step(), last_step })
    }
}

fn asked<'a>(user_id: &'a str, attempt: &'a str) -> Asked<'a> {
    Asked { user_id, purpose: "totp", attempt }
}

/// What a secret is sealed for: this app of this user. All ids of factors have the same length.
fn purpose(user_id: &str, factor_id: &str) -> Vec<u8> {
    format!("{factor_id} {user_id}").into_bytes()
}
