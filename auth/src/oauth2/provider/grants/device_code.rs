//! Devices without a keyboard (RFC 8628): they show a code, which a person types elsewhere.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{TokenRequest, invalid_scope};
use crate::audit::Origin;
use crate::limits::{Backoff, Decision, Limit, LimitKey, OnSuccess, Rate};
use crate::oauth2::provider::authorization::asked;
use crate::oauth2::provider::consent::Allowed;
use crate::oauth2::provider::metadata::paths;
use crate::oauth2::provider::store::{Found, Kept};
use crate::oauth2::provider::{
    GrantType, OAuth2Application, OAuth2Authentication, OAuth2Error, OAuth2ErrorCode, OAuth2RecordKind, ResourceOwner,
    Scope, TokenResponse,
};
use crate::records::RecordReplaced;
use crate::secret::{self, SecretString};
use crate::tokens::{OpaqueToken, TokenPrefix};

/// What a device is told (RFC 8628 §3.2).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceAuthorization {
    /// What it asks for tokens with.
    pub device_code: SecretString,
    /// What it shows: `BCDF-GHJK`.
    pub user_code: String,
    /// Where the person types it.
    pub verification_uri: String,
    /// The same with the code in it, for a QR code. The person still has to agree.
    pub verification_uri_complete: String,
    /// How many seconds it is valid.
    pub expires_in: u64,
    /// How many seconds it waits between two questions.
    pub interval: u64,
}

/// A device that waits for a person's answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceRequest {
    /// Its client.
    pub application: OAuth2Application,
    /// What it wants.
    pub scope: Scope,
    /// What was typed, as it is shown.
    pub user_code: String,
    id: String,
}

const DEVICE: TokenPrefix = TokenPrefix::fixed("auth_device");
const LIFETIME: TimeDelta = TimeDelta::minutes(10);
const INTERVAL: i64 = 5;
/// No vowels, so no words (§6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;
const TRIES: usize = 16;

#[derive(Serialize, Deserialize)]
struct DeviceCode {
    id: String,
    digest: String,
    client_id: String,
    scope: Scope,
    user_code: String,
    answer: Answer,
    /// When it asked last.
    polled_at: Option<DateTime<Utc>>,
    interval: i64,
    valid_until: DateTime<Utc>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Pending,
    Denied,
    Allowed(Allowed),
}

#[derive(Serialize, Deserialize)]
struct UserCode {
    code: String,
    device: String,
    expires_at: DateTime<Utc>,
}

fn refused(code: OAuth2ErrorCode, description: &'static str) -> OAuth2Error {
    OAuth2Error::refused(code, description)
}

impl OAuth2Authentication {
    /// Begins: what the device shows, and what it asks with. From one source sixty begin at once, and then one in two seconds.
    ///
    /// # Errors
    /// [`OAuth2Error::Refused`] to a client that may not, [`OAuth2Error::TooMany`], and when a store fails.
    pub async fn authorize_device(
        &self,
        application: &OAuth2Application,
        scope: Option<&str>,
        origin: &Origin,
    ) -> Result<DeviceAuthorization, OAuth2Error> {
        if !application.may(GrantType::DeviceCode) {
            return Err(refused(OAuth2ErrorCode::UnauthorizedClient, "the client may not ask in this way"));
        }
        let scope = asked(scope, &application.scopes).map_err(invalid_scope)?;
        self.limit_devices(origin).await?;
        let (issuer, token, now) = (self.issuer()?, OpaqueToken::generate(&DEVICE), self.now());
        let user_code = self.user_code(token.id(), now).await?;
        let device = DeviceCode {
            id: token.id().to_owned(),
            digest: token.digest(),
            client_id: application.client_id.clone(),
            scope,
            user_code: user_code.clone(),
            answer: Answer::Pending,
            polled_at: None,
            interval: INTERVAL,
            valid_until: now + LIFETIME,
        };
        if !self.store().insert(&device).await? {
            return Err(OAuth2Error::Contended);
        }
        let shown = shown(&user_code);
        let verification_uri = format!("{issuer}{}", paths::DEVICE);
        Ok(DeviceAuthorization {
            device_code: token.expose(),
            verification_uri_complete: format!("{verification_uri}?user_code={shown}"),
            verification_uri,
            user_code: shown,
            expires_in: LIFETIME.num_seconds().unsigned_abs(),
            interval: INTERVAL.unsigned_abs(),
        })
    }

    /// Anybody can begin as a public client, and each leaves something in the store.
    async fn limit_devices(&self, origin: &Origin) -> Result<(), OAuth2Error> {
        let rate = Rate::new(Duration::from_secs(2), 60).expect("two minutes are not 30 days");
        let limit = Limit::by_source("oauth2 device", origin.source, rate, OnSuccess::Keep);
        match self.inner.limiter.attempt(limit.as_slice()).await? {
            Decision::Wait(wait) => Err(OAuth2Error::TooMany { wait }),
            Decision::Allowed(_counted) => Ok(()),
        }
    }

    /// One that no other device shows.
    async fn user_code(&self, device: &str, now: DateTime<Utc>) -> Result<String, OAuth2Error> {
        for _ in 0..TRIES {
            let code = random_letters();
            let kept = UserCode { code: code.clone(), device: device.to_owned(), expires_at: now + LIFETIME };
            if self.store().insert(&kept).await? {
                return Ok(code);
            }
        }
        Err(OAuth2Error::Contended)
    }

    /// The device that shows what somebody typed, in whatever spelling. `None` if there is none that waits.
    ///
    /// # Errors
    /// [`OAuth2Error::TooMany`] for who guesses, and when a store fails.
    pub async fn device_request(
        &self,
        owner: &ResourceOwner,
        typed: &str,
    ) -> Result<Option<DeviceRequest>, OAuth2Error> {
        let key = LimitKey::new("oauth2 user code", &[owner.user_id.as_bytes()]);
        // Whoever has a device of their own must not buy guesses at others' with it.
        let limit = Limit::new(key, Backoff::ACCOUNT_AND_SOURCE, OnSuccess::TakeBack);
        let ticket = match self.inner.limiter.attempt(&[limit]).await? {
            Decision::Wait(wait) => return Err(OAuth2Error::TooMany { wait }),
            Decision::Allowed(ticket) => ticket,
        };
        let Some(found) = self.waiting(typed).await? else { return Ok(None) };
        self.inner.limiter.succeeded(ticket).await?;
        let DeviceCode { id, client_id, scope, user_code, .. } = found.value;
        let Some(application) = self.application(&client_id).await? else { return Ok(None) };
        Ok(Some(DeviceRequest { application, scope, user_code: shown(&user_code), id }))
    }

    async fn waiting(&self, typed: &str) -> Result<Option<Found<DeviceCode>>, OAuth2Error> {
        let Some(code) = letters_of(typed) else { return Ok(None) };
        let Some(user_code) = self.store().find::<UserCode>(&code).await? else { return Ok(None) };
        let found = self.store().find::<DeviceCode>(&user_code.value.device).await?;
        let now = self.now();
        Ok(found.filter(|found| matches!(found.value.answer, Answer::Pending) && now < found.value.valid_until))
    }

    /// Answers a device: with yes by its owner, or with no. Says whether it still waited.
    ///
    /// # Errors
    /// [`OAuth2Error`] when a store fails.
    pub async fn answer_device(
        &self,
        request: &DeviceRequest,
        owner: &ResourceOwner,
        allows: bool,
    ) -> Result<bool, OAuth2Error> {
        // First, as the device may ask at the next moment.
        let answer = if allows {
            self.remember(&owner.user_id, &request.application, &request.scope).await?;
            Answer::Allowed(self.allowed_by(owner, &request.application.client_id).await?)
        } else {
            Answer::Denied
        };
        for _ in 0..TRIES {
            let Some(mut found) = self.store().find::<DeviceCode>(&request.id).await? else { return Ok(false) };
            if !matches!(found.value.answer, Answer::Pending) {
                return Ok(false);
            }
            found.value.answer = answer.clone();
            match self.store().replace(&found).await? {
                RecordReplaced::Changed => {}
                RecordReplaced::Gone => return Ok(false),
                RecordReplaced::Done => {
                    self.store().take::<UserCode>(&found.value.user_code).await?;
                    return Ok(true);
                }
            }
        }
        Err(OAuth2Error::Contended)
    }

    /// The tokens for a device, once its owner has said yes (RFC 8628 §3.5).
    pub(super) async fn exchange_device_code(
        &self,
        application: &OAuth2Application,
        request: &TokenRequest,
    ) -> Result<TokenResponse, OAuth2Error> {
        let code = request.code.as_ref().ok_or(OAuth2Error::invalid("there is no `device_code`"))?;
        let invalid = || OAuth2Error::invalid_grant("the device's code is not valid");
        let token = OpaqueToken::parse(&DEVICE, code.expose()).ok_or_else(invalid)?;
        let found = self.store().find::<DeviceCode>(token.id()).await?;
        let mut found = found.filter(|found| token.has_digest(&found.value.digest)).ok_or_else(invalid)?;
        if found.value.client_id != application.client_id {
            return Err(invalid());
        }
        let now = self.now();
        let device = &mut found.value;
        if device.valid_until <= now {
            return Err(refused(OAuth2ErrorCode::ExpiredToken, "the device's code has expired"));
        }
        match device.answer {
            Answer::Denied => return Err(refused(OAuth2ErrorCode::AccessDenied, "the user said no")),
            Answer::Pending => {
                let is_early = device.polled_at.is_some_and(|at| now < at + TimeDelta::seconds(device.interval));
                device.polled_at = Some(now);
                device.interval += if is_early { INTERVAL } else { 0 };
                // Who was quicker has asked too, or answered: the next question tells.
                let _written = self.store().replace(&found).await?;
                return Err(if is_early {
                    refused(OAuth2ErrorCode::SlowDown, "the device asks too often")
                } else {
                    refused(OAuth2ErrorCode::AuthorizationPending, "the user has not answered yet")
                });
            }
            // Also looked at after the code is taken; here first, so that a store which fails costs the device no code.
            Answer::Allowed(ref allowed) => {
                if !self.is_still_allowed(allowed, application, &device.scope).await? {
                    return Err(invalid());
                }
            }
        }
        // Of many who ask at once, one gets it.
        let device = self.store().take::<DeviceCode>(token.id()).await?.ok_or_else(invalid)?;
        let Answer::Allowed(allowed) = device.answer else { return Err(invalid()) };
        let granted = self.begin_grant(application, GrantType::DeviceCode, device.scope, &allowed).await?;
        let (grant, refresh_token) = granted.ok_or_else(invalid)?;
        let scope = grant.scope.clone();
        let response = self.respond(application, &grant, scope, refresh_token, None).await?;
        self.tell_issued(&grant).await;
        Ok(response)
    }
}

/// Each letter as likely as any other.
fn random_letters() -> String {
    let even = |byte: &u8| usize::from(*byte) < 256 / LETTERS.len() * LETTERS.len();
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
    let mut letters = String::with_capacity(LENGTH);
    while letters.len() < LENGTH {
        let bytes = secret::random::<16>();
        letters.extend(bytes.into_iter().filter(even).map(letter).take(LENGTH - letters.len()));
    }
    letters
}

/// `BCDF-GHJK`
fn shown(code: &str) -> String {
    let (first, last) = code.split_at(code.len() / 2);
    format!("{first}-{last}")
}

/// What somebody meant: small letters are large ones, and only letters count.
fn letters_of(typed: &str) -> Option<String> {
    let letters: String =
        typed.chars().filter(|c| !matches!(c, '-' | ' ')).map(|c| c.to_ascii_uppercase()).take(LENGTH + 1).collect();
    let fits = letters.len() == LENGTH && letters.bytes().all(|b| LETTERS.contains(&b));
    fits.then_some(letters)
}

impl Kept for DeviceCode {
    const KIND: OAuth2RecordKind = OAuth2RecordKind::DeviceCode;

    fn id(&self) -> &str {
        &self.id
    }

    fn owner(&self) -> Option<&str> {
        None
    }

    /// A little longer than it is valid, so that a device is told what happened.
    fn expires_at(&self) -> DateTime<Utc> {
        self.valid_until + LIFETIME
    }
}

impl Kept for UserCode {
    const KIND: OAuth2RecordKind = OAuth2RecordKind::UserCode;

    fn id(&self) -> &str {
        &self.code
    }

    fn owner(&self) -> Option<&str> {
        None
    }

    fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_understood_however_it_is_typed() {
        let code = random_letters();
        assert_eq!(letters_of(&shown(&code)), Some(code.clone()));
        assert_eq!(letters_of(&format!(" {} ", shown(&code).to_lowercase())), Some(code.clone()));
        for bad in ["", "AEIOUAEI", "BCDF-GHJ", "BCDF-GHJKL", "BCDF-GHJ1", "\u{df}CDFGHJK"] {
            assert_eq!(letters_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_letter_is_drawn_as_often() {
        let drawn: String = (0..2500).map(|_| random_letters()).collect();
        for letter in LETTERS {
            let count = drawn.bytes().filter(|byte| byte == letter).count();
            assert!((800..1200).contains(&count), "{}: {count}", char::from(*letter));
        }
    }
}
