//! ID tokens (OpenID Connect Core §2): made for clients, and read again where a client brings one back as a hint.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};

use crate::clock::Clock;
use crate::mfa::AuthMethods;
use crate::oauth2::provider::{SigningKeyError, SigningKeys};
use crate::secret::SecretString;
use crate::tokens::{Claims, JwtAlgorithm, JwtAuth, JwtKey};

/// Makes ID tokens, and reads those that clients bring back.
///
/// # Security
/// An ID token is of the type "JWT", an access token "at+jwt" (RFC 9068): neither passes for the other, nor do they have the same
/// audience. Only the keys of [`SigningKeys`] are tried, each with its own algorithm, so `none` and HS256 are refused.
#[derive(Clone, Debug)]
pub struct IdTokens {
    keys: SigningKeys,
    issuer: Arc<str>,
    lifetime: Duration,
    clock: Arc<dyn Clock>,
}

/// What an ID token is to say.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever issues ID tokens makes it")]
pub struct NewIdToken<'a> {
    /// Whom it is for (`aud`).
    pub client_id: &'a str,
    /// Whom it is about (`sub`): the user's id, which is never given to another.
    pub user_id: &'a str,
    /// When they proved who they are (`auth_time`).
    pub auth_time: Option<DateTime<Utc>>,
    /// By which ways, by their names (`amr`, `acr`).
    pub methods: &'a [String],
    /// What the client sent with its request, as it was.
    pub nonce: Option<&'a str>,
    /// What the session at this provider is known by; a digest of it lets the client tell one login from another (`sid`).
    pub session: Option<&'a str>,
    /// The access token beside it (`at_hash`).
    pub access_token: Option<&'a str>,
}

/// What an ID token said that was brought back (`id_token_hint`). It may have expired long ago.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdTokenHint {
    /// Whom it was issued to.
    pub client_id: String,
    /// Whom it is about.
    pub user_id: String,
    /// The login that it was issued in (`sid`), if it says so.
    pub sid: Option<String>,
}

/// What ID tokens say.
pub(in crate::oauth2::provider) const ID_TOKEN_CLAIMS: [&str; 12] =
    ["iss", "sub", "aud", "exp", "iat", "jti", "auth_time", "nonce", "acr", "amr", "at_hash", "sid"];

/// The claims beside the registered ones.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Own {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amr: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
}

impl IdTokens {
    /// What `acr` says of a login with two factors.
    pub const MULTI_FACTOR: &'static str = "mfa";
    /// The most bytes of a `nonce`.
    pub const MAX_NONCE: usize = 512;
    const LIFETIME: Duration = Duration::from_mins(10);
    const TYPE: &'static str = "JWT";

    /// ID tokens of this issuer, signed by these keys, for ten minutes.
    pub fn new(issuer: &str, keys: SigningKeys, clock: Arc<dyn Clock>) -> Self {
        Self { keys, issuer: issuer.into(), lifetime: Self::LIFETIME, clock }
    }

    /// The keys that sign them.
    pub fn keys(&self) -> &SigningKeys {
        &self.keys
    }

    /// How long they are valid: ten minutes unless set, an hour at the most.
    ///
    /// # Errors
    /// [`SigningKeyError::Setting`] for more, or less than a minute.
    pub fn lifetime(self, lifetime: Duration) -> Result<Self, SigningKeyError> {
        if !(Duration::from_mins(1)..=Duration::from_hours(1)).contains(&lifetime) {
            return Err(SigningKeyError::Setting("an ID token is valid for a minute to an hour"));
        }
        Ok(Self { lifetime, ..self })
    }

    /// What a client knows a session by, which stores know by something else.
    pub fn sid(session: &str) -> String {
        BASE64.encode(&Sha256::digest(format!("sid {session}"))[..16])
    }

    /// An ID token.
    ///
    /// # Errors
    /// When there are no keys.
    pub async fn issue(&self, new: NewIdToken<'_>) -> Result<SecretString, SigningKeyError> {
        let ring = self.keys.ring().await?;
        let signing = ring.signing().and_then(|place| ring.keys().get(place));
        let hash = signing.map(JwtKey::algorithm).zip(new.access_token);
        let methods = AuthMethods::from_names(new.methods.iter().map(String::as_str));
        let own = Own {
            auth_time: new.auth_time.map(|at| at.timestamp()),
            nonce: new.nonce.map(str::to_owned),
            acr: methods.is_multi_factor().then(|| Self::MULTI_FACTOR.to_owned()),
            amr: (!new.methods.is_empty()).then(|| new.methods.to_vec()),
            at_hash: hash.map(|(algorithm, token)| half_hash(algorithm, token)),
            sid: new.session.map(Self::sid),
        };
        let jwt = JwtAuth::with_keys(ring).issuer(&*self.issuer).audience(new.client_id).cached_tokens(0);
        let jwt = jwt.token_type(Self::TYPE)?.lifetime(self.lifetime)?.shared_clock(self.clock.clone());
        Ok(jwt.encode(&jwt.claims(new.user_id).with_extra(own))?)
    }

    /// What an ID token of ours said, also when it has expired (OpenID Connect RP-Initiated Logout §2), as long as the key that
    /// signed it is published. `None`: it is none.
    ///
    /// # Errors
    /// When the keys cannot be read.
    pub async fn hint(&self, token: &str) -> Result<Option<IdTokenHint>, SigningKeyError> {
        let Some(said) = Said::before_verifying(token) else { return Ok(None) };
        let now = self.clock.now();
        // It is held to the moment of its issue, which its signature covers, so that it may have expired since.
        let Some(issued) = DateTime::from_timestamp(said.iat, 0).filter(|issued| *issued <= now + Self::LEEWAY) else {
            return Ok(None);
        };
        let jwt = JwtAuth::with_keys(self.keys.ring().await?).issuer(&*self.issuer).audience(&said.aud);
        let jwt = jwt.token_type(Self::TYPE)?.cached_tokens(0).clock(At(issued));
        let read = jwt.decode::<Own>(token).ok().filter(|claims| claims.aud == [said.aud.as_str()]);
        Ok(read.map(|claims| IdTokenHint::of(&claims)))
    }

    const LEEWAY: chrono::TimeDelta = chrono::TimeDelta::seconds(5);
}

impl IdTokenHint {
    fn of(claims: &Claims<Own>) -> Self {
        let client_id = claims.aud.first().cloned().unwrap_or_default();
        Self { client_id, user_id: claims.sub.clone(), sid: claims.extra.sid.clone() }
    }
}

/// What a token says of itself, which counts for nothing before its signature holds.
#[derive(Deserialize)]
struct Said {
    aud: String,
    iat: i64,
}

impl Said {
    fn before_verifying(token: &str) -> Option<Self> {
        if token.len() > JwtAuth::MAX_TOKEN {
            return None;
        }
        let mut parts = token.split('.').skip(1);
        serde_json::from_slice(&BASE64.decode(parts.next()?).ok()?).ok()
    }
}

/// Stands still.
#[derive(Debug)]
struct At(DateTime<Utc>);

impl Clock for At {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

/// The left half of the hash that goes with the algorithm (§3.1.3.6).
fn half_hash(algorithm: JwtAlgorithm, token: &str) -> String {
    match algorithm {
        JwtAlgorithm::EdDsa => BASE64.encode(&Sha512::digest(token)[..32]),
        JwtAlgorithm::Hs256 | JwtAlgorithm::Rs256 | JwtAlgorithm::Es256 => BASE64.encode(&Sha256::digest(token)[..16]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `OpenID` Connect Core, appendix A.3.
    #[test]
    fn the_published_hash_fits() {
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(half_hash(JwtAlgorithm::Rs256, token), "77QmUPtjPfzWtF2AnpK9RQ");
    }
}
