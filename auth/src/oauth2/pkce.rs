//! Proof key for code exchange (RFC 7636), by `S256` only: `plain` proves nothing to whoever sees the request.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::secret::{self, SecretString};

/// What only the client that began knows (`code_verifier`).
#[derive(Clone, PartialEq, Eq)]
pub struct CodeVerifier(SecretString);

/// What the authorization server is told of it at the beginning (`code_challenge`).
#[derive(Clone, PartialEq, Eq)]
pub struct CodeChallenge(String);

/// That is no verifier, or no challenge by `S256`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("that is not as RFC 7636 §4 has it")]
#[non_exhaustive]
pub struct InvalidPkce;

impl CodeVerifier {
    /// 256 random bits.
    pub fn generate() -> Self {
        Self(Base64UrlUnpadded::encode_string(&secret::random::<32>()).into())
    }

    /// A verifier: 43 to 128 unreserved characters (§4.1).
    ///
    /// # Errors
    /// [`InvalidPkce`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidPkce> {
        let is_unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        let fits = (43..=128).contains(&text.len()) && text.bytes().all(is_unreserved);
        if fits { Ok(Self(text.into())) } else { Err(InvalidPkce) }
    }

    /// Its challenge by `S256` (§4.2).
    pub fn challenge(&self) -> CodeChallenge {
        CodeChallenge(Base64UrlUnpadded::encode_string(&Sha256::digest(self.0.expose())))
    }

    /// The text, for the token request.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl CodeChallenge {
    /// A challenge: 32 bytes in unpadded base64url.
    ///
    /// # Errors
    /// [`InvalidPkce`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidPkce> {
        let bytes = Base64UrlUnpadded::decode_vec(text).map_err(|_| InvalidPkce)?;
        if bytes.len() == 32 { Ok(Self(text.to_owned())) } else { Err(InvalidPkce) }
    }

    /// Whether it is this verifier's.
    pub fn verify(&self, verifier: &CodeVerifier) -> bool {
        self.0.as_bytes().ct_eq(verifier.challenge().0.as_bytes()).into()
    }

    /// The text, for the authorization request.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CodeVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeVerifier(…)")
    }
}

impl fmt::Debug for CodeChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CodeChallenge").field(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    #[test]
    fn the_published_pair_fits() {
        let verifier = CodeVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        assert_eq!(verifier.challenge().as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let challenge = CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        assert!(challenge.verify(&verifier));
        assert!(!challenge.verify(&CodeVerifier::generate()));
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in ["", "short", &"a".repeat(42), &"a".repeat(129), &format!("{}+", "a".repeat(43)), &"ä".repeat(43)] {
            assert_eq!(CodeVerifier::parse(bad), Err(InvalidPkce), "{bad}");
            assert_eq!(CodeChallenge::parse(bad), Err(InvalidPkce), "{bad}");
        }
        assert!(!format!("{:?}", CodeVerifier::generate()).contains(CodeVerifier::generate().expose()));
    }
}
