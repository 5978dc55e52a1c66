//! Malformed and hostile tokens, along RFC 8725: each is refused for its own reason, and all with one message.

use auth::tokens::{JwtAlgorithm, JwtAuth, JwtKey, KeyRing, TokenRefused};
use base64ct::{Base64, Encoding as _};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::forge::{
    AUDIENCE, EDDSA, ES256, ES256_PUBLIC, ISSUER, NOW, RS256, RS256_PUBLIC, SECRET, base64, but, forged, header, hs256,
    payload, sealed, strict, unsigned,
};
use super::log::Log;

fn hmac() -> JwtAuth {
    strict(JwtAuth::new(SECRET).unwrap())
}

fn rsa() -> JwtAuth {
    let key = JwtKey::private_pem(JwtAlgorithm::Rs256, RS256).unwrap().with_id("rsa").unwrap();
    strict(JwtAuth::with_keys(KeyRing::new(key).unwrap()))
}

fn ecdsa() -> JwtAuth {
    let key = JwtKey::private_pem(JwtAlgorithm::Es256, ES256).unwrap().with_id("ec").unwrap();
    strict(JwtAuth::with_keys(KeyRing::new(key).unwrap()))
}

/// Refused for this reason, twice, and with the one message; the log has the reason, and nothing of the token.
fn refused(jwt: &JwtAuth, why: TokenRefused, token: &str) {
    for _ in 0..2 {
        let log = Log::default();
        let refused = tracing::subscriber::with_default(log.clone(), || jwt.verify_token(token)).expect_err(token);
        assert_eq!(refused, why, "{token}");
        assert_eq!(refused.to_string(), "the token is not valid");
        let expected = format!("message=a token is refused;reason={};", refused.reason());
        assert_eq!(log.take(), expected);
    }
    assert_eq!(jwt.statistics().cached, 0, "{token}");
}

/// What follows is refused for the one thing that is wrong with it.
#[test]
fn a_good_token_is_accepted() {
    let claims = hmac().verify_token(&forged(&header(), &payload())).unwrap();
    assert_eq!((&*claims.sub, &*claims.jti, claims.exp), ("42", "one", NOW + 600));
}

#[test]
fn only_three_parts_of_canonical_base64url_are_a_token() {
    let jwt = hmac();
    let good = forged(&header(), &payload());
    let parts: Vec<_> = good.split('.').collect();
    let json = format!(r#"{{"protected":"{}","payload":"{}","signature":"{}"}}"#, parts[0], parts[1], parts[2]);
    for text in ["", ".", "..", "...", "x", parts[0], &parts[..2].join("."), &format!("{good}."), &json] {
        assert!(jwt.verify_token(text).is_err(), "{text}");
    }
    refused(&jwt, TokenRefused::Parts, "");
    refused(&jwt, TokenRefused::Parts, "..");
    refused(&jwt, TokenRefused::Parts, &parts[..2].join("."));
    refused(&jwt, TokenRefused::Parts, &format!("{good}.{}", parts[2]));
    refused(&jwt, TokenRefused::Parts, &json);
    refused(&jwt, TokenRefused::Encrypted, &format!("{good}.{}.{}", parts[1], parts[2]));
    refused(&jwt, TokenRefused::TooLong, &"a".repeat(8193));
    refused(&jwt, TokenRefused::TooLong, &forged(&header(), &but(payload(), "own", "x".repeat(6200))));

    // Whitespace, padding, the other alphabet, bits that nobody reads: another spelling of the same bytes.
    for (part, place) in
        [0, 1, 2].into_iter().flat_map(|part| [" ", "\n", "\t", "=", "+", "/", "é", "\0"].map(|c| (part, c)))
    {
        let text =
            |index: usize| if index == part { format!("{}{place}", parts[index]) } else { parts[index].to_owned() };
        let token = if part == 2 {
            [text(0), text(1), text(2)].join(".")
        } else {
            sealed(SECRET, [text(0), text(1)].join("."))
        };
        refused(&jwt, TokenRefused::Encoding, &token);
    }
    let other = |text: &str| {
        let last = text.chars().last().unwrap();
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let next = alphabet.chars().nth(alphabet.find(last).unwrap() + 1).unwrap();
        format!("{}{next}", &text[..text.len() - 1])
    };
    let spelt = format!("{}.{}.{}", parts[0], parts[1], other(parts[2]));
    refused(&jwt, TokenRefused::Encoding, &spelt);
    let header = base64(r#"{"alg":"HS256","typ":"JWT"} "#);
    assert_ne!(header.len() % 4, 0);
    refused(&jwt, TokenRefused::Encoding, &sealed(SECRET, format!("{}.{}", other(&header), parts[1])));
}

/// RFC 8725 §3.1, §3.2: the algorithm is the key's.
#[test]
fn the_token_does_not_choose_its_algorithm() {
    let jwt = hmac();
    let id = jwt.keys().keys()[0].id().to_owned();
    for name in ["none", "None", "NONE", "nOnE"] {
        let header = but(header(), "alg", name);
        refused(&jwt, TokenRefused::Unsigned, &format!("{}.", unsigned(header.to_string(), payload().to_string())));
        refused(&jwt, TokenRefused::Unsigned, &forged(&header, &payload()));
        refused(&jwt, TokenRefused::Unsigned, &forged(&but(header, "kid", &*id), &payload()));
    }
    for name in ["hs256", "HS384", "HS512", "ES256K", "RS512", "PS256", "", " HS256", "HS256\u{0}"] {
        refused(&jwt, TokenRefused::Algorithm, &forged(&but(header(), "alg", name), &payload()));
    }
    refused(&jwt, TokenRefused::Algorithm, &forged(&but(header(), "alg", Value::Null), &payload()));
    for name in ["RS256", "ES256", "EdDSA"] {
        let header = but(header(), "alg", name);
        refused(&jwt, TokenRefused::Algorithm, &forged(&header, &payload()));
        refused(&jwt, TokenRefused::KeyAlgorithm, &forged(&but(header, "kid", &*id), &payload()));
    }
}

/// RFC 8725 §2.1: a public key that everybody has, as if it were a secret.
#[test]
fn a_public_key_is_no_secret() {
    for (jwt, id, pem) in [(rsa(), "rsa", RS256_PUBLIC), (ecdsa(), "ec", ES256_PUBLIC)] {
        let der = Base64::decode_vec(&pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap();
        let jwk = serde_json::to_string(&jwt.keys().jwks().keys()[0]).unwrap();
        for secret in [pem.as_bytes(), pem.trim_end().as_bytes(), &der, jwk.as_bytes()] {
            let token = |header: Value| hs256(secret, header.to_string(), payload().to_string());
            refused(&jwt, TokenRefused::Algorithm, &token(header()));
            refused(&jwt, TokenRefused::KeyAlgorithm, &token(but(header(), "kid", id)));
        }
        assert_eq!(jwt.statistics().signature_checks, 0);
    }
}

/// RFC 8725 §3.3: every signature is checked, whole.
#[test]
fn a_signature_holds_or_not() {
    let text = unsigned(header().to_string(), payload().to_string());
    let jwt = hmac();
    refused(&jwt, TokenRefused::Signature, &format!("{text}."));
    refused(&jwt, TokenRefused::Signature, &format!("{text}.{}", base64([0; 32])));
    refused(&jwt, TokenRefused::Signature, &format!("{text}.{}", base64([0; 2000])));
    refused(
        &jwt,
        TokenRefused::Signature,
        &hs256("another secret, of the same length", header().to_string(), payload().to_string()),
    );
    refused(&jwt, TokenRefused::Signature, &hs256("", header().to_string(), payload().to_string()));
    let good = forged(&header(), &payload());
    refused(&jwt, TokenRefused::Signature, &good[..good.len() - 3]);
    let signature = good.rsplit_once('.').unwrap().1;
    let other = unsigned(header().to_string(), but(payload(), "sub", "1").to_string());
    refused(&jwt, TokenRefused::Signature, &format!("{other}.{signature}"));

    // Both numbers of an ECDSA signature zero (CVE-2022-21449), or the group's order, or in DER.
    let jwt = ecdsa();
    let text = unsigned(json!({ "alg": "ES256", "typ": "JWT" }).to_string(), payload().to_string());
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
        0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    for forged in [&[0; 64][..], &[order, order].concat(), &[0x30, 6, 2, 1, 0, 2, 1, 0], &[0; 63], &[0; 65]] {
        refused(&jwt, TokenRefused::Signature, &format!("{text}.{}", base64(forged)));
    }
}

/// RFC 8725 §3.10; RFC 7515 §4.1.11; RFC 8725 §3.6: what a header may not say.
#[test]
fn a_header_brings_nothing() {
    let jwt = hmac();
    let jwk = json!({ "kty": "oct", "k": base64(SECRET) });
    for (why, name, value) in [
        (TokenRefused::KeyInHeader, "jwk", jwk),
        (TokenRefused::KeyInHeader, "jku", json!("https://evil.example/keys.json")),
        (TokenRefused::KeyInHeader, "x5u", json!("https://evil.example/chain.pem")),
        (TokenRefused::KeyInHeader, "x5c", json!(["MIIB"])),
        (TokenRefused::Critical, "crit", json!(["exp"])),
        (TokenRefused::Critical, "crit", json!([])),
        (TokenRefused::Compressed, "zip", json!("DEF")),
        (TokenRefused::Encrypted, "enc", json!("A256GCM")),
        (TokenRefused::Nested, "cty", json!("JWT")),
        (TokenRefused::UnknownHeader, "b64", json!(false)),
        (TokenRefused::UnknownHeader, "url", json!("https://evil.example")),
        (TokenRefused::UnknownHeader, "ALG", json!("none")),
        (TokenRefused::UnknownKey, "kid", json!("../../../../dev/null")),
        (TokenRefused::UnknownKey, "kid", json!("x' UNION SELECT 'secret' --")),
        (TokenRefused::UnknownKey, "kid", json!("")),
        (TokenRefused::HeaderJson, "kid", json!(1)),
        (TokenRefused::HeaderJson, "kid", json!(["a"])),
        (TokenRefused::HeaderJson, "alg", json!(["HS256"])),
        (TokenRefused::HeaderJson, "typ", json!({})),
        (TokenRefused::HeaderJson, "x5t", json!(1)),
    ] {
        refused(&jwt, why, &forged(&but(header(), name, value), &payload()));
    }
    // Which certificate is meant is said by some issuers; it is not looked at.
    assert!(jwt.verify_token(&forged(&but(header(), "x5t", "dGh1bWI"), &payload())).is_ok());
}

#[test]
fn a_header_is_one_json_object() {
    let jwt = hmac();
    let raw = |header: &[u8]| hs256(SECRET, header, payload().to_string());
    for (why, header) in [
        (TokenRefused::HeaderJson, &b"null"[..]),
        (TokenRefused::HeaderJson, br#"["HS256","JWT"]"#),
        (TokenRefused::HeaderJson, br#"{"alg":"HS256","typ":"JWT"}{}"#),
        (TokenRefused::HeaderJson, br#"{"alg":"HS256","typ":"JWT""#),
        (TokenRefused::HeaderJson, br#"{"alg":"HS256","typ":"JWT",}"#),
        (TokenRefused::HeaderJson, b"\xef\xbb\xbf{\"alg\":\"HS256\",\"typ\":\"JWT\"}"),
        (TokenRefused::HeaderJson, b"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"\xff\"}"),
        (TokenRefused::HeaderJson, b"{\0\"\0a\0l\0g\0\"\0"),
        (TokenRefused::DuplicateMember, br#"{"alg":"HS256","typ":"JWT","alg":"HS256"}"#),
        (TokenRefused::DuplicateMember, br#"{"alg":"HS256","\u0061lg":"none","typ":"JWT"}"#),
        (TokenRefused::DuplicateMember, br#"{"typ":"JWT","typ":"at+jwt","alg":"HS256"}"#),
    ] {
        refused(&jwt, why, &raw(header));
    }
}

/// RFC 8725 §3.11, §3.12: one kind of token never passes for another.
#[test]
fn the_type_is_exact() {
    let jwt = hmac();
    for name in ["at+jwt", "jwt", "JWT ", "application/JWT", "", "secevent+jwt"] {
        refused(&jwt, TokenRefused::TokenType, &forged(&but(header(), "typ", name), &payload()));
    }
    refused(&jwt, TokenRefused::TokenType, &forged(&but(header(), "typ", Value::Null), &payload()));

    let access = || hmac().token_type("at+jwt").unwrap();
    let token = access().generate_token("42", "ada").unwrap();
    assert!(access().verify_token(token.expose()).is_ok());
    refused(&jwt, TokenRefused::TokenType, token.expose());
    let token = jwt.generate_token("42", "ada").unwrap();
    assert!(jwt.verify_token(token.expose()).is_ok());
    refused(&access(), TokenRefused::TokenType, token.expose());
}

/// RFC 8725 §3.8, §3.9: from whom, and for whom.
#[test]
fn issuer_and_audience_are_exact() {
    let jwt = hmac();
    for issuer in [json!("https://evil.example"), json!("https://issuer.example/"), json!(""), Value::Null] {
        refused(&jwt, TokenRefused::Issuer, &forged(&header(), &but(payload(), "iss", issuer)));
    }
    let others = [json!("https://other.example"), json!(["a", "b"]), json!([]), json!(""), Value::Null];
    for audience in others {
        refused(&jwt, TokenRefused::Audience, &forged(&header(), &but(payload(), "aud", audience)));
    }
    let several = forged(&header(), &but(payload(), "aud", json!(["other", AUDIENCE])));
    assert_eq!(jwt.verify_token(&several).unwrap().aud, ["other", AUDIENCE]);
    // Who has no name is not meant where somebody is named (RFC 7519 §4.1.3).
    let nameless = JwtAuth::new(SECRET).unwrap().issuer(ISSUER).clock(super::forge::clock());
    refused(&nameless, TokenRefused::Audience, &several);
    assert!(nameless.verify_token(&forged(&header(), &but(payload(), "aud", Value::Null))).is_ok());
}

#[test]
fn claims_have_their_types_and_ranges() {
    let jwt = hmac();
    for (why, name, value) in [
        (TokenRefused::MissingClaim("exp"), "exp", Value::Null),
        (TokenRefused::MissingClaim("sub"), "sub", Value::Null),
        (TokenRefused::ClaimType("exp"), "exp", json!((NOW + 600).to_string())),
        (TokenRefused::ClaimType("exp"), "exp", json!(1.8e9)),
        (TokenRefused::ClaimType("exp"), "exp", json!(u64::MAX)),
        (TokenRefused::ClaimType("exp"), "exp", json!([NOW + 600])),
        (TokenRefused::ClaimType("exp"), "exp", json!(true)),
        (TokenRefused::ClaimRange("exp"), "exp", json!(-1)),
        (TokenRefused::ClaimRange("exp"), "exp", json!(i64::MIN)),
        (TokenRefused::ClaimRange("exp"), "exp", json!(i64::MAX)),
        (TokenRefused::ClaimRange("exp"), "exp", json!(253_402_300_800_i64)),
        (TokenRefused::Expired, "exp", json!(0)),
        (TokenRefused::Expired, "exp", json!(NOW - 5)),
        (TokenRefused::ExpiresTooLate, "exp", json!(NOW + 400 * 86_400 + 6)),
        (TokenRefused::ClaimType("nbf"), "nbf", json!("0")),
        (TokenRefused::ClaimRange("nbf"), "nbf", json!(i64::MAX)),
        (TokenRefused::NotYetValid, "nbf", json!(NOW + 6)),
        (TokenRefused::ClaimType("iat"), "iat", json!({})),
        (TokenRefused::ClaimRange("iat"), "iat", json!(-5)),
        (TokenRefused::IssuedInFuture, "iat", json!(NOW + 6)),
        (TokenRefused::ClaimType("sub"), "sub", json!(42)),
        (TokenRefused::ClaimLength("sub"), "sub", json!("")),
        (TokenRefused::ClaimLength("sub"), "sub", json!("x".repeat(256))),
        (TokenRefused::ClaimType("iss"), "iss", json!([ISSUER])),
        (TokenRefused::ClaimType("aud"), "aud", json!(1)),
        (TokenRefused::ClaimType("aud"), "aud", json!([AUDIENCE, 1])),
        (TokenRefused::ClaimType("aud"), "aud", json!({ AUDIENCE: true })),
        (TokenRefused::ClaimType("jti"), "jti", json!(1)),
        (TokenRefused::ClaimLength("jti"), "jti", json!("")),
        (TokenRefused::ClaimLength("jti"), "jti", json!("x".repeat(256))),
        (TokenRefused::ClaimType("username"), "username", json!(["ada"])),
        (TokenRefused::ClaimLength("username"), "username", json!("x".repeat(256))),
    ] {
        refused(&jwt, why, &forged(&header(), &but(payload(), name, value)));
    }
    for (name, value) in [
        ("exp", json!(NOW - 4)),
        ("exp", json!(NOW + 400 * 86_400 + 5)),
        ("nbf", json!(NOW + 5)),
        ("iat", json!(NOW + 5)),
        ("iat", Value::Null),
        ("sub", json!("x".repeat(255))),
    ] {
        assert!(jwt.verify_token(&forged(&header(), &but(payload(), name, value.clone()))).is_ok(), "{name} {value}");
    }
}

/// RFC 8725 §2.4, §3.7: one JSON object, in UTF-8, that every parser reads alike.
#[test]
fn a_payload_is_one_json_object() {
    let jwt = hmac();
    let good = payload().to_string();
    let inner = good.trim_start_matches('{').trim_end_matches('}');
    let many: Vec<_> = (0..257).map(|n| format!(r#""m{n}":0"#)).collect();
    for (why, payload) in [
        (TokenRefused::PayloadJson, "null".to_owned()),
        (TokenRefused::PayloadJson, "[]".to_owned()),
        (TokenRefused::PayloadJson, r#""text""#.to_owned()),
        (TokenRefused::PayloadJson, format!("[{good}]")),
        (TokenRefused::PayloadJson, format!("{good} x")),
        (TokenRefused::PayloadJson, format!("{good}{good}")),
        (TokenRefused::PayloadJson, format!("{{{inner},}}")),
        (TokenRefused::PayloadJson, format!("{{{inner}")),
        (TokenRefused::PayloadJson, format!("{{{inner},\"deep\":{}", "[".repeat(3000))),
        (TokenRefused::PayloadJson, format!("{{{inner},\"deep\":{}", r#"{"a":"#.repeat(500))),
        (TokenRefused::PayloadJson, format!("\u{feff}{good}")),
        (TokenRefused::DuplicateMember, format!(r#"{{{inner},"sub":"1"}}"#)),
        (TokenRefused::DuplicateMember, format!(r#"{{{inner},"\u0073ub":"1"}}"#)),
        (TokenRefused::DuplicateMember, format!(r#"{{"exp":1,{inner}}}"#)),
        (TokenRefused::DuplicateMember, format!(r#"{{{inner},"role":"user","role":"admin"}}"#)),
        (TokenRefused::DuplicateMember, format!(r#"{{{inner},"own":{{"a":[{{"b":1,"b":2}}]}}}}"#)),
        (TokenRefused::TooManyClaims, format!("{{{inner},{}}}", many.join(","))),
    ] {
        refused(&jwt, why, &hs256(SECRET, header().to_string(), payload));
    }
    for bytes in [&b"{\"sub\":\"\xff\"}"[..], b"{\"\xc0\xaf\":1}", b"\xff\xfe{\0}\0", b"\0"] {
        let why = jwt.verify_token(&hs256(SECRET, header().to_string(), bytes)).unwrap_err();
        assert!(matches!(why, TokenRefused::PayloadJson | TokenRefused::ClaimType("sub")), "{why:?}");
    }
}

#[test]
fn an_id_is_needed_only_where_it_decides() {
    let other = JwtKey::hs256("another secret, 32 bytes or more").unwrap();
    let ring = KeyRing::new(JwtKey::hs256(SECRET).unwrap()).unwrap().and_verify(other).unwrap();
    let jwt = strict(JwtAuth::with_keys(ring));
    refused(&jwt, TokenRefused::AmbiguousKey, &forged(&header(), &payload()));
    let ids: Vec<_> = jwt.keys().keys().iter().map(|key| key.id().to_owned()).collect();
    refused(&jwt, TokenRefused::Signature, &forged(&but(header(), "kid", &*ids[1]), &payload()));
    assert!(jwt.verify_token(&forged(&but(header(), "kid", &*ids[0]), &payload())).is_ok());
}

proptest! {
    #[test]
    fn no_text_at_all_panics_or_verifies(text in "\\PC{0,300}") {
        prop_assert!(hmac().verify_token(&text).is_err());
    }

    #[test]
    fn no_three_parts_panic_or_verify(parts in vec(vec(any::<u8>(), 0..80), 3)) {
        let token = parts.iter().map(base64).collect::<Vec<_>>().join(".");
        prop_assert!(hmac().verify_token(&token).is_err());
    }

    #[test]
    fn no_signed_bytes_panic_or_verify(header in vec(any::<u8>(), 0..80), text in "\\PC{0,80}") {
        prop_assert!(hmac().verify_token(&hs256(SECRET, &header, payload().to_string())).is_err());
        prop_assert!(hmac().verify_token(&hs256(SECRET, super::forge::header().to_string(), text)).is_err());
    }

    #[test]
    fn no_changed_token_verifies(place in any::<Index>(), byte in any::<Index>(), which in 0..4) {
        let private = |algorithm, pem| {
            let key = JwtKey::private_pem(algorithm, pem).unwrap();
            JwtAuth::with_keys(KeyRing::new(key).unwrap())
        };
        let jwt = strict(match which {
            0 => JwtAuth::new(SECRET).unwrap(),
            1 => private(JwtAlgorithm::Rs256, RS256),
            2 => private(JwtAlgorithm::Es256, ES256),
            _ => private(JwtAlgorithm::EdDsa, EDDSA),
        });
        let token = jwt.generate_token("42", "ada").unwrap();
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.= ";
        let mut changed = token.expose().as_bytes().to_vec();
        let place = place.index(changed.len());
        let other = alphabet[byte.index(alphabet.len())];
        prop_assume!(changed[place] != other);
        changed[place] = other;
        prop_assert!(jwt.verify_token(token.expose()).is_ok());
        prop_assert!(jwt.verify_token(std::str::from_utf8(&changed).unwrap()).is_err());
        changed.truncate(place);
        prop_assert!(jwt.verify_token(std::str::from_utf8(&changed).unwrap()).is_err());
    }
}
