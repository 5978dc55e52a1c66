//! Sealing a 200-byte session into a cookie value, and opening it again.

use std::hint::black_box;

use aes_gcm::aead::{Aead, KeyInit};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as B64;
use cookie::{Cookie, CookieJar, Key};
use rand::RngCore;

use timing::{Bench, Figure};

const KEY: [u8; 32] = [9; 32];
const TAG: usize = 16;

fn nonce() -> [u8; NONCE_LEN] {
    let mut nonce = [0; NONCE_LEN];
    rand::rng().fill_bytes(&mut nonce);
    nonce
}

fn payload() -> String {
    "0123456789".repeat(20)
}

// ring and aws-lc-rs share an interface but not its types.
macro_rules! sealer {
    ($lib:ident) => {{
        use $lib::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &KEY).unwrap());
        let text = payload();
        move || {
            let n = nonce();
            let mut buf = Vec::with_capacity(NONCE_LEN + text.len() + TAG);
            buf.extend_from_slice(&n);
            buf.extend_from_slice(black_box(text.as_bytes()));
            let (_, body) = buf.split_at_mut(NONCE_LEN);
            let aad = Aad::from(b"id");
            let tag = key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(n), aad, body).unwrap();
            buf.extend_from_slice(tag.as_ref());
            B64.encode(buf)
        }
    }};
}

macro_rules! opener {
    ($lib:ident, $sealed:expr) => {{
        use $lib::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &KEY).unwrap());
        let sealed: String = $sealed;
        move || {
            let mut buf = B64.decode(black_box(&sealed)).unwrap();
            let (n, body) = buf.split_at_mut(NONCE_LEN);
            let nonce = Nonce::try_assume_unique_for_key(n).unwrap();
            key.open_in_place(nonce, Aad::from(b"id"), body).unwrap().len()
        }
    }};
}

pub fn run(bench: &Bench) {
    let jar_key = Key::from(&[3; 64]);
    let mut jar = CookieJar::new();
    jar.private_mut(&jar_key).add(Cookie::new("id", payload()));
    let private = jar.get("id").unwrap().clone();
    let mut jar = CookieJar::new();
    jar.signed_mut(&jar_key).add(Cookie::new("id", payload()));
    let signed = jar.get("id").unwrap().clone();

    let rc = aes_gcm::Aes256Gcm::new(&KEY.into());
    let seal_rc = {
        let (rc, text) = (rc.clone(), payload());
        move || {
            let n = nonce();
            let mut out = n.to_vec();
            out.extend(rc.encrypt(&n.into(), black_box(text.as_bytes())).unwrap());
            B64.encode(out)
        }
    };
    let sealed_rc = seal_rc();
    let seal_aws = sealer!(aws_lc_rs);
    let sealed_aws = seal_aws();
    let raw = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &KEY).unwrap());
    let mut buf = payload().into_bytes();

    let (k1, k2) = (jar_key.clone(), jar_key.clone());
    let (p1, p2) = (payload(), payload());
    bench.run(
        Figure::new("cookie: seal 200 bytes")
            .add("cookie private jar (AES-256-GCM)", move || {
                let mut jar = CookieJar::new();
                jar.private_mut(&k1).add(Cookie::new("id", p1.clone()));
                jar
            })
            .add("cookie signed jar (HMAC, no secrecy)", move || {
                let mut jar = CookieJar::new();
                jar.signed_mut(&k2).add(Cookie::new("id", p2.clone()));
                jar
            })
            .add("aes-gcm 0.11 + base64", seal_rc)
            .add("ring + base64", sealer!(ring))
            .add("aws-lc-rs + base64", seal_aws)
            .add("limit: raw AES-256-GCM in place, aws-lc-rs", move || {
                let n = Nonce::assume_unique_for_key([1; NONCE_LEN]);
                raw.seal_in_place_separate_tag(n, Aad::empty(), black_box(&mut buf)).unwrap()
            }),
    );

    let k1 = jar_key.clone();
    bench.run(
        Figure::new("cookie: open 200 bytes")
            .add("cookie private jar (AES-256-GCM)", move || {
                CookieJar::new().private(&k1).decrypt(black_box(private.clone())).unwrap()
            })
            .add("cookie signed jar (HMAC, no secrecy)", move || {
                CookieJar::new().signed(&jar_key).verify(black_box(signed.clone())).unwrap()
            })
            .add("aes-gcm 0.11 + base64", move || {
                let sealed = B64.decode(black_box(&sealed_rc)).unwrap();
                let (n, body) = sealed.split_at(NONCE_LEN);
                rc.decrypt(n.try_into().unwrap(), body).unwrap()
            })
            .add("ring + base64", opener!(ring, sealed_aws.clone()))
            .add("aws-lc-rs + base64", opener!(aws_lc_rs, sealed_aws)),
    );
}
