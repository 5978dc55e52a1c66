//! Whole requests: methods, paths, headers, cookies, bodies, credentials of every kind.

use std::net::SocketAddr;

use auth::accounts::AuthCredentials;
use auth::oauth2::provider::{OAuth2Application, OAuth2Config};
use auth::passwords::{PasswordError, PasswordHash, PasswordHasher, PasswordHashers, Passwords};
use auth::prelude::*;
use auth::testing::ManualClock;
use auth::tokens::{JwtAlgorithm, JwtKey, KeyRing};
use auth::users::DefaultUser;
use auth::web::authentication::{
    ApiKeyAuthentication, AuthenticationBackend, AuthenticationRequest, BearerAuthentication, Found, HttpBasicAuth,
    RemoteUserAuthentication, SessionAuthentication,
};
use auth::web::is_safe_next;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::routing::any;
use base64ct::{Base64, Encoding as _};
use chrono::TimeDelta;
use tower::ServiceExt as _;

use crate::block_on;

const ORIGIN: &str = "https://site.example";
const CALLBACK: &str = "https://client.example/cb";
const PROXY: &str = "10.0.0.1:4711";
const NAME: &str = "ada";
const PASSWORD: &str = "plum tractor evening";

/// A request as text: its line, its headers, an empty line, its body. `@session` stands for the key of a live session.
pub fn run(data: &[u8]) {
    let cut = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = cut.map_or((data, &b""[..]), |at| (&data[..at], &data[at + 2..]));
    thread_local!(static SITE: Site = block_on(Site::new()));
    SITE.with(|site| {
        let logged_in = head.windows(8).any(|word| word == b"@session");
        let session = if logged_in { block_on(site.log_in()) } else { String::new() };
        let Some(request) = request(head, &session, body) else { return };
        let (parts, body) = request.into_parts();
        found(&parts);
        let path = parts.uri.path().to_owned();
        let (status, headers, text) = block_on(site.answer(Request::from_parts(parts, body)));
        assert!(!status.is_server_error(), "{status} {text}");
        let is_guarded = ["/guarded", "/programs", "/me"].contains(&&*path);
        assert!(logged_in || !is_guarded || status != StatusCode::OK, "a stranger is let in: {text}");
        if let Some(location) = headers.get(header::LOCATION) {
            let location = location.to_str().expect("what we write is text");
            let path = location.split('?').next().unwrap_or_default();
            assert!(is_safe_next(path) || location.starts_with(CALLBACK), "leads to {location}");
        }
        let is_page = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        let is_written = text.to_ascii_lowercase().contains("<xss");
        assert!(!is_page || !is_written, "what was sent stands in the page as it is: {text}");
        assert!(text.len() < 1 << 20, "the answer is large");
    });
}

fn request(head: &[u8], session: &str, body: &[u8]) -> Option<Request<Body>> {
    let mut lines = head.split(|byte| *byte == b'\n');
    let (method, path) = std::str::from_utf8(lines.next()?).ok()?.split_once(' ')?;
    let mut request =
        Request::builder().method(method).uri(path).extension(ConnectInfo(PROXY.parse::<SocketAddr>().ok()?));
    for line in lines {
        let at = line.iter().position(|byte| *byte == b':')?;
        let value = line[at + 1..].trim_ascii();
        let value = match std::str::from_utf8(value) {
            Ok(text) if text.contains("@session") => HeaderValue::try_from(text.replace("@session", session)),
            _ => HeaderValue::from_bytes(value).map_err(Into::into),
        };
        request = request.header(&line[..at], value.ok()?);
    }
    request.body(Body::from(body.to_vec())).ok()
}

/// What is taken for credentials is what stands there, in its one spelling.
fn found(parts: &Parts) {
    let peer = PROXY.parse::<SocketAddr>().ok().map(|peer| peer.ip());
    let request = AuthenticationRequest::new(parts, peer);
    let credentials = |backend: &dyn AuthenticationBackend| match backend.find(&request) {
        Ok(Found::Credentials(credentials)) => Some(credentials),
        _ => None,
    };
    let sent = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let basic = HttpBasicAuth::new("site").expect("a realm");
    if let Some(AuthCredentials::Password { username, password, .. }) = credentials(&basic) {
        let pair = Base64::encode_string(format!("{username}:{}", password.expose()).as_bytes());
        assert!(sent("authorization").ends_with(&pair), "{pair}");
        assert!(!username.contains(':') && !username.contains(char::is_control));
    }
    if let Some(AuthCredentials::Token { token }) = credentials(&BearerAuthentication) {
        assert!(sent("authorization").ends_with(token.expose()) && !token.expose().is_empty());
    }
    if let Some(AuthCredentials::ApiKey { key }) = credentials(&ApiKeyAuthentication) {
        assert!([sent("authorization"), sent("x-api-key")].iter().any(|sent| sent.ends_with(key.expose())));
        assert!(key.expose().bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()));
    }
    let remote = RemoteUserAuthentication::behind(peer).expect("a proxy");
    if let Some(AuthCredentials::RemoteUser { username, .. }) = credentials(&remote) {
        assert_eq!((sent("remote_user"), username.trim()), (&*username, &*username));
        assert!(!username.is_empty() && !username.contains(','));
    }
}

struct Site {
    app: Router,
    clock: ManualClock,
}

impl Site {
    async fn new() -> Self {
        #[auth::login_required]
        async fn guarded() {}
        let clock = ManualClock::new();
        let config = provider();
        let builder = Auth::<DefaultUser>::builder().clock(clock.clone()).passwords(plain_passwords()).origin(ORIGIN);
        let builder = builder.oauth2(config).trusted_proxies(PROXY.parse::<SocketAddr>().map(|proxy| proxy.ip()));
        let auth = builder.build().await.expect("an application");
        auth.users().create_user(NAME, Some(PASSWORD), auth::users::Extra::new()).await.expect("a user");
        let prints = OAuth2Application::confidential("Prints").client_id("prints").redirect_uri(CALLBACK).scope("read");
        auth.oauth2().register_application(prints).await.expect("a client");
        let programs = auth.layer_by(SessionAuthentication).or(BearerAuthentication).or(ApiKeyAuthentication);
        let programs = Router::new().route("/programs", any(guarded)).layer(programs);
        let people = Router::new()
            .route("/guarded", any(guarded))
            .merge(auth.routes())
            .merge(auth.factor_routes())
            .merge(auth.oauth2_routes())
            .merge(auth.token_routes())
            .layer(auth.layer());
        Self { app: people.merge(programs), clock }
    }

    /// An hour after the last one, so that nobody has to wait.
    async fn answer(&self, request: Request<Body>) -> (StatusCode, header::HeaderMap, String) {
        self.clock.advance(TimeDelta::hours(1));
        self.send(request).await
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, header::HeaderMap, String) {
        let (parts, body) = self.app.clone().oneshot(request).await.expect("it always answers").into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body in memory");
        (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
    }

    /// The value of a session's cookie, with its name.
    async fn log_in(&self) -> String {
        let body = format!(r#"{{"username":"{NAME}","password":"{PASSWORD}"}}"#);
        let request = Request::post("/login").header("origin", ORIGIN).header("content-type", "application/json");
        let (status, headers, text) = self.send(request.body(Body::from(body)).expect("a request")).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        let cookies = headers.get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
        let pairs = cookies.filter_map(|cookie| cookie.split(';').next());
        pairs.collect::<Vec<_>>().join("; ")
    }
}

/// A hasher that does no work.
#[derive(Debug)]
struct Plain;

impl PasswordHasher for Plain {
    fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError> {
        Ok(PasswordHash::new(format!("plain${password}")))
    }

    fn verify(&self, password: &str, hash: &PasswordHash) -> Result<bool, PasswordError> {
        Ok(hash.expose().strip_prefix("plain$") == Some(password))
    }

    fn needs_rehash(&self, hash: &PasswordHash) -> bool {
        !hash.expose().starts_with("plain$")
    }
}

/// Keys that are quickly made.
pub(crate) fn provider() -> OAuth2Config {
    let key = JwtKey::random(JwtAlgorithm::Es256).and_then(KeyRing::new).expect("a key");
    OAuth2Config::new(ORIGIN).scope("read", "Read what you wrote").id_token_keys(key)
}

pub(crate) fn plain_passwords() -> Passwords {
    Passwords::new(PasswordHashers::new(Plain))
}
