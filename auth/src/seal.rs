//! What is kept, or given away, encrypted: a format byte, a salt of 32 bytes, what was encrypted and its tag of 16, in
//! unpadded base64url. Each has a key of its own, made of the salt and the purpose's key (AES-256-GCM).

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use zeroize::Zeroizing;

use crate::secret::{self, MacKey};

const FORMAT: u8 = 1;
const SALT: usize = 32;

/// Encrypts it with the newest key. `purpose` says what it is for: it opens for nothing else. Nothing for more than AES-GCM
/// takes, 64 GiB.
pub(crate) fn seal(keys: &MacKey, purpose: &[u8], plain: &[u8]) -> Option<String> {
    let salt = secret::random::<SALT>();
    let key = Zeroizing::new(keys.sign(&[&salt]));
    let payload = Payload { msg: plain, aad: purpose };
    // The key is used once, so its one nonce may be anything.
    let sealed = cipher(&key).encrypt(&NONCE.into(), payload);
    Some(Base64UrlUnpadded::encode_string(&[&[FORMAT][..], &salt, &sealed.ok()?].concat()))
}

/// What was encrypted for this purpose, with the newest key or an older one. Whoever reads from strangers bounds the length.
pub(crate) fn open(keys: &MacKey, purpose: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = Base64UrlUnpadded::decode_vec(str::from_utf8(sealed).ok()?).ok()?;
    let (&[FORMAT], rest) = bytes.split_first_chunk()? else { return None };
    let (salt, sealed) = rest.split_first_chunk::<SALT>()?;
    keys.each(&[salt]).find_map(|key| {
        let payload = Payload { msg: sealed, aad: purpose };
        cipher(&Zeroizing::new(key)).decrypt(&NONCE.into(), payload).ok().map(Zeroizing::new)
    })
}

const NONCE: [u8; 12] = [0; 12];

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
        let sealed = seal(&keys, b"a", b"secret").unwrap();
        assert_eq!(open(&keys, b"a", sealed.as_bytes()).unwrap().as_slice(), b"secret");
        assert_ne!(sealed, seal(&keys, b"a", b"secret").unwrap());
        assert!(open(&self::keys(), b"a", sealed.as_bytes()).is_none());
        assert!(open(&keys, b"b", sealed.as_bytes()).is_none());
    }

    #[test]
    fn damage_anywhere_opens_nothing() {
        let keys = keys();
        let sealed = seal(&keys, b"a", b"secret").unwrap();
        for at in 0..sealed.len() {
            assert!(open(&keys, b"a", &sealed.as_bytes()[..at]).is_none());
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert!(open(&keys, b"a", &bytes).is_none(), "{at}");
        }
        for bad in [&b""[..], b"A", b"\xff", &[b'A'; 4096], &[b'A'; 5000], format!("{sealed}=").as_bytes()] {
            assert!(open(&keys, b"a", bad).is_none());
        }
    }

    #[test]
    fn an_older_secret_still_opens() {
        const OLD: &str = "qwertyuiopasdfghjklzxcvbnm0123456789";
        let sealed = seal(&SecretKey::new(OLD).unwrap().derive("test"), b"a", b"secret").unwrap();
        let keys = SecretKey::random().with_fallback(OLD).unwrap().derive("test");
        assert_eq!(open(&keys, b"a", sealed.as_bytes()).unwrap().as_slice(), b"secret");
        assert!(open(&SecretKey::new(OLD).unwrap().derive("other"), b"a", sealed.as_bytes()).is_none());
    }
}
