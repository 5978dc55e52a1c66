//! What a visitor hears of a login that fails is a plain sentence; what the operator must mend is in the log, and no secret.

use auth::accounts::SignUp;
use auth_tests::http::{Answer, Visitor};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::fake::{CLIENT, Fake, Instead, SECRET, Signature};
use super::site::{Site, begin, log_in, who};
use crate::log::Log;

const CODE: &str = "code-of-this-login";

/// Nobody is logged in; a person reads no more than that, and finds the way back.
async fn assert_plain(visitor: &Visitor, answer: &Answer, status: StatusCode) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert!(answer.text.contains("role=\"alert\"") && answer.text.contains("href=\"/login"), "{}", answer.text);
    for detail in ["invalid_", "mismatch", "127.0.0.1", "attacker", CLIENT, "issuer"] {
        assert!(!answer.text.contains(detail), "{detail}: {}", answer.text);
    }
    assert_eq!(who(visitor).await, None);
}

fn assert_told(log: &Log, parts: &[&str], secrets: &[&str]) {
    let text = log.take();
    for part in parts {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    for secret in [SECRET, "token-of-jane", CODE].iter().chain(secrets) {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

/// A login to the end, with another code than the fake's.
async fn answered(visitor: &Visitor, fake: &Fake, provider: &str) -> (Answer, String) {
    let url = begin(visitor, provider).await;
    let state = url.split_once("&state=").unwrap().1.split('&').next().unwrap().to_owned();
    let back = fake.approve(&url);
    let code = back.split(['=', '&']).nth(1).unwrap().to_owned();
    (visitor.browse(&back.replace(&code, CODE)).await, state)
}

/// A provider, what it is told to answer with, and what the visitor and the log say then.
type Case<'a> = (&'static str, &'static str, u16, Value, StatusCode, &'a [&'a str]);

#[tokio::test]
async fn an_endpoint_that_gives_no_token_says_why() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    let (oidc, github) = ("/token", "/login/oauth/access_token");
    let redirect_uri = format!("{}/login/github/callback", site.address);
    let oversize = "x".repeat(10_000);
    let failure = |error: &str, description: Value| json!({ "error": error, "error_description": description });
    let cases: [Case<'_>; 8] = [
        (
            "id",
            oidc,
            401,
            failure("invalid_client", json!("No such client.\nlogged in: root")),
            unavailable,
            &["`id`", "invalid_client", CLIENT, "No such client.\\nlogged in", "secret is wrong"],
        ),
        ("id", oidc, 401, json!({}), unavailable, &["`id`", "401", CLIENT]),
        (
            "github",
            github,
            200,
            failure("incorrect_client_credentials", json!(null)),
            unavailable,
            &["`github`", CLIENT],
        ),
        (
            "github",
            github,
            200,
            failure("redirect_uri_mismatch", json!("d")),
            unavailable,
            &["mismatch", &redirect_uri],
        ),
        ("id", oidc, 400, failure("invalid_scope", json!(oversize)), unavailable, &["`id`", "invalid_scope", "xxx\"…"]),
        ("id", oidc, 400, failure(&oversize, json!(7)), unavailable, &["xxx\"…"]),
        (
            "id",
            oidc,
            400,
            failure("invalid_grant", json!("It expired.")),
            StatusCode::UNAUTHORIZED,
            &["provider=\"id\"", "invalid_grant", "It expired.", "/login/id/callback"],
        ),
        (
            "id",
            oidc,
            400,
            failure("server_error", json!(format!("{SECRET} and {CODE}"))),
            unavailable,
            &["server_error"],
        ),
    ];
    for (provider, path, status, body, expected, told) in cases {
        let visitor = site.visitor();
        let instead = Instead::Json(StatusCode::from_u16(status).unwrap(), body);
        fake.told().instead.insert(path, instead);
        let (answer, state) = answered(&visitor, &fake, provider).await;
        assert_plain(&visitor, &answer, expected).await;
        assert_told(&log, told, &[&state, &"x".repeat(201), "\n"]);
    }
}

#[tokio::test]
async fn a_foreign_issuer_is_named_beside_the_expected_one() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let visitor = site.visitor();
    fake.told().metadata = json!({ "issuer": "https://attacker.example/\n" });
    let answer = visitor.browse("/login/id?next=/welcome").await;
    assert_plain(&visitor, &answer, StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(answer.text.contains("href=\"/login?next=/welcome\""), "{}", answer.text);
    assert_told(&log, &["`id`", &fake.address, "\"https://attacker.example/\\n\""], &["\n"]);
    fake.told().metadata = json!({});

    for (claims, told) in [
        (json!({ "iss": "https://attacker.example" }), ["another issuer", "https://attacker.example"]),
        (json!({ "aud": ["another-client", "a\nb"] }), ["another client", "another-client a\\nb"]),
    ] {
        fake.told().claims = claims;
        let answer = log_in(&visitor, &fake, "id").await;
        assert_plain(&visitor, &answer, StatusCode::UNAUTHORIZED).await;
        assert_told(&log, &[told[0], told[1], &fake.address, CLIENT, "provider=\"id\""], &["\n", "jane@example.org"]);
    }
    (fake.told().claims, fake.told().signature) = (json!({}), Signature::None);
    let answer = log_in(&visitor, &fake, "id").await;
    assert_plain(&visitor, &answer, StatusCode::UNAUTHORIZED).await;
    assert_told(&log, &["/jwks", "do not open an ID token", "provider=\"id\""], &[]);

    let back = fake.approve(&begin(&visitor, "github").await);
    let answer = visitor.browse(&format!("{back}&iss=https://attacker.example/%0A")).await;
    assert_plain(&visitor, &answer, StatusCode::UNAUTHORIZED).await;
    let expected = format!("{}/login/oauth", fake.address);
    assert_told(&log, &["https://attacker.example/\\n", &expected, "provider=\"github\""], &["\n"]);
}

#[tokio::test]
async fn what_a_browser_is_sent_back_with_is_told() {
    let fake = Fake::start().await;
    let site = Site::start(&fake).await;
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let visitor = site.visitor();
    let oversize = "x".repeat(1000);
    for (error, told) in [("redirect_uri_mismatch", "failure"), ("access_denied", "not allowed")] {
        let url = begin(&visitor, "github").await;
        let back = fake.approve(&url);
        let state = back.split_once("state=").unwrap().1;
        let query = format!("error={error}&error_description=The%20failure%0A{oversize}&state={state}");
        let answer = visitor.browse(&format!("/login/github/callback?{query}")).await;
        assert_plain(&visitor, &answer, StatusCode::BAD_REQUEST).await;
        assert_told(&log, &["github", told], &[state, &"x".repeat(201), "\n"]);
    }
}

#[tokio::test]
async fn an_address_that_is_not_verified_is_told() {
    let fake = Fake::start().await;
    let policy = |info: &auth::oauth2::OAuthUserInfo| info.verified_email().map(SignUp::new);
    let site = Site::with(&fake, |builder| builder.sign_up(policy)).await;
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    fake.told().claims = json!({ "email_verified": false });
    let visitor = site.visitor();
    let answer = log_in(&visitor, &fake, "id").await;
    assert_plain(&visitor, &answer, StatusCode::FORBIDDEN).await;
    let told = ["provider=\"id\"", "has_email=true", "email_verified=false"];
    assert_told(&log, &told, &["jane@example.org"]);
}
