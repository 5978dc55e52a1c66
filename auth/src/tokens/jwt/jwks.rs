use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::public::PublicKey;
use super::unique::repeats;
use super::{JwtAlgorithm, JwtError, JwtKey, KeyRing};

/// A set of public keys (RFC 7517 §5), to be published as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Jwks {
    keys: Vec<Jwk>,
}

impl Jwks {
    /// The keys, the newest first.
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// Also has the keys of another set.
    pub fn extend(&mut self, other: Self) {
        let new: Vec<_> = other.keys.into_iter().filter(|key| !self.keys.contains(key)).collect();
        self.keys.extend(new);
    }
}

/// A public key as JSON has it (RFC 7517 §4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Jwk {
    kid: String,
    alg: &'static str,
    r#use: &'static str,
    #[serde(flatten)]
    numbers: std::collections::BTreeMap<&'static str, String>,
}

impl Jwk {
    /// The key's id.
    pub fn id(&self) -> &str {
        &self.kid
    }
}

impl KeyRing {
    /// The most bytes of a key set that is read.
    pub const MAX_JWKS: usize = 64 << 10;

    /// The public keys of the ring, for others to verify with. Secrets are left out.
    pub fn jwks(&self) -> Jwks {
        let jwk = |key: &JwtKey| {
            let numbers = key.public()?.members().into_iter().collect();
            Some(Jwk { kid: key.id().to_owned(), alg: key.algorithm().name(), r#use: "sig", numbers })
        };
        Jwks { keys: self.keys().iter().filter_map(jwk).collect() }
    }

    /// A ring that verifies with the keys of a set (RFC 7517 §5), as an issuer publishes it.
    ///
    /// A key's algorithm is what its `alg` says, or else the one here for its type: RS256, ES256 for P-256, `EdDSA` for
    /// Ed25519. Keys for anything else are skipped: other types, other algorithms, encryption.
    ///
    /// # Errors
    /// When it has more than 64 KiB, is malformed, or no key of it verifies; when it holds a secret or a private key.
    pub fn from_jwks(json: &str) -> Result<Self, JwtError> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Given>,
        }
        let set: Set = parsed(json)?;
        let keys: Vec<_> =
            set.keys.into_iter().filter_map(|given| given.key().transpose()).collect::<Result<_, _>>()?;
        Self::verifying(keys)
    }
}

impl JwtKey {
    /// A public key from a JWK (RFC 7517 §4), as [`KeyRing::from_jwks`] takes each of a set: it verifies only.
    ///
    /// # Errors
    /// As there; [`JwtError::NoKeys`] where a set's key would be skipped.
    pub fn from_jwk(json: &str) -> Result<Self, JwtError> {
        parsed::<Given>(json)?.key()?.ok_or(JwtError::NoKeys)
    }
}

fn parsed<'de, T: Deserialize<'de>>(json: &'de str) -> Result<T, JwtError> {
    if json.len() > KeyRing::MAX_JWKS {
        return Err(JwtError::KeySetTooLong { max: KeyRing::MAX_JWKS });
    }
    if repeats(json.as_bytes(), &[]).map_err(JwtError::KeySet)? {
        return Err(JwtError::DuplicateMember);
    }
    serde_json::from_str(json).map_err(JwtError::KeySet)
}

/// A key of somebody's set.
#[derive(Deserialize)]
struct Given {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    /// A private key (RFC 7518 §6.2.2, §6.3.2).
    d: Option<IgnoredAny>,
    /// A secret (RFC 7518 §6.4.1).
    k: Option<IgnoredAny>,
}

impl Given {
    /// The key, if it is one to verify tokens with.
    fn key(self) -> Result<Option<JwtKey>, JwtError> {
        if self.kty == "oct" || self.d.is_some() || self.k.is_some() {
            return Err(JwtError::SecretInKeySet);
        }
        let algorithm = match (&*self.kty, self.crv.as_deref()) {
            ("RSA", _) => JwtAlgorithm::Rs256,
            ("EC", Some("P-256")) => JwtAlgorithm::Es256,
            ("OKP", Some("Ed25519")) => JwtAlgorithm::EdDsa,
            _ => return Ok(None),
        };
        let otherwise = self.alg.as_ref().is_some_and(|name| name != algorithm.name())
            || self.r#use.as_ref().is_some_and(|name| name != "sig")
            || self.key_ops.as_ref().is_some_and(|names| names.iter().all(|name| name != "verify"));
        if otherwise {
            return Ok(None);
        }
        let public = self.numbers(algorithm).ok_or(JwtError::Key { algorithm, half: "public" })?;
        let key = JwtKey::of_public(public)?;
        self.kid.map_or(Ok(Some(key.clone())), |id| key.with_id(&id).map(Some))
    }

    fn numbers(&self, algorithm: JwtAlgorithm) -> Option<PublicKey> {
        let bytes = |text: &Option<String>| BASE64.decode(text.as_ref()?).ok();
        Some(match algorithm {
            JwtAlgorithm::Hs256 => return None,
            JwtAlgorithm::Rs256 => {
                let (modulus, exponent) = (bytes(&self.n)?, bytes(&self.e)?);
                // Base64urlUInt (RFC 7518 §2) has one spelling.
                if [&modulus, &exponent].iter().any(|number| matches!(number.first(), None | Some(0))) {
                    return None;
                }
                PublicKey::Rsa { modulus, exponent }
            }
            JwtAlgorithm::Es256 => {
                let (x, y) = (bytes(&self.x)?, bytes(&self.y)?);
                PublicKey::P256(if x.len() == 32 { [x, y].concat().try_into().ok()? } else { return None })
            }
            JwtAlgorithm::EdDsa => PublicKey::Ed25519(bytes(&self.x)?.try_into().ok()?),
        })
    }
}
