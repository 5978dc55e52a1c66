//! A cookie's value: a format byte, a salt of 32 bytes, what was encrypted and its tag of 16, in unpadded base64url.

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use zeroize::Zeroizing;

use super::CookieSessionBackend;
use crate::secret::{self, MacKey};
use crate::sessions::SessionError;

const FORMAT: u8 = 1;
const SALT: usize = 32;
/// What the bytes are for: nothing else that is sealed opens as a session.
const PURPOSE: &[u8] = b"auth: session cookie 1: ";

pub(super) fn seal(keys: &MacKey, name: &str, plain: &[u8]) -> Result<String, SessionError> {
    let salt = secret::random::<SALT>();
    let key = Zeroizing::new(keys.sign(&[&salt]));
    let payload = Payload { msg: plain, aad: &purpose(name) };
    // The key is used once, so its one nonce may be anything.
    let sealed = cipher(&key).encrypt(&NONCE.into(), payload);
    let sealed = sealed.map_err(|_| SessionError::TooLarge { max: CookieSessionBackend::MAX_COOKIE })?;
    Ok(Base64UrlUnpadded::encode_string(&[&[FORMAT][..], &salt, &sealed].concat()))
}

pub(super) fn open(keys: &MacKey, name: &str, cookie: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if cookie.len() > CookieSessionBackend::MAX_COOKIE {
        return None;
    }
    let bytes = Base64UrlUnpadded::decode_vec(str::from_utf8(cookie).ok()?).ok()?;
    let (&[FORMAT], rest) = bytes.split_first_chunk()? else { return None };
    let (salt, sealed) = rest.split_first_chunk::<SALT>()?;
    let purpose = purpose(name);
    keys.each(&[salt]).find_map(|key| {
        let payload = Payload { msg: sealed, aad: &purpose };
        cipher(&Zeroizing::new(key)).decrypt(&NONCE.into(), payload).ok().map(Zeroizing::new)
    })
}

const NONCE: [u8; 12] = [0; 12];

fn purpose(name: &str) -> Vec<u8> {
    [PURPOSE, name.as_bytes()].concat()
}

fn cipher(key: &[u8; 32]) -> Aes256Gcm {
    Aes256Gcm::new(key.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretKey;

    fn keys() -> MacKey {
        SecretKey::random().derive("test")
    }

    #[test]
    fn what_is_sealed_opens_by_the_same_keys_only() {
        let keys = keys();
        let sealed = seal(&keys, "a", b"secret").unwrap();
        assert_eq!(open(&keys, "a", sealed.as_bytes()).unwrap().as_slice(), b"secret");
        assert_ne!(sealed, seal(&keys, "a", b"secret").unwrap());
        assert!(open(&self::keys(), "a", sealed.as_bytes()).is_none());
        assert!(open(&keys, "b", sealed.as_bytes()).is_none());
    }

    #[test]
    fn damage_anywhere_opens_nothing() {
        let keys = keys();
        let sealed = seal(&keys, "a", b"secret").unwrap();
        for at in 0..sealed.len() {
            assert!(open(&keys, "a", &sealed.as_bytes()[..at]).is_none());
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert!(open(&keys, "a", &bytes).is_none(), "{at}");
        }
        for bad in [&b""[..], b"A", b"\xff", &[b'A'; 4096], &[b'A'; 5000], format!("{sealed}=").as_bytes()] {
            assert!(open(&keys, "a", bad).is_none());
        }
    }

    #[test]
    fn an_older_secret_still_opens() {
        const OLD: &str = "qwertyuiopasdfghjklzxcvbnm0123456789";
        let sealed = seal(&SecretKey::new(OLD).unwrap().derive("test"), "a", b"secret").unwrap();
        let keys = SecretKey::random().with_fallback(OLD).unwrap().derive("test");
        assert_eq!(open(&keys, "a", sealed.as_bytes()).unwrap().as_slice(), b"secret");
        assert!(open(&SecretKey::new(OLD).unwrap().derive("other"), "a", sealed.as_bytes()).is_none());
    }
}
