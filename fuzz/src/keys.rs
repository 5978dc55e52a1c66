//! Keys that others give: sets (JWKS), single ones, PEM and DER.

use auth::tokens::{JwtAlgorithm, JwtAuth, JwtKey, KeyRing};

const ALGORITHMS: [JwtAlgorithm; 4] =
    [JwtAlgorithm::Hs256, JwtAlgorithm::Rs256, JwtAlgorithm::Es256, JwtAlgorithm::EdDsa];

/// The bytes as everything that a key can be.
pub fn run(data: &[u8]) {
    for algorithm in ALGORITHMS {
        if let Ok(key) = JwtKey::public_der(algorithm, data) {
            verifies_only(key);
        }
        drop(JwtKey::private_der(algorithm, data));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    for algorithm in ALGORITHMS {
        if let Ok(key) = JwtKey::public_pem(algorithm, text) {
            verifies_only(key);
        }
        if let Ok(key) = JwtKey::private_pem(algorithm, text) {
            assert!(key.signs() && key.algorithm() == algorithm);
            assert!(JwtKey::public_pem(algorithm, text).is_err(), "a private key is no public one");
        }
    }
    if JwtKey::hs256(text).is_ok() {
        assert!(text.len() >= 32 && !text.contains("-----BEGIN"), "a public key is no secret");
    }
    if let Ok(key) = JwtKey::from_jwk(text) {
        verifies_only(key);
    }
    if let Ok(ring) = KeyRing::from_jwks(text) {
        assert!(text.len() <= KeyRing::MAX_JWKS && !ring.keys().is_empty());
        let set = ring.jwks();
        let again = KeyRing::from_jwks(&serde_json::to_string(&set).expect("a set is JSON"));
        assert_eq!(again.expect("a set that was read").jwks(), set, "what was read says the same");
        ring.keys().iter().cloned().for_each(verifies_only);
    }
}

/// Whoever has it can make no token, and it has no secret in it.
fn verifies_only(key: JwtKey) {
    assert!(!key.signs() && key.algorithm() != JwtAlgorithm::Hs256);
    assert!((1..=128).contains(&key.id().len()));
    let jwt = JwtAuth::with_keys(KeyRing::verifying([key]).expect("one key"));
    assert!(jwt.generate_token("1", "ada").is_err());
    let set = serde_json::to_value(jwt.keys().jwks()).expect("a set is JSON");
    assert!(["d", "p", "q", "k"].iter().all(|secret| set["keys"][0].get(secret).is_none()));
}
