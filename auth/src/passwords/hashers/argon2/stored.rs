//! Reads and writes `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`, strictly.
//!
//! Not by the `phc` crate: it also takes parameters in any order, key ids and associated data, which nothing that
//! writes to a password column makes, and it bounds neither salt nor output as needed here.

use base64ct::{Base64Unpadded, Encoding as _};

use super::params::Argon2Params;

/// Longer than any hash within the bounds below.
const MAX_LENGTH: usize = 255;
/// RFC 9106 §3.1 allows 8 bytes and recommends 16. phc-winner-argon2's command line takes 8.
const SALT: std::ops::RangeInclusive<usize> = 8..=64;
/// Fewer than 128 bits could be hit by chance, or by somebody who may write a short one into a store.
const OUTPUT: std::ops::RangeInclusive<usize> = 16..=64;

/// What Django puts in front of the PHC string.
const DJANGO: &str = "argon2";

pub(super) struct Stored {
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
        if (field()?, field()?, field()?) != ("", "argon2id", "v=19") {
            return None;
        }
        let params = params(field()?)?;
        let stored = Self { params, salt: decode(field()?)?, output: decode(field()?)? };
        let complete = field().is_none() && SALT.contains(&stored.salt.len()) && OUTPUT.contains(&stored.output.len());
        complete.then_some(stored)
    }

    pub(super) fn encode(&self) -> String {
        let Argon2Params { memory, passes, lanes } = self.params;
        let [salt, output] = [&self.salt, &self.output].map(|b| Base64Unpadded::encode_string(b));
        format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${output}")
    }
}

fn params(text: &str) -> Option<Argon2Params> {
    let mut fields = text.split(',');
    let mut number = |name: &str| decimal(fields.next()?.strip_prefix(name)?.strip_prefix('=')?);
    let (memory, passes, lanes) = (number("m")?, number("t")?, number("p")?);
    if fields.next().is_some() {
        return None;
    }
    Argon2Params::stored(memory, passes, lanes)
}

/// One spelling for each number: no sign, no leading zero (PHC string format).
fn decimal(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    text.parse().ok()
}

fn decode(text: &str) -> Option<Vec<u8>> {
    Base64Unpadded::decode_vec(text).ok()
}
