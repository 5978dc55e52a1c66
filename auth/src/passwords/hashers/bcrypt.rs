//! Bcrypt.

use std::fmt::Write as _;

use ::bcrypt::bcrypt;
use base64ct::{Base64Bcrypt, Encoding as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::HasherParamsError;
use super::encoding::{MAX_LENGTH, decimal};
use crate::passwords::hasher::within_bounds;
use crate::passwords::{PasswordError, PasswordHash, PasswordHasher};
use crate::secret;

/// Bcrypt, to check what other systems wrote. For new passwords prefer [`Argon2Hasher`](super::Argon2Hasher).
///
/// Reads `$2a$`, `$2b$` and `$2y$`, which mean the same, and Django's `bcrypt$…` and `bcrypt_sha256$…`, with a cost
/// from 4 to [`BcryptHasher::MAX_COST`]. `$2$` and `$2x$`, which broken implementations wrote, are not read. Writes
/// `$2b$`, by default with a cost of 12 (OWASP asks for 10 at least; Password Storage Cheat Sheet).
///
/// # Security
/// Bcrypt looks at 72 bytes, and some implementations end at a NUL byte. So a new hash of a password that is longer, or
/// has a NUL, is a `bcrypt_sha256$…`, in which every byte counts.
///
/// Where another system hashed a longer password as `$2b$`, it cut it there, and only those bytes are checked: until a
/// login writes a new hash, any password that begins with them verifies. A password with a NUL never verifies against
/// the plain forms.
#[derive(Clone, Debug)]
pub struct BcryptHasher {
    cost: u32,
}

/// What bcrypt looks at.
const MAX_BYTES: usize = 72;
const SALT_BYTES: usize = 16;
/// All of the output but its last byte, which the original implementation forgot.
const OUTPUT_BYTES: usize = 23;

impl BcryptHasher {
    /// The least cost of new hashes.
    pub const MIN_COST: u32 = 10;
    /// The greatest cost, of new and of stored hashes: some seconds of one core.
    pub const MAX_COST: u32 = 16;

    /// Hashes new passwords in 2<sup>cost</sup> rounds.
    ///
    /// # Errors
    /// [`HasherParamsError`] below 10 and above 16.
    pub const fn new(cost: u32) -> Result<Self, HasherParamsError> {
        match cost {
            ..Self::MIN_COST => Err(HasherParamsError::TooWeak { least: "a cost of 10" }),
            Self::MIN_COST..=Self::MAX_COST => Ok(Self { cost }),
            _ => Err(HasherParamsError::TooMuch { most: "a cost of 16" }),
        }
    }
}

impl Default for BcryptHasher {
    fn default() -> Self {
        Self { cost: 12 }
    }
}

impl PasswordHasher for BcryptHasher {
    fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError> {
        within_bounds(password)?;
        let fits = password.len() <= MAX_BYTES && !password.contains('\0');
        let (input, form) = if fits { (Input::Plain, "") } else { (Input::HexSha256, "bcrypt_sha256$") };
        let (cost, salt) = (self.cost, secret::random::<SALT_BYTES>());
        let output = compute(cost, salt, &input.key(password));
        let [salt, output] = [&salt[..], &output[..]].map(Base64Bcrypt::encode_string);
        Ok(PasswordHash::new(format!("{form}$2b${cost:02}${salt}{output}")))
    }

    fn verify(&self, password: &str, hash: &PasswordHash) -> Result<bool, PasswordError> {
        within_bounds(password)?;
        let Some(stored) = Stored::parse(hash.expose()) else {
            if hash.is_usable() {
                tracing::warn!("a stored bcrypt hash is damaged or beyond the bounds");
            }
            return Ok(false);
        };
        // The work comes first: a refusal must not be quicker.
        let output = compute(stored.cost, stored.salt, &stored.input.key(password));
        let matches: bool = output.ct_eq(&stored.output).into();
        Ok(matches && (stored.input == Input::HexSha256 || !password.contains('\0')))
    }

    fn needs_rehash(&self, hash: &PasswordHash) -> bool {
        let is_ours = ["2b", "bcrypt_sha256"].contains(&hash.algorithm());
        Stored::parse(hash.expose()).is_none_or(|stored| !is_ours || stored.cost < self.cost)
    }

    fn harden_runtime(&self, password: &str, hash: &PasswordHash) -> Result<(), PasswordError> {
        within_bounds(password)?;
        let done = Stored::parse(hash.expose()).map(|stored| stored.cost);
        for cost in missing(self.cost, done) {
            compute(cost, [0; SALT_BYTES], &Input::Plain.key(password));
        }
        Ok(())
    }
}

/// The costs whose rounds together are what is left: each is as many as all below it.
fn missing(wanted: u32, done: Option<u32>) -> std::ops::Range<u32> {
    match done {
        Some(done) => done..wanted,
        None => wanted..wanted + 1,
    }
}

fn compute(cost: u32, salt: [u8; SALT_BYTES], key: &[u8]) -> Zeroizing<[u8; OUTPUT_BYTES]> {
    let whole = Zeroizing::new(bcrypt(cost, salt, key));
    let mut output = Zeroizing::new([0; OUTPUT_BYTES]);
    output.copy_from_slice(&whole[..OUTPUT_BYTES]);
    output
}

/// What of a password is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Plain,
    /// Django's `bcrypt_sha256`: the digest's digits in small letters.
    HexSha256,
}

impl Input {
    /// With the NUL that ends a text in C, unless that is beyond what bcrypt looks at.
    fn key(self, password: &str) -> Zeroizing<Vec<u8>> {
        let mut key = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
        match self {
            Self::Plain => key.extend(password.bytes().take(MAX_BYTES)),
            Self::HexSha256 => {
                let mut hex = Zeroizing::new(String::with_capacity(MAX_BYTES));
                for byte in Sha256::digest(password) {
                    write!(hex, "{byte:02x}").expect("a text can be written to");
                }
                key.extend(hex.bytes());
            }
        }
        key.push(0);
        key.truncate(MAX_BYTES);
        key
    }
}

struct Stored {
    input: Input,
    cost: u32,
    salt: [u8; SALT_BYTES],
    output: [u8; OUTPUT_BYTES],
}

impl Stored {
    /// `None` for whatever is not exactly such a text within the bounds: no work is to be done for it.
    fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let (input, text) = match text.split_once('$')? {
            ("", _) => (Input::Plain, text),
            ("bcrypt", text) => (Input::Plain, text),
            ("bcrypt_sha256", text) => (Input::HexSha256, text),
            _ => return None,
        };
        let text = ["$2a$", "$2b$", "$2y$"].iter().find_map(|prefix| text.strip_prefix(prefix))?;
        let (cost, text) = text.split_once('$')?;
        let (salt, output) = text.split_at_checked(22)?;
        let stored = Self { input, cost: two_digits(cost)?, salt: decode(salt)?, output: decode(output)? };
        (4..=BcryptHasher::MAX_COST).contains(&stored.cost).then_some(stored)
    }
}

fn two_digits(text: &str) -> Option<u32> {
    if text.len() != 2 {
        return None;
    }
    decimal(text.strip_prefix('0').unwrap_or(text))
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    Base64Bcrypt::decode_vec(text).ok()?.try_into().ok()
}

register!(BcryptHasher: "2a", "2b", "2y", "bcrypt", "bcrypt_sha256");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_bounded() {
        assert!(matches!(BcryptHasher::new(9), Err(HasherParamsError::TooWeak { .. })));
        assert!(matches!(BcryptHasher::new(17), Err(HasherParamsError::TooMuch { .. })));
        assert!(BcryptHasher::new(10).is_ok() && BcryptHasher::new(16).is_ok());
    }

    #[test]
    fn the_missing_rounds_are_what_a_cheaper_hash_lacks() {
        let rounds = |done| missing(12, done).map(|cost| 1 << cost).sum::<u32>();
        assert_eq!(rounds(None), 1 << 12);
        assert_eq!(rounds(Some(12)) + rounds(Some(14)), 0);
        for done in 4..12 {
            assert_eq!(rounds(Some(done)) + (1 << done), 1 << 12);
        }
    }
}
