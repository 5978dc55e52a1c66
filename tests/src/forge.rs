//! Tokens that no library makes.

use auth::testing::ManualClock;
use auth::tokens::JwtAuth;
use aws_lc_rs::hmac;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::DateTime;
use serde_json::{Value, json};

/// The secret of what is signed with HS256.
pub const SECRET: &str = "9ZPvnIRcHkGfWbRfbTGZHkwJn8Tn0kHJ";
/// Who issues.
pub const ISSUER: &str = "https://issuer.example";
/// For whom.
pub const AUDIENCE: &str = "https://api.example";
/// When all of it happens.
pub const NOW: i64 = 1_800_000_000;

/// A private key for RS256.
pub const RS256: &str = include_str!("../vectors/jwt/rs256.pem");
/// Its public half.
pub const RS256_PUBLIC: &str = include_str!("../vectors/jwt/rs256.public.pem");
/// A private key for ES256.
pub const ES256: &str = include_str!("../vectors/jwt/es256.pem");
/// Its public half.
pub const ES256_PUBLIC: &str = include_str!("../vectors/jwt/es256.public.pem");
/// A private key for `EdDSA`.
pub const EDDSA: &str = include_str!("../vectors/jwt/eddsa.pem");
/// Its public half.
pub const EDDSA_PUBLIC: &str = include_str!("../vectors/jwt/eddsa.public.pem");

/// A clock that shows [`NOW`].
pub fn clock() -> ManualClock {
    ManualClock::at(DateTime::from_timestamp(NOW, 0).expect("it is a date"))
}

/// It demands whatever can be demanded.
pub fn strict(jwt: JwtAuth) -> JwtAuth {
    jwt.issuer(ISSUER).audience(AUDIENCE).clock(clock())
}

/// A good header.
pub fn header() -> Value {
    json!({ "alg": "HS256", "typ": "JWT" })
}

/// A good payload.
pub fn payload() -> Value {
    json!({ "iss": ISSUER, "sub": "42", "aud": AUDIENCE, "exp": NOW + 600, "iat": NOW, "jti": "one" })
}

/// The object with a member set, or without it where that is null.
pub fn but(mut object: Value, name: &str, value: impl Into<Value>) -> Value {
    match value.into() {
        Value::Null => drop(object.as_object_mut().expect("it is an object").remove(name)),
        value => object[name] = value,
    }
    object
}

/// Without padding.
pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    Base64UrlUnpadded::encode_string(bytes.as_ref())
}

/// The first two parts of a token, whatever they are.
pub fn unsigned(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    format!("{}.{}", base64(header), base64(payload))
}

/// A token with these bytes as header and payload, signed with HS256.
pub fn hs256(secret: impl AsRef<[u8]>, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    sealed(secret, unsigned(header, payload))
}

/// A text, signed with HS256.
pub fn sealed(secret: impl AsRef<[u8]>, text: impl AsRef<str>) -> String {
    let (key, text) = (hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref()), text.as_ref());
    format!("{text}.{}", base64(hmac::sign(&key, text.as_bytes())))
}

/// A good token but for what these do to its header and payload.
pub fn forged(header: &Value, payload: &Value) -> String {
    hs256(SECRET, header.to_string(), payload.to_string())
}
