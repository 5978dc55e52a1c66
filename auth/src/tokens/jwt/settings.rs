use std::sync::Arc;
use std::time::Duration;

use super::claims::MAX_LIFETIME;
use super::{Claims, JwtError, TokenRefused};
use crate::clock::{Clock, SystemClock};

/// What tokens are made with and held to.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) token_type: String,
    /// In seconds, like all that follow.
    pub(super) lifetime: i64,
    pub(super) leeway: i64,
    pub(super) cached: usize,
    pub(super) clock: Arc<dyn Clock>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            issuer: None,
            audience: None,
            token_type: "JWT".to_owned(),
            lifetime: 24 * 60 * 60,
            leeway: 5,
            cached: 4096,
            clock: Arc::new(SystemClock),
        }
    }
}

impl Settings {
    pub(super) fn now(&self) -> i64 {
        self.clock.now().timestamp()
    }

    /// Whether the claims are those of a token for us, now.
    pub(super) fn check<Extra>(&self, claims: &Claims<Extra>, now: i64) -> Result<(), TokenRefused> {
        claims.check_texts()?;
        claims.times().check(now, self.leeway)?;
        if self.issuer.is_some() && claims.iss != self.issuer {
            return Err(TokenRefused::Issuer);
        }
        // Who is not named where somebody is must refuse (RFC 7519 §4.1.3).
        let named = match &self.audience {
            Some(audience) => claims.aud.contains(audience),
            None => claims.aud.is_empty(),
        };
        if named { Ok(()) } else { Err(TokenRefused::Audience) }
    }
}

/// Whole seconds, if they are within these bounds.
pub(super) fn seconds(duration: Duration, least: i64, most: i64, otherwise: &'static str) -> Result<i64, JwtError> {
    i64::try_from(duration.as_secs())
        .ok()
        .filter(|seconds| (least..=most).contains(seconds))
        .ok_or(JwtError::Setting(otherwise))
}

pub(super) fn lifetime(duration: Duration) -> Result<i64, JwtError> {
    seconds(duration, 1, MAX_LIFETIME, "a token lives between one second and 400 days")
}

pub(super) fn leeway(duration: Duration) -> Result<i64, JwtError> {
    seconds(duration, 0, 300, "the leeway for clocks that differ is five minutes at the most")
}

pub(super) fn token_type(name: &str) -> Result<String, JwtError> {
    let fits = (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        Ok(name.to_owned())
    } else {
        Err(JwtError::Setting("a token's type has 1 to 64 visible ASCII characters"))
    }
}
