//! Reads and writes `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`, and reads the older varieties and version, strictly.
//!
//! Not by the `phc` crate: it also takes parameters in any order, key ids and associated data, which nothing that
//! writes to a password column makes, and it bounds neither salt nor output as needed here.

use argon2::{Algorithm, Version};
use base64ct::{Base64Unpadded, Encoding as _};

use super::params::Argon2Params;
use crate::passwords::hashers::encoding::{MAX_LENGTH, decode, numbers};

/// RFC 9106 §3.1 allows 8 bytes and recommends 16. phc-winner-argon2's command line takes 8.
const SALT: std::ops::RangeInclusive<usize> = 8..=64;
/// Fewer than 128 bits could be hit by chance, or by somebody who may write a short one into a store.
const OUTPUT: std::ops::RangeInclusive<usize> = 16..=64;

/// RFC 9106.
pub(super) const CURRENT: (Algorithm, Version) = (Algorithm::Argon2id, Version::V0x13);

/// What Django puts in front of the PHC string.
const DJANGO: &str = "argon2";

pub(super) struct Stored {
    pub(super) variety: (Algorithm, Version),
    pub(super) params: Argon2Params,
    pub(super) salt: Vec<u8>,
    pub(super) output: Vec<u8>,
}

impl Stored {
    /// `None` for whatever is not exactly such a string within the bounds: no work is to be done for it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let mut fields = text.strip_prefix(DJANGO).unwrap_or(text).split('$');
        let mut field = || fields.next();
        let algorithm = match (field()?, field()?) {
            ("", "argon2id") => Algorithm::Argon2id,
            ("", "argon2i") => Algorithm::Argon2i,
            ("", "argon2d") => Algorithm::Argon2d,
            _ => return None,
        };
        let (version, params) = match field()? {
            "v=19" => (Version::V0x13, field()?),
            "v=16" => (Version::V0x10, field()?),
            // Before there were versions.
            params => (Version::V0x10, params),
        };
        let [memory, passes, lanes] = numbers(params, ["m", "t", "p"])?;
        let stored = Self {
            variety: (algorithm, version),
            params: Argon2Params::stored(memory, passes, lanes)?,
            salt: decode(field()?)?,
            output: decode(field()?)?,
        };
        let complete = field().is_none() && SALT.contains(&stored.salt.len()) && OUTPUT.contains(&stored.output.len());
        complete.then_some(stored)
    }

    /// Whether new hashes are of this variety.
    pub(super) fn is_current(&self) -> bool {
        self.variety == CURRENT
    }

    /// Of what is current.
    pub(super) fn encode(&self) -> String {
        let Argon2Params { memory, passes, lanes } = self.params;
        let [salt, output] = [&self.salt, &self.output].map(|b| Base64Unpadded::encode_string(b));
        format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${output}")
    }
}
