//! Argon2id (RFC 9106).

mod memory;
mod params;
mod stored;

use argon2::{Algorithm, Argon2, Params, Version};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use self::stored::{CURRENT, Stored};
use crate::passwords::hasher::within_bounds;
use crate::passwords::{PasswordError, PasswordHash, PasswordHasher};
use crate::secret;

pub(crate) use self::memory::keep_on_this_thread;
pub use self::params::{Argon2Params, Argon2ParamsError};

/// Argon2id, version 1.3; by default with OWASP's parameters: 19 MiB, 2 passes, 1 lane.
///
/// Writes PHC strings, `$argon2id$v=19$m=19456,t=2,p=1$…`, with a salt of 16 random bytes and an output of 32. Reads
/// these, argon2i, argon2d and the older version 1.0, and Django's of all of them (`argon2$argon2id$…`), with the
/// parameters that stand in them, within the bounds of [`Argon2Params`]; what is not argon2id 1.3 needs a re-hash.
///
/// # Security
/// A hash whose parameters are beyond the bounds never verifies, so whoever writes to the store cannot make the
/// server allocate or work without end.
#[derive(Clone, Debug, Default)]
pub struct Argon2Hasher {
    params: Argon2Params,
}

const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;

impl Argon2Hasher {
    /// Hashes new passwords with these parameters.
    pub fn new(params: Argon2Params) -> Self {
        Self { params }
    }
}

impl PasswordHasher for Argon2Hasher {
    fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError> {
        within_bounds(password)?;
        let salt = secret::random::<SALT_BYTES>();
        let mut output = Zeroizing::new([0; OUTPUT_BYTES]);
        compute(CURRENT, self.params, password, &salt, &mut *output)?;
        let stored = Stored { variety: CURRENT, params: self.params, salt: salt.into(), output: output.to_vec() };
        Ok(PasswordHash::new(stored.encode()))
    }

    fn verify(&self, password: &str, hash: &PasswordHash) -> Result<bool, PasswordError> {
        within_bounds(password)?;
        let Some(stored) = Stored::parse(hash.expose()) else {
            if hash.is_usable() {
                tracing::warn!("a stored argon2 hash is damaged or beyond the bounds");
            }
            return Ok(false);
        };
        let mut output = Zeroizing::new(vec![0; stored.output.len()]);
        compute(stored.variety, stored.params, password, &stored.salt, &mut output)?;
        Ok(output.ct_eq(&stored.output).into())
    }

    fn needs_rehash(&self, hash: &PasswordHash) -> bool {
        Stored::parse(hash.expose()).is_none_or(|stored| {
            hash.algorithm() != "argon2id"
                || !stored.is_current()
                || !stored.params.covers(self.params)
                || stored.salt.len() < SALT_BYTES
                || stored.output.len() < OUTPUT_BYTES
        })
    }

    fn harden_runtime(&self, password: &str, hash: &PasswordHash) -> Result<(), PasswordError> {
        within_bounds(password)?;
        let done = Stored::parse(hash.expose()).map_or(0, |stored| stored.params.work());
        let Some(params) = missing(self.params, done) else { return Ok(()) };
        compute(CURRENT, params, password, &[0; SALT_BYTES], &mut *Zeroizing::new([0; OUTPUT_BYTES]))
    }
}

/// Parameters for the work that is left: the same passes over less memory.
fn missing(wanted: Argon2Params, done: u64) -> Option<Argon2Params> {
    let left = wanted.work().saturating_sub(done) / u64::from(wanted.passes);
    Argon2Params::stored(u32::try_from(left).ok()?, wanted.passes, 1)
}

fn compute(
    (algorithm, version): (Algorithm, Version),
    params: Argon2Params,
    password: &str,
    salt: &[u8],
    output: &mut [u8],
) -> Result<(), PasswordError> {
    let Argon2Params { memory, passes, lanes } = params;
    Params::new(memory, passes, lanes, Some(output.len()))
        .map(|params| Argon2::new(algorithm, version, params))
        .and_then(|argon2| memory::hash(&argon2, password.as_bytes(), salt, output))
        .map_err(|error| PasswordError::Hasher(Box::new(error)))
}

// The last is Django's name for all of them.
register!(Argon2Hasher: "argon2id", "argon2i", "argon2d", "argon2");

#[cfg(test)]
mod tests;
