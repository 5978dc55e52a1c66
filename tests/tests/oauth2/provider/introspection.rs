//! What clients can ask about tokens (RFC 7662), how they end them (RFC 7009), and what they can find out (RFC 8414).

use auth::oauth2::provider::OAuth2TokenVerdict;
use axum::http::{Method, StatusCode};
use serde_json::json;

use super::Site;
use super::site::{confidential, public};

#[tokio::test]
async fn a_client_asks_about_its_own_tokens_only() {
    let site = Site::start().await;
    let member = site.member("ada").await;
    let other = site.client().await;
    for application in [confidential(), confidential().opaque_access_tokens()] {
        let client = site.register(application).await;
        let tokens = client.tokens(&site, &member).await;
        for kind in ["access_token", "refresh_token"] {
            let form = [("token", tokens[kind].as_str().unwrap())];
            let about = client.post("/oauth2/introspect", &form).await.json();
            assert_eq!((&about["active"], &about["scope"]), (&json!(true), &json!("read")), "{kind}");
            assert_eq!(about["sub"], json!(site.user_id("ada").await));
            let others = other.post("/oauth2/introspect", &form).await.json();
            assert_eq!(others, json!({ "active": false }), "{kind}");
        }
    }
    let answer = other.post("/oauth2/introspect", &[("token", "nonsense")]).await;
    assert_eq!(answer.json(), json!({ "active": false }));
    let public = site.register(public()).await;
    assert_eq!(public.post("/oauth2/introspect", &[("token", "x")]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_resource_asks_about_tokens_for_it() {
    let site = Site::start().await;
    let member = site.member("ada").await;
    let api = "https://api.example";
    let resource = site.register(confidential().audience(api)).await;
    let client = site.register(confidential().audience(api)).await;
    let tokens = client.tokens(&site, &member).await;
    let about = resource.post("/oauth2/introspect", &[("token", tokens["access_token"].as_str().unwrap())]).await;
    assert_eq!((&about.json()["active"], &about.json()["aud"]), (&json!(true), &json!(api)));
}

#[tokio::test]
async fn a_used_refresh_token_is_not_active() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let tokens = client.tokens(&site, &member).await;
    let used = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(client.refresh(used).await.status, StatusCode::OK);
    assert_eq!(client.post("/oauth2/introspect", &[("token", used)]).await.json(), json!({ "active": false }));
}

#[tokio::test]
async fn a_revoked_token_takes_its_grant_with_it() {
    let site = Site::start().await;
    let member = site.member("ada").await;
    for application in [confidential(), confidential().opaque_access_tokens(), public()] {
        let (client, other) = (site.register(application).await, site.client().await);
        for kind in ["access_token", "refresh_token"] {
            let tokens = client.tokens(&site, &member).await;
            let (access, token) = (tokens["access_token"].as_str().unwrap(), tokens[kind].as_str().unwrap());
            assert_eq!(other.post("/oauth2/revoke", &[("token", token)]).await.status, StatusCode::OK);
            assert_eq!(site.api(access).await.status, StatusCode::OK, "it is none of the other's");
            assert_eq!(client.post("/oauth2/revoke", &[("token", token)]).await.status, StatusCode::OK);
            assert_eq!(site.api(access).await.status, StatusCode::UNAUTHORIZED);
            let refreshed = client.refresh(tokens["refresh_token"].as_str().unwrap()).await;
            assert_eq!(refreshed.status, StatusCode::BAD_REQUEST);
        }
        assert_eq!(client.post("/oauth2/revoke", &[("token", "nonsense")]).await.status, StatusCode::OK);
        assert_eq!(client.post("/oauth2/revoke", &[]).await.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn tokens_expire() {
    let site = Site::start().await;
    let member = site.member("ada").await;
    for application in [confidential(), confidential().opaque_access_tokens()] {
        let client = site.register(application).await;
        let tokens = client.tokens(&site, &member).await;
        let access = tokens["access_token"].as_str().unwrap();
        let verdict = site.auth.oauth2().verify_token(access).await.unwrap();
        let OAuth2TokenVerdict::Accepted(token) = verdict else { panic!("{verdict:?}") };
        assert!(token.scope.contains("read") && token.client_id == client.id);
        site.clock.advance(chrono::TimeDelta::seconds(606));
        assert!(!matches!(site.auth.oauth2().verify_token(access).await.unwrap(), OAuth2TokenVerdict::Accepted(_)));
        assert_eq!(site.api(access).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn the_applications_own_tokens_still_count() {
    let site = Site::start().await;
    drop(site.member("ada").await);
    let credentials = auth::accounts::AuthCredentials::password("ada", auth_tests::http::PASSWORD);
    let origin = auth::audit::Origin::unknown();
    let mut result = site.auth.authentication().authenticate(credentials, &origin).await.unwrap();
    let pair = site.auth.issue_tokens(&mut result, None, None).await.unwrap();
    assert_eq!(site.api(pair.access_token.expose()).await.status, StatusCode::OK);
    let verdict = site.auth.oauth2().verify_token(pair.access_token.expose()).await.unwrap();
    assert!(matches!(verdict, OAuth2TokenVerdict::Foreign));
}

#[tokio::test]
async fn the_metadata_name_every_endpoint() {
    let site = Site::start().await;
    let visitor = site.visitor();
    let metadata = visitor.get("/.well-known/oauth-authorization-server").await.json();
    for name in ["token", "revocation", "introspection", "device_authorization"] {
        let url = metadata[format!("{name}_endpoint")].as_str().unwrap().to_owned();
        let path = url.strip_prefix(&site.address).unwrap();
        let answer = visitor.send(visitor.request(Method::POST, path).form(&[("client_id", "nobody")])).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
}
