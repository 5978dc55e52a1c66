//! What other providers answer: metadata, keys, tokens, ID tokens, accounts.

use std::sync::{Arc, Mutex};

use auth::clock::Clock as _;
use auth::oauth2::client::{GitHub, OpenIdConnect};
use auth::oauth2::{AuthProvider as _, AuthorizationFlow, AuthorizationResponse};
use auth::testing::ManualClock;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{block_on, lines};

const CLIENT: &str = "client-7";
const CALLBACK: &str = "https://site.example/login/id/callback";

/// Metadata, an answer with tokens, an ID token's header and its claims, keys, a description, an account of GitHub, its
/// addresses: a line each. In them `@issuer`, `@nonce`, `@now`, `@soon`, `@jwks` and `@token` stand for what would be right.
pub fn run(data: &[u8]) {
    let Some(told) = lines::<8>(data) else { return };
    thread_local!(static FAKE: Fake = block_on(Fake::start()));
    FAKE.with(|fake| {
        block_on(fake.open_id(told));
        block_on(fake.git_hub(told));
    });
}

struct Fake {
    issuer: String,
    key: EcdsaKeyPair,
    clock: ManualClock,
    open_id: OpenIdConnect,
    git_hub: GitHub,
    answers: Answers,
}

/// What stands at a path.
type Answers = Arc<Mutex<[(&'static str, String); 6]>>;

async fn answer(State(answers): State<Answers>, request: Request) -> impl IntoResponse {
    let answers = answers.lock().expect("nobody panics with it");
    let found = answers.iter().find(|(path, _)| *path == request.uri().path());
    ([(CONTENT_TYPE, "application/json")], found.map_or(String::new(), |(_, text)| text.clone()))
}

impl Fake {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let paths = [
            "/.well-known/openid-configuration",
            "/login/oauth/access_token",
            "/jwks",
            "/userinfo",
            "/user",
            "/user/emails",
        ];
        let answers: Answers = Arc::new(Mutex::new(paths.map(|path| (path, String::new()))));
        let app = Router::new().fallback(answer).with_state(answers.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let clock = ManualClock::new();
        let open_id = OpenIdConnect::new("id", &issuer, CLIENT, "secret").expect("a provider").clock(clock.clone());
        let git_hub = GitHub::at(&issuer, &issuer, CLIENT, "secret").expect("a provider");
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        Self { issuer, key, clock, open_id, git_hub, answers }
    }

    /// Tells all of it, with what is right where that is asked for. Gives the claims as they were signed, and what is told.
    fn tell(&self, told: [&str; 8], flow: &AuthorizationFlow) -> (String, [String; 6]) {
        let [metadata, tokens, header, claims, jwks, description, user, emails] = told;
        let now = self.clock.now().timestamp();
        let right = |text: &str| {
            let text = text.replace("@issuer", &self.issuer).replace("@nonce", &flow.nonce());
            text.replace("@now", &now.to_string()).replace("@soon", &(now + 600).to_string())
        };
        let (header, claims) = (right(header), right(claims));
        let point = &self.key.public_key().as_ref()[1..];
        let (x, y) = (Base64UrlUnpadded::encode_string(&point[..32]), Base64UrlUnpadded::encode_string(&point[32..]));
        let key = json!({ "kty": "EC", "crv": "P-256", "kid": "one", "alg": "ES256", "use": "sig", "x": x, "y": y });
        let tokens = right(tokens).replace("@token", &self.signed(&header, &claims));
        let jwks = right(jwks).replace("@jwks", &json!({ "keys": [key] }).to_string());
        let texts = [right(metadata), tokens, jwks, right(description), right(user), right(emails)];
        let mut answers = self.answers.lock().expect("nobody panics with it");
        for (answer, text) in answers.iter_mut().zip(texts.clone()) {
            answer.1 = text;
        }
        (claims, texts)
    }

    fn signed(&self, header: &str, claims: &str) -> String {
        let encoded = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
        let text = format!("{}.{}", encoded(header), encoded(claims));
        let signature = self.key.sign(&SystemRandom::new(), text.as_bytes()).expect("a signature");
        format!("{text}.{}", Base64UrlUnpadded::encode_string(signature.as_ref()))
    }

    /// Whoever is logged in is whom the signed claims name, for us, now, in this login.
    async fn open_id(&self, told: [&str; 8]) {
        // What was found before is not believed any more.
        self.clock.advance(TimeDelta::hours(2));
        let flow = AuthorizationFlow::new("id", CALLBACK);
        let (claims, [.., description, _, _]) = self.tell(told, &flow);
        if let Ok(address) = self.open_id.get_auth_url(&flow).await {
            let address = url::Url::parse(&address).expect("a URL");
            assert!(address.scheme() == "https" || address.host_str() == Some("127.0.0.1"), "{address}");
            assert!(address.query_pairs().any(|(name, value)| name == "state" && value == flow.state()));
        }
        let response = AuthorizationResponse::new("code").with_iss(&self.issuer);
        let Ok(info) = self.open_id.exchange_code(&response, &flow).await else { return };
        let claims: Value = serde_json::from_str(&claims).expect("what is accepted is JSON");
        assert_eq!((&*info.issuer, claims["iss"].as_str()), (&*self.issuer, Some(&*self.issuer)));
        assert_eq!(claims["sub"].as_str(), Some(&*info.subject));
        assert_eq!(claims["nonce"].as_str(), Some(&*flow.nonce()));
        assert!(claims["aud"] == CLIENT || claims["aud"].as_array().is_some_and(|all| all.contains(&CLIENT.into())));
        assert!(claims["exp"].as_i64().is_some_and(|exp| exp > self.clock.now().timestamp() - 31));
        if let Some(address) = info.verified_email() {
            let description = serde_json::from_str(&description).unwrap_or(Value::Null);
            let says = |all: &Value| all["email"] == address && all["email_verified"] == true;
            assert!(says(&claims) || says(&description), "{claims} {description}");
        }
    }

    /// Only the primary address counts, and only a verified one.
    async fn git_hub(&self, told: [&str; 8]) {
        let flow = AuthorizationFlow::new("github", CALLBACK);
        let (_, [.., user, emails]) = self.tell(told, &flow);
        let Ok(info) = self.git_hub.exchange_code(&AuthorizationResponse::new("code"), &flow).await else { return };
        let user: Value = serde_json::from_str(&user).expect("what is accepted is JSON");
        assert_eq!(user["id"].as_u64().map(|id| id.to_string()).as_deref(), Some(&*info.subject));
        if let Some(address) = info.verified_email() {
            let emails: Vec<Value> = serde_json::from_str(&emails).expect("what is accepted is a list");
            let is_it = |one: &Value| one["email"] == address && one["primary"] == true && one["verified"] == true;
            assert!(emails.iter().any(is_it), "{address}");
        }
    }
}
