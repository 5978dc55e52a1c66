//! What the encodings of all algorithms have in common.

use base64ct::{Base64Unpadded, Encoding as _};

/// Longer than any hash within the bounds of any hasher.
pub(super) const MAX_LENGTH: usize = 255;

/// The values of parameters, which stand in this order: `m=256,t=2,p=1` for `["m", "t", "p"]`.
pub(super) fn numbers<const N: usize>(text: &str, names: [&str; N]) -> Option<[u32; N]> {
    let mut fields = text.split(',');
    let mut values = [0; N];
    for (value, name) in values.iter_mut().zip(names) {
        *value = decimal(fields.next()?.strip_prefix(name)?.strip_prefix('=')?)?;
    }
    fields.next().is_none().then_some(values)
}

/// One spelling for each number: no sign, no leading zero (PHC string format).
pub(super) fn decimal(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    text.parse().ok()
}

/// Base64 without padding, as PHC strings have it.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    Base64Unpadded::decode_vec(text).ok()
}
