//! Keys: what is taken for one, and sets of them.

use auth::tokens::{JwtAlgorithm, JwtAuth, JwtError, JwtKey, KeyRing, TokenRefused};
use base64ct::{Base64, Encoding as _};
use serde_json::{Value, json};

use super::forge::{EDDSA, EDDSA_PUBLIC, ES256, ES256_PUBLIC, RS256, RS256_PUBLIC, SECRET, base64, but};

const PAIRS: [(JwtAlgorithm, &str, &str); 3] = [
    (JwtAlgorithm::Rs256, RS256, RS256_PUBLIC),
    (JwtAlgorithm::Es256, ES256, ES256_PUBLIC),
    (JwtAlgorithm::EdDsa, EDDSA, EDDSA_PUBLIC),
];

fn der(pem: &str) -> Vec<u8> {
    Base64::decode_vec(&pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap()
}

/// The private keys, and a secret, in one ring.
fn everything() -> KeyRing {
    let ring = KeyRing::new(JwtKey::hs256(SECRET).unwrap()).unwrap();
    PAIRS.iter().fold(ring, |ring, (algorithm, private, _)| {
        ring.rotated(JwtKey::private_pem(*algorithm, private).unwrap()).unwrap()
    })
}

#[test]
fn both_halves_are_read_from_pem_and_der() {
    for (algorithm, private, public) in PAIRS {
        let signing = [JwtKey::private_pem(algorithm, private), JwtKey::private_der(algorithm, &der(private))];
        let verifying = [JwtKey::public_pem(algorithm, public), JwtKey::public_der(algorithm, &der(public))];
        for signing in signing.map(Result::unwrap) {
            assert!(signing.signs() && signing.algorithm() == algorithm);
            let token = JwtAuth::with_keys(KeyRing::new(signing.clone()).unwrap()).generate_token("42", "ada").unwrap();
            for verifying in verifying.iter().map(|key| key.as_ref().unwrap()) {
                assert!(!verifying.signs());
                assert_eq!(verifying.id(), signing.id());
                let verifier = JwtAuth::with_keys(KeyRing::verifying([verifying.clone()]).unwrap());
                assert!(verifier.verify_token(token.expose()).is_ok());
                assert!(matches!(verifier.generate_token("42", "ada"), Err(JwtError::VerifiesOnly)));
                assert!(matches!(KeyRing::new(verifying.clone()), Err(JwtError::VerifiesOnly)));
            }
        }
    }
}

#[test]
fn a_key_is_for_its_own_algorithm_only() {
    let all = [JwtAlgorithm::Hs256, JwtAlgorithm::Rs256, JwtAlgorithm::Es256, JwtAlgorithm::EdDsa];
    for (algorithm, private, public) in PAIRS {
        for other in all.into_iter().filter(|other| *other != algorithm) {
            assert!(matches!(JwtKey::private_pem(other, private), Err(JwtError::Key { half: "private", .. })));
            assert!(matches!(JwtKey::public_pem(other, public), Err(JwtError::Key { half: "public", .. })));
        }
        assert!(matches!(JwtKey::private_pem(algorithm, public), Err(JwtError::Pem { .. })));
        assert!(matches!(JwtKey::public_pem(algorithm, private), Err(JwtError::Pem { .. })));
        assert!(JwtKey::private_der(algorithm, &der(public)).is_err());
        assert!(JwtKey::public_der(algorithm, &der(private)).is_err());
        for bytes in [&[][..], &[0; 32], &der(public)[1..]] {
            assert!(JwtKey::private_der(algorithm, bytes).is_err() && JwtKey::public_der(algorithm, bytes).is_err());
        }
        for text in ["", "-----BEGIN PRIVATE KEY-----", "x", SECRET] {
            assert!(JwtKey::private_pem(algorithm, text).is_err() && JwtKey::public_pem(algorithm, text).is_err());
        }
        assert!(!format!("{:?}", JwtKey::private_pem(algorithm, private)).contains(private.lines().nth(1).unwrap()));
    }
}

/// A key of 1024 bits, which nobody should have: RFC 7518 §3.3.
#[test]
fn a_short_rsa_key_is_refused() {
    let jwk = json!({ "kty": "RSA", "n": base64([0xc3; 128]), "e": "AQAB" });
    assert!(matches!(JwtKey::from_jwk(&jwk.to_string()), Err(JwtError::RsaSize { bits: 1024 })));
    let jwk = json!({ "kty": "RSA", "n": base64([0xc3; 1025]), "e": "AQAB" });
    assert!(matches!(JwtKey::from_jwk(&jwk.to_string()), Err(JwtError::RsaSize { bits: 8200 })));
}

#[test]
fn ids_are_unique_and_bounded() {
    let key = || JwtKey::hs256(SECRET).unwrap();
    for id in ["", "a b", "é", "a\n", &"x".repeat(129)] {
        assert!(matches!(key().with_id(id), Err(JwtError::KeyId)), "{id}");
    }
    assert_eq!(key().with_id("2026-11").unwrap().id(), "2026-11");
    assert!(!SECRET.contains(key().id()) && key().id().len() == 12);
    let ring = || KeyRing::new(key()).unwrap();
    assert!(matches!(ring().and_verify(key()), Err(JwtError::DuplicateKeyId)));
    assert!(matches!(ring().rotated(key()), Err(JwtError::DuplicateKeyId)));
    let random = || JwtKey::random(JwtAlgorithm::Hs256).unwrap();
    let full = (1..KeyRing::MAX_KEYS).fold(ring(), |ring, _| ring.rotated(random()).unwrap());
    assert!(matches!(full.rotated(random()), Err(JwtError::TooManyKeys { .. })));
    assert!(matches!(KeyRing::verifying([]), Err(JwtError::NoKeys)));
}

#[test]
fn a_published_set_verifies_and_holds_no_secret() {
    let ring = everything();
    let published = serde_json::to_string(&ring.jwks()).unwrap();
    assert_eq!(ring.jwks().keys().len(), 3);
    let value: Value = serde_json::from_str(&published).unwrap();
    let mut algorithms = Vec::new();
    for (jwk, key) in value["keys"].as_array().unwrap().iter().zip(ring.keys()) {
        assert_eq!((&jwk["use"], &jwk["kid"]), (&json!("sig"), &json!(key.id())));
        for secret in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(jwk.get(secret).is_none());
        }
        algorithms.push(jwk["alg"].as_str().unwrap());
    }
    assert_eq!(algorithms, ["EdDSA", "ES256", "RS256"]);
    assert!(!published.contains(&base64(SECRET)));

    let theirs = KeyRing::from_jwks(&published).unwrap();
    assert_eq!(theirs.jwks(), ring.jwks());
    let verifier = JwtAuth::with_keys(theirs);
    for key in ring.keys() {
        let token = JwtAuth::with_keys(KeyRing::new(key.clone()).unwrap()).generate_token("42", "ada").unwrap();
        let expected =
            if key.algorithm() == JwtAlgorithm::Hs256 { Err(TokenRefused::UnknownKey) } else { Ok("42".to_owned()) };
        assert_eq!(verifier.verify_token(token.expose()).map(|claims| claims.sub.clone()), expected);
    }
}

#[test]
fn of_a_set_only_keys_that_verify_tokens_are_taken() {
    let ed = || serde_json::to_value(&everything().jwks().keys()[0]).unwrap();
    let bare = but(but(but(ed(), "alg", Value::Null), "use", Value::Null), "kid", Value::Null);
    let taken = |keys: Value| KeyRing::from_jwks(&json!({ "keys": keys }).to_string());
    let skipped = [
        but(ed(), "use", "enc"),
        but(ed(), "alg", "ES256"),
        but(ed(), "alg", "RSA-OAEP"),
        but(ed(), "key_ops", json!(["encrypt"])),
        but(ed(), "kty", "AKP"),
        but(ed(), "crv", "X25519"),
        but(ed(), "crv", Value::Null),
        json!({ "kty": "EC", "crv": "P-384", "x": "AA", "y": "AA" }),
    ];
    for key in &skipped {
        assert!(matches!(taken(json!([key])), Err(JwtError::NoKeys)), "{key}");
        assert_eq!(taken(json!([key, bare])).unwrap().keys().len(), 1, "{key}");
    }
    let ring = taken(json!([bare])).unwrap();
    assert_eq!((ring.keys()[0].algorithm(), ring.keys()[0].id()), (JwtAlgorithm::EdDsa, ed()["kid"].as_str().unwrap()));
    assert!(taken(json!([but(ed(), "key_ops", json!(["verify"]))])).is_ok());
    assert!(taken(json!([but(ed(), "x5c", json!(["MIIB"]))])).is_ok());
}

#[test]
fn a_set_that_cannot_be_right_is_refused() {
    let keys: Vec<_> = everything().jwks().keys().iter().map(|jwk| serde_json::to_value(jwk).unwrap()).collect();
    let [ed, ec, rsa] = &keys[..] else { panic!() };
    let set = |key: Value| KeyRing::from_jwks(&json!({ "keys": [key] }).to_string());
    for secret in [
        json!({ "kty": "oct", "k": base64(SECRET) }),
        but(ed.clone(), "d", base64([1; 32])),
        but(rsa.clone(), "d", "AQAB"),
    ] {
        assert!(matches!(set(secret.clone()), Err(JwtError::SecretInKeySet)), "{secret}");
        assert!(JwtKey::from_jwk(&secret.to_string()).is_err());
    }
    let point = ec["x"].as_str().unwrap();
    for broken in [
        but(ed.clone(), "x", base64([1; 31])),
        but(ed.clone(), "x", format!("{}=", ed["x"].as_str().unwrap())),
        but(ed.clone(), "x", Value::Null),
        // Not on the curve (RFC 8725 §3.4).
        but(ec.clone(), "y", point),
        but(ec.clone(), "x", base64([0; 32])),
        but(ec.clone(), "x", base64([0xff; 32])),
        but(ec.clone(), "x", base64([1; 33])),
        but(ec.clone(), "y", base64([])),
        but(rsa.clone(), "n", format!("AA{}", rsa["n"].as_str().unwrap())),
        but(rsa.clone(), "e", ""),
        but(rsa.clone(), "e", "AA"),
        but(rsa.clone(), "e", "Ag"),
        but(rsa.clone(), "e", "AQ"),
        but(rsa.clone(), "e", "Aw"),
        but(rsa.clone(), "e", "AQAC"),
        but(rsa.clone(), "e", "AQAAAAAAAQAB"),
        but(ed.clone(), "kid", ""),
        but(ed.clone(), "kid", 1),
    ] {
        assert!(set(broken.clone()).is_err(), "{broken}");
    }
    for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[1]}"#, &format!(r#"{{"keys":[{ed}],"keys":[]}}"#)] {
        assert!(KeyRing::from_jwks(text).is_err(), "{text}");
    }
    let twice = format!(r#"{{"keys":[{}]}}"#, ed.to_string().replacen('{', r#"{"kty":"RSA","#, 1));
    assert!(matches!(KeyRing::from_jwks(&twice), Err(JwtError::DuplicateMember)));
    assert!(matches!(KeyRing::from_jwks(&json!({ "keys": [ed, ed] }).to_string()), Err(JwtError::DuplicateKeyId)));
    assert!(matches!(KeyRing::from_jwks(&" ".repeat(KeyRing::MAX_JWKS + 1)), Err(JwtError::KeySetTooLong { .. })));
    let many: Vec<_> = (0..=KeyRing::MAX_KEYS).map(|n| but(ed.clone(), "kid", n.to_string())).collect();
    assert!(matches!(KeyRing::from_jwks(&json!({ "keys": many }).to_string()), Err(JwtError::TooManyKeys { .. })));
}

/// A public Ed25519 key beside others: verify-only keys sit in a ring that signs.
#[test]
fn a_ring_may_verify_for_others_too() {
    let other = JwtKey::public_pem(JwtAlgorithm::EdDsa, EDDSA_PUBLIC).unwrap();
    let ring = KeyRing::new(JwtKey::hs256(SECRET).unwrap()).unwrap().and_verify(other).unwrap();
    let jwt = JwtAuth::with_keys(ring);
    let issuer = JwtAuth::with_keys(KeyRing::new(JwtKey::private_pem(JwtAlgorithm::EdDsa, EDDSA).unwrap()).unwrap());
    assert!(jwt.verify_token(issuer.generate_token("42", "ada").unwrap().expose()).is_ok());
    let ours = jwt.generate_token("42", "ada").unwrap();
    assert!(jwt.verify_token(ours.expose()).is_ok() && issuer.verify_token(ours.expose()).is_err());
}
