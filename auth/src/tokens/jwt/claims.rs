use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::TokenRefused;

/// What a token says (RFC 7519 §4.1), and `Extra`, the application's own claims, which stand beside these in the same
/// JSON object. What neither knows is ignored.
///
/// [`JwtAuth::claims`](super::JwtAuth::claims) makes them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claims<Extra = NoExtra> {
    /// Who issued it.
    pub iss: Option<String>,
    /// Whom it speaks for: a user's id.
    pub sub: String,
    /// Whom it is for. One is written as a text, several as an array; both are read.
    pub aud: Vec<String>,
    /// From when on it is no longer valid, in seconds since 1970.
    pub exp: i64,
    /// Until when it is not valid yet.
    pub nbf: Option<i64>,
    /// When it was issued.
    pub iat: Option<i64>,
    /// What it is revoked by: 128 random bits. Another issuer's token that has none gets a digest of its signed parts.
    pub jti: String,
    /// The user's name, for people to read: a grant refers to `sub`.
    pub username: Option<String>,
    /// The application's own claims.
    pub extra: Extra,
}

/// No claims of one's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoExtra {}

/// The names that are not the application's.
pub(super) const REGISTERED: [&str; 8] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "username"];

/// The most bytes of an id or a name in a token, as in a store.
const MAX_TEXT: usize = 255;
/// The end of the year 9999.
const LAST: i64 = 253_402_300_799;
/// How far in the future a token may expire.
pub(super) const MAX_LIFETIME: i64 = 400 * 24 * 60 * 60;

impl<Extra> Claims<Extra> {
    /// The same claims with these of one's own: a struct with named fields, or a map.
    pub fn with_extra<Other>(self, extra: Other) -> Claims<Other> {
        let Self { iss, sub, aud, exp, nbf, iat, jti, username, extra: _ } = self;
        Claims { iss, sub, aud, exp, nbf, iat, jti, username, extra }
    }

    /// The same claims with the user's name.
    pub fn with_username(self, username: impl Into<String>) -> Self {
        Self { username: Some(username.into()), ..self }
    }

    /// When it expires.
    pub fn expires_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.exp, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    pub(super) fn times(&self) -> Times {
        Times { exp: self.exp, nbf: self.nbf, iat: self.iat }
    }

    /// Whether its texts have lengths that a store takes.
    pub(super) fn check_texts(&self) -> Result<(), TokenRefused> {
        let texts = [("sub", Some(&self.sub)), ("jti", Some(&self.jti)), ("username", self.username.as_ref())];
        let unfit = |text: &String| !(1..=MAX_TEXT).contains(&text.len());
        match texts.into_iter().find(|(_, text)| text.is_some_and(unfit)) {
            Some((name, _)) => Err(TokenRefused::ClaimLength(name)),
            None => Ok(()),
        }
    }
}

/// The claims that the passing of time makes true and false: checked again whenever a token is seen again.
#[derive(Clone, Copy)]
pub(super) struct Times {
    exp: i64,
    nbf: Option<i64>,
    iat: Option<i64>,
}

impl Times {
    pub(super) fn check(self, now: i64, leeway: i64) -> Result<(), TokenRefused> {
        let bounded = |name, time: Option<i64>| match time {
            Some(time) if !(0..=LAST).contains(&time) => Err(TokenRefused::ClaimRange(name)),
            _ => Ok(()),
        };
        bounded("exp", Some(self.exp))?;
        bounded("nbf", self.nbf)?;
        bounded("iat", self.iat)?;
        if self.exp <= now - leeway {
            return Err(TokenRefused::Expired);
        }
        if self.exp > now + MAX_LIFETIME + leeway {
            return Err(TokenRefused::ExpiresTooLate);
        }
        if self.nbf.is_some_and(|time| time > now + leeway) {
            return Err(TokenRefused::NotYetValid);
        }
        if self.iat.is_some_and(|time| time > now + leeway) {
            return Err(TokenRefused::IssuedInFuture);
        }
        Ok(())
    }
}

impl Serialize for NoExtra {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_map(Some(0))?.end()
    }
}

impl<'de> Deserialize<'de> for NoExtra {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Ignore;
        impl<'de> Visitor<'de> for Ignore {
            type Value = NoExtra;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NoExtra, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(NoExtra {})
            }
        }
        deserializer.deserialize_map(Ignore)
    }
}
