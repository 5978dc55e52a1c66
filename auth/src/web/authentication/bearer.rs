use http::HeaderValue;

use super::{AuthenticationBackend, AuthenticationRequest, Found};
use crate::accounts::{AuthCredentials, AuthenticationError};

/// Access tokens behind `Authorization: Bearer` (RFC 6750 §2.1). From a query or a form none is taken: both end up in logs.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to set")]
pub struct BearerAuthentication;

/// Longer than any token that is verified.
const LONGEST: usize = 16 << 10;

impl AuthenticationBackend for BearerAuthentication {
    fn find(&self, request: &AuthenticationRequest<'_>) -> Result<Found, AuthenticationError> {
        let Some(token) = request.authorization("Bearer")? else { return Ok(Found::Nothing) };
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
        if token.is_empty() || token.len() > LONGEST || !token.bytes().all(is_token) {
            return Err(AuthenticationError::Malformed { reason: "what stands behind `Bearer` is no token" });
        }
        Ok(Found::Credentials(AuthCredentials::token(token)))
    }

    fn challenge(&self, refused: Option<&AuthenticationError>) -> Option<HeaderValue> {
        Some(HeaderValue::from_static(match refused {
            Some(AuthenticationError::Malformed { .. }) => "Bearer error=\"invalid_request\"",
            Some(_) => "Bearer error=\"invalid_token\"",
            None => "Bearer",
        }))
    }

    fn is_ambient(&self) -> bool {
        false
    }

    fn scheme(&self) -> Option<&'static str> {
        Some("Bearer")
    }
}
