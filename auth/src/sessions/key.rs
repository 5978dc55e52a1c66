use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

use crate::secret;

/// What the visitor's cookie holds: 256 random bits, as text. Whoever has it has the session.
///
/// The first half says which session, and stays as long as there is one. The second half is what a change of the key
/// changes: so that is one write to one record, and whoever ends the session ends it whatever its key is by then.
#[derive(Clone)]
pub struct SessionKey([u8; SessionKey::TEXT_LENGTH]);

impl SessionKey {
    /// The length of the text, in characters.
    pub const TEXT_LENGTH: usize = 43;
    /// 126 bits; 130 follow.
    const HALF: usize = 21;

    /// A new key from the system's random generator.
    ///
    /// # Panics
    /// When the operating system has no randomness to give.
    pub fn generate() -> Self {
        let (mut key, bits) = (Self([0; Self::TEXT_LENGTH]), Zeroizing::new(secret::random::<32>()));
        Base64UrlUnpadded::encode(&*bits, &mut key.0).expect("43 characters hold 256 bits");
        key
    }

    /// Reads a cookie's value: 43 characters of unpadded base64url, in the one canonical spelling.
    pub fn parse(text: &[u8]) -> Option<Self> {
        // The last character carries four bits, and two that are zero.
        const LAST: &[u8; 16] = b"AEIMQUYcgkosw048";
        let key = Self(text.try_into().ok()?);
        let base64url = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (key.0.iter().all(base64url) && LAST.contains(key.0.last()?)).then_some(key)
    }

    /// The cookie's value.
    pub fn expose(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// What stores know the session by: SHA-256 of the first half.
    pub fn digest(&self) -> SessionDigest {
        SessionDigest(Sha256::digest(&self.0[..Self::HALF]).into())
    }

    /// What a record knows its key by: SHA-256 of the second half.
    pub fn verifier(&self) -> [u8; 32] {
        Sha256::digest(&self.0[Self::HALF..]).into()
    }

    /// Another key to the same session.
    #[must_use]
    pub fn renewed(&self) -> Self {
        let mut key = Self::generate();
        key.0[..Self::HALF].copy_from_slice(&self.0[..Self::HALF]);
        key
    }
}

impl PartialEq for SessionKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SessionKey {}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(…)")
    }
}

impl Drop for SessionKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// What a store knows a session by: it says nothing of the key. Whoever reads the store cannot take over a session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionDigest([u8; 32]);

impl SessionDigest {
    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads what [`SessionDigest`] is displayed as: 64 hexadecimal digits, small letters.
    pub fn parse(text: &str) -> Option<Self> {
        let mut digest = [0; 32];
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (hex_value(pair[0])? << 4) | hex_value(pair[1])?;
        }
        Some(Self(digest))
    }

    /// Digest bytes as a store gave them back.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for SessionDigest {
    /// 64 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        // Every request to a database writes it: through the formatter, byte by byte, takes a third of the time.
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for SessionDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionDigest({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text_and_is_never_shown() {
        let key = SessionKey::generate();
        let text = key.expose();
        assert_eq!(text.len(), SessionKey::TEXT_LENGTH);
        assert_eq!(SessionKey::parse(text.as_bytes()), Some(key.clone()));
        assert!(!format!("{key:?} {:?}", key.digest()).contains(&text));
        assert_ne!(key, SessionKey::generate());
    }

    #[test]
    fn a_renewed_key_is_another_key_to_the_same_session() {
        let key = SessionKey::generate();
        let renewed = key.renewed();
        assert_ne!(renewed, key);
        assert_eq!(renewed.digest(), key.digest());
        assert_ne!(renewed.verifier(), key.verifier());
        assert_eq!(SessionKey::parse(renewed.expose().as_bytes()), Some(renewed));
    }

    #[test]
    fn only_the_canonical_spelling_is_a_key() {
        let text = SessionKey::generate().expose();
        for bad in ["", "x", &text[1..], &format!("{text}="), &format!("{text}A"), &text.replace(&text[..1], "+")] {
            assert_eq!(SessionKey::parse(bad.as_bytes()), None, "{bad}");
        }
        let forged = format!("{}{}", "A".repeat(42), "B");
        assert_eq!(SessionKey::parse(forged.as_bytes()), None);
        assert_eq!(SessionKey::parse(&[0xff; 43]), None);
    }

    #[test]
    fn a_digest_survives_its_text() {
        let digest = SessionKey::generate().digest();
        let text = digest.to_string();
        assert_eq!(SessionDigest::parse(&text), Some(digest));
        for bad in ["", &text[1..], &format!("{text}0"), &format!("{}G", &text[1..]), &"é".repeat(32), &"A".repeat(64)]
        {
            assert_eq!(SessionDigest::parse(bad), None, "{bad}");
        }
    }
}
