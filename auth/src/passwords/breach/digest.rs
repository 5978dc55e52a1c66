//! SHA-1 in hexadecimal digits, which is how these lists are kept.

use sha1::{Digest as _, Sha1};
use zeroize::{Zeroize as _, Zeroizing};

use crate::passwords::PasswordError;

/// How many digits a digest has.
pub(super) const DIGITS: usize = 40;

/// The digits of a password's digest, in capitals.
pub(super) fn digits(password: &str) -> Zeroizing<String> {
    let mut digest = Sha1::digest(password);
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = digits.map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)]));
    let mut text = Zeroizing::new(String::with_capacity(DIGITS));
    text.extend(digits);
    digest.zeroize();
    text
}

/// `DIGITS:COUNT`, in capitals or not: the digits in capitals, and the count. `None` for whatever is not exactly that.
pub(super) fn parse<const N: usize>(line: &[u8]) -> Option<([u8; N], u64)> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (digits, rest) = line.split_first_chunk::<N>()?;
    let count = rest.strip_prefix(b":")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) || !count.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let count = str::from_utf8(count).ok()?.parse().ok()?;
    Some((digits.map(|digit| digit.to_ascii_uppercase()), count))
}

pub(super) fn unanswered(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> PasswordError {
    PasswordError::BreachList(error.into())
}
