//! Two libraries of other languages verify these tokens, and theirs are verified here: `PyJWT` and `jose`, which
//! `tests/interop/install.sh` installs.

use auth::tokens::{JwtAlgorithm, JwtAuth, JwtKey, KeyRing};
use auth_tests::Peer;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::forge::{AUDIENCE, EDDSA, EDDSA_PUBLIC, ES256, ES256_PUBLIC, ISSUER, RS256, RS256_PUBLIC, SECRET};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Own {
    scope: String,
    tenant: Value,
}

fn own() -> Own {
    Own { scope: "read write".into(), tenant: json!({ "id": 7, "name": "Ærø \"1\"" }) }
}

/// Each algorithm, in both directions, by a key of its own and by a key set.
fn agrees(peer: Peer) {
    for (algorithm, private, public) in [
        (JwtAlgorithm::Hs256, SECRET, SECRET),
        (JwtAlgorithm::Rs256, RS256, RS256_PUBLIC),
        (JwtAlgorithm::Es256, ES256, ES256_PUBLIC),
        (JwtAlgorithm::EdDsa, EDDSA, EDDSA_PUBLIC),
    ] {
        let secret = algorithm == JwtAlgorithm::Hs256;
        let private_key =
            if secret { JwtKey::hs256(private) } else { JwtKey::private_pem(algorithm, private) }.unwrap();
        let public_key = if secret { JwtKey::hs256(public) } else { JwtKey::public_pem(algorithm, public) }.unwrap();
        let id = private_key.id().to_owned();
        let with = |ring| JwtAuth::with_keys(ring).issuer(ISSUER).audience(AUDIENCE).token_type("at+jwt").unwrap();
        let jwt = with(KeyRing::new(private_key).unwrap());

        // They verify ours.
        let claims = jwt.claims("42").with_username("ada").with_extra(own());
        let token = jwt.encode(&claims).unwrap();
        let task = json!({
            "do": "verify", "alg": algorithm.name(), "key": public, "token": token.expose(),
            "iss": ISSUER, "aud": AUDIENCE, "typ": "at+jwt",
        });
        let mut tasks = vec![task.clone()];
        if !secret {
            let jwks = serde_json::to_value(jwt.keys().jwks()).unwrap();
            tasks.push(super::forge::but(task.clone(), "jwks", jwks));
        }
        for task in tasks {
            let verified = peer.ask(&task).unwrap();
            assert_eq!(verified["header"], json!({ "alg": algorithm.name(), "typ": "at+jwt", "kid": id }));
            let expected = json!({
                "iss": ISSUER, "sub": "42", "aud": AUDIENCE, "exp": claims.exp, "iat": claims.iat, "jti": claims.jti,
                "username": "ada", "scope": "read write", "tenant": own().tenant,
            });
            assert_eq!(verified["claims"], expected, "{algorithm}");
        }
        let other = task["token"].as_str().unwrap().rsplit_once('.').unwrap().0.to_owned() + "." + &"A".repeat(86);
        assert!(peer.ask(&super::forge::but(task, "token", other)).is_err(), "{algorithm}");

        // Ours verifies theirs, with a public key and with a key set.
        for header in [json!({ "typ": "at+jwt", "kid": id }), json!({ "typ": "at+jwt" })] {
            let sent = json!({
                "iss": ISSUER, "sub": "42", "aud": ["https://other.example", AUDIENCE], "exp": claims.exp,
                "nbf": claims.iat, "iat": claims.iat, "jti": "theirs", "scope": own().scope, "tenant": own().tenant,
            });
            let task = json!({
                "do": "sign", "alg": algorithm.name(), "key": private, "header": header, "claims": sent,
            });
            let made = peer.ask(&task).unwrap();
            let token = made["token"].as_str().unwrap();
            let mut rings = vec![KeyRing::verifying([public_key.clone()]).unwrap()];
            if !secret {
                let jwks = serde_json::to_string(&jwt.keys().jwks()).unwrap();
                rings.push(KeyRing::from_jwks(&jwks).unwrap());
            }
            for ring in rings {
                let read = with(ring).decode::<Own>(token).unwrap();
                assert_eq!((&*read.sub, &*read.jti, &read.extra), ("42", "theirs", &own()));
                assert_eq!((read.exp, read.nbf, read.iat), (claims.exp, claims.iat, claims.iat));
            }
        }
    }
}

#[test]
#[ignore = "needs Python with PyJWT"]
fn pyjwt_agrees() {
    agrees(Peer::python("pyjwt.py"));
}

#[test]
#[ignore = "needs Node.js with jose"]
fn jose_agrees() {
    agrees(Peer::node("jose.mjs"));
}
