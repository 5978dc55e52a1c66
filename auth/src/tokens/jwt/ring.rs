use std::fmt;
use std::sync::Arc;

use super::header::Header;
use super::{JwtError, JwtKey, TokenRefused};

/// The keys of an issuer: the newest signs, all verify.
///
/// Keys are changed in three steps, with the lifetime of a token between the last two: publish the new key (it may be
/// listed for verifying first), let it sign ([`KeyRing::rotated`]), drop the old one ([`KeyRing::without`]).
///
/// # Security
/// A token that names a key is tried with that key only, one that names none only when a single key of the ring has its
/// algorithm. Secrets and public keys may stand in one ring (to move from one to the other): a key's algorithm is its
/// own.
#[derive(Clone)]
pub struct KeyRing {
    /// The newest first.
    keys: Arc<[JwtKey]>,
    signs: bool,
}

impl KeyRing {
    /// The most keys of a ring.
    pub const MAX_KEYS: usize = 32;

    /// A ring in which this key signs and verifies.
    ///
    /// # Errors
    /// [`JwtError::VerifiesOnly`] for a public key.
    pub fn new(newest: JwtKey) -> Result<Self, JwtError> {
        if !newest.signs() {
            return Err(JwtError::VerifiesOnly);
        }
        Ok(Self { keys: [newest].into(), signs: true })
    }

    /// A ring that verifies with these keys and never signs, whatever they could.
    ///
    /// # Errors
    /// [`JwtError::NoKeys`], [`JwtError::DuplicateKeyId`], [`JwtError::TooManyKeys`].
    pub fn verifying(keys: impl IntoIterator<Item = JwtKey>) -> Result<Self, JwtError> {
        let ring = Self { keys: Arc::default(), signs: false };
        let ring = keys.into_iter().try_fold(ring, Self::and_verify)?;
        if ring.keys.is_empty() { Err(JwtError::NoKeys) } else { Ok(ring) }
    }

    /// Also verifies with this key.
    ///
    /// # Errors
    /// [`JwtError::DuplicateKeyId`], [`JwtError::TooManyKeys`].
    pub fn and_verify(self, key: JwtKey) -> Result<Self, JwtError> {
        let keys = self.keys.iter().cloned().chain([key]);
        Self::of(keys.collect(), self.signs)
    }

    /// The ring in which this key signs, and all that were there still verify.
    ///
    /// # Errors
    /// [`JwtError::VerifiesOnly`], [`JwtError::DuplicateKeyId`], [`JwtError::TooManyKeys`].
    pub fn rotated(&self, newest: JwtKey) -> Result<Self, JwtError> {
        if !newest.signs() {
            return Err(JwtError::VerifiesOnly);
        }
        Self::of([newest].into_iter().chain(self.keys.iter().cloned()).collect(), true)
    }

    /// The ring without the key of that id: what it signed is refused. Without the one that signs, it verifies only.
    pub fn without(&self, id: &str) -> Self {
        let signs = self.signs && self.keys.first().is_some_and(|newest| newest.id() != id);
        Self { keys: self.keys.iter().filter(|key| key.id() != id).cloned().collect(), signs }
    }

    /// The keys, the newest first.
    pub fn keys(&self) -> &[JwtKey] {
        &self.keys
    }

    /// The place of the key that signs.
    pub(crate) fn signing(&self) -> Option<usize> {
        self.signs.then_some(0)
    }

    fn of(keys: Vec<JwtKey>, signs: bool) -> Result<Self, JwtError> {
        if keys.len() > Self::MAX_KEYS {
            return Err(JwtError::TooManyKeys { max: Self::MAX_KEYS });
        }
        let repeated = |(place, key): (usize, &JwtKey)| keys[..place].iter().any(|other| other.id() == key.id());
        if keys.iter().enumerate().any(repeated) {
            return Err(JwtError::DuplicateKeyId);
        }
        Ok(Self { keys: keys.into(), signs })
    }

    /// The one key that may verify a token with this header.
    pub(super) fn key_for(&self, header: &Header<'_>) -> Result<&JwtKey, TokenRefused> {
        if let Some(id) = &header.key_id {
            let key = self.keys.iter().find(|key| key.id() == id).ok_or(TokenRefused::UnknownKey)?;
            return if key.algorithm() == header.algorithm { Ok(key) } else { Err(TokenRefused::KeyAlgorithm) };
        }
        let mut fitting = self.keys.iter().filter(|key| key.algorithm() == header.algorithm);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            (None, _) => Err(TokenRefused::Algorithm),
            (Some(_), Some(_)) => Err(TokenRefused::AmbiguousKey),
        }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("keys", &self.keys).field("signs", &self.signs).finish()
    }
}
