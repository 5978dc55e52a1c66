use http::HeaderValue;

use super::{AuthenticationBackend, AuthenticationRequest, Found};
use crate::accounts::AuthenticationError;

/// Whoever is logged in, in the session that the request's cookie names: what `auth.layer()` begins with.
///
/// A session that has ended is no credential that is wrong: a visitor with an old cookie is a stranger.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to set")]
pub struct SessionAuthentication;

impl AuthenticationBackend for SessionAuthentication {
    fn find(&self, _: &AuthenticationRequest<'_>) -> Result<Found, AuthenticationError> {
        Ok(Found::Nothing)
    }

    fn challenge(&self, _: Option<&AuthenticationError>) -> Option<HeaderValue> {
        Some(HeaderValue::from_static("Cookie realm=\"login\""))
    }

    fn is_session(&self) -> bool {
        true
    }
}
