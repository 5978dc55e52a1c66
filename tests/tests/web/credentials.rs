//! Credentials other than a session's cookie: what is found, what is refused, and what a refusal says.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use auth::passwords::{Argon2Hasher, HashingService, PasswordError, PasswordHasher, PasswordHashers, Passwords};
use auth::prelude::*;
use auth::web::authentication::{
    ApiKeyAuthentication, BearerAuthentication, HttpBasicAuth, RemoteUserAuthentication, SessionAuthentication,
};
use auth_tests::Nginx;
use auth_tests::http::{Answer, PASSWORD, Visitor};
use axum::http::{Method, StatusCode};
use base64ct::{Base64, Encoding as _};
use chrono::TimeDelta;

use crate::app::{Author, Site, router_by, serve};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", Base64::encode_string(format!("{username}:{password}").as_bytes()))
}

async fn get(visitor: &Visitor, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = headers
        .iter()
        .fold(visitor.request(Method::GET, path), |request, (name, value)| request.header(*name, value.as_bytes()));
    visitor.send(request).await
}

fn challenges(answer: &Answer) -> Vec<&str> {
    answer.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect()
}

/// A site whose layer takes Basic credentials only.
async fn basic_site() -> (Site, Visitor) {
    let site = Site::start().await;
    site.create("alice", |_| {}).await;
    let layer = site.auth.layer_by(HttpBasicAuth::new("the blog").unwrap());
    let address = serve(router_by(&site.auth, layer)).await;
    (site, Visitor::new(&address))
}

#[tokio::test]
async fn basic_credentials_name_a_user() {
    let (site, visitor) = basic_site().await;
    let answer = get(&visitor, "/me", &[("authorization", &basic("alice", PASSWORD))]).await;
    assert_eq!((answer.status, answer.json()["username"].as_str()), (StatusCode::OK, Some("alice")));
    assert_eq!(answer.header("set-cookie"), None, "no session is begun");
    // The scheme's case does not matter, and more than one space is allowed.
    let lower = basic("alice", PASSWORD).replace("Basic ", "bAsIc   ");
    assert_eq!(get(&visitor, "/me", &[("authorization", &lower)]).await.status, StatusCode::OK);
    site.auth.users().grant_named(&site.user("alice").await.id, "blog.publish_post").await.unwrap();
    let authorization = basic("alice", PASSWORD);
    let publish = visitor.request(Method::POST, "/publish").header("authorization", &authorization);
    assert_eq!(visitor.send(publish.header("sec-fetch-site", "same-origin")).await.status, StatusCode::OK);
    // A browser adds them by itself: another site's page gets nowhere.
    let publish = visitor.request(Method::POST, "/publish").header("authorization", &authorization);
    assert_eq!(visitor.send(publish.header("sec-fetch-site", "cross-site")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn without_credentials_the_challenge_says_what_is_taken() {
    let (site, visitor) = basic_site().await;
    let answer = get(&visitor, "/me", &[]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(challenges(&answer), ["Basic realm=\"the blog\", charset=\"UTF-8\""]);
    // A person is not sent to a login page that would not help.
    assert_eq!(visitor.browse("/closed").await.status, StatusCode::UNAUTHORIZED);

    let layer = site.auth.layer().or(BearerAuthentication).or(ApiKeyAuthentication);
    let visitor = Visitor::new(&serve(router_by(&site.auth, layer)).await);
    let answer = get(&visitor, "/me", &[]).await;
    assert_eq!(challenges(&answer), ["Cookie realm=\"login\"", "Bearer", "ApiKey"]);
    let answer = get(&visitor, "/me", &[("authorization", "Bearer a.b.c")]).await;
    assert_eq!(challenges(&answer)[1], "Bearer error=\"invalid_token\"");
    let answer = get(&visitor, "/me", &[("authorization", "Bearer a b")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn basic_credentials_that_are_wrong_are_refused_everywhere() {
    let (site, visitor) = basic_site().await;
    site.create("bob", |bob| bob.is_active = false).await;
    let long = basic("alice", &"x".repeat(8000));
    for (authorization, status) in [
        (basic("alice", "another-password-27"), StatusCode::UNAUTHORIZED),
        (basic("nobody", PASSWORD), StatusCode::UNAUTHORIZED),
        (basic("bob", PASSWORD), StatusCode::UNAUTHORIZED),
        (basic("alice", ""), StatusCode::UNAUTHORIZED),
        (format!("{}=", basic("alice", PASSWORD)), StatusCode::BAD_REQUEST),
        ("Basic".to_owned(), StatusCode::BAD_REQUEST),
        ("Basic !!!".to_owned(), StatusCode::BAD_REQUEST),
        (format!("Basic {}", Base64::encode_string(b"alice")), StatusCode::BAD_REQUEST),
        (format!("Basic {}", Base64::encode_string(b"al\xffice:x")), StatusCode::BAD_REQUEST),
        (format!("Basic {}", Base64::encode_string(b"alice\0:x")), StatusCode::BAD_REQUEST),
        (long, StatusCode::BAD_REQUEST),
        ("Digest username=alice".to_owned(), StatusCode::UNAUTHORIZED),
        ("Bearer abc".to_owned(), StatusCode::UNAUTHORIZED),
    ] {
        // Also where nobody has to be logged in, but somebody is asked for.
        for path in ["/me", "/maybe"] {
            let answer = get(&visitor, path, &[("authorization", &authorization)]).await;
            assert_eq!(answer.status, status, "{path} {authorization}: {}", answer.text);
        }
        site.clock.advance(TimeDelta::hours(25));
    }
    let twice = [("authorization", basic("alice", PASSWORD)), ("authorization", basic("alice", PASSWORD))];
    let twice = twice.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(get(&visitor, "/me", &twice).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn wrong_basic_credentials_are_limited_like_logins() {
    let (site, visitor) = basic_site().await;
    for _ in 0..5 {
        let answer = get(&visitor, "/me", &[("authorization", &basic("alice", "another-password-27"))]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let answer = get(&visitor, "/me", &[("authorization", &basic("alice", PASSWORD))]).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("retry-after"), Some("1"));
    // One budget for every path that takes the password.
    let answer = site.visitor().post("/login", &serde_json::json!({"username": "alice", "password": PASSWORD})).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn credentials_of_two_kinds_are_refused_and_a_cookie_adds_nothing() {
    let site = Site::start().await;
    let (member, _) = site.member("bob").await;
    site.create("alice", |_| {}).await;
    let layer =
        site.auth.layer_by(SessionAuthentication).or(HttpBasicAuth::new("blog").unwrap()).or(ApiKeyAuthentication);
    let visitor = Visitor::new(&serve(router_by(&site.auth, layer)).await);
    let (alice, cookie) = (basic("alice", PASSWORD), member.cookie().unwrap());
    let answer = get(&visitor, "/me", &[("authorization", &alice), ("x-api-key", "auth_abc")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    // The cookie alone is Bob's; with Alice's credentials the request is Alice's, and its session nobody's.
    assert_eq!(get(&visitor, "/me", &[("cookie", &cookie)]).await.json()["username"], "bob");
    let answer = get(&visitor, "/me", &[("cookie", &cookie), ("authorization", &alice)]).await;
    assert_eq!(answer.json()["username"], "alice");
    let note = visitor.request(Method::POST, "/note").header("cookie", &cookie).header("authorization", &alice);
    let answer = visitor.send(note.header("sec-fetch-site", "same-origin").body("a note")).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (StatusCode::OK, None));
    assert_eq!(get(&visitor, "/note", &[("cookie", &cookie)]).await.text, "", "Bob's session is as it was");
    // Wrong credentials are not passed over for a cookie that is good.
    let answer = get(&visitor, "/me", &[("cookie", &cookie), ("authorization", &basic("alice", "wrong"))]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

fn behind(proxy: IpAddr) -> RemoteUserAuthentication {
    RemoteUserAuthentication::behind([proxy]).unwrap()
}

async fn remote(site: &Site, backend: RemoteUserAuthentication) -> Visitor {
    Visitor::new(&serve(router_by(&site.auth, site.auth.layer().or(backend))).await)
}

#[tokio::test]
async fn a_trusted_proxy_says_who_it_is() {
    let site = Site::start().await;
    site.create("alice", |_| {}).await;
    site.create("bob", |bob| bob.is_active = false).await;
    let visitor = remote(&site, behind(HERE)).await;
    let answer = get(&visitor, "/me", &[("REMOTE_USER", "alice")]).await;
    assert_eq!((answer.status, answer.json()["username"].as_str()), (StatusCode::OK, Some("alice")));
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(get(&visitor, "/me", &[]).await.status, StatusCode::UNAUTHORIZED, "it ends with the header");
    for name in ["bob", "nobody"] {
        assert_eq!(get(&visitor, "/me", &[("REMOTE_USER", name)]).await.status, StatusCode::UNAUTHORIZED, "{name}");
    }
    for wrong in [
        &[("REMOTE_USER", "alice"), ("REMOTE_USER", "alice")][..],
        &[("REMOTE_USER", "alice,mallory")],
        &[("REMOTE_USER", "")],
        &[("REMOTE_USER", "alice"), ("Remote-User", "mallory")],
        &[("remote-user", "alice")],
    ] {
        assert_eq!(get(&visitor, "/me", wrong).await.status, StatusCode::BAD_REQUEST, "{wrong:?}");
    }
    let publish = visitor.request(Method::POST, "/publish").header("REMOTE_USER", "alice");
    assert_eq!(visitor.send(publish.header("sec-fetch-site", "cross-site")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_header_of_anybody_else_is_refused() {
    let site = Site::start().await;
    site.create("alice", |_| {}).await;
    let visitor = remote(&site, behind("192.0.2.7".parse().unwrap())).await;
    for path in ["/me", "/maybe"] {
        let answer = get(&visitor, path, &[("REMOTE_USER", "alice")]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        // A forwarded address makes nobody a proxy.
        let forged = [("REMOTE_USER", "alice"), ("X-Forwarded-For", "192.0.2.7")];
        assert_eq!(get(&visitor, path, &forged).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert!(RemoteUserAuthentication::behind([]).is_err());
    assert!(behind(HERE).header("Cookie").is_err() && behind(HERE).header("no header").is_err());
}

#[tokio::test]
async fn unknown_users_are_made_and_sessions_ended_where_that_was_asked_for() {
    let site = Site::start().await;
    let visitor = remote(&site, behind(HERE).create_unknown_user(true)).await;
    let answer = get(&visitor, "/me", &[("REMOTE_USER", "carol")]).await;
    assert_eq!(answer.json()["username"], "carol");
    assert!(!site.user("carol").await.has_usable_password());
    let answer = get(&visitor, "/me", &[("REMOTE_USER", "a name\twith a tab")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);

    let (member, _) = site.member("dave").await;
    let cookie = member.cookie().unwrap();
    let elsewhere = remote(&site, behind("192.0.2.7".parse().unwrap()).force_logout_if_no_header(true)).await;
    let session = [("cookie", cookie.as_str())];
    assert_eq!(get(&elsewhere, "/me", &session).await.status, StatusCode::OK, "it did not come through the proxy");
    let through = remote(&site, behind(HERE).force_logout_if_no_header(true)).await;
    assert_eq!(get(&through, "/me", &session).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(get(&member, "/me", &[]).await.status, StatusCode::UNAUTHORIZED, "the session is dead everywhere");
}

/// Counts every computation of a hash.
#[derive(Clone, Debug, Default)]
struct Counting(Arc<AtomicU64>, Argon2Hasher);

impl Counting {
    fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn one_more(&self) -> &Argon2Hasher {
        self.0.fetch_add(1, Ordering::SeqCst);
        &self.1
    }
}

impl PasswordHasher for Counting {
    fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError> {
        self.one_more().hash(password)
    }

    fn verify(&self, password: &str, hash: &PasswordHash) -> Result<bool, PasswordError> {
        self.one_more().verify(password, hash)
    }

    fn needs_rehash(&self, hash: &PasswordHash) -> bool {
        self.1.needs_rehash(hash)
    }
}

#[tokio::test]
async fn users_who_are_not_there_cost_the_same_hashes_on_every_path() {
    let counting = Counting::default();
    let service = HashingService::builder().build();
    let passwords = Passwords::new(PasswordHashers::new(counting.clone())).with_service(service.clone());
    let site = Site::with(|builder| builder.passwords(passwords)).await;
    let layer = site.auth.layer_by(HttpBasicAuth::new("blog").unwrap());
    let routes = router_by(&site.auth, layer.clone()).merge(site.auth.token_routes().layer(layer));
    let visitor = Visitor::new(&serve(routes).await);
    site.create("alice", |_| {}).await;
    site.create("bob", |bob| bob.is_active = false).await;
    site.create("carol", |carol: &mut Author| carol.set_unusable_password()).await;
    let wrong = |name: &str| serde_json::json!({ "username": name, "password": "another-password-27" });
    for name in ["alice", "bob", "carol", "nobody", "no.body@example.com"] {
        let before = (counting.count(), service.operations());
        let basic = basic(name, "another-password-27");
        assert_eq!(get(&visitor, "/me", &[("authorization", &basic)]).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!((counting.count(), service.operations()), (before.0 + 1, before.1 + 1), "{name} by Basic");
        assert_eq!(visitor.post("/token", &wrong(name)).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!((counting.count(), service.operations()), (before.0 + 2, before.1 + 2), "{name} for a token");
        assert_eq!(site.visitor().post("/login", &wrong(name)).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!((counting.count(), service.operations()), (before.0 + 3, before.1 + 3), "{name} for a session");
    }
}

#[tokio::test]
#[ignore = "needs nginx"]
async fn nginx_says_who_it_is_and_nobody_else_does() {
    let site = Site::start().await;
    for name in ["alice", "root"] {
        site.create(name, |_| {}).await;
    }
    let direct = remote(&site, behind(Nginx::SOURCE.parse().unwrap())).await;
    let nginx = Nginx::before(direct.address(), "alice", "a password of nginx");
    let through = Visitor::new(&nginx.address);
    let (alice, wrong) = (basic("alice", "a password of nginx"), basic("alice", "another"));

    let answer = get(&through, "/me", &[("authorization", &alice)]).await;
    assert_eq!((answer.status, answer.json()["username"].as_str()), (StatusCode::OK, Some("alice")));
    assert_eq!(get(&through, "/me", &[("authorization", &wrong)]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(get(&through, "/me", &[]).await.status, StatusCode::UNAUTHORIZED);
    // Where nginx asks nobody, nobody is who it says.
    assert_eq!(get(&through, "/open/maybe", &[]).await.text, "");

    for header in ["REMOTE_USER", "Remote-User", "remote_user", "REMOTE-USER"] {
        // Through the proxy, as a stranger and as somebody else.
        let answer = get(&through, "/open/me", &[(header, "root")]).await;
        assert!(answer.status.is_client_error(), "{header}: {}", answer.text);
        let answer = get(&through, "/me", &[(header, "root"), ("authorization", &alice)]).await;
        assert!(answer.status.is_client_error() || answer.json()["username"] == "alice", "{header}: {}", answer.text);
        // And around it.
        let answer = get(&direct, "/me", &[(header, "root")]).await;
        assert!(answer.status.is_client_error(), "{header}: {}", answer.text);
        let answer = get(&direct, "/me", &[(header, "root"), ("x-forwarded-for", Nginx::SOURCE)]).await;
        assert!(answer.status.is_client_error(), "{header}: {}", answer.text);
    }
}
