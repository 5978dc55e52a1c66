//! What people agree to, remembered and taken back.

use auth::accounts::AuthCredentials;
use auth::audit::Origin;
use auth::web::authentication::BearerAuthentication;
use auth_tests::http::{PASSWORD, Visitor};
use axum::http::{Method, StatusCode};
use serde_json::json;

use super::Site;
use super::site::{CALLBACK, confidential, parameter, public};

#[tokio::test]
async fn no_is_an_answer() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let answer = client.flow().decide(&member, "deny").await;
    assert_eq!(parameter(answer.location().unwrap(), "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(answer.location().unwrap(), "code"), None);
    // Neither yes nor no is none.
    assert_eq!(client.flow().decide(&member, "perhaps").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_was_agreed_to_is_not_asked_again_and_more_is() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    client.tokens(&site, &member).await;
    let silent = client.flow().with("prompt", "none").ask(&member).await;
    assert!(parameter(silent.location().unwrap(), "code").is_some());
    assert_eq!(client.flow().with("scope", "read write").ask(&member).await.status, StatusCode::OK);
    assert_eq!(client.flow().with("prompt", "consent").ask(&member).await.status, StatusCode::OK);
    let eve = site.member("eve").await;
    assert_eq!(client.flow().ask(&eve).await.status, StatusCode::OK);
}

/// Anybody can be at the other end of a private scheme or a port (RFC 8252 §8.6).
#[tokio::test]
async fn native_clients_are_always_asked_about() {
    let site = Site::start().await;
    let member = site.member("ada").await;
    for uri in ["com.example.app:/cb", "http://127.0.0.1:9000/cb"] {
        let client = site.register(public().redirect_uri(uri).skip_consent()).await;
        let flow = client.flow().with("redirect_uri", uri);
        assert!(flow.allow(&member).await.location().unwrap().starts_with(uri));
        assert_eq!(flow.ask(&member).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn the_applications_own_clients_are_not_asked_about() {
    let site = Site::start().await;
    let (client, member) = (site.register(confidential().skip_consent()).await, site.member("ada").await);
    assert!(client.flow().ask(&member).await.location().unwrap().starts_with(CALLBACK));
}

#[tokio::test]
async fn a_consent_is_listed_and_its_end_ends_everything() {
    let site = Site::start().await;
    for application in [confidential(), confidential().opaque_access_tokens()] {
        let (client, other) = (site.register(application).await, site.client().await);
        let member = site.visitor();
        member.join(&format!("ada{}", client.id)).await;
        let id = site.user_id(&format!("ada{}", client.id)).await;
        let (tokens, others) = (client.tokens(&site, &member).await, other.tokens(&site, &member).await);
        let oauth2 = site.auth.oauth2();
        let consents = oauth2.consents(&id).await.unwrap();
        let consent = consents.iter().find(|consent| consent.client_id == client.id).unwrap();
        assert_eq!((consents.len(), consent.scope.to_string()), (2, "read".to_owned()));

        assert!(oauth2.revoke_consent(&id, &client.id).await.unwrap());
        let access = |tokens: &serde_json::Value| tokens["access_token"].as_str().unwrap().to_owned();
        assert_eq!(site.api(&access(&tokens)).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(client.refresh(tokens["refresh_token"].as_str().unwrap()).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(site.api(&access(&others)).await.status, StatusCode::OK);
        assert_eq!(client.flow().ask(&member).await.status, StatusCode::OK, "the page is shown again");
        assert!(!oauth2.revoke_consent(&id, &client.id).await.unwrap());
    }
}

/// A code that was not exchanged before is none after.
#[tokio::test]
async fn a_code_ends_with_its_consent() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let flow = client.flow();
    let code = site.code(&member, &flow).await;
    assert!(site.auth.oauth2().revoke_consent(&site.user_id("ada").await, &client.id).await.unwrap());
    assert_eq!(client.exchange(&code, &flow).await.json()["error"], json!("invalid_grant"));
}

/// Who has stolen a token that is good for minutes gets none by it that is good for months.
#[tokio::test]
async fn a_token_agrees_to_nothing() {
    let site = Site::start().await;
    let client = site.client().await;
    site.member("ada").await;
    let origin = Origin::unknown();
    let password = AuthCredentials::password("ada", PASSWORD);
    let mut ada = site.auth.authentication().authenticate(password, &origin).await.unwrap();
    let tokens = site.auth.issue_tokens(&mut ada, None, None).await.unwrap();
    let pages = site.auth.oauth2_routes().layer(site.auth.layer().or(BearerAuthentication));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, pages).await.unwrap() });
    let visitor = Visitor::new(&address);
    let flow = client.flow();
    let mut fields: serde_json::Map<_, _> =
        flow.parameters.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    fields.insert("consenting_user".to_owned(), json!(ada.principal().id()));
    fields.insert("decision".to_owned(), json!("allow"));
    for request in [
        visitor.request(Method::GET, &flow.path()),
        visitor.request(Method::POST, "/oauth2/authorize").header("origin", &address).json(&fields),
        visitor.request(Method::POST, "/oauth2/device").header("origin", &address).json(&json!({ "user_code": "x" })),
    ] {
        let answer = visitor.send(request.bearer_auth(tokens.access_token.expose())).await;
        assert!(answer.location().is_some_and(|to| to.starts_with("/login?next=")), "{answer:?}");
    }
    assert!(site.auth.oauth2().consents(ada.principal().id()).await.unwrap().is_empty());
}

/// Whoever was in the account before may have let a client in.
#[tokio::test]
async fn what_clients_have_ends_with_a_change_of_factors() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let tokens = client.tokens(&site, &member).await;
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(site.api(access).await.status, StatusCode::OK);
    site.auth.reset_factors(&site.user_id("ada").await, &Origin::unknown()).await.unwrap();
    assert_eq!(site.api(access).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(client.refresh(tokens["refresh_token"].as_str().unwrap()).await.status, StatusCode::BAD_REQUEST);
}
