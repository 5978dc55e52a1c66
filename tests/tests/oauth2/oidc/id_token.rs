//! ID tokens: what they say, and what is refused where a client brings one back.

use std::sync::Arc;
use std::time::Duration;

use auth::clock::Clock as _;
use auth::oauth2::provider::SigningKeys;
use auth::oauth2::provider::oidc::{IdTokenHint, IdTokens, NewIdToken};
use auth::testing::ManualClock;
use auth::tokens::{JwtAlgorithm, JwtAuth, JwtKey, KeyRing, TokenRefused};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::forge::{self, base64, but};

const ISSUER: &str = "https://id.example";
const NONCE: &str = "n-0S6_WzA2Mj ü\"\\";

struct Provider {
    tokens: IdTokens,
    key: JwtKey,
    clock: ManualClock,
}

impl Provider {
    fn new() -> Self {
        let (clock, key) = (ManualClock::new(), JwtKey::private_pem(JwtAlgorithm::Rs256, forge::RS256).unwrap());
        let keys = SigningKeys::given(KeyRing::new(key.clone()).unwrap()).unwrap();
        Self { tokens: IdTokens::new(ISSUER, keys, Arc::new(clock.clone())), key, clock }
    }

    async fn issue(&self, new: NewIdToken<'_>) -> String {
        self.tokens.issue(new).await.unwrap().expose().to_owned()
    }

    async fn hint(&self, token: &str) -> Option<IdTokenHint> {
        self.tokens.hint(token).await.unwrap()
    }

    fn jwt(&self) -> JwtAuth {
        JwtAuth::with_keys(KeyRing::new(self.key.clone()).unwrap())
            .issuer(ISSUER)
            .audience("client")
            .clock(self.clock.clone())
    }
}

fn new() -> NewIdToken<'static> {
    let (auth_time, nonce, session, access_token) = Default::default();
    NewIdToken { client_id: "client", user_id: "42", auth_time, methods: &[], nonce, session, access_token }
}

fn said(token: &str) -> (Value, Value) {
    let part = |place| {
        let part = token.split('.').nth(place).unwrap();
        serde_json::from_slice(&Base64UrlUnpadded::decode_vec(part).unwrap()).unwrap()
    };
    (part(0), part(1))
}

#[tokio::test]
async fn it_says_who_logged_in_when_and_how() {
    let provider = Provider::new();
    let now = provider.clock.now().timestamp();
    let methods = ["pwd", "otp", "mfa"].map(str::to_owned);
    let token = provider
        .issue(NewIdToken {
            auth_time: Some(provider.clock.now() - TimeDelta::seconds(30)),
            methods: &methods,
            nonce: Some(NONCE),
            session: Some("s1"),
            access_token: Some("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            ..new()
        })
        .await;
    let (header, mut payload) = said(&token);
    assert_eq!(header, json!({ "alg": "RS256", "typ": "JWT", "kid": provider.key.id() }));
    assert!(payload["jti"].as_str().unwrap().len() >= 16);
    payload = but(payload, "jti", Value::Null);
    let expected = json!({
        "iss": ISSUER, "sub": "42", "aud": "client", "iat": now, "exp": now + 600, "auth_time": now - 30,
        "nonce": NONCE, "acr": "mfa", "amr": ["pwd", "otp", "mfa"], "at_hash": "77QmUPtjPfzWtF2AnpK9RQ",
    });
    let sid = payload["sid"].as_str().unwrap().to_owned();
    assert_eq!(sid.len(), 22);
    payload = but(payload, "sid", Value::Null);
    assert_eq!(payload, expected);
}

#[tokio::test]
async fn one_factor_is_not_called_two_and_what_is_unknown_is_not_said() {
    let provider = Provider::new();
    let methods = ["pwd", "fed"].map(str::to_owned);
    let (_, payload) = said(&provider.issue(NewIdToken { methods: &methods, ..new() }).await);
    assert_eq!((payload.get("acr"), &payload["amr"]), (None, &json!(["pwd", "fed"])));
    // A name alone makes no second factor.
    let methods = ["pwd", "mfa"].map(str::to_owned);
    let (_, payload) = said(&provider.issue(NewIdToken { methods: &methods, ..new() }).await);
    assert_eq!(payload.get("acr"), None);
    let (_, payload) = said(&provider.issue(new()).await);
    for name in ["auth_time", "acr", "amr", "nonce", "at_hash", "sid", "azp", "username"] {
        assert_eq!(payload.get(name), None, "{name}");
    }
}

#[tokio::test]
async fn a_hint_is_read_after_it_expired_while_its_key_is_published() {
    let provider = Provider::new();
    let token = provider.issue(NewIdToken { session: Some("s1"), ..new() }).await;
    for days in [0, 1, 300] {
        provider.clock.advance(TimeDelta::days(days));
        let hint = provider.hint(&token).await.unwrap();
        assert_eq!((&*hint.client_id, &*hint.user_id), ("client", "42"));
    }
    let (other, clock) = (Provider::new(), provider.clock.clone());
    let keys = KeyRing::new(JwtKey::random(JwtAlgorithm::Es256).unwrap()).unwrap();
    let others = IdTokens::new(ISSUER, SigningKeys::given(keys).unwrap(), Arc::new(clock.clone()));
    assert_eq!(others.hint(&token).await.unwrap(), None);
    // Of another issuer with the same keys, and from the future.
    let keys = SigningKeys::given(KeyRing::new(provider.key.clone()).unwrap()).unwrap();
    let others = IdTokens::new("https://other.example", keys, Arc::new(clock));
    assert_eq!(others.hint(&token).await.unwrap(), None);
    other.clock.set(provider.clock.now() + TimeDelta::minutes(1));
    assert_eq!(provider.hint(&other.issue(new()).await).await, None);
}

#[tokio::test]
async fn nothing_else_passes_for_an_id_token() {
    let provider = Provider::new();
    let good = provider.issue(new()).await;
    let (header, payload) = said(&good);
    assert!(provider.hint(&good).await.is_some());
    let access = provider.jwt().token_type("at+jwt").unwrap().generate_token("42", "ada").unwrap();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let none = |name: &str| forge::unsigned(but(header.clone(), "alg", name).to_string(), payload.to_string());
    let hs256 = but(header.clone(), "alg", "HS256").to_string();
    let changed = forge::unsigned(header.to_string(), but(payload.clone(), "sub", "43").to_string());
    for bad in [
        access.expose().to_owned(),
        format!("{}.", none("none")),
        none("none"),
        format!("{}.{signature}", none("None")),
        // The public key as a secret, in each form that it is known in.
        forge::hs256(forge::RS256_PUBLIC, &hs256, payload.to_string()),
        forge::hs256(forge::RS256_PUBLIC.trim(), &hs256, payload.to_string()),
        forge::hs256("client-secret-of-thirty-two-bytes", &hs256, payload.to_string()),
        format!("{changed}.{signature}"),
        format!("{signed}.{}", base64([0; 256])),
        format!("{good}x"),
        format!(" {good}"),
        String::new(),
        "..".into(),
        ".e30.".into(),
        "a".repeat(100_000),
        "a.".repeat(5_000),
    ] {
        assert_eq!(provider.hint(&bad).await, None, "{bad}");
    }
}

#[tokio::test]
async fn an_id_token_is_no_access_token_and_is_for_its_client_only() {
    let provider = Provider::new();
    let token = provider.issue(new()).await;
    let access = provider.jwt().token_type("at+jwt").unwrap();
    assert_eq!(access.verify_token(&token).unwrap_err(), TokenRefused::TokenType);
    assert!(provider.jwt().verify_token(&token).is_ok());
    assert_eq!(provider.jwt().audience("another").verify_token(&token).unwrap_err(), TokenRefused::Audience);
}

#[tokio::test]
async fn the_hash_goes_with_the_algorithm() {
    for (algorithm, length) in [(JwtAlgorithm::Es256, 22), (JwtAlgorithm::EdDsa, 43)] {
        let keys = SigningKeys::given(KeyRing::new(JwtKey::random(algorithm).unwrap()).unwrap()).unwrap();
        let tokens = IdTokens::new(ISSUER, keys, Arc::new(ManualClock::new()));
        let token = tokens.issue(NewIdToken { access_token: Some("token"), ..new() }).await.unwrap();
        assert_eq!(said(token.expose()).1["at_hash"].as_str().unwrap().len(), length);
    }
}

#[test]
fn it_is_valid_for_minutes() {
    for seconds in [0, 59, 3601, u64::MAX] {
        assert!(Provider::new().tokens.lifetime(Duration::from_secs(seconds)).is_err());
    }
    assert!(Provider::new().tokens.lifetime(Duration::from_mins(5)).is_ok());
}
