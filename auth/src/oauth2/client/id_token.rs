use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256, Sha512};
use subtle::ConstantTimeEq as _;

use crate::oauth2::AuthProviderError;
use crate::report::{self, said};
use crate::secret::SecretString;
use crate::tokens::JwtAlgorithm;

/// By how many seconds the issuer's clock may differ.
const LEEWAY: i64 = 30;

/// What an ID token must say (OpenID Connect Core §3.1.3.7).
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) access_token: &'a SecretString,
    /// Since when its owner must have proved to the issuer who they are, in seconds.
    pub(super) since: Option<i64>,
    /// In seconds.
    pub(super) now: i64,
}

/// What it says.
#[derive(Deserialize)]
pub(super) struct IdToken {
    iss: String,
    pub(super) sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nonce: Option<String>,
    at_hash: Option<String>,
    pub(super) auth_time: Option<i64>,
    /// What else it says, above all of its owner.
    #[serde(flatten)]
    pub(super) claims: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(name) => f.write_str(name),
            Self::Several(names) => f.write_str(&names.join(" ")),
        }
    }
}

impl IdToken {
    /// Reads what was signed, and holds it against what must stand there.
    pub(super) fn read(
        algorithm: JwtAlgorithm,
        json: &[u8],
        expected: &Expected<'_>,
    ) -> Result<Self, AuthProviderError> {
        let token: Self = serde_json::from_slice(json)
            .map_err(|_| AuthProviderError::refused("the ID token lacks a claim, or has one of another type"))?;
        let Some(reason) = token.flaw(algorithm, expected) else { return Ok(token) };
        let Self { iss, aud, .. } = &token;
        report::failure(&format!(
            "{reason}: it is of {} for {}, and expected of {:?} for {:?}",
            said(iss),
            said(&aud.to_string()),
            expected.issuer,
            expected.client_id
        ));
        Err(AuthProviderError::refused(reason))
    }

    /// What is wrong with it.
    fn flaw(&self, algorithm: JwtAlgorithm, expected: &Expected<'_>) -> Option<&'static str> {
        let Expected { issuer, client_id, nonce, access_token, since, now } = *expected;
        let (is_ours, is_shared) = match &self.aud {
            Audience::One(name) => (name == client_id, false),
            Audience::Several(names) => (names.iter().any(|name| name == client_id), names.len() > 1),
        };
        let same = |given: &Option<String>, wanted: &str| {
            given.as_ref().is_some_and(|given| bool::from(given.as_bytes().ct_eq(wanted.as_bytes())))
        };
        let rules = [
            (self.iss == issuer, "the ID token is of another issuer"),
            (is_ours, "the ID token is for another client"),
            (!is_shared || self.azp.is_some(), "the ID token is for several clients, and does not say who asked"),
            (self.azp.as_ref().is_none_or(|name| name == client_id), "another client asked for the ID token"),
            (self.exp > now.saturating_sub(LEEWAY), "the ID token has expired"),
            (self.iat <= now.saturating_add(LEEWAY), "the ID token was issued in the future"),
            (same(&self.nonce, nonce), "the ID token is of another login"),
            (
                self.at_hash.is_none() || same(&self.at_hash, &at_hash(algorithm, access_token)),
                "the access token is of another ID token",
            ),
            (
                since.is_none_or(|since| self.auth_time.is_some_and(|time| time >= since.saturating_sub(LEEWAY))),
                "it was too long ago that the issuer was shown who it is",
            ),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map(|(_, flaw)| flaw)
    }
}

/// The left half of the access token's digest, by the hash of the signature's algorithm (§3.1.3.6).
fn at_hash(algorithm: JwtAlgorithm, access_token: &SecretString) -> String {
    let token = access_token.expose();
    match algorithm {
        JwtAlgorithm::EdDsa => Base64UrlUnpadded::encode_string(&Sha512::digest(token)[..32]),
        _ => Base64UrlUnpadded::encode_string(&Sha256::digest(token)[..16]),
    }
}
