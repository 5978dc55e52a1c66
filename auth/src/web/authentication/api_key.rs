use http::HeaderValue;

use super::{AuthenticationBackend, AuthenticationRequest, Found, single};
use crate::accounts::{AuthCredentials, AuthenticationError};

/// API keys in the header `X-API-Key`, or behind `Authorization: ApiKey`. From a query none is taken: it ends up in logs
/// (ASVS 14.2.1).
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to set")]
pub struct ApiKeyAuthentication;

const X_API_KEY: &str = "x-api-key";
const LONGEST: usize = 256;

impl AuthenticationBackend for ApiKeyAuthentication {
    fn find(&self, request: &AuthenticationRequest<'_>) -> Result<Found, AuthenticationError> {
        let (header, authorization) = (single(&request.parts.headers, X_API_KEY)?, request.authorization("ApiKey")?);
        let key = match (header, authorization) {
            (None, None) => return Ok(Found::Nothing),
            (Some(_), Some(_)) => return Err(AuthenticationError::Mixed),
            (Some(key), None) | (None, Some(key)) => key,
        };
        if key.is_empty() || key.len() > LONGEST || !key.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric()) {
            return Err(AuthenticationError::Malformed { reason: "that is no API key" });
        }
        Ok(Found::Credentials(AuthCredentials::api_key(key)))
    }

    fn challenge(&self, _: Option<&AuthenticationError>) -> Option<HeaderValue> {
        Some(HeaderValue::from_static("ApiKey"))
    }

    fn is_ambient(&self) -> bool {
        false
    }

    fn scheme(&self) -> Option<&'static str> {
        Some("ApiKey")
    }
}
