//! Published vectors: RFC 7515 appendix A.1 to A.3, RFC 8037 appendix A, RFC 7638 §3.1.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;

use super::{JwtAlgorithm, JwtKey};

/// What appendix A of RFC 7515 signs; the header is in front.
const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

const RS256: &str = include_str!("../../../../tests/vectors/jwt/rs256.pem");
const RS256_PUBLIC: &str = include_str!("../../../../tests/vectors/jwt/rs256.public.pem");
const ES256: &str = include_str!("../../../../tests/vectors/jwt/es256.pem");
const ES256_PUBLIC: &str = include_str!("../../../../tests/vectors/jwt/es256.public.pem");
const EDDSA: &str = include_str!("../../../../tests/vectors/jwt/eddsa.pem");
const EDDSA_PUBLIC: &str = include_str!("../../../../tests/vectors/jwt/eddsa.public.pem");

/// It verifies, its own signature too, and no other one.
fn holds(signing: &JwtKey, verifying: &JwtKey, message: &str, signature: &str) -> Vec<u8> {
    let (message, mut expected) = (message.as_bytes(), BASE64.decode(signature).unwrap());
    for key in [signing, verifying] {
        assert!(key.verify(message, &expected));
        assert!(key.verify(message, &signing.sign(message).unwrap()));
        assert!(!key.verify(&message[1..], &expected));
        assert!(!key.verify(message, &expected[1..]));
        assert!(!key.verify(message, &[]));
        expected[7] ^= 1;
        assert!(!key.verify(message, &expected));
        expected[7] ^= 1;
    }
    assert!(!verifying.signs() || verifying.algorithm() == JwtAlgorithm::Hs256);
    assert_eq!(verifying.id(), signing.id());
    expected
}

#[test]
fn hs256() {
    // RFC 7515 A.1
    let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let key = JwtKey::hs256(BASE64.decode(secret).unwrap()).unwrap();
    let message = format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{PAYLOAD}");
    let expected = holds(&key, &key, &message, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_eq!(key.sign(message.as_bytes()).unwrap(), expected);
}

#[test]
fn rs256() {
    // RFC 7515 A.2
    let key = JwtKey::private_pem(JwtAlgorithm::Rs256, RS256).unwrap();
    let public = JwtKey::public_pem(JwtAlgorithm::Rs256, RS256_PUBLIC).unwrap();
    let message = format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}");
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7\
        AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4\
        BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K\
        0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv\
        hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB\
        p0igcN_IoypGlUPQGe77Rw";
    let expected = holds(&key, &public, &message, signature);
    assert_eq!(key.sign(message.as_bytes()).unwrap(), expected);
}

#[test]
fn es256() {
    // RFC 7515 A.3
    let key = JwtKey::private_pem(JwtAlgorithm::Es256, ES256).unwrap();
    let public = JwtKey::public_pem(JwtAlgorithm::Es256, ES256_PUBLIC).unwrap();
    let message = format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}");
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    holds(&key, &public, &message, signature);
}

#[test]
fn eddsa() {
    // RFC 8037 A.3 to A.5
    let key = JwtKey::private_pem(JwtAlgorithm::EdDsa, EDDSA).unwrap();
    let public = JwtKey::public_pem(JwtAlgorithm::EdDsa, EDDSA_PUBLIC).unwrap();
    assert_eq!(key.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let expected = holds(&key, &public, message, signature);
    assert_eq!(key.sign(message.as_bytes()).unwrap(), expected);
}

#[test]
fn thumbprint() {
    // RFC 7638 §3.1
    let modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJE\
        CPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Q\
        vzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6\
        WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let jwk = format!(r#"{{"kty":"RSA","n":"{modulus}","e":"AQAB","alg":"RS256"}}"#);
    assert_eq!(JwtKey::from_jwk(&jwk).unwrap().id(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}
