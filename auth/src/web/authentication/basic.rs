use base64ct::{Base64, Encoding as _};
use http::HeaderValue;
use zeroize::Zeroizing;

use super::{AuthenticationBackend, AuthenticationRequest, Found, quoted};
use crate::accounts::{AuthCredentials, AuthenticationError, Error};
use crate::passwords::MAX_PASSWORD_BYTES;

/// Names and passwords behind `Authorization: Basic` (RFC 7617), checked by the application's auth backends: its own users,
/// users in memory, a directory.
///
/// Every request is a login: it hashes a password, within the limits on logins, and is told to the trail. So it is for programs
/// that ask now and then. A browser keeps such
/// credentials and adds them by itself, so the cross-site rules hold, and nothing logs it out but closing it. Over plain
/// http the password is readable on the way.
///
/// A program's unsafe request (`POST`, …) says where it comes from, as a browser's does, or it is refused as another site's:
/// `curl -u name:password -H 'Origin: https://this-site' -d … https://this-site/…`.
///
/// The text is UTF-8, as the challenge says (`charset="UTF-8"`). What is malformed, too long, or there twice is refused.
#[derive(Clone, Debug)]
pub struct HttpBasicAuth {
    challenge: HeaderValue,
}

/// A name, a colon and a password, in base64.
const LONGEST: usize = (MAX_PASSWORD_BYTES + 1024) / 3 * 4;

impl HttpBasicAuth {
    /// For this realm, which browsers may show to people.
    ///
    /// # Errors
    /// [`Error::Configuration`] unless the realm is plain ASCII without quotes and backslashes.
    pub fn new(realm: &str) -> Result<Self, Error> {
        let challenge = quoted(realm).map(|realm| format!("Basic realm={realm}, charset=\"UTF-8\""));
        let challenge = challenge.and_then(|challenge| HeaderValue::try_from(challenge).ok());
        let wrong = || Error::Configuration("a realm is plain ASCII without quotes and backslashes".to_owned());
        Ok(Self { challenge: challenge.ok_or_else(wrong)? })
    }
}

impl AuthenticationBackend for HttpBasicAuth {
    fn find(&self, request: &AuthenticationRequest<'_>) -> Result<Found, AuthenticationError> {
        let Some(text) = request.authorization("Basic")? else { return Ok(Found::Nothing) };
        let malformed = |reason| AuthenticationError::Malformed { reason };
        if text.len() > LONGEST {
            return Err(malformed("Basic credentials are too long"));
        }
        let bytes = Base64::decode_vec(text).map_err(|_| malformed("Basic credentials are not base64"))?;
        let bytes = Zeroizing::new(bytes);
        let pair = std::str::from_utf8(&bytes).map_err(|_| malformed("Basic credentials are not UTF-8"))?;
        // RFC 7617 §2: neither holds control characters, and the name no colon.
        let pair = pair.split_once(':').filter(|_| !pair.contains(char::is_control));
        let (username, password) = pair.ok_or(malformed("Basic credentials are no name and password"))?;
        Ok(Found::Credentials(AuthCredentials::password(username, password)))
    }

    fn challenge(&self, _: Option<&AuthenticationError>) -> Option<HeaderValue> {
        Some(self.challenge.clone())
    }

    fn scheme(&self) -> Option<&'static str> {
        Some("Basic")
    }
}
