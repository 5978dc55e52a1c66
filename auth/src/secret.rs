//! Secrets as types: redacted when shown, compared in constant time, wiped when dropped.

use std::collections::HashSet;
use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

/// A text that must not be shown: a password that somebody typed, a URL with credentials.
///
/// It can be read from a request, never written to an answer: there is no `Serialize` and no `Display`.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct SecretString(String);

impl SecretString {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretString {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for SecretString {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl PartialEq for SecretString {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for SecretString {}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretString(…)")
    }
}

impl Drop for SecretString {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Bytes from the system's random generator.
///
/// # Panics
/// When the operating system has no randomness to give: nothing could be done safely after that.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system's random generator works");
    bytes
}

/// The application's secret, from which one key is derived for each purpose (HMAC-SHA256 over a label).
///
/// The newest secret signs; older ones given with [`SecretKey::with_fallback`] still verify, so that a secret can be
/// changed without logging everybody out.
#[derive(Clone)]
pub struct SecretKey {
    current: Zeroizing<Vec<u8>>,
    fallbacks: Vec<Zeroizing<Vec<u8>>>,
}

/// Why a text is refused as the application's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeakSecret {
    /// Fewer than [`SecretKey::MIN_BYTES`] bytes.
    #[error("the application's secret has fewer than 32 bytes; `openssl rand -base64 48` makes a good one")]
    TooShort,
    /// A placeholder, or so few different characters that it cannot be random.
    #[error("the application's secret looks like a placeholder; `openssl rand -base64 48` makes a good one")]
    Placeholder,
}

impl SecretKey {
    /// The least length of a secret, in bytes (256 bits: RFC 7518 §3.2 for HMAC-SHA256).
    pub const MIN_BYTES: usize = 32;

    /// Takes the application's secret.
    ///
    /// # Errors
    /// [`WeakSecret`] when it is shorter than 32 bytes, or a placeholder.
    pub fn new(secret: &str) -> Result<Self, WeakSecret> {
        Ok(Self { current: strong(secret.as_bytes())?, fallbacks: Vec::new() })
    }

    /// A new random secret: everything signed with it ends with the process.
    pub fn random() -> Self {
        Self { current: Zeroizing::new(Self::random_text().as_bytes().to_vec()), fallbacks: Vec::new() }
    }

    /// A text that makes a good secret.
    pub(crate) fn random_text() -> Zeroizing<String> {
        Zeroizing::new(Base64UrlUnpadded::encode_string(&random::<48>()))
    }

    /// Also accepts what an older secret signed.
    ///
    /// # Errors
    /// [`WeakSecret`], as for [`SecretKey::new`].
    pub fn with_fallback(mut self, secret: &str) -> Result<Self, WeakSecret> {
        self.fallbacks.push(strong(secret.as_bytes())?);
        Ok(self)
    }

    /// The keys for one purpose. Keys of different purposes have nothing in common.
    pub fn derive(&self, purpose: &str) -> MacKey {
        let key = |secret: &[u8]| mac(secret).chain_update(purpose).finalize().into_bytes();
        let state = |secret: &Zeroizing<Vec<u8>>| mac(&key(secret));
        MacKey { current: state(&self.current), fallbacks: self.fallbacks.iter().map(state).collect() }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").finish_non_exhaustive()
    }
}

/// The secret, if it has the length of one and does not look like a placeholder.
pub(crate) fn strong(secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, WeakSecret> {
    if secret.len() < SecretKey::MIN_BYTES {
        return Err(WeakSecret::TooShort);
    }
    let lower = Zeroizing::new(secret.to_ascii_lowercase());
    let distinct: HashSet<_> = secret.iter().collect();
    let placeholder = ["changeme", "change-me", "change_me", "placeholder", "insecure", "your-secret", "your_secret"];
    let within = |word: &&str| lower.windows(word.len()).any(|part| part == word.as_bytes());
    let repeats = (1..=secret.len() / 2).any(|unit| secret.iter().zip(&secret[unit..]).all(|(a, b)| a == b));
    if repeats || distinct.len() < 8 || placeholder.iter().any(within) {
        return Err(WeakSecret::Placeholder);
    }
    Ok(Zeroizing::new(secret.to_vec()))
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// Signs and verifies for one purpose (HMAC-SHA256); made by [`SecretKey::derive`].
#[derive(Clone)]
pub struct MacKey {
    current: Hmac<Sha256>,
    fallbacks: Vec<Hmac<Sha256>>,
}

impl MacKey {
    /// The tag of these parts. Each part's length goes into it, so that parts cannot run into one another.
    pub fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        tag(&self.current, parts)
    }

    /// The tags of these parts with the current secret and every older one, for keys to be made of.
    pub(crate) fn each<'a>(&'a self, parts: &'a [&'a [u8]]) -> impl Iterator<Item = [u8; 32]> {
        std::iter::once(&self.current).chain(&self.fallbacks).map(move |key| tag(key, parts))
    }

    /// Whether the tag was made for these parts with the current secret or an older one.
    pub fn verify(&self, parts: &[&[u8]], given: &[u8]) -> bool {
        std::iter::once(&self.current).chain(&self.fallbacks).any(|key| tag(key, parts).ct_eq(given).into())
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MacKey").finish_non_exhaustive()
    }
}

fn tag(key: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = key.clone();
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "qwertyuiopasdfghjklzxcvbnm0123456789";

    #[test]
    fn a_weak_secret_is_refused() {
        assert_eq!(SecretKey::new("short").unwrap_err(), WeakSecret::TooShort);
        assert_eq!(SecretKey::new(&"a".repeat(64)).unwrap_err(), WeakSecret::Placeholder);
        assert_eq!(SecretKey::new("changeme-changeme-changeme-0123456789").unwrap_err(), WeakSecret::Placeholder);
        assert_eq!(SecretKey::new(&"12345678".repeat(8)).unwrap_err(), WeakSecret::Placeholder);
        assert!(SecretKey::new(GOOD).is_ok());
    }

    #[test]
    fn nothing_secret_is_shown() {
        let secret = SecretString::from("hunter2hunter2");
        let key = SecretKey::new(GOOD).unwrap();
        let shown = format!("{secret:?} {key:?} {:?}", key.derive("x"));
        assert!(!shown.contains("hunter2") && !shown.contains("qwerty"), "{shown}");
    }

    #[test]
    fn purposes_have_different_keys_and_parts_do_not_run_together() {
        let key = SecretKey::new(GOOD).unwrap();
        let [a, b] = ["a", "b"].map(|purpose| key.derive(purpose));
        assert_ne!(a.sign(&[b"x"]), b.sign(&[b"x"]));
        assert_ne!(a.sign(&[b"xy", b"z"]), a.sign(&[b"x", b"yz"]));
        assert!(!b.verify(&[b"x"], &a.sign(&[b"x"])));
    }

    #[test]
    fn an_older_secret_still_verifies_and_a_foreign_one_never_does() {
        let old = SecretKey::new(GOOD).unwrap();
        let tag = old.derive("a").sign(&[b"x"]);
        let new = SecretKey::random().with_fallback(GOOD).unwrap();
        assert!(new.derive("a").verify(&[b"x"], &tag));
        assert!(!SecretKey::random().derive("a").verify(&[b"x"], &tag));
        assert!(!new.derive("a").verify(&[b"x"], &tag[..31]));
        assert_ne!(new.derive("a").sign(&[b"x"]), tag);
    }
}
