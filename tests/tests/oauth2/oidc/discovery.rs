//! What clients find out by themselves.

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::json;

use super::{client, id_token, part};
use crate::provider::Site;

#[tokio::test]
async fn both_documents_are_one_and_say_what_is_there() {
    let site = Site::start().await;
    let visitor = site.visitor();
    let openid = visitor.get("/.well-known/openid-configuration").await;
    assert_eq!((openid.status, openid.header("cache-control")), (StatusCode::OK, Some("public, max-age=3600")));
    let told = openid.json();
    assert_eq!(told, visitor.get("/.well-known/oauth-authorization-server").await.json());
    for (name, value) in [
        ("issuer", json!(site.address)),
        ("authorization_endpoint", json!(format!("{}/oauth2/authorize", site.address))),
        ("subject_types_supported", json!(["public"])),
        ("id_token_signing_alg_values_supported", json!(["RS256"])),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("scopes_supported", json!(["openid", "profile", "email", "read"])),
        ("request_parameter_supported", json!(false)),
        ("request_uri_parameter_supported", json!(false)),
        ("claims_parameter_supported", json!(false)),
        ("authorization_response_iss_parameter_supported", json!(true)),
    ] {
        assert_eq!(told[name], value, "{name}");
    }
    for name in ["jwks_uri", "userinfo_endpoint", "end_session_endpoint"] {
        let path = told[name].as_str().unwrap().strip_prefix(&site.address).unwrap();
        assert_ne!(visitor.get(path).await.status, StatusCode::NOT_FOUND, "{name}");
    }
}

#[tokio::test]
async fn the_keys_are_published_and_nothing_more() {
    let site = Site::start().await;
    let (client, member) = (client(&site).await, site.member("ada").await);
    let token = id_token(&site, &client, &member).await;
    let answer = site.visitor().get("/oauth2/jwks").await;
    assert_eq!(answer.header("cache-control"), Some("public, max-age=3600"));
    let keys = answer.json()["keys"].clone();
    let mut members: Vec<_> = keys[0].as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!((keys.as_array().unwrap().len(), members), (1, vec!["alg", "e", "kid", "kty", "n", "use"]));
    assert_eq!(part(&token.into(), 0), json!({ "alg": "RS256", "typ": "JWT", "kid": keys[0]["kid"] }));

    site.clock.advance(TimeDelta::days(29));
    let later = site.visitor().get("/oauth2/jwks").await.json()["keys"].clone();
    assert_eq!((later.as_array().unwrap().len(), &later[0]["kid"]), (2, &keys[0]["kid"]));
}
