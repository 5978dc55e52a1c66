use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use sha2::{Digest as _, Sha256};

use super::{JwtAlgorithm, JwtError};

/// The public half of a key, by its numbers.
pub(super) enum PublicKey {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// The coordinates x and y.
    P256([u8; 64]),
    Ed25519([u8; 32]),
}

/// A `SubjectPublicKeyInfo` up to the key itself: `id-ecPublicKey` with `prime256v1` (RFC 5480), and `id-Ed25519` (RFC
/// 8410). There is one DER encoding of each, so no parser is needed.
const P256: &[u8] =
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
const ED25519_INFO: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

impl PublicKey {
    pub(super) fn algorithm(&self) -> JwtAlgorithm {
        match self {
            Self::Rsa { .. } => JwtAlgorithm::Rs256,
            Self::P256(_) => JwtAlgorithm::Es256,
            Self::Ed25519(_) => JwtAlgorithm::EdDsa,
        }
    }

    /// Reads a `SubjectPublicKeyInfo`, or an `RSAPublicKey`.
    pub(super) fn from_der(algorithm: JwtAlgorithm, der: &[u8]) -> Option<Self> {
        match algorithm {
            JwtAlgorithm::Hs256 => None,
            JwtAlgorithm::Rs256 => rsa::PublicKey::from_der(der).ok().as_ref().map(Self::from),
            JwtAlgorithm::Es256 => Self::from_point(der.strip_prefix(P256)?),
            JwtAlgorithm::EdDsa => Some(Self::Ed25519(der.strip_prefix(ED25519_INFO)?.try_into().ok()?)),
        }
    }

    /// Reads a point of P-256 in its uncompressed form.
    pub(super) fn from_point(point: &[u8]) -> Option<Self> {
        Some(Self::P256(point.strip_prefix(&[4])?.try_into().ok()?))
    }

    /// What verifies with it. The library checks that the numbers are a key: for P-256, that the point is on the curve
    /// (RFC 8725 §3.4).
    pub(super) fn verifier(&self) -> Result<ParsedPublicKey, JwtError> {
        let refused = JwtError::Key { algorithm: self.algorithm(), half: "public" };
        let parsed = match self {
            Self::Rsa { modulus, exponent } => {
                let bits = modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
                if !(2048..=8192).contains(&bits) {
                    return Err(JwtError::RsaSize { bits });
                }
                if !exponent_fits(exponent) {
                    return Err(refused);
                }
                RsaPublicKeyComponents { n: modulus, e: exponent }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            }
            Self::P256(point) => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, [&[4], &point[..]].concat()),
            Self::Ed25519(key) => ParsedPublicKey::new(&ED25519, key),
        };
        parsed.map_err(|_| refused)
    }

    /// The members of its JWK that make it up, in the order of RFC 7638 §3.2 (for Ed25519: RFC 8037 §2).
    pub(super) fn members(&self) -> Vec<(&'static str, String)> {
        let text = |bytes: &[u8]| BASE64.encode(bytes);
        match self {
            Self::Rsa { modulus, exponent } => {
                vec![("e", text(exponent)), ("kty", "RSA".into()), ("n", text(modulus))]
            }
            Self::P256(point) => {
                let (x, y) = point.split_at(32);
                vec![("crv", "P-256".into()), ("kty", "EC".into()), ("x", text(x)), ("y", text(y))]
            }
            Self::Ed25519(key) => vec![("crv", "Ed25519".into()), ("kty", "OKP".into()), ("x", text(key))],
        }
    }

    /// The thumbprint of RFC 7638.
    pub(super) fn thumbprint(&self) -> String {
        let members: Vec<_> = self.members().iter().map(|(name, value)| format!(r#""{name}":"{value}""#)).collect();
        BASE64.encode(Sha256::digest(format!("{{{}}}", members.join(","))))
    }
}

/// An odd number of at least 65537 (FIPS 186-5 §5.1) and 33 bits at the most. The library takes 1 for one, with which
/// everything is its own signature.
fn exponent_fits(exponent: &[u8]) -> bool {
    let mut bytes = [0; 8];
    let Some(start) = bytes.len().checked_sub(exponent.len()) else { return false };
    bytes[start..].copy_from_slice(exponent);
    let number = u64::from_be_bytes(bytes);
    number % 2 == 1 && (65_537..1 << 33).contains(&number)
}

impl From<&rsa::PublicKey> for PublicKey {
    fn from(key: &rsa::PublicKey) -> Self {
        let numbers = RsaPublicKeyComponents::<Vec<u8>>::from(key);
        Self::Rsa { modulus: numbers.n, exponent: numbers.e }
    }
}
