//! Tokens of other issuers, who need not write them as this one does.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;

use super::auth::Parts;
use super::unique::repeats;
use super::{JwtAlgorithm, JwtAuth, KeyRing, TokenRefused, header};

impl KeyRing {
    /// What stands in a token that one of these keys has signed, and how it is signed. Its type is not said, or "JWT" (RFC 7519
    /// §5.1); what it says of itself is still to be checked.
    pub(crate) fn open(&self, token: &str) -> Result<(JwtAlgorithm, Vec<u8>), TokenRefused> {
        if token.len() > JwtAuth::MAX_TOKEN {
            return Err(TokenRefused::TooLong);
        }
        let parts = Parts::of(token)?;
        let decoded = |part| BASE64.decode(part).map_err(|_| TokenRefused::Encoding);
        let json = decoded(parts.header)?;
        let header = header::read(&json)?;
        if header.token_type.as_deref().is_some_and(|name| !name.eq_ignore_ascii_case("JWT")) {
            return Err(TokenRefused::TokenType);
        }
        let key = self.key_for(&header)?;
        if !key.verify(parts.signed.as_bytes(), &decoded(parts.signature)?) {
            return Err(TokenRefused::Signature);
        }
        let payload = decoded(parts.payload)?;
        if repeats(&payload, &[]).map_err(|_| TokenRefused::PayloadJson)? {
            return Err(TokenRefused::DuplicateMember);
        }
        Ok((key.algorithm(), payload))
    }
}
