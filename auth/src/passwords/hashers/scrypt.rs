//! Scrypt (RFC 7914).

use ::scrypt::{Params, scrypt};
use base64ct::{Base64, Base64Unpadded, Encoding as _};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::HasherParamsError;
use super::encoding::{MAX_LENGTH, decimal, decode, numbers};
use crate::passwords::hasher::within_bounds;
use crate::passwords::{PasswordError, PasswordHash, PasswordHasher};
use crate::secret;

/// Scrypt, to check what other systems wrote. For new passwords prefer [`Argon2Hasher`](super::Argon2Hasher).
///
/// Reads PHC strings, `$scrypt$ln=17,r=8,p=1$…`, with an output of 32 or 64 bytes, and Django's
/// `scrypt$N$salt$r$p$…`, with the parameters that stand in them, within the bounds of [`ScryptParams`]. Writes PHC
/// strings with a salt of 16 random bytes and an output of 32.
///
/// Memory is taken for each hash, 128 MiB with the default parameters, and given back.
///
/// # Security
/// A hash whose parameters are beyond the bounds never verifies, so whoever writes to the store cannot make the
/// server allocate or work without end.
#[derive(Clone, Debug, Default)]
pub struct ScryptHasher {
    params: ScryptParams,
}

/// How much work a scrypt hash takes.
///
/// The default is OWASP's first choice: N = 2<sup>17</sup>, r = 8, p = 1, which is 128 MiB (Password Storage Cheat
/// Sheet).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScryptParams {
    log_n: u32,
    r: u32,
    p: u32,
}

/// Equal in strength by OWASP's measure, with r = 8: the logarithm of N, and p.
const LEAST: [(u32, u32); 5] = [(17, 1), (16, 2), (15, 3), (14, 5), (13, 10)];

impl ScryptParams {
    /// The most memory, in bytes: 1 GiB. It is 128 · N · r.
    pub const MAX_MEMORY: u64 = 1 << 30;
    /// The most blocks and lanes, each.
    pub const MAX_R_AND_P: u32 = 32;
    /// The most of N · r · p: some seconds of one core.
    pub const MAX_WORK: u64 = 1 << 24;

    /// The binary logarithm of N, the size of a block r, and the lanes p, which are worked on one after the other.
    ///
    /// # Errors
    /// [`HasherParamsError`] below OWASP's least (r = 8 with 17 and 1, 16 and 2, 15 and 3, 14 and 5, or 13 and 10),
    /// and above the bounds of this type.
    pub const fn new(log_n: u32, r: u32, p: u32) -> Result<Self, HasherParamsError> {
        let Some(params) = Self::stored(log_n, r, p) else {
            return Err(HasherParamsError::TooMuch { most: "1 GiB, r and p of 32, and 16777216 of N times r times p" });
        };
        let mut choice = 0;
        while choice < LEAST.len() {
            if log_n >= LEAST[choice].0 && r >= 8 && p >= LEAST[choice].1 {
                return Ok(params);
            }
            choice += 1;
        }
        Err(HasherParamsError::TooWeak { least: "N = 2^17, r = 8, p = 1, or the like" })
    }

    /// What stands in a store may be weak, so that it can be verified and replaced; it may not be too much.
    const fn stored(log_n: u32, r: u32, p: u32) -> Option<Self> {
        let params = Self { log_n, r, p };
        let bounded = log_n >= 1
            && log_n <= 24
            && r >= 1
            && r <= Self::MAX_R_AND_P
            && p >= 1
            && p <= Self::MAX_R_AND_P
            && (128 * r as u64) << log_n <= Self::MAX_MEMORY
            && params.work() <= Self::MAX_WORK;
        if bounded { Some(params) } else { None }
    }

    /// N · r · p, which is what the time goes by.
    const fn work(self) -> u64 {
        // `as` because this is a constant function; nothing is cut.
        (self.r as u64 * self.p as u64) << self.log_n
    }

    /// Whether there is no less of anything here.
    const fn covers(self, other: Self) -> bool {
        self.log_n >= other.log_n && self.r >= other.r && self.p >= other.p
    }
}

impl Default for ScryptParams {
    fn default() -> Self {
        Self { log_n: 17, r: 8, p: 1 }
    }
}

const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;

impl ScryptHasher {
    /// Hashes new passwords with these parameters.
    pub fn new(params: ScryptParams) -> Self {
        Self { params }
    }
}

impl PasswordHasher for ScryptHasher {
    fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError> {
        within_bounds(password)?;
        let salt = secret::random::<SALT_BYTES>();
        let mut output = Zeroizing::new([0; OUTPUT_BYTES]);
        compute(self.params, password, &salt, &mut *output)?;
        let ScryptParams { log_n, r, p } = self.params;
        let [salt, output] = [&salt[..], &output[..]].map(Base64Unpadded::encode_string);
        Ok(PasswordHash::new(format!("$scrypt$ln={log_n},r={r},p={p}${salt}${output}")))
    }

    fn verify(&self, password: &str, hash: &PasswordHash) -> Result<bool, PasswordError> {
        within_bounds(password)?;
        let Some(stored) = Stored::parse(hash.expose()) else {
            if hash.is_usable() {
                tracing::warn!("a stored scrypt hash is damaged or beyond the bounds");
            }
            return Ok(false);
        };
        let mut output = Zeroizing::new(vec![0; stored.output.len()]);
        compute(stored.params, password, &stored.salt, &mut output)?;
        Ok(output.ct_eq(&stored.output).into())
    }

    fn needs_rehash(&self, hash: &PasswordHash) -> bool {
        Stored::parse(hash.expose()).is_none_or(|stored| {
            !hash.expose().starts_with('$')
                || !stored.params.covers(self.params)
                || stored.salt.len() < SALT_BYTES
                || stored.output.len() < OUTPUT_BYTES
        })
    }

    fn harden_runtime(&self, password: &str, hash: &PasswordHash) -> Result<(), PasswordError> {
        within_bounds(password)?;
        let done = Stored::parse(hash.expose()).map_or(0, |stored| stored.params.work());
        for params in missing(self.params, done) {
            compute(params, password, &[0; SALT_BYTES], &mut *Zeroizing::new([0; OUTPUT_BYTES]))?;
        }
        Ok(())
    }
}

/// Parameters for the work that is left, whose sum it is: N is a power of two.
fn missing(wanted: ScryptParams, done: u64) -> impl Iterator<Item = ScryptParams> {
    let left = wanted.work().saturating_sub(done) / u64::from(wanted.r);
    let most = wanted.log_n;
    let whole = std::iter::repeat_n(most, usize::try_from(left >> most).expect("lanes are few"));
    let rest = (1..most).filter(move |bit| left >> bit & 1 == 1);
    whole.chain(rest).map(move |log_n| ScryptParams { log_n, r: wanted.r, p: 1 })
}

fn compute(params: ScryptParams, password: &str, salt: &[u8], output: &mut [u8]) -> Result<(), PasswordError> {
    let ScryptParams { log_n, r, p } = params;
    let log_n = u8::try_from(log_n).expect("it is bounded");
    let params = Params::new(log_n, r, p).map_err(|error| PasswordError::Hasher(Box::new(error)))?;
    scrypt(password.as_bytes(), salt, &params, output).map_err(|error| PasswordError::Hasher(Box::new(error)))
}

struct Stored {
    params: ScryptParams,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Stored {
    /// `None` for whatever is not exactly such a text within the bounds: no work is to be done for it.
    fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let mut fields = text.split('$');
        let mut field = || fields.next();
        let stored = match field()? {
            "" => {
                let ("scrypt", params, salt, output) = (field()?, field()?, field()?, field()?) else { return None };
                let [log_n, r, p] = numbers(params, ["ln", "r", "p"])?;
                let (salt, output) = (decode(salt)?, decode(output)?);
                // A part of an output is the output of that length: only whole ones count.
                if ![32, 64].contains(&output.len()) {
                    return None;
                }
                Self { params: ScryptParams::stored(log_n, r, p)?, salt, output }
            }
            "scrypt" => {
                let (n, salt, r, p, output) = (decimal(field()?)?, field()?, field()?, field()?, field()?);
                let log_n = n.is_power_of_two().then(|| n.ilog2())?;
                let output = Base64::decode_vec(output).ok().filter(|output| output.len() == 64)?;
                Self { params: ScryptParams::stored(log_n, decimal(r)?, decimal(p)?)?, salt: salt.into(), output }
            }
            _ => return None,
        };
        (field().is_none() && !stored.salt.is_empty()).then_some(stored)
    }
}

register!(ScryptHasher: "scrypt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_bounded() {
        for (log_n, p) in LEAST {
            assert!(ScryptParams::new(log_n, 8, p).is_ok(), "{log_n} {p}");
            let weaker = [(log_n - 1, 8, p), (log_n, 7, p)];
            for (log_n, r, p) in weaker {
                let made = ScryptParams::new(log_n, r, p);
                assert!(matches!(made, Err(HasherParamsError::TooWeak { .. })), "{log_n} {r} {p}");
            }
        }
        let much =
            [(21, 8, 1), (20, 8, 3), (17, 33, 1), (13, 8, 33), (17, 0, 1), (17, 8, 0), (u32::MAX, 8, 1), (0, 8, 1)];
        for (log_n, r, p) in much {
            let made = ScryptParams::new(log_n, r, p);
            assert!(matches!(made, Err(HasherParamsError::TooMuch { .. })), "{log_n} {r} {p}");
        }
        let default = ScryptParams::default();
        assert_eq!(ScryptParams::new(default.log_n, default.r, default.p), Ok(default));
    }

    #[test]
    fn the_missing_work_is_what_a_weaker_hash_lacks() {
        for wanted in [ScryptParams::default(), ScryptParams { log_n: 13, r: 8, p: 10 }] {
            let sum = |done| missing(wanted, done).map(ScryptParams::work).sum::<u64>();
            assert_eq!(sum(0), wanted.work());
            assert_eq!(sum(wanted.work()) + sum(u64::MAX), 0);
            for done in [16, 1 << 10, 5 << 12] {
                assert_eq!(sum(done) + done, wanted.work(), "{done}");
            }
            assert!(missing(wanted, 1000).all(|part| part.log_n <= wanted.log_n));
        }
    }
}
