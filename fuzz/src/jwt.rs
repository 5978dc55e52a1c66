//! JSON Web Tokens: what is signed rightly and says anything, and what is not signed at all.

use auth::testing::ManualClock;
use auth::tokens::JwtAuth;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::DateTime;
use serde_json::{Map, Value};

use crate::lines;

const SECRET: &str = "9ZPvnIRcHkGfWbRfbTGZHkwJn8Tn0kHJ";
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://api.example";
const NOW: i64 = 1_800_000_000;

/// A header in a line, then a payload, which are signed; and the whole as a token.
pub fn run(data: &[u8]) {
    let clock = ManualClock::at(DateTime::from_timestamp(NOW, 0).expect("a moment"));
    let jwt = JwtAuth::new(SECRET).expect("a secret").clock(clock);
    let strict = jwt.clone().issuer(ISSUER).audience(AUDIENCE);
    if let Ok(text) = std::str::from_utf8(data) {
        for jwt in [&jwt, &strict] {
            assert!(jwt.verify_token(text).is_err(), "nobody signed it");
        }
    }
    let Some([header, payload]) = lines(data) else { return };
    let token = signed(header, payload);
    let found = strict.decode::<Map<String, Value>>(&token);
    assert_eq!(found, strict.decode(&token), "asked again, it is the same");
    let Ok(claims) = found else {
        let why = found.expect_err("it is an error");
        assert_eq!(why.to_string(), "the token is not valid");
        return;
    };
    assert!(jwt.verify_token(&token).is_err(), "who has no name is not meant where somebody is named");
    // What it says is what any other reader reads there.
    let header: Map<String, Value> = serde_json::from_str(header).expect("what is accepted is an object");
    let payload: Map<String, Value> = serde_json::from_str(payload).expect("what is accepted is an object");
    assert_eq!((&header["alg"], &header["typ"]), (&Value::from("HS256"), &Value::from("JWT")));
    for name in ["crit", "jwk", "jku", "x5u", "x5c", "zip", "enc", "b64"] {
        assert!(!header.contains_key(name), "{name}");
    }
    assert_eq!(payload["sub"].as_str(), Some(&*claims.sub));
    assert_eq!(payload["exp"].as_i64(), Some(claims.exp));
    assert_eq!(payload["iss"].as_str(), Some(ISSUER));
    assert!(payload["aud"] == AUDIENCE || payload["aud"].as_array().is_some_and(|all| all.contains(&AUDIENCE.into())));
    assert!(!claims.sub.is_empty() && !claims.jti.is_empty() && claims.sub.len() <= 255 && claims.jti.len() <= 255);
    assert!((NOW - 5..=NOW + 400 * 86_400 + 5).contains(&claims.exp), "{}", claims.exp);
    assert!(claims.nbf.is_none_or(|nbf| nbf <= NOW + 5) && claims.iat.is_none_or(|iat| iat <= NOW + 5));
    // Said again, it is accepted and says the same.
    if let Ok(again) = strict.encode(&claims) {
        let again = strict.decode::<Map<String, Value>>(again.expose());
        assert_eq!(again.as_deref(), Ok(&*claims));
    }
}

fn signed(header: &str, payload: &str) -> String {
    let encoded = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let text = format!("{}.{}", encoded(header), encoded(payload));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = Base64UrlUnpadded::encode_string(aws_lc_rs::hmac::sign(&key, text.as_bytes()).as_ref());
    format!("{text}.{tag}")
}
