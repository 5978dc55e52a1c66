use super::{JwtAlgorithm, TokenRefused};
use crate::secret::WeakSecret;

/// Why keys or settings do not fit, or a token could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JwtError {
    /// The secret is too short, or a placeholder.
    #[error(transparent)]
    WeakSecret(#[from] WeakSecret),
    /// The secret is a key in PEM or a certificate: whoever knows the public half could sign.
    #[error("the secret for HS256 is a PEM document; load it with `JwtKey::private_pem` or `JwtKey::public_pem`")]
    SecretIsKey,
    /// The text is not a PEM document of the kind that is asked for.
    #[error("this is no PEM document of {expected}")]
    Pem {
        /// The labels that would do.
        expected: &'static str,
    },
    /// The bytes are no such key.
    #[error("this is no {half} key for {algorithm}")]
    Key {
        /// What the key is for.
        algorithm: JwtAlgorithm,
        /// Which half of it: private or public.
        half: &'static str,
    },
    /// An RSA key of fewer than 2048 or more than 8192 bits.
    #[error("an RSA key has 2048 to 8192 bits, this one has {bits}")]
    RsaSize {
        /// How many it has.
        bits: usize,
    },
    /// The key's id is empty, too long, or not of visible ASCII characters.
    #[error("a key's id has 1 to 128 visible ASCII characters")]
    KeyId,
    /// Two keys have the same id.
    #[error("two keys have the same id")]
    DuplicateKeyId,
    /// More keys than a ring holds.
    #[error("a ring holds {max} keys at the most")]
    TooManyKeys {
        /// The most keys.
        max: usize,
    },
    /// The key, or the ring, has no private half: it verifies only.
    #[error("without a private key nothing can be signed")]
    VerifiesOnly,
    /// The key set has more bytes than are read.
    #[error("a key set has {max} bytes at the most")]
    KeySetTooLong {
        /// The most bytes.
        max: usize,
    },
    /// The key set is not JSON as RFC 7517 has it.
    #[error("this is no key set")]
    KeySet(#[source] serde_json::Error),
    /// An object of the key set has a member twice.
    #[error("the key set has a member twice")]
    DuplicateMember,
    /// The key set holds a secret or a private key, which whoever can read it now has too.
    #[error("the key set holds a secret or private key: replace that key, everybody has it")]
    SecretInKeySet,
    /// No key of the set can verify tokens.
    #[error("no key of the set verifies tokens with an algorithm that is known here")]
    NoKeys,
    /// A setting is out of its bounds.
    #[error("{0}")]
    Setting(&'static str),
    /// The application's own claims cannot be written as a JSON object.
    #[error("the application's own claims are no JSON object")]
    OwnClaims(#[source] Option<serde_json::Error>),
    /// The application's own claims have a registered name, or one name twice.
    #[error("the application's own claims have a registered name, or one twice")]
    ReservedClaim,
    /// The token would be refused.
    #[error("the token would be refused: {}", .0.reason())]
    WouldBeRefused(TokenRefused),
    /// The library refused to sign.
    #[error("signing failed")]
    Signing,
}
