//! Providers that do as they are told: GitHub, Google and an OpenID provider at one address.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use auth::clock::Clock as _;
use auth::oauth2::CodeVerifier;
use auth::oauth2::client::{GitHub, Google, OpenIdConnect};
use auth::testing::ManualClock;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use reqwest::Url;
use serde_json::{Value, json};

pub(crate) const CLIENT: &str = "client-7";
pub(crate) const SECRET: &str = "secret of client-7 & others";

#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) address: String,
    pub(crate) clock: ManualClock,
    state: Arc<Mutex<Told>>,
}

/// What it answers with.
pub(crate) struct Told {
    /// Members of documents, over those that are right; null leaves one out.
    pub(crate) metadata: Value,
    pub(crate) header: Value,
    pub(crate) claims: Value,
    pub(crate) userinfo: Value,
    pub(crate) emails: Value,
    pub(crate) user: Value,
    pub(crate) jwks: Option<Value>,
    pub(crate) key: EcdsaKeyPair,
    pub(crate) signature: Signature,
    /// What stands at a path instead.
    pub(crate) instead: BTreeMap<&'static str, Instead>,
    /// How often each path was asked for.
    pub(crate) asked: BTreeMap<String, usize>,
    /// What comes back with a code, besides code and state.
    pub(crate) iss: Option<String>,
    codes: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Signature {
    Right,
    None,
    /// With HS256, by what everybody knows: the key set.
    KnownSecret,
}

#[derive(Clone)]
pub(crate) enum Instead {
    Redirect(String),
    Oversized,
    Never,
    Html,
    Status(StatusCode),
    Json(StatusCode, Value),
}

pub(crate) fn key() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    Base64UrlUnpadded::encode_string(bytes.as_ref())
}

pub(crate) fn jwk(key: &EcdsaKeyPair, id: &str) -> Value {
    let point = &key.public_key().as_ref()[1..];
    json!({ "kty": "EC", "crv": "P-256", "kid": id, "alg": "ES256", "use": "sig",
            "x": base64(&point[..32]), "y": base64(&point[32..]) })
}

/// The members of the second over those of the first.
fn over(mut right: Value, told: &Value) -> Value {
    for (name, value) in told.as_object().into_iter().flatten() {
        match value {
            Value::Null => drop(right.as_object_mut().unwrap().remove(name)),
            value => right[name] = value.clone(),
        }
    }
    right
}

impl Fake {
    pub(crate) async fn start() -> Self {
        Self::by_clock(ManualClock::new()).await
    }

    pub(crate) async fn by_clock(clock: ManualClock) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let told = Told {
            metadata: json!({}),
            header: json!({}),
            claims: json!({}),
            userinfo: json!({}),
            emails: json!([
                { "email": "other@example.org", "primary": false, "verified": true, "visibility": null },
                { "email": "octo@example.org", "primary": true, "verified": true, "visibility": "private" },
            ]),
            user: json!({}),
            jwks: None,
            key: key(),
            signature: Signature::Right,
            instead: BTreeMap::new(),
            asked: BTreeMap::new(),
            iss: None,
            codes: BTreeMap::new(),
        };
        let fake = Self { address, clock, state: Arc::new(Mutex::new(told)) };
        let app = Router::new().fallback(answer).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        fake
    }

    pub(crate) fn told(&self) -> MutexGuard<'_, Told> {
        self.state.lock().unwrap()
    }

    pub(crate) fn asked(&self, path: &str) -> usize {
        self.told().asked.get(path).copied().unwrap_or_default()
    }

    pub(crate) fn open_id(&self, name: &str) -> OpenIdConnect {
        OpenIdConnect::new(name, &self.address, CLIENT, SECRET).unwrap().clock(self.clock.clone())
    }

    pub(crate) fn google(&self) -> Google {
        Google::at(&self.address, CLIENT, SECRET).unwrap().clock(self.clock.clone())
    }

    pub(crate) fn github(&self) -> GitHub {
        GitHub::at(&self.address, &self.address, CLIENT, SECRET).unwrap()
    }

    /// Its user allows what the site asks for there. Gives where the browser goes then, on the site.
    pub(crate) fn approve(&self, url: &str) -> String {
        let url = Url::parse(url).unwrap();
        let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let of = |name: &str| query.get(name).map_or("", String::as_str);
        assert_eq!((of("response_type"), of("client_id")), ("code", CLIENT));
        assert_eq!((of("code_challenge_method"), of("code_challenge").len()), ("S256", 43));
        assert!(of("state").len() >= 43, "{url}");
        let mut told = self.told();
        let code = format!("code-{}", told.codes.len());
        let mut back = Url::parse(of("redirect_uri")).unwrap();
        back.query_pairs_mut().append_pair("code", &code).append_pair("state", of("state"));
        if let Some(iss) = &told.iss {
            back.query_pairs_mut().append_pair("iss", iss);
        }
        told.codes.insert(code, query);
        format!("{}?{}", back.path(), back.query().unwrap())
    }

    /// An ID token for whoever began with that nonce.
    fn id_token(&self, nonce: &str) -> String {
        let now = self.clock.now().timestamp();
        let told = self.told();
        let header = over(json!({ "alg": "ES256", "kid": "one" }), &told.header);
        let right = json!({ "iss": self.address, "sub": "248289761001", "aud": CLIENT, "exp": now + 300, "iat": now,
                            "nonce": nonce, "email": "jane@example.org", "email_verified": true,
                            "preferred_username": "jane", "name": "Jane Doe", "secret_claim": "of jane" });
        let claims = over(right, &told.claims);
        let signed = format!("{}.{}", base64(header.to_string()), base64(claims.to_string()));
        let signature = match told.signature {
            Signature::None => String::new(),
            Signature::Right => base64(told.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap()),
            Signature::KnownSecret => {
                let jwks = json!({ "keys": [jwk(&told.key, "one")] }).to_string();
                base64(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, jwks.as_bytes()), signed.as_bytes()))
            }
        };
        format!("{signed}.{signature}")
    }

    /// Exchanges a code once, for whoever began and is the client.
    fn token(&self, headers: &HeaderMap, form: &BTreeMap<String, String>) -> Option<Value> {
        let of = |name: &str| form.get(name).map_or("", String::as_str);
        let encoded =
            |text: &str| Url::parse_with_params("http://x", [("", text)]).unwrap().query().unwrap()[1..].to_owned();
        let basic = format!("Basic {}", Base64::encode_string(format!("{CLIENT}:{}", encoded(SECRET)).as_bytes()));
        let is_basic = headers.get(header::AUTHORIZATION).is_some_and(|given| given == basic.as_str());
        let is_post = (of("client_id"), of("client_secret")) == (CLIENT, SECRET);
        assert!(is_basic != is_post, "the client says who it is, in one way");
        let begun = self.told().codes.remove(of("code"))?;
        let verifier = CodeVerifier::parse(of("code_verifier")).ok()?;
        let is_right = begun["code_challenge"] == verifier.challenge().as_str()
            && begun["redirect_uri"] == of("redirect_uri")
            && of("grant_type") == "authorization_code";
        let token = begun.get("nonce").map(|nonce| self.id_token(nonce));
        is_right.then(|| json!({ "access_token": "token-of-jane", "token_type": "bearer", "id_token": token }))
    }

    fn document(&self, path: &str, headers: &HeaderMap, form: &BTreeMap<String, String>) -> Response {
        let json = |value: Value| axum::Json(value).into_response();
        let is_known = headers.get(header::AUTHORIZATION).is_some_and(|given| given == "Bearer token-of-jane");
        match path {
            "/.well-known/openid-configuration" => {
                let at = |path: &str| format!("{}{path}", self.address);
                let right = json!({ "issuer": self.address, "authorization_endpoint": at("/authorize?tenant=7"),
                                    "token_endpoint": at("/token"), "jwks_uri": at("/jwks"),
                                    "userinfo_endpoint": at("/userinfo") });
                json(over(right, &self.told().metadata))
            }
            "/jwks" => {
                let told = self.told();
                json(told.jwks.clone().unwrap_or_else(|| json!({ "keys": [jwk(&told.key, "one")] })))
            }
            "/token" => match self.token(headers, form) {
                Some(tokens) => json(tokens),
                None => (StatusCode::BAD_REQUEST, json(json!({ "error": "invalid_grant" }))).into_response(),
            },
            "/login/oauth/access_token" => match self.token(headers, form) {
                Some(tokens) => json(tokens),
                None => json(json!({ "error": "bad_verification_code", "error_description": "…" })),
            },
            "/userinfo" if is_known => json(over(json!({ "sub": "248289761001" }), &self.told().userinfo)),
            "/user" if is_known => {
                let right = json!({ "id": 583_231, "login": "octocat", "name": "The Octocat", "avatar_url": "https://a.example/1" });
                json(over(right, &self.told().user))
            }
            "/user/emails" if is_known => json(self.told().emails.clone()),
            _ => StatusCode::UNAUTHORIZED.into_response(),
        }
    }
}

async fn answer(State(fake): State<Fake>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let instead = {
        let mut told = fake.told();
        *told.asked.entry(path.to_owned()).or_default() += 1;
        told.instead.get(path).cloned()
    };
    assert!(parts.headers.contains_key(header::USER_AGENT), "GitHub demands one");
    let long = " ".repeat((1 << 20) + 1);
    match instead {
        Some(Instead::Redirect(to)) => return (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Some(Instead::Oversized) => return ([(header::CONTENT_TYPE, "application/json")], long).into_response(),
        Some(Instead::Html) => return axum::response::Html("<p>{}").into_response(),
        Some(Instead::Status(status)) => return status.into_response(),
        Some(Instead::Json(status, body)) => return (status, axum::Json(body)).into_response(),
        Some(Instead::Never) => std::future::pending().await,
        None => {}
    }
    let form = to_bytes(body, 1 << 16).await.unwrap();
    let form = Url::parse(&format!("http://x?{}", String::from_utf8(form.to_vec()).unwrap())).unwrap();
    fake.document(path, &parts.headers, &form.query_pairs().into_owned().collect())
}

/// So long is waited for one that never answers.
pub(crate) const SHORT: Duration = Duration::from_millis(200);
