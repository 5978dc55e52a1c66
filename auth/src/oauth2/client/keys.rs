use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use super::discovery::LIFETIME;
use super::fetch::Fetch;
use crate::oauth2::AuthProviderError;
use crate::tokens::{JwtAlgorithm, KeyRing, TokenRefused};

/// How often keys are fetched because of a token with a key that is not known.
const AGAIN: TimeDelta = TimeDelta::minutes(1);

/// The keys of one issuer, as they were found last.
#[derive(Debug, Default)]
pub(super) struct Keys(Mutex<Option<Found>>);

#[derive(Clone, Debug)]
struct Found {
    ring: KeyRing,
    at: DateTime<Utc>,
    /// When they were last asked for.
    tried_at: DateTime<Utc>,
}

impl Keys {
    /// What stands in a token that one of the issuer's keys has signed, and how it is signed.
    pub(super) async fn open(
        &self,
        fetch: &Fetch,
        url: &Url,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<(JwtAlgorithm, Vec<u8>), AuthProviderError> {
        let known = self.known().filter(|found| now - found.at < LIFETIME);
        let ring = match known {
            Some(found) => found.ring,
            None => return opened(&self.fetch(fetch, url, now).await?, token, url),
        };
        match ring.open(token) {
            Err(TokenRefused::UnknownKey) if self.may_ask(now) => {
                opened(&self.fetch(fetch, url, now).await?, token, url)
            }
            other => other.map_err(|why| refused(why, url)),
        }
    }

    async fn fetch(&self, fetch: &Fetch, url: &Url, now: DateTime<Utc>) -> Result<KeyRing, AuthProviderError> {
        let answer = fetch.get(url).await?;
        let ring = KeyRing::from_jwks(answer.text()?).map_err(AuthProviderError::unavailable)?;
        *self.lock() = Some(Found { ring: ring.clone(), at: now, tried_at: now });
        Ok(ring)
    }

    /// Whether they may be fetched before their time. Of many who ask at once, one may.
    fn may_ask(&self, now: DateTime<Utc>) -> bool {
        match &mut *self.lock() {
            Some(found) if now - found.tried_at < AGAIN => false,
            Some(found) => {
                found.tried_at = now;
                true
            }
            None => true,
        }
    }

    fn known(&self) -> Option<Found> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Found>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn opened(ring: &KeyRing, token: &str, url: &Url) -> Result<(JwtAlgorithm, Vec<u8>), AuthProviderError> {
    ring.open(token).map_err(|why| refused(why, url))
}

fn refused(why: TokenRefused, url: &Url) -> AuthProviderError {
    crate::report::failure(&format!("the keys at {url} do not open an ID token: {}", why.reason()));
    AuthProviderError::refused("the ID token is not the issuer's")
}
