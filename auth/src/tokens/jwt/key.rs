use std::fmt;
use std::sync::Arc;

#[cfg(feature = "oauth2-provider")]
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, ParsedPublicKey, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use aws_lc_rs::{hmac, rsa};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use zeroize::Zeroizing;

use super::public::PublicKey;
use super::{JwtAlgorithm, JwtError};
use crate::secret;

/// A key that signs tokens, or verifies them only, with the one algorithm that it is for.
///
/// It is parsed once, when it is made. Clones share it.
///
/// # Security
/// What a token says of its algorithm does not choose how a key is used (RFC 8725 §3.1): a public key never serves as a
/// secret. An RSA key has 2048 bits at least (NIST SP 800-131A), a secret 256 (RFC 7518 §3.2).
#[derive(Clone)]
pub struct JwtKey {
    id: Arc<str>,
    halves: Arc<Halves>,
}

enum Halves {
    Secret(Box<hmac::Key>),
    Public { numbers: PublicKey, verifier: ParsedPublicKey, private: Option<PrivateKey> },
}

enum PrivateKey {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

#[cfg(feature = "oauth2-provider")]
impl PrivateKey {
    fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, JwtError> {
        let written = match self {
            Self::Rsa(pair) => pair.as_der().map(|der: Pkcs8V1Der<'_>| der.as_ref().to_vec()),
            Self::Ecdsa(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            Self::Ed25519(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
        };
        written.map(Zeroizing::new).map_err(|_| JwtError::Signing)
    }
}

impl JwtKey {
    /// The most characters of a key's id.
    pub const MAX_ID: usize = 128;

    /// A secret for HS256: 32 bytes at least, as they are. Its id is the beginning of a MAC under the secret itself.
    ///
    /// # Errors
    /// [`JwtError::WeakSecret`] for less than 32 bytes and for placeholders, [`JwtError::SecretIsKey`] for a PEM
    /// document.
    pub fn hs256(secret: impl AsRef<[u8]>) -> Result<Self, JwtError> {
        const PEM: &[u8] = b"-----BEGIN";
        let secret = secret.as_ref();
        // Any text may stand before it (RFC 7468 §2).
        if secret.windows(PEM.len()).any(|part| part == PEM) {
            return Err(JwtError::SecretIsKey);
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret::strong(secret)?);
        let id = BASE64.encode(&hmac::sign(&key, b"auth: the id of this key").as_ref()[..9]);
        Ok(Self { id: id.into(), halves: Arc::new(Halves::Secret(Box::new(key))) })
    }

    /// A private key from PEM: PKCS#8 (`PRIVATE KEY`), `RSA PRIVATE KEY` or `EC PRIVATE KEY`.
    ///
    /// # Errors
    /// When it is something else, is encrypted, or is for another algorithm; [`JwtError::RsaSize`].
    pub fn private_pem(algorithm: JwtAlgorithm, pem: &str) -> Result<Self, JwtError> {
        const EXPECTED: &str = "an unencrypted private key (`PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`)";
        let der = document(pem, &["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"], EXPECTED)?;
        Self::private_der(algorithm, &der)
    }

    /// A private key from DER: PKCS#8, or what PKCS#1 or SEC 1 have for the algorithm.
    ///
    /// # Errors
    /// When it is something else, or for another algorithm; [`JwtError::RsaSize`].
    pub fn private_der(algorithm: JwtAlgorithm, der: &[u8]) -> Result<Self, JwtError> {
        let private = match algorithm {
            JwtAlgorithm::Hs256 => None,
            JwtAlgorithm::Rs256 => {
                RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der)).ok().map(PrivateKey::Rsa)
            }
            JwtAlgorithm::Es256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
                .or_else(|_| EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der))
                .ok()
                .map(PrivateKey::Ecdsa),
            JwtAlgorithm::EdDsa => Ed25519KeyPair::from_pkcs8(der).ok().map(PrivateKey::Ed25519),
        };
        Self::pair(private.ok_or(JwtError::Key { algorithm, half: "private" })?)
    }

    /// A public key from PEM (`PUBLIC KEY` or `RSA PUBLIC KEY`): it verifies only.
    ///
    /// # Errors
    /// When it is something else, or for another algorithm; [`JwtError::RsaSize`].
    pub fn public_pem(algorithm: JwtAlgorithm, pem: &str) -> Result<Self, JwtError> {
        const EXPECTED: &str = "a public key (`PUBLIC KEY` or `RSA PUBLIC KEY`)";
        Self::public_der(algorithm, &document(pem, &["PUBLIC KEY", "RSA PUBLIC KEY"], EXPECTED)?)
    }

    /// A public key from DER (`SubjectPublicKeyInfo` or `RSAPublicKey`): it verifies only.
    ///
    /// # Errors
    /// When it is something else, or for another algorithm; [`JwtError::RsaSize`].
    pub fn public_der(algorithm: JwtAlgorithm, der: &[u8]) -> Result<Self, JwtError> {
        let public = PublicKey::from_der(algorithm, der).ok_or(JwtError::Key { algorithm, half: "public" })?;
        Self::of_public(public)
    }

    /// A new key from the system's random generator. What it signs ends with the process: it cannot be written out.
    ///
    /// # Errors
    /// [`JwtError::Signing`] when the library cannot make one.
    pub fn random(algorithm: JwtAlgorithm) -> Result<Self, JwtError> {
        let private = match algorithm {
            JwtAlgorithm::Hs256 => return Self::hs256(secret::SecretKey::random_text().as_bytes()),
            JwtAlgorithm::Rs256 => RsaKeyPair::generate(rsa::KeySize::Rsa2048).map(PrivateKey::Rsa),
            JwtAlgorithm::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(PrivateKey::Ecdsa),
            JwtAlgorithm::EdDsa => Ed25519KeyPair::generate().map(PrivateKey::Ed25519),
        };
        Self::pair(private.map_err(|_| JwtError::Signing)?)
    }

    /// A new key with its PKCS#8 document, to be kept in secret: [`JwtKey::private_der`] reads it again.
    #[cfg(feature = "oauth2-provider")]
    pub(crate) fn generate(algorithm: JwtAlgorithm) -> Result<(Self, Zeroizing<Vec<u8>>), JwtError> {
        let key = Self::random(algorithm)?;
        let der = match &*key.halves {
            Halves::Public { private: Some(private), .. } => private.to_pkcs8()?,
            Halves::Secret(_) | Halves::Public { .. } => return Err(JwtError::Key { algorithm, half: "private" }),
        };
        Ok((key, der))
    }

    /// The same key under an id of one's own: 1 to 128 visible ASCII characters.
    ///
    /// Without, a public key's id is its thumbprint (RFC 7638).
    ///
    /// # Errors
    /// [`JwtError::KeyId`] for any other id.
    pub fn with_id(self, id: &str) -> Result<Self, JwtError> {
        let fits = (1..=Self::MAX_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self { id: id.into(), ..self }) } else { Err(JwtError::KeyId) }
    }

    /// What tokens name it by in `kid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it is for.
    pub fn algorithm(&self) -> JwtAlgorithm {
        match &*self.halves {
            Halves::Secret(_) => JwtAlgorithm::Hs256,
            Halves::Public { numbers, .. } => numbers.algorithm(),
        }
    }

    /// Whether it can sign, too.
    pub fn signs(&self) -> bool {
        !matches!(&*self.halves, Halves::Public { private: None, .. })
    }

    /// None for a secret.
    pub(super) fn public(&self) -> Option<&PublicKey> {
        match &*self.halves {
            Halves::Secret(_) => None,
            Halves::Public { numbers, .. } => Some(numbers),
        }
    }

    pub(super) fn of_public(numbers: PublicKey) -> Result<Self, JwtError> {
        Self::with_halves(numbers, None)
    }

    fn pair(private: PrivateKey) -> Result<Self, JwtError> {
        let numbers = match &private {
            PrivateKey::Rsa(pair) => Some(PublicKey::from(pair.public_key())),
            PrivateKey::Ecdsa(pair) => PublicKey::from_point(pair.public_key().as_ref()),
            PrivateKey::Ed25519(pair) => pair.public_key().as_ref().try_into().ok().map(PublicKey::Ed25519),
        };
        Self::with_halves(numbers.expect("a private key has a public half"), Some(private))
    }

    fn with_halves(numbers: PublicKey, private: Option<PrivateKey>) -> Result<Self, JwtError> {
        let (id, verifier) = (numbers.thumbprint().into(), numbers.verifier()?);
        Ok(Self { id, halves: Arc::new(Halves::Public { numbers, verifier, private }) })
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &*self.halves {
            Halves::Secret(key) => hmac::verify(key, message, signature).is_ok(),
            Halves::Public { verifier, .. } => verifier.verify_sig(message, signature).is_ok(),
        }
    }

    /// The signature of a message.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, JwtError> {
        let private = match &*self.halves {
            Halves::Secret(key) => return Ok(hmac::sign(key, message).as_ref().to_vec()),
            Halves::Public { private, .. } => private.as_ref().ok_or(JwtError::VerifiesOnly)?,
        };
        let signature = match private {
            PrivateKey::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let signed = pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
                signed.map(|()| signature)
            }
            PrivateKey::Ecdsa(pair) => pair.sign(&SystemRandom::new(), message).map(|bytes| bytes.as_ref().to_vec()),
            PrivateKey::Ed25519(pair) => pair.try_sign(message).map(|bytes| bytes.as_ref().to_vec()),
        };
        signature.map_err(|_| JwtError::Signing)
    }
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtKey").field("id", &self.id).field("algorithm", &self.algorithm()).finish_non_exhaustive()
    }
}

/// The bytes of a PEM document (RFC 7468) with one of these labels.
fn document(pem: &str, labels: &[&str], expected: &'static str) -> Result<Zeroizing<Vec<u8>>, JwtError> {
    let (label, der) = pem_rfc7468::decode_vec(pem.as_bytes()).map_err(|_| JwtError::Pem { expected })?;
    let der = Zeroizing::new(der);
    if labels.contains(&label) { Ok(der) } else { Err(JwtError::Pem { expected }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_everybody_has_is_no_secret() {
        let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
                   -----END PUBLIC KEY-----\n";
        for secret in [pem.to_owned(), format!("\n {pem}"), format!("subject=/CN=site.example\n{pem}")] {
            assert!(JwtKey::public_pem(JwtAlgorithm::EdDsa, secret.trim_start()).is_ok(), "it is one: {secret}");
            assert!(matches!(JwtKey::hs256(&secret), Err(JwtError::SecretIsKey)), "{secret}");
        }
    }
}
