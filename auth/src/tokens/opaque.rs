//! Tokens that say nothing: an id, under which a record stands, and a secret, of which the record has a digest.

use std::borrow::Cow;
use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::TokenError;
use crate::secret::{self, SecretString};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 131 bits.
pub(super) const ID: usize = 22;
/// 256 bits.
pub(super) const SECRET: usize = 43;
/// 62⁶ is more than 2³².
const CHECKSUM: usize = 6;

/// What tokens of one kind begin with, so that people and programs see what they have found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenPrefix(Cow<'static, str>);

impl TokenPrefix {
    const MAX: usize = 24;

    /// A prefix: at most 24 small letters, digits and underscores, with a letter in front and no underscore at the end.
    ///
    /// # Errors
    /// [`TokenError::Configuration`]
    pub fn new(prefix: &str) -> Result<Self, TokenError> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let fits = prefix.len() <= Self::MAX
            && prefix.bytes().all(is_plain)
            && prefix.starts_with(|first: char| first.is_ascii_lowercase())
            && !prefix.ends_with('_');
        if fits {
            Ok(Self(Cow::Owned(prefix.to_owned())))
        } else {
            let rule =
                "a token's prefix has at most 24 small letters, digits and underscores, and begins with a letter";
            Err(TokenError::Configuration(rule.to_owned()))
        }
    }

    pub(crate) const fn fixed(prefix: &'static str) -> Self {
        Self(Cow::Borrowed(prefix))
    }

    /// The prefix, without the underscore behind it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The regular expression that finds such tokens, for secret scanners: `\bauth_[0-9A-Za-z]{71}\b`.
    pub fn pattern(&self) -> String {
        format!(r"\b{}_[0-9A-Za-z]{{{}}}\b", self.0, ID + SECRET + CHECKSUM)
    }
}

/// A bearer token: `{prefix}_{id}{secret}{checksum}`, in which the id has 22 characters, the secret 43, the checksum 6,
/// all of them letters and digits.
///
/// A double click takes the whole of it. [`TokenPrefix::pattern`] finds it in source code and logs, where it does not
/// belong; the checksum (CRC-32) tells it from what only looks like it, and a typing error without a look-up.
///
/// # Security
/// The secret has 256 bits of the system's random generator, so its digest is a plain SHA-256: nothing can be guessed
/// there. Only the digest is stored. The id is no secret and may stand in logs. `Debug` shows the id only; the text is
/// wiped when dropped.
#[derive(Clone)]
pub struct OpaqueToken {
    text: Zeroizing<String>,
    /// Where the id begins.
    id: usize,
}

impl OpaqueToken {
    /// A new token.
    ///
    /// # Panics
    /// When the operating system has no randomness to give.
    pub fn generate(prefix: &TokenPrefix) -> Self {
        Self::of(prefix, &random_text(ID), &random_text(SECRET))
    }

    /// The token of this id and secret.
    pub(crate) fn of(prefix: &TokenPrefix, id: &str, secret: &str) -> Self {
        let start = prefix.0.len() + 1;
        // Never longer than its capacity, so that no copy is left behind unwiped.
        let mut text = Zeroizing::new(String::with_capacity(start + ID + SECRET + CHECKSUM));
        for part in [prefix.as_str(), "_", id, secret] {
            text.push_str(part);
        }
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self { text, id: start }
    }

    /// Reads what somebody sent: nothing unless it is a token with this prefix, to the letter.
    pub fn parse(prefix: &TokenPrefix, text: &str) -> Option<Self> {
        let rest = text.strip_prefix(prefix.as_str())?.strip_prefix('_')?;
        if rest.len() != ID + SECRET + CHECKSUM || !rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let (signed, given) = text.split_at(text.len() - CHECKSUM);
        let text = Zeroizing::new(text.to_owned());
        (checksum(signed) == given).then_some(Self { text, id: prefix.0.len() + 1 })
    }

    /// Which token: what its record stands under.
    pub fn id(&self) -> &str {
        &self.text[self.id..self.id + ID]
    }

    /// The whole token, for the one it is for.
    pub fn expose(&self) -> SecretString {
        self.text.as_str().into()
    }

    pub(crate) fn secret(&self) -> &str {
        &self.text[self.id + ID..self.id + ID + SECRET]
    }

    /// What is stored of the secret: its SHA-256, in base64url.
    pub fn digest(&self) -> String {
        Base64UrlUnpadded::encode_string(&Sha256::digest(self.secret()))
    }

    /// Whether that is the digest of its secret; in constant time.
    pub fn has_digest(&self, digest: &str) -> bool {
        self.digest().as_bytes().ct_eq(digest.as_bytes()).into()
    }
}

impl fmt::Debug for OpaqueToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpaqueToken").field("id", &self.id()).finish_non_exhaustive()
    }
}

/// So many random letters and digits, each as likely as any other.
pub(super) fn random_text(length: usize) -> Zeroizing<String> {
    const EVEN: u8 = 62 * 4;
    let mut text = Zeroizing::new(String::with_capacity(length));
    while text.len() < length {
        let bytes = Zeroizing::new(secret::random::<64>());
        let digits = bytes.iter().filter(|byte| **byte < EVEN).map(|byte| char::from(DIGITS[usize::from(byte % 62)]));
        let missing = length - text.len();
        text.extend(digits.take(missing));
    }
    text
}

/// The last digits of a number.
pub(super) fn digits(mut number: u128, length: usize) -> String {
    let mut digits = vec!['0'; length];
    for digit in digits.iter_mut().rev() {
        *digit = char::from(DIGITS[usize::try_from(number % 62).unwrap_or_default()]);
        number /= 62;
    }
    digits.into_iter().collect()
}

fn checksum(text: &str) -> String {
    digits(crc32fast::hash(text.as_bytes()).into(), CHECKSUM)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTH: TokenPrefix = TokenPrefix::fixed("auth");

    #[test]
    fn a_token_is_read_as_it_was_made() {
        let token = OpaqueToken::generate(&AUTH);
        let text = token.expose();
        assert_eq!(text.expose().len(), "auth_".len() + 71);
        let read = OpaqueToken::parse(&AUTH, text.expose()).unwrap();
        assert_eq!((read.id(), read.digest()), (token.id(), token.digest()));
        assert!(read.has_digest(&token.digest()) && !read.has_digest("") && !read.has_digest(token.secret()));
        assert_ne!(OpaqueToken::generate(&AUTH).id(), token.id());
    }

    #[test]
    fn whatever_is_changed_it_is_none() {
        let text = OpaqueToken::generate(&AUTH).expose();
        let text = text.expose();
        for place in 0..text.len() {
            for other in [b'a', b'B', b'7', b'_', b'-', b' '] {
                let mut bytes = text.as_bytes().to_vec();
                if std::mem::replace(&mut bytes[place], other) != other {
                    assert!(OpaqueToken::parse(&AUTH, std::str::from_utf8(&bytes).unwrap()).is_none());
                }
            }
            assert!(OpaqueToken::parse(&AUTH, &text[..place]).is_none());
        }
        for changed in [format!("{text}0"), format!(" {text}"), format!("{text}\n"), text.to_uppercase()] {
            assert!(OpaqueToken::parse(&AUTH, &changed).is_none());
        }
        let multibyte = format!("auth_{}", "\u{e9}".repeat(71));
        assert!(OpaqueToken::parse(&AUTH, &multibyte[..multibyte.len() - 71 - 1]).is_none());
        assert!(OpaqueToken::parse(&TokenPrefix::fixed("aut"), text).is_none());
        assert!(OpaqueToken::parse(&TokenPrefix::fixed("auth_x"), text).is_none());
    }

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
        assert_eq!(digits(0xcbf4_3926, CHECKSUM), checksum("123456789"));
        assert_eq!((digits(0, 3).as_str(), digits(61, 3).as_str(), digits(62, 3).as_str()), ("000", "00z", "010"));
    }

    #[test]
    fn every_digit_is_drawn_as_often() {
        let text = random_text(62 * 2000);
        for digit in DIGITS {
            let count = text.bytes().filter(|byte| byte == digit).count();
            assert!((1700..2300).contains(&count), "{}: {count}", char::from(*digit));
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        let token = OpaqueToken::generate(&AUTH);
        let shown = format!("{token:?}");
        assert!(shown.contains(token.id()) && !shown.contains(&token.secret()[..8]), "{shown}");
    }

    #[test]
    fn a_prefix_is_plain() {
        for prefix in ["auth", "a", "blog_test2", "abcdefghijklmnopqrstuvwx"] {
            assert_eq!(TokenPrefix::new(prefix).unwrap().as_str(), prefix);
        }
        for prefix in ["", "_a", "a_", "1a", "Auth", "a-b", "a b", "\u{e9}", "abcdefghijklmnopqrstuvwxy"] {
            assert!(TokenPrefix::new(prefix).is_err(), "{prefix}");
        }
    }
}
