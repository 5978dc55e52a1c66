//! Tokens that are good: what they say, how keys change, what is remembered.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use auth::secret::WeakSecret;
use auth::testing::ManualClock;
use auth::tokens::{Claims, JwtAlgorithm, JwtAuth, JwtError, JwtKey, KeyRing, TokenRefused};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::forge::{AUDIENCE, ISSUER, NOW, SECRET, but, clock, forged, header, payload, strict};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Own {
    scope: String,
    roles: Vec<String>,
}

/// The same name twice, which derives allow.
#[derive(Serialize)]
struct Twice {
    role: &'static str,
    #[serde(rename = "role")]
    again: &'static str,
}

fn own() -> Own {
    Own { scope: "read write".into(), roles: vec!["editor".into()] }
}

fn with(clock: &ManualClock) -> JwtAuth {
    JwtAuth::new(SECRET).unwrap().clock(clock.clone())
}

fn ring(algorithm: JwtAlgorithm) -> KeyRing {
    KeyRing::new(JwtKey::random(algorithm).unwrap()).unwrap()
}

const ALL: [JwtAlgorithm; 4] = [JwtAlgorithm::Hs256, JwtAlgorithm::Rs256, JwtAlgorithm::Es256, JwtAlgorithm::EdDsa];

#[test]
fn a_token_says_whom_it_is_for_and_lasts_a_day() {
    let jwt = strict(JwtAuth::new(SECRET).unwrap());
    let token = jwt.generate_token("42", "ada").unwrap();
    let claims = jwt.verify_token(token.expose()).unwrap();
    assert_eq!((&*claims.sub, claims.username.as_deref()), ("42", Some("ada")));
    assert_eq!((claims.iss.as_deref(), &claims.aud[..]), (Some(ISSUER), &[AUDIENCE.to_owned()][..]));
    assert_eq!((claims.iat, claims.nbf, claims.exp), (Some(NOW), None, NOW + 86_400));
    assert_eq!(claims.expires_at().timestamp(), claims.exp);
    assert_eq!(claims.jti.len(), 22);
    assert!(!format!("{token:?} {jwt:?}").contains(&token.expose()[..20]));
    assert!(!format!("{jwt:?}").contains(SECRET));
}

#[test]
fn every_token_has_an_id_of_its_own() {
    let jwt = JwtAuth::new(SECRET).unwrap();
    let ids: HashSet<_> = (0..100).map(|_| jwt.claims("42").jti).collect();
    assert_eq!(ids.len(), 100);
}

#[test]
fn every_algorithm_signs_and_verifies_its_own_only() {
    let all = ALL.map(|algorithm| JwtAuth::with_keys(ring(algorithm)));
    for (place, jwt) in all.iter().enumerate() {
        let token = jwt.generate_token("42", "ada").unwrap();
        for (other, verifier) in all.iter().enumerate() {
            assert_eq!(verifier.verify_token(token.expose()).is_ok(), other == place);
        }
    }
}

#[test]
fn claims_of_ones_own_stand_beside_the_others() {
    let jwt = strict(JwtAuth::new(SECRET).unwrap());
    let claims = jwt.claims("42").with_extra(own());
    let token = jwt.encode(&claims).unwrap();
    assert_eq!(*jwt.decode::<Own>(token.expose()).unwrap(), claims);
    // Who does not know them ignores them (RFC 7519 §4).
    assert_eq!(jwt.verify_token(token.expose()).unwrap().sub, "42");
    let map = jwt.decode::<BTreeMap<String, Value>>(token.expose()).unwrap();
    assert_eq!(map.extra.keys().collect::<Vec<_>>(), ["roles", "scope"]);
    assert_eq!(jwt.decode::<Option<Own>>(token.expose()).unwrap().extra, Some(own()));
    assert_eq!(
        jwt.decode::<Value>(token.expose()).unwrap().extra,
        json!({ "scope": "read write", "roles": ["editor"] })
    );
    let again = jwt.encode(&*map).unwrap();
    assert_eq!(jwt.decode::<Own>(again.expose()).unwrap().extra, own());

    let without = jwt.generate_token("42", "ada").unwrap();
    assert_eq!(jwt.decode::<Own>(without.expose()).unwrap_err(), TokenRefused::OwnClaims);
    let wrong = forged(&header(), &but(but(payload(), "scope", 1), "roles", json!([])));
    assert_eq!(jwt.decode::<Own>(&wrong).unwrap_err(), TokenRefused::OwnClaims);
}

#[test]
fn claims_of_ones_own_never_replace_the_others() {
    let jwt = JwtAuth::new(SECRET).unwrap();
    for name in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "username"] {
        let claims = jwt.claims("42").with_extra(BTreeMap::from([(name, "1"), ("own", "2")]));
        assert!(matches!(jwt.encode(&claims), Err(JwtError::ReservedClaim)), "{name}");
    }
    for extra in [json!(1), json!([1]), json!(null), json!("text")] {
        assert!(matches!(jwt.encode(&jwt.claims("42").with_extra(extra)), Err(JwtError::OwnClaims(None))));
    }
    let twice = jwt.claims("42").with_extra(Twice { role: "user", again: "admin" });
    assert!(matches!(jwt.encode(&twice), Err(JwtError::ReservedClaim)));
}

#[test]
fn what_would_be_refused_is_not_signed() {
    let jwt = strict(JwtAuth::new(SECRET).unwrap());
    let why = |change: fn(&mut Claims)| {
        let mut claims = jwt.claims("42");
        change(&mut claims);
        match jwt.encode(&claims) {
            Err(JwtError::WouldBeRefused(why)) => why,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(why(|claims| claims.exp = NOW - 60), TokenRefused::Expired);
    assert_eq!(why(|claims| claims.exp += 400 * 86_400), TokenRefused::ExpiresTooLate);
    assert_eq!(why(|claims| claims.iss = None), TokenRefused::Issuer);
    assert_eq!(why(|claims| claims.aud.clear()), TokenRefused::Audience);
    assert_eq!(why(|claims| claims.sub.clear()), TokenRefused::ClaimLength("sub"));
    assert_eq!(why(|claims| claims.jti.clear()), TokenRefused::ClaimLength("jti"));
    assert_eq!(why(|claims| claims.username = Some("x".repeat(256))), TokenRefused::ClaimLength("username"));
    let large = jwt.claims("42").with_extra(json!({ "own": "x".repeat(6200) }));
    assert!(matches!(jwt.encode(&large), Err(JwtError::WouldBeRefused(TokenRefused::TooLong))));
}

#[test]
fn anothers_token_without_an_id_is_known_by_what_it_says() {
    let jwt = strict(JwtAuth::new(SECRET).unwrap());
    let token = |sub: &str| forged(&header(), &but(but(payload(), "jti", Value::Null), "sub", sub));
    let id = |sub| jwt.verify_token(&token(sub)).unwrap().jti.clone();
    assert_eq!(id("42"), id("42"));
    assert_ne!(id("42"), id("43"));
    assert_eq!(id("42").len(), 43);
}

#[test]
fn settings_are_bounded() {
    let jwt = || JwtAuth::new(SECRET).unwrap();
    assert!(jwt().lifetime(Duration::ZERO).is_err());
    assert!(jwt().lifetime(Duration::from_hours(400 * 24)).is_ok());
    assert!(jwt().lifetime(Duration::from_hours(400 * 24 + 1)).is_err());
    assert!(jwt().lifetime(Duration::MAX).is_err());
    assert!(jwt().leeway(Duration::ZERO).is_ok());
    assert!(jwt().leeway(Duration::from_secs(301)).is_err());
    for name in ["", "a b", "é", "a\n", &"x".repeat(65)] {
        assert!(jwt().token_type(name).is_err(), "{name}");
    }
}

#[test]
fn weak_secrets_are_refused() {
    for (secret, why) in [
        ("", WeakSecret::TooShort),
        ("only thirty-one bytes are here.", WeakSecret::TooShort),
        ("your-secret-key-that-is-long-enough-256", WeakSecret::Placeholder),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", WeakSecret::Placeholder),
    ] {
        assert!(matches!(JwtAuth::new(secret), Err(JwtError::WeakSecret(weak)) if weak == why), "{secret}");
    }
    assert!(JwtAuth::new([0u8; 64]).is_err());
    assert!(matches!(JwtAuth::new(super::forge::RS256_PUBLIC), Err(JwtError::SecretIsKey)));
}

#[test]
fn keys_rotate_while_tokens_are_on_their_way() {
    let jwt = JwtAuth::with_keys(ring(JwtAlgorithm::Hs256));
    let clone = jwt.clone();
    let mut tokens = Vec::new();
    for algorithm in [JwtAlgorithm::EdDsa, JwtAlgorithm::Es256] {
        tokens.push(jwt.generate_token("42", "ada").unwrap());
        jwt.rotate(jwt.keys().rotated(JwtKey::random(algorithm).unwrap()).unwrap());
        assert_eq!(clone.keys().keys()[0].algorithm(), algorithm);
    }
    tokens.push(jwt.generate_token("42", "ada").unwrap());
    for token in &tokens {
        assert!(jwt.verify_token(token.expose()).is_ok() && clone.verify_token(token.expose()).is_ok());
    }
    // The oldest goes; its tokens go with it, although they are remembered.
    let oldest = jwt.keys().keys()[2].id().to_owned();
    jwt.rotate(jwt.keys().without(&oldest));
    assert_eq!(clone.verify_token(tokens[0].expose()).unwrap_err(), TokenRefused::UnknownKey);
    assert!(tokens[1..].iter().all(|token| clone.verify_token(token.expose()).is_ok()));
    // So does the newest; nothing signs any more.
    let newest = jwt.keys().keys()[0].id().to_owned();
    jwt.rotate(jwt.keys().without(&newest));
    assert_eq!(jwt.verify_token(tokens[2].expose()).unwrap_err(), TokenRefused::UnknownKey);
    assert!(matches!(jwt.generate_token("42", "ada"), Err(JwtError::VerifiesOnly)));
    assert!(jwt.verify_token(tokens[1].expose()).is_ok());
}

#[test]
fn keys_rotate_under_load() {
    let jwt = JwtAuth::with_keys(ring(JwtAlgorithm::Hs256));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let token = jwt.generate_token("42", "ada").unwrap();
                    assert!(jwt.verify_token(token.expose()).is_ok());
                }
            });
        }
        for _ in 0..20 {
            jwt.rotate(jwt.keys().rotated(JwtKey::random(JwtAlgorithm::Hs256).unwrap()).unwrap());
        }
    });
}

#[test]
fn a_token_that_was_seen_costs_no_signature() {
    let clock = clock();
    let jwt = with(&clock).lifetime(Duration::from_mins(10)).unwrap();
    let token = jwt.generate_token("42", "ada").unwrap();
    let first = jwt.verify_token(token.expose()).unwrap();
    for _ in 0..10 {
        assert!(Arc::ptr_eq(&first, &jwt.verify_token(token.expose()).unwrap()));
    }
    let statistics = jwt.statistics();
    assert_eq!((statistics.signature_checks, statistics.cache_hits, statistics.cached), (1, 10, 1));
    // Another signature on the same claims is another token.
    let mut forged = token.expose().to_owned();
    forged.replace_range(
        forged.len() - 10..forged.len() - 9,
        if forged.as_bytes()[forged.len() - 10] == b'A' { "B" } else { "A" },
    );
    assert_eq!(jwt.verify_token(&forged).unwrap_err(), TokenRefused::Signature);
    assert_eq!(jwt.statistics().signature_checks, 2);
    // Time is looked at again, in both directions.
    clock.advance(TimeDelta::seconds(604));
    assert!(jwt.verify_token(token.expose()).is_ok());
    clock.advance(TimeDelta::seconds(1));
    assert_eq!(jwt.verify_token(token.expose()).unwrap_err(), TokenRefused::Expired);
    clock.advance(TimeDelta::seconds(-700));
    assert_eq!(jwt.verify_token(token.expose()).unwrap_err(), TokenRefused::IssuedInFuture);
    assert_eq!(jwt.statistics().signature_checks, 2);
}

#[test]
fn other_keys_know_no_token_from_before() {
    let jwt = JwtAuth::new(SECRET).unwrap();
    let token = jwt.generate_token("42", "ada").unwrap();
    jwt.verify_token(token.expose()).unwrap();
    jwt.rotate(ring(JwtAlgorithm::Hs256));
    assert_eq!(jwt.statistics().cached, 0);
    assert_eq!(jwt.verify_token(token.expose()).unwrap_err(), TokenRefused::UnknownKey);
}

#[test]
fn other_settings_know_no_token_from_before() {
    let jwt = JwtAuth::new(SECRET).unwrap();
    let token = jwt.generate_token("42", "ada").unwrap();
    jwt.verify_token(token.expose()).unwrap();
    assert_eq!(jwt.clone().issuer("x").verify_token(token.expose()).unwrap_err(), TokenRefused::Issuer);
    assert_eq!(jwt.clone().audience("x").verify_token(token.expose()).unwrap_err(), TokenRefused::Audience);
    let other = jwt.clone().token_type("at+jwt").unwrap();
    assert_eq!(other.verify_token(token.expose()).unwrap_err(), TokenRefused::TokenType);
    assert!(jwt.verify_token(token.expose()).is_ok());
}

#[test]
fn a_remembered_token_is_read_as_any_type() {
    let jwt = JwtAuth::new(SECRET).unwrap();
    let token = jwt.encode(&jwt.claims("42").with_extra(own())).unwrap();
    for _ in 0..3 {
        assert_eq!(jwt.decode::<Own>(token.expose()).unwrap().extra, own());
        assert_eq!(jwt.verify_token(token.expose()).unwrap().sub, "42");
    }
    let plain = jwt.generate_token("42", "ada").unwrap();
    jwt.verify_token(plain.expose()).unwrap();
    assert_eq!(jwt.decode::<Own>(plain.expose()).unwrap_err(), TokenRefused::OwnClaims);
}

#[test]
fn what_is_remembered_is_bounded() {
    for capacity in [0, 2, 64, 1024] {
        let jwt = JwtAuth::new(SECRET).unwrap().cached_tokens(capacity);
        let used = jwt.generate_token("1", "always").unwrap();
        for n in 0..3000 {
            let token = jwt.generate_token(&n.to_string(), "once").unwrap();
            jwt.verify_token(token.expose()).unwrap();
            jwt.verify_token(used.expose()).unwrap();
        }
        let statistics = jwt.statistics();
        assert!(statistics.cached <= capacity, "{statistics:?}");
        let expected = if capacity == 0 { 6000 } else { 3001 };
        assert_eq!(statistics.signature_checks, expected, "what is used stays: {statistics:?}");
    }
    // A large token is verified each time.
    let jwt = JwtAuth::new(SECRET).unwrap();
    let token = jwt.encode(&jwt.claims("42").with_extra(json!({ "own": "x".repeat(2000) }))).unwrap();
    for _ in 0..2 {
        jwt.verify_token(token.expose()).unwrap();
    }
    assert_eq!((jwt.statistics().signature_checks, jwt.statistics().cached), (2, 0));
}
