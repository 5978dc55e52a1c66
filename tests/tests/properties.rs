//! Whatever comes from outside: no panic, no access, and never a failure of ours.
#![expect(clippy::unwrap_used, reason = "a test panics when something is wrong")]

use std::sync::Arc;
use std::time::Duration;

use auth::cache::{Cache as _, InMemoryCache};
use auth::passwords::{Argon2Hasher, PasswordHasher as _};
use auth::prelude::*;
use auth::registry::Url;
use auth::secret::SecretKey;
use auth::sessions::{
    CacheSessionBackend, CookieSessionBackend, Device, InMemorySessionBackend, Login, SessionBackend as _, SessionKey,
    SessionRecord, SessionType,
};
use auth::testing::ManualClock;
use auth::users::DefaultUser;
use auth::web::is_safe_next;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing;
use chrono::TimeDelta;
use proptest::prelude::*;
use tower::ServiceExt as _;

proptest! {
    #[test]
    fn a_session_key_has_one_spelling(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Some(key) = SessionKey::parse(&bytes) {
            prop_assert_eq!(key.expose().into_bytes(), bytes);
        }
    }

    #[test]
    fn a_key_survives_its_text(text in "[A-Za-z0-9_-]{43}") {
        if let Some(key) = SessionKey::parse(text.as_bytes()) {
            prop_assert_eq!(key.expose(), text);
        }
    }

    #[test]
    fn a_safe_next_stays_on_this_site(next in "(/|\\\\|//|https?:|[a-z.@:]|\\PC|[\\x00-\\x20]){0,12}") {
        if is_safe_next(&next) {
            let site: reqwest::Url = "https://site.example/login".parse().unwrap();
            let resolved = site.join(&next).unwrap();
            prop_assert_eq!(resolved.origin(), site.origin(), "{:?} leads to {}", next, resolved);
        }
    }

    #[test]
    fn a_store_address_never_shows_more_than_its_scheme(text in "\\PC{0,40}") {
        let url = Url::new(&text);
        prop_assert!(url.expose().len() >= url.scheme().len());
        let shown = format!("{url:?}");
        let scheme = shown.strip_prefix("Url(").and_then(|shown| shown.strip_suffix(":…)")).unwrap();
        let is_scheme = scheme.len() <= 20 && scheme.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '+' | '.' | '-'));
        prop_assert!(scheme == "…" || (is_scheme && scheme == url.scheme()), "{}", shown);
    }

    #[test]
    fn a_name_has_one_canonical_form(name in "\\PC{0,40}") {
        let once = DefaultUser::normalize_username(&name);
        prop_assert_eq!(DefaultUser::normalize_username(&once), once);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever a session holds, it comes out of its cookie as it went in.
    #[test]
    fn a_session_survives_its_cookie(
        version in any::<u64>(),
        moments in proptest::array::uniform4(-(1_i64 << 53)..(1 << 53)),
        user in proptest::option::of("\\PC{0,200}"),
        agent in proptest::option::of("\\PC{0,300}"),
        ip in any::<std::net::IpAddr>(),
        data in proptest::collection::vec(any::<u8>(), 0..2000),
    ) {
        let [created, seen, lives, ends] = moments.map(|micros| DateTime::from_timestamp_micros(micros).unwrap());
        let key = SessionKey::generate();
        let mut record = SessionRecord::new(created, lives, ends);
        (record.version, record.verifier, record.seen_at) = (version, key.verifier(), seen);
        record.data = data.into();
        record.login = user.map(|user| Login::new(user, [7; 32], seen));
        record.device = agent.map(|agent| Device::new(SessionType::Api).with_ip(ip).with_user_agent(&agent));
        let clock = ManualClock::new();
        clock.set(lives.min(ends) - TimeDelta::microseconds(1));
        let store = InMemorySessionBackend::with_clock(Arc::new(clock.clone()));
        let sealed = CookieSessionBackend::new(&SecretKey::random(), store).with_clock(Arc::new(clock));
        let cookie = sealed.seal(&key, &record, usize::MAX).unwrap();
        if cookie.len() <= CookieSessionBackend::MAX_COOKIE {
            let opened = block_on(sealed.open(cookie.as_bytes())).unwrap();
            prop_assert_eq!(opened, Some((key, record)));
        } else {
            prop_assert!(sealed.seal(&key, &record, CookieSessionBackend::MAX_COOKIE).is_err());
        }
    }

    /// What nobody sealed opens nothing.
    #[test]
    fn no_bytes_are_a_sealed_session(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[A-Za-z0-9_-]{0,400}") {
        let sealed = CookieSessionBackend::new(&SecretKey::random(), InMemorySessionBackend::new());
        for cookie in [&bytes[..], text.as_bytes()] {
            prop_assert_eq!(block_on(sealed.open(cookie)).unwrap(), None);
        }
    }

    /// What stands where a cache keeps sessions is a whole session, or none.
    #[test]
    fn no_bytes_in_a_cache_are_more_than_a_session(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let (cache, id) = (Arc::new(InMemoryCache::new()), SessionKey::generate().digest());
        let sessions = CacheSessionBackend::new(cache.clone()).with_prefix("s:");
        block_on(cache.insert(&format!("s:{id}"), &bytes, Duration::from_mins(1))).unwrap();
        prop_assert_eq!(block_on(sessions.load(&id)).unwrap(), None);
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

/// Of no password; its salt and tag are as long as ours.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$\
                    AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_damaged_hash_never_verifies(at in 0..HASH.len(), with in "[\\PC$=,]{0,3}", cut in 0..3usize) {
        let end = (at + cut).min(HASH.len());
        let damaged = format!("{}{with}{}", &HASH[..at], &HASH[end..]);
        prop_assert!(!Argon2Hasher::default().verify("password", &PasswordHash::new(damaged)).unwrap());
    }
}

fn app() -> Router {
    #[auth::login_required]
    async fn guarded() {}
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let auth = runtime.block_on(Auth::<DefaultUser>::builder().build()).unwrap();
    Router::new().route("/", routing::any(guarded)).merge(auth.routes()).layer(auth.layer())
}

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    let printable = proptest::collection::vec(prop_oneof![0x20u8..0x7f, 0x80u8..=0xff], 0..most);
    let cookie = "(session(-csrf)?|__Host-session|x)=[A-Za-z0-9_-]{0,44}(; ?(session|x)=[A-Za-z0-9_-]{43})?";
    prop_oneof![printable, cookie.prop_map(String::into_bytes)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_request_of_a_stranger_gets_in_or_makes_us_fail(
        method in "GET|POST|PUT|DELETE|HEAD|OPTIONS|BREW",
        path in "/|/login|/register|/logout|/me|/csrf|/login\\?next=[a-z/%:]{0,12}",
        headers in proptest::collection::vec(
            ("cookie|host|origin|sec-fetch-site|accept|content-type|x-csrf-token|x-forwarded-for|forwarded", bytes(60)), 0..5),
        kind in prop_oneof![Just("application/json"), Just("application/x-www-form-urlencoded"), Just("text/plain")],
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            "\\{\"username\": \"\\PC{0,9}\", \"password\": 1\\}".prop_map(String::into_bytes),
            "(username|password|csrf_token|%)=[a-z%+&=]{0,20}".prop_map(String::into_bytes),
        ],
    ) {
        thread_local!(static APP: (Router, tokio::runtime::Runtime) =
            (app(), tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()));
        let mut request = Request::builder().method(method.as_str()).uri(&path).header("content-type", kind);
        for (name, value) in &headers {
            request = request.header(name.as_str(), value.as_slice());
        }
        let Ok(request) = request.body(Body::from(body)) else { return Ok(()) };
        let status = APP.with(|(app, runtime)| runtime.block_on(app.clone().oneshot(request)).unwrap().status());
        prop_assert!(!status.is_server_error(), "{}", status);
        if path == "/" || path == "/me" {
            prop_assert_ne!(status, StatusCode::OK);
        }
    }
}

mod credentials {
    //! What stands in a request's headers, whatever it is, is found, refused, or nothing: it never panics.

    use auth::accounts::AuthCredentials;
    use auth::web::authentication::{
        ApiKeyAuthentication, AuthenticationBackend, AuthenticationRequest, BearerAuthentication, Found, HttpBasicAuth,
        RemoteUserAuthentication,
    };
    use axum::http::{HeaderName, HeaderValue, Request};
    use base64ct::{Base64, Encoding as _};
    use proptest::prelude::*;

    fn found(backend: &impl AuthenticationBackend, headers: &[(&str, Vec<u8>)]) -> Option<AuthCredentials> {
        let mut request = Request::builder();
        for (name, value) in headers {
            let Ok(value) = HeaderValue::from_bytes(value) else { continue };
            request = request.header(HeaderName::try_from(*name).unwrap(), value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let request = AuthenticationRequest::new(&parts, "192.0.2.1".parse().ok());
        match backend.find(&request) {
            Ok(Found::Credentials(credentials)) => Some(credentials),
            _ => None,
        }
    }

    fn value() -> impl Strategy<Value = Vec<u8>> {
        let scheme = prop_oneof!["(?i)basic", "(?i)bearer", "(?i)apikey", ".{0,8}"];
        let rest =
            prop_oneof![proptest::collection::vec(any::<u8>(), 0..80), "[A-Za-z0-9+/=:_.~-]{0,80}".prop_map(Vec::from)];
        let spaced = (scheme, " {0,3}", rest)
            .prop_map(|(scheme, space, rest)| [scheme.as_bytes(), space.as_bytes(), &rest].concat());
        prop_oneof![spaced, proptest::collection::vec(any::<u8>(), 0..80)]
    }

    proptest! {
        #[test]
        fn anything_is_found_refused_or_nothing(one in value(), two in value()) {
            let basic = HttpBasicAuth::new("blog").unwrap();
            let remote = RemoteUserAuthentication::behind(["192.0.2.1".parse().unwrap()]).unwrap();
            let headers = [("authorization", one.clone()), ("x-api-key", two.clone()), ("remote_user", two)];
            if let Some(AuthCredentials::Password { username, .. }) = found(&basic, &headers) {
                prop_assert!(!username.contains(':') && !username.contains(char::is_control));
            }
            if let Some(AuthCredentials::Token { token }) = found(&BearerAuthentication, &headers) {
                prop_assert!(!token.expose().is_empty() && token.expose().is_ascii());
            }
            if let Some(AuthCredentials::ApiKey { key }) = found(&ApiKeyAuthentication, &headers) {
                prop_assert!(key.expose().bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric()));
            }
            if let Some(AuthCredentials::RemoteUser { username, .. }) = found(&remote, &headers) {
                prop_assert!(!username.is_empty() && !username.contains(','));
            }
        }

        #[test]
        fn a_name_and_a_password_come_out_as_they_went_in(name in "[^:\\p{Cc}]{0,40}", password in "\\P{Cc}{0,60}") {
            let basic = HttpBasicAuth::new("blog").unwrap();
            let text = format!("Basic {}", Base64::encode_string(format!("{name}:{password}").as_bytes()));
            let Some(AuthCredentials::Password { username, password: found, .. }) =
                found(&basic, &[("authorization", text.into_bytes())])
            else {
                panic!("nothing was found");
            };
            prop_assert_eq!((username.as_str(), found.expose()), (name.as_str(), password.as_str()));
        }
    }

    // RFC 7617 §2 and §2.1.
    #[test]
    fn the_examples_of_the_rfc() {
        let basic = HttpBasicAuth::new("WallyWorld").unwrap();
        for (text, name, secret) in [
            ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"),
            ("Basic dGVzdDoxMjPCow==", "test", "123£"),
        ] {
            let found = found(&basic, &[("authorization", text.into())]);
            assert!(
                matches!(&found, Some(AuthCredentials::Password { username, password, .. })
                    if username == name && password.expose() == secret),
                "{found:?}"
            );
        }
    }
}
