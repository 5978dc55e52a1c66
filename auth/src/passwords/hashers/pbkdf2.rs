//! PBKDF2 (RFC 8018 §5.2).

use ::pbkdf2::pbkdf2_hmac;
use base64ct::{Base64, Base64Unpadded, Encoding as _};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::HasherParamsError;
use super::encoding::{MAX_LENGTH, decimal, decode, numbers};
use crate::passwords::hasher::within_bounds;
use crate::passwords::{PasswordError, PasswordHash, PasswordHasher};
use crate::secret;

/// PBKDF2, to check what other systems wrote. For new passwords prefer [`Argon2Hasher`](super::Argon2Hasher), which
/// also takes memory.
///
/// Reads, with at most [`Pbkdf2Hasher::MAX_ITERATIONS`]:
///
/// - PHC strings, `$pbkdf2-sha256$i=600000,l=32$…` and the same with `sha512` and `sha1`; without `l=` the output is
///   as long as the digest;
/// - passlib's, `$pbkdf2-sha256$600000$…`, `$pbkdf2-sha512$…`, and `$pbkdf2$…`, which is SHA-1;
/// - Django's, `pbkdf2_sha256$1500000$…` and `pbkdf2_sha1$…`.
///
/// Writes PHC strings with SHA-256, a salt of 16 random bytes and an output of 32; by default with 600 000 iterations
/// (Password Storage Cheat Sheet).
///
/// # Security
/// A hash with more iterations than the bound never verifies, so whoever writes to the store cannot make the server
/// work without end.
#[derive(Clone, Debug)]
pub struct Pbkdf2Hasher {
    iterations: u32,
}

const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;

impl Pbkdf2Hasher {
    /// The fewest iterations of new hashes.
    pub const MIN_ITERATIONS: u32 = 600_000;
    /// The most iterations, of new and of stored hashes: some seconds of one core. An output longer than its digest
    /// takes them several times.
    pub const MAX_ITERATIONS: u32 = 10_000_000;

    /// Hashes new passwords with so many iterations.
    ///
    /// # Errors
    /// [`HasherParamsError`] below 600 000 and above 10 000 000.
    pub const fn new(iterations: u32) -> Result<Self, HasherParamsError> {
        match iterations {
            ..Self::MIN_ITERATIONS => Err(HasherParamsError::TooWeak { least: "600000 iterations" }),
            Self::MIN_ITERATIONS..=Self::MAX_ITERATIONS => Ok(Self { iterations }),
            _ => Err(HasherParamsError::TooMuch { most: "10000000 iterations" }),
        }
    }
}

impl Default for Pbkdf2Hasher {
    fn default() -> Self {
        Self { iterations: Self::MIN_ITERATIONS }
    }
}

impl PasswordHasher for Pbkdf2Hasher {
    fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError> {
        within_bounds(password)?;
        let (iterations, salt) = (self.iterations, secret::random::<SALT_BYTES>());
        let mut output = Zeroizing::new([0; OUTPUT_BYTES]);
        Digest::Sha256.compute(iterations, password, &salt, &mut *output);
        let [salt, output] = [&salt[..], &output[..]].map(Base64Unpadded::encode_string);
        Ok(PasswordHash::new(format!("$pbkdf2-sha256$i={iterations},l={OUTPUT_BYTES}${salt}${output}")))
    }

    fn verify(&self, password: &str, hash: &PasswordHash) -> Result<bool, PasswordError> {
        within_bounds(password)?;
        let Some(stored) = Stored::parse(hash.expose()) else {
            if hash.is_usable() {
                tracing::warn!("a stored PBKDF2 hash is damaged or beyond the bounds");
            }
            return Ok(false);
        };
        let mut output = Zeroizing::new(vec![0; stored.output.len()]);
        stored.digest.compute(stored.iterations, password, &stored.salt, &mut output);
        Ok(output.ct_eq(&stored.output).into())
    }

    fn needs_rehash(&self, hash: &PasswordHash) -> bool {
        Stored::parse(hash.expose()).is_none_or(|stored| {
            hash.algorithm() != "pbkdf2-sha256"
                || stored.iterations < self.iterations
                || stored.salt.len() < SALT_BYTES
                || stored.output.len() < OUTPUT_BYTES
        })
    }

    fn harden_runtime(&self, password: &str, hash: &PasswordHash) -> Result<(), PasswordError> {
        within_bounds(password)?;
        let left = self.missing(Stored::parse(hash.expose()).as_ref());
        if left > 0 {
            let mut output = Zeroizing::new([0; OUTPUT_BYTES]);
            Digest::Sha256.compute(left, password, &[0; SALT_BYTES], &mut *output);
        }
        Ok(())
    }
}

impl Pbkdf2Hasher {
    /// The iterations that are left. Those of another digest do not count: they may be quicker.
    fn missing(&self, stored: Option<&Stored>) -> u32 {
        let done = stored.filter(|stored| stored.digest == Digest::Sha256).map_or(0, |stored| stored.iterations);
        self.iterations.saturating_sub(done)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

impl Digest {
    fn bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    fn compute(self, iterations: u32, password: &str, salt: &[u8], output: &mut [u8]) {
        let pbkdf2 = match self {
            Self::Sha1 => pbkdf2_hmac::<Sha1>,
            Self::Sha256 => pbkdf2_hmac::<Sha256>,
            Self::Sha512 => pbkdf2_hmac::<Sha512>,
        };
        pbkdf2(password.as_bytes(), salt, iterations, output);
    }
}

struct Stored {
    digest: Digest,
    iterations: u32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Stored {
    /// `None` for whatever is not exactly such a text within the bounds: no work is to be done for it.
    fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let fields: Vec<_> = text.split('$').collect();
        let (stored, length) = match fields[..] {
            ["", name, params, salt, output] => {
                let digest = match name {
                    "pbkdf2" | "pbkdf2-sha1" => Digest::Sha1,
                    "pbkdf2-sha256" => Digest::Sha256,
                    "pbkdf2-sha512" => Digest::Sha512,
                    _ => return None,
                };
                if let Some(iterations) = decimal(params) {
                    let (salt, output) = (decode_adapted(salt)?, decode_adapted(output)?);
                    (Self { digest, iterations, salt, output }, digest.bytes())
                } else {
                    let (iterations, length) = phc_params(params, digest)?;
                    (Self { digest, iterations, salt: decode(salt)?, output: decode(output)? }, length)
                }
            }
            [name, iterations, salt, output] => {
                let digest = match name {
                    "pbkdf2_sha1" => Digest::Sha1,
                    "pbkdf2_sha256" => Digest::Sha256,
                    _ => return None,
                };
                let output = Base64::decode_vec(output).ok()?;
                (Self { digest, iterations: decimal(iterations)?, salt: salt.into(), output }, digest.bytes())
            }
            _ => return None,
        };
        // A part of an output is the output of that length: only one of the length that is told counts.
        let whole = stored.output.len() == length && !stored.salt.is_empty();
        let times = u32::try_from(length.div_ceil(stored.digest.bytes())).ok()?;
        let work = stored.iterations.checked_mul(times)?;
        (whole && (1..=Pbkdf2Hasher::MAX_ITERATIONS).contains(&work)).then_some(stored)
    }
}

/// `i=600000,l=32`, or without the length.
fn phc_params(params: &str, digest: Digest) -> Option<(u32, usize)> {
    if let Some([iterations]) = numbers(params, ["i"]) {
        return Some((iterations, digest.bytes()));
    }
    let [iterations, length] = numbers(params, ["i", "l"])?;
    // Fewer than 128 bits could be hit by chance. The most is that of PHC strings.
    let length = usize::try_from(length).ok().filter(|length| (16..=64).contains(length))?;
    Some((iterations, length))
}

/// Passlib's base64: with a dot for the plus, and without padding.
fn decode_adapted(text: &str) -> Option<Vec<u8>> {
    if text.contains('+') { None } else { decode(&text.replace('.', "+")) }
}

register!(Pbkdf2Hasher: "pbkdf2-sha256", "pbkdf2-sha512", "pbkdf2-sha1", "pbkdf2", "pbkdf2_sha256", "pbkdf2_sha1");

#[cfg(test)]
mod tests {
    use super::*;

    /// With less work than can be asked for.
    #[cfg(feature = "testing")]
    mod suite {
        fn cheap() -> super::Pbkdf2Hasher {
            super::Pbkdf2Hasher { iterations: 1_000 }
        }
        crate::password_hasher_suite!(cheap);
    }

    #[test]
    fn iterations_are_bounded() {
        assert!(matches!(Pbkdf2Hasher::new(599_999), Err(HasherParamsError::TooWeak { .. })));
        assert!(matches!(Pbkdf2Hasher::new(10_000_001), Err(HasherParamsError::TooMuch { .. })));
        assert!(Pbkdf2Hasher::new(600_000).is_ok() && Pbkdf2Hasher::new(10_000_000).is_ok());
    }

    #[test]
    fn the_missing_iterations_are_what_a_weaker_hash_lacks() {
        let stored = |digest, iterations| Stored { digest, iterations, salt: vec![], output: vec![] };
        let hasher = Pbkdf2Hasher::default();
        assert_eq!(hasher.missing(None), 600_000);
        assert_eq!(hasher.missing(Some(&stored(Digest::Sha256, 1_000))), 599_000);
        assert_eq!(hasher.missing(Some(&stored(Digest::Sha256, 1_500_000))), 0);
        assert_eq!(hasher.missing(Some(&stored(Digest::Sha1, 1_500_000))), 600_000);
    }
}
