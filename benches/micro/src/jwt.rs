//! Signing and verifying a JWT with six claims (about 250 bytes of token).

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

use auth::tokens::{JwtAlgorithm, JwtAuth, JwtKey, KeyRing};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as B64;
use jsonwebtoken::crypto::{CryptoProvider, KeyUtils, aws_lc, rust_crypto};
use jsonwebtoken::{self as jwt11, Algorithm as Alg11};
use jsonwebtoken_9::{self as jwt9, Algorithm as Alg9};
use jwt_simple::prelude::*;
use serde::{Deserialize, Serialize};

use timing::{Bench, Figure};

/// jsonwebtoken picks its backend once per process; this one can be switched,
/// so that both run in alternation. The switch costs one relaxed load.
static USE_AWS: AtomicBool = AtomicBool::new(true);
static SWITCHED: CryptoProvider = CryptoProvider {
    signer_factory: |alg, key| (backend().signer_factory)(alg, key),
    verifier_factory: |alg, key| (backend().verifier_factory)(alg, key),
    key_utils: KeyUtils::new_unimplemented(),
};

fn backend() -> &'static CryptoProvider {
    if USE_AWS.load(Relaxed) { &aws_lc::DEFAULT_PROVIDER } else { &rust_crypto::DEFAULT_PROVIDER }
}

#[derive(Clone, Serialize, Deserialize)]
struct Body {
    sub: String,
    iss: String,
    iat: u64,
    exp: u64,
    sid: String,
    roles: Vec<String>,
}

/// The same claims without owning them: what a lean verifier needs.
#[derive(Deserialize)]
struct Lean<'a> {
    sub: &'a str,
    iss: &'a str,
    exp: u64,
}

#[derive(Clone, Serialize, Deserialize)]
struct Custom {
    sid: String,
    roles: Vec<String>,
}

const SID: &str = "pkkVwtTj1hWjF1OAKkQmSw";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn roles() -> Vec<String> {
    ["staff", "editor", "billing"].map(String::from).to_vec()
}

fn body() -> Body {
    Body {
        sub: "1234567".into(),
        iss: "auth.example".into(),
        iat: now(),
        exp: now() + 3600,
        sid: SID.into(),
        roles: roles(),
    }
}

fn simple_claims() -> JWTClaims<Custom> {
    let custom = Custom { sid: SID.into(), roles: roles() };
    Claims::with_custom_claims(custom, Duration::from_hours(1)).with_subject("1234567").with_issuer("auth.example")
}

fn simple_options() -> VerificationOptions {
    VerificationOptions { allowed_issuers: Some(["auth.example".to_owned()].into()), ..Default::default() }
}

/// Splits into signing input, payload part and decoded signature.
fn split(token: &str) -> (&str, &str, Vec<u8>) {
    let (input, sig) = token.rsplit_once('.').unwrap();
    (input, input.split_once('.').unwrap().1, B64.decode(sig).unwrap())
}

/// Decodes and checks claims the lean way, into a buffer on the stack.
fn lean_claims(payload: &str) -> bool {
    let mut buf = [0u8; 512];
    let n = B64.decode_slice(payload, &mut buf).unwrap();
    let claims: Lean = serde_json::from_slice(&buf[..n]).unwrap();
    claims.exp > now() && claims.iss == "auth.example" && !claims.sub.is_empty()
}

/// Our own contestants; the same claims, and the `kid`, `jti` and checks that every token has.
struct Ours {
    jwt: JwtAuth,
    claims: auth::tokens::Claims<Custom>,
}

impl Ours {
    fn new(key: JwtKey, cached: usize) -> Self {
        let jwt = JwtAuth::with_keys(KeyRing::new(key).unwrap()).issuer("auth.example").cached_tokens(cached);
        let claims = jwt.claims("1234567").with_extra(Custom { sid: SID.into(), roles: roles() });
        Self { jwt, claims }
    }

    fn verify(key: &JwtKey, cached: usize) -> impl Fn() -> i64 + use<> {
        let Self { jwt, claims } = Self::new(key.clone(), cached);
        let token = jwt.encode(&claims).unwrap();
        move || jwt.decode::<Custom>(black_box(token.expose())).unwrap().exp
    }

    fn sign(key: &JwtKey) -> impl Fn() -> auth::secret::SecretString + use<> {
        let ours = Self::new(key.clone(), 0);
        move || ours.jwt.encode(black_box(&ours.claims)).unwrap()
    }
}

const OURS: &str = "auth";
const AGAIN: &str = "auth, a token seen before";

/// Keys of one algorithm for both majors of jsonwebtoken.
#[derive(Clone)]
struct Keys {
    sign11: jwt11::EncodingKey,
    verify11: jwt11::DecodingKey,
    sign9: jwt9::EncodingKey,
    verify9: jwt9::DecodingKey,
    alg11: Alg11,
    alg9: Alg9,
}

pub fn run(bench: &Bench) {
    SWITCHED.install_default().expect("no other provider is installed");
    hs256(bench);
    es256(bench);
    eddsa(bench);
}

fn sign_figure(name: &'static str, k: &Keys) -> Figure {
    let sign11 = |aws: bool| {
        let (k, body) = (k.clone(), body());
        move || {
            USE_AWS.store(aws, Relaxed);
            jwt11::encode(&jwt11::Header::new(k.alg11), &body, &k.sign11).unwrap()
        }
    };
    let (k9, body9) = (k.clone(), body());
    Figure::new(name)
        .add("jsonwebtoken 11, aws_lc_rs", sign11(true))
        .add("jsonwebtoken 11, rust_crypto", sign11(false))
        .add("jsonwebtoken 9, ring", move || jwt9::encode(&jwt9::Header::new(k9.alg9), &body9, &k9.sign9).unwrap())
}

fn verify_figure(name: &'static str, k: &Keys, token: &str) -> Figure {
    let verify11 = |aws: bool| {
        let (k, token) = (k.clone(), token.to_owned());
        let mut rules = jwt11::Validation::new(k.alg11);
        rules.set_issuer(&["auth.example"]);
        move || {
            USE_AWS.store(aws, Relaxed);
            jwt11::decode::<Body>(black_box(&token), &k.verify11, &rules).unwrap().claims.exp
        }
    };
    let (k9, token9) = (k.clone(), token.to_owned());
    let mut rules = jwt9::Validation::new(k.alg9);
    rules.set_issuer(&["auth.example"]);
    Figure::new(name)
        .add("jsonwebtoken 11, aws_lc_rs", verify11(true))
        .add("jsonwebtoken 11, rust_crypto", verify11(false))
        .add("jsonwebtoken 9, ring", move || {
            jwt9::decode::<Body>(black_box(&token9), &k9.verify9, &rules).unwrap().claims.exp
        })
}

fn hs256(bench: &Bench) {
    let secret = [7u8; 32];
    let k = Keys {
        sign11: jwt11::EncodingKey::from_secret(&secret),
        verify11: jwt11::DecodingKey::from_secret(&secret),
        sign9: jwt9::EncodingKey::from_secret(&secret),
        verify9: jwt9::DecodingKey::from_secret(&secret),
        alg11: Alg11::HS256,
        alg9: Alg9::HS256,
    };
    let ours = JwtKey::hs256(b"9ZPvnIRcHkGfWbRfbTGZHkwJn8Tn0kHJ").unwrap();
    let token = jwt11::encode(&jwt11::Header::new(Alg11::HS256), &body(), &k.sign11).unwrap();
    let (input, _, tag) = split(&token);

    let simple = Arc::new(HS256Key::from_bytes(&secret));
    let simple_token = simple.authenticate(simple_claims()).unwrap();
    let options = simple_options();

    let lean_key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
    let (raw_key, raw_input, raw_tag) = (lean_key.clone(), input.to_owned(), tag.clone());
    let (ring_input, ring_tag) = (input.to_owned(), tag.clone());
    let ring_key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
    let rc_key = <hmac::Hmac<sha2::Sha256> as hmac::Mac>::new_from_slice(&secret).unwrap();
    let (rc_input, rc_tag) = (input.to_owned(), tag);
    let header = token.split_once('.').unwrap().0.to_owned();
    let lean_token = token.clone();
    let s = simple.clone();
    bench.run(
        verify_figure("jwt verify HS256", &k, &token)
            .add(OURS, Ours::verify(&ours, 0))
            .add(AGAIN, Ours::verify(&ours, 4096))
            .add("jwt-simple", move || {
                let o = Some(options.clone());
                s.verify_token::<Custom>(black_box(&simple_token), o).unwrap().subject
            })
            .add("limit: lean verifier (known header, cached key, borrowed claims)", move || {
                let (input, sig) = black_box(&lean_token).rsplit_once('.').unwrap();
                let (head, payload) = input.split_once('.').unwrap();
                let mut tag = [0u8; 32];
                head == header
                    && B64.decode_slice_unchecked(sig, &mut tag).is_ok()
                    && aws_lc_rs::hmac::verify(&lean_key, input.as_bytes(), &tag).is_ok()
                    && lean_claims(payload)
            })
            .add("raw HMAC-SHA256, aws-lc-rs", move || {
                aws_lc_rs::hmac::verify(&raw_key, black_box(raw_input.as_bytes()), &raw_tag)
            })
            .add("raw HMAC-SHA256, ring", move || {
                ring::hmac::verify(&ring_key, black_box(ring_input.as_bytes()), &ring_tag)
            })
            .add("raw HMAC-SHA256, RustCrypto", move || {
                let mut mac = rc_key.clone();
                hmac::Mac::update(&mut mac, black_box(rc_input.as_bytes()));
                hmac::Mac::verify_slice(mac, &rc_tag).is_ok()
            }),
    );

    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
    let (raw_key, raw_input) = (key.clone(), input.to_owned());
    let head = format!("{}.", B64.encode(br#"{"typ":"JWT","alg":"HS256"}"#));
    let claims = body();
    bench.run(
        sign_figure("jwt sign HS256", &k)
            .add(OURS, Ours::sign(&ours))
            .add("jwt-simple", move || simple.authenticate(simple_claims()).unwrap())
            .add("limit: lean signer (fixed header, cached key)", move || {
                let mut out = String::with_capacity(384);
                out.push_str(&head);
                B64.encode_string(serde_json::to_vec(black_box(&claims)).unwrap(), &mut out);
                let tag = aws_lc_rs::hmac::sign(&key, out.as_bytes());
                out.push('.');
                B64.encode_string(tag, &mut out);
                out
            })
            .add("raw HMAC-SHA256, aws-lc-rs", move || {
                aws_lc_rs::hmac::sign(&raw_key, black_box(raw_input.as_bytes()))
            }),
    );
}

fn es256(bench: &Bench) {
    let rng = SystemRandom::new();
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref()).unwrap();
    let public = pair.public_key().as_ref().to_vec();
    let k = Keys {
        sign11: jwt11::EncodingKey::from_ec_der(der.as_ref()),
        verify11: jwt11::DecodingKey::from_ec_der(&public),
        sign9: jwt9::EncodingKey::from_ec_der(der.as_ref()),
        verify9: jwt9::DecodingKey::from_ec_der(&public),
        alg11: Alg11::ES256,
        alg9: Alg9::ES256,
    };
    let ours = JwtKey::private_der(JwtAlgorithm::Es256, der.as_ref()).unwrap();
    let token = jwt11::encode(&jwt11::Header::new(Alg11::ES256), &body(), &k.sign11).unwrap();
    let (input, _, sig) = split(&token);

    let simple = Arc::new(ES256KeyPair::generate());
    let simple_public = simple.public_key();
    let simple_token = simple.sign(simple_claims()).unwrap();
    let options = simple_options();

    let parsed = signature::ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &public).unwrap();
    let lean_key = signature::ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &public).unwrap();
    let ring_key = ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_FIXED, public);
    let header = token.split_once('.').unwrap().0.to_owned();
    let (i1, s1, i2, s2) = (input.to_owned(), sig.clone(), input.to_owned(), sig);
    let sign_input = input.to_owned();
    let lean_token = token.clone();
    bench.run(
        verify_figure("jwt verify ES256", &k, &token)
            .add(OURS, Ours::verify(&ours, 0))
            .add(AGAIN, Ours::verify(&ours, 4096))
            .add("jwt-simple", move || {
                let o = Some(options.clone());
                simple_public.verify_token::<Custom>(black_box(&simple_token), o).unwrap().subject
            })
            .add("limit: lean verifier (known header, parsed key, borrowed claims)", move || {
                let (input, sig) = black_box(&lean_token).rsplit_once('.').unwrap();
                let (head, payload) = input.split_once('.').unwrap();
                let mut raw = [0u8; 64];
                head == header
                    && B64.decode_slice_unchecked(sig, &mut raw).is_ok()
                    && lean_key.verify_sig(input.as_bytes(), &raw).is_ok()
                    && lean_claims(payload)
            })
            .add("raw P-256 verify, aws-lc-rs, parsed key", move || {
                parsed.verify_sig(black_box(i1.as_bytes()), &s1).is_ok()
            })
            .add("raw P-256 verify, ring", move || ring_key.verify(black_box(i2.as_bytes()), &s2).is_ok()),
    );
    bench.run(
        sign_figure("jwt sign ES256", &k)
            .add(OURS, Ours::sign(&ours))
            .add("jwt-simple", move || simple.sign(simple_claims()).unwrap())
            .add("raw P-256 sign, aws-lc-rs, parsed key", move || {
                pair.sign(&rng, black_box(sign_input.as_bytes())).unwrap()
            }),
    );
}

fn eddsa(bench: &Bench) {
    let der = signature::Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = signature::Ed25519KeyPair::from_pkcs8(der.as_ref()).unwrap();
    let public = pair.public_key().as_ref().to_vec();
    let k = Keys {
        sign11: jwt11::EncodingKey::from_ed_der(der.as_ref()),
        verify11: jwt11::DecodingKey::from_ed_der(&public),
        sign9: jwt9::EncodingKey::from_ed_der(der.as_ref()),
        verify9: jwt9::DecodingKey::from_ed_der(&public),
        alg11: Alg11::EdDSA,
        alg9: Alg9::EdDSA,
    };
    let ours = JwtKey::private_der(JwtAlgorithm::EdDsa, der.as_ref()).unwrap();
    let token = jwt11::encode(&jwt11::Header::new(Alg11::EdDSA), &body(), &k.sign11).unwrap();
    let (input, _, sig) = split(&token);

    let simple = Arc::new(Ed25519KeyPair::generate());
    let simple_public = simple.public_key();
    let simple_token = simple.sign(simple_claims()).unwrap();
    let options = simple_options();

    let parsed = signature::ParsedPublicKey::new(&signature::ED25519, &public).unwrap();
    let ring_key = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, &public);
    let ring_key = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, ring_key.as_ref().to_vec());
    let dalek = ed25519_dalek::VerifyingKey::from_bytes(public.as_slice().try_into().unwrap()).unwrap();
    let dalek_sig = ed25519_dalek::Signature::from_slice(&sig).unwrap();
    let inputs = [(); 4].map(|()| input.to_owned());
    let [i1, i2, i3, sign_input] = inputs;
    let (s1, s2) = (sig.clone(), sig);
    bench.run(
        verify_figure("jwt verify EdDSA", &k, &token)
            .add(OURS, Ours::verify(&ours, 0))
            .add(AGAIN, Ours::verify(&ours, 4096))
            .add("jwt-simple", move || {
                let o = Some(options.clone());
                simple_public.verify_token::<Custom>(black_box(&simple_token), o).unwrap().subject
            })
            .add("raw Ed25519 verify, aws-lc-rs, parsed key", move || {
                parsed.verify_sig(black_box(i1.as_bytes()), &s1).is_ok()
            })
            .add("raw Ed25519 verify, ring", move || ring_key.verify(black_box(i2.as_bytes()), &s2).is_ok())
            .add("raw Ed25519 verify, ed25519-dalek 2", move || {
                dalek.verify_strict(black_box(i3.as_bytes()), &dalek_sig).is_ok()
            }),
    );
    bench.run(
        sign_figure("jwt sign EdDSA", &k)
            .add(OURS, Ours::sign(&ours))
            .add("jwt-simple", move || simple.sign(simple_claims()).unwrap())
            .add("raw Ed25519 sign, aws-lc-rs, parsed key", move || pair.sign(black_box(sign_input.as_bytes()))),
    );
}
