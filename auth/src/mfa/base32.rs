//! Five bits a character, for codes that people read and type (RFC 4648 §6).

use zeroize::Zeroizing;

/// What authenticator apps read (RFC 4648).
#[cfg(feature = "mfa-totp")]
pub(super) const RFC_4648: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Crockford's, which has no I, L, O and U.
pub(super) const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The bytes as text, without padding.
pub(super) fn encode(alphabet: &[u8; 32], bytes: &[u8]) -> Zeroizing<String> {
    // Never longer than its capacity, so that no copy is left behind unwiped.
    let mut text = Zeroizing::new(String::with_capacity((bytes.len() * 8).div_ceil(5)));
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        (held, bits) = (held << 8 | u32::from(*byte), bits + 8);
        while bits >= 5 {
            bits -= 5;
            text.push(digit(alphabet, held >> bits));
        }
    }
    if bits > 0 {
        text.push(digit(alphabet, held << (5 - bits)));
    }
    text
}

fn digit(alphabet: &[u8; 32], value: u32) -> char {
    char::from(alphabet[(value & 31) as usize])
}

/// The bytes of a text in capital or small letters, also with spaces and with padding. Bits that are too few for a byte are
/// passed over.
#[cfg(feature = "mfa-totp")]
pub(super) fn decode(alphabet: &[u8; 32], text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut held, mut bits) = (0_u32, 0);
    for character in text.trim_end_matches('=').bytes().filter(|byte| *byte != b' ') {
        let value = alphabet.iter().position(|digit| digit.eq_ignore_ascii_case(&character))?;
        (held, bits) = (held << 5 | u32::try_from(value).ok()?, bits + 5);
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crockfords_alphabet_has_no_look_alikes() {
        assert!(!CROCKFORD.iter().any(|digit| b"ilou".contains(digit)));
        assert_eq!(*encode(CROCKFORD, &[0, 0x44, 0x32, 0x14, 0xc7]), "01234567");
        assert_eq!(*encode(CROCKFORD, &[0xff; 5]), "zzzzzzzz");
    }

    /// RFC 4648 §10.
    #[cfg(feature = "mfa-totp")]
    #[test]
    fn the_published_vectors() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY======"),
            ("fo", "MZXQ===="),
            ("foo", "MZXW6==="),
            ("foob", "MZXW6YQ="),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI======"),
        ] {
            assert_eq!(*encode(RFC_4648, bytes.as_bytes()), text.trim_end_matches('='));
            for typed in [text.to_owned(), text.to_lowercase(), text.replace("MZXW", "mzXW ")] {
                assert_eq!(decode(RFC_4648, &typed).unwrap().as_slice(), bytes.as_bytes());
            }
        }
        for bad in ["0", "MZXW1", "MZ=XW", "MZ-XW", "\u{e9}"] {
            assert!(decode(RFC_4648, bad).is_none(), "{bad}");
        }
    }
}
