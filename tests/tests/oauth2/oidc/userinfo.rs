//! What the userinfo endpoint tells, and whom.

use std::net::SocketAddr;

use auth::oauth2::provider::{GrantType, OAuth2Config, Scope};
use auth::prelude::*;
use auth::users::DefaultUser;
use auth_tests::http::{Answer, Visitor};
use axum::Router;
use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{client, flow, tokens};
use crate::provider::{Site, confidential};

async fn ask(visitor: &Visitor, method: Method, token: &str) -> Answer {
    visitor.send(visitor.request(method, "/oauth2/userinfo").bearer_auth(token)).await
}

#[tokio::test]
async fn each_scope_tells_its_claims() {
    let site = Site::start().await;
    let (client, member) = (client(&site).await, site.member("ada").await);
    let mut user = site.auth.users().get_by_username("ada").await.unwrap().unwrap();
    (user.email, user.first_name, user.last_name) = ("ada@example.org".into(), "Ada".into(), "Lovelace".into());
    site.auth.users().update_columns(&user, &["email", "first_name", "last_name"]).await.unwrap();
    let names = json!({
        "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "preferred_username": "ada",
    });
    for (scope, claims) in [
        ("openid", json!({})),
        ("openid read", json!({})),
        ("openid profile", names),
        ("openid email", json!({ "email": "ada@example.org" })),
    ] {
        let got = tokens(&site, &client, &member, &flow(&client).with("scope", scope)).await;
        for method in [Method::GET, Method::POST] {
            let answer = ask(&site.visitor(), method, got["access_token"].as_str().unwrap()).await;
            let mut expected = claims.clone();
            expected["sub"] = json!(user.id);
            assert_eq!((answer.status, answer.json()), (StatusCode::OK, expected), "{scope}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
}

#[tokio::test]
async fn only_a_users_token_for_this_opens_it() {
    const INVALID: &str = "Bearer realm=\"oauth2\", error=\"invalid_token\"";
    const SCOPE: &str = "Bearer realm=\"oauth2\", error=\"insufficient_scope\", scope=\"openid\"";
    let site = Site::start().await;
    let (client, member, visitor) = (client(&site).await, site.member("ada").await, site.visitor());
    let got = tokens(&site, &client, &member, &flow(&client)).await;
    let (access, id_token) = (got["access_token"].as_str().unwrap(), got["id_token"].as_str().unwrap());
    let challenged = |answer: &Answer| (answer.status, answer.header("www-authenticate").unwrap().to_owned());

    let nothing = (StatusCode::UNAUTHORIZED, "Bearer realm=\"oauth2\"".to_owned());
    assert_eq!(challenged(&visitor.get("/oauth2/userinfo").await), nothing);
    // A session opens nothing here, nor a token that stands elsewhere than in the header.
    assert_eq!(challenged(&member.get("/oauth2/userinfo").await), nothing);
    assert_eq!(challenged(&visitor.get(&format!("/oauth2/userinfo?access_token={access}")).await), nothing);
    let form = visitor.request(Method::POST, "/oauth2/userinfo").form(&[("access_token", access)]);
    assert_eq!(challenged(&visitor.send(form).await), nothing);

    let own = tokens(&site, &client, &member, &client.flow().with("scope", "read")).await;
    let machine = confidential().scope("openid").grants([GrantType::ClientCredentials]);
    let machine = site.register(machine).await;
    let granted = machine.post("/oauth2/token", &[("grant_type", "client_credentials"), ("scope", "openid")]).await;
    let credentials = granted.json()["access_token"].as_str().unwrap().to_owned();
    for (token, status, challenge) in [
        ("nonsense", StatusCode::UNAUTHORIZED, INVALID),
        (id_token, StatusCode::UNAUTHORIZED, INVALID),
        (got["refresh_token"].as_str().unwrap(), StatusCode::UNAUTHORIZED, INVALID),
        (own["access_token"].as_str().unwrap(), StatusCode::FORBIDDEN, SCOPE),
        (&credentials, StatusCode::FORBIDDEN, SCOPE),
    ] {
        let answer = ask(&visitor, Method::GET, token).await;
        assert_eq!(challenged(&answer), (status, challenge.to_owned()), "{token}");
        assert_eq!(answer.text, "");
    }

    let invalid = (StatusCode::UNAUTHORIZED, INVALID.to_owned());
    let again = tokens(&site, &client, &member, &flow(&client)).await;
    client.post("/oauth2/revoke", &[("token", access)]).await;
    assert_eq!(challenged(&ask(&visitor, Method::GET, access).await), invalid);
    let mut user = site.auth.users().get_by_username("ada").await.unwrap().unwrap();
    user.is_active = false;
    site.auth.users().update_columns(&user, &["is_active"]).await.unwrap();
    let answer = ask(&visitor, Method::GET, again["access_token"].as_str().unwrap()).await;
    assert_eq!(challenged(&answer), invalid);
}

/// An ID token opens nothing else either.
#[tokio::test]
async fn an_id_token_is_no_access_token() {
    let site = Site::start().await;
    let (client, member) = (client(&site).await, site.member("ada").await);
    let got = tokens(&site, &client, &member, &flow(&client)).await;
    let id_token = got["id_token"].as_str().unwrap();
    assert_eq!(site.api(id_token).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(client.post("/oauth2/introspect", &[("token", id_token)]).await.json(), json!({ "active": false }));
}

fn claims(user: &DefaultUser, scope: &Scope) -> Map<String, Value> {
    let told = json!({
        "nickname": user.username, "asked": scope.to_string(), "email_verified": true, "nothing": null,
        "sub": "somebody else", "iss": "https://evil.example", "aud": "x", "acr": "mfa",
    });
    told.as_object().unwrap().clone()
}

#[tokio::test]
async fn an_application_tells_claims_of_its_own() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let auth = Auth::<DefaultUser>::builder().oauth2(OAuth2Config::new(&address)).build().await.unwrap();
    let app = Router::new().merge(auth.routes()).merge(auth.oauth2_routes_with_claims(claims)).layer(auth.layer());
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    let site = Site { auth, clock: auth::testing::ManualClock::new(), address };
    let (client, member) = (client(&site).await, site.member("ada").await);
    let got = tokens(&site, &client, &member, &flow(&client)).await;
    let told = ask(&site.visitor(), Method::GET, got["access_token"].as_str().unwrap()).await.json();
    let expected =
        json!({ "sub": site.user_id("ada").await, "nickname": "ada", "asked": "openid", "email_verified": true });
    assert_eq!(told, expected);
}

/// Who agrees that a client knows who they are has not agreed to more.
#[tokio::test]
async fn a_token_that_tells_who_somebody_is_opens_nothing_else() {
    let site = Site::start().await;
    let (client, member) = (client(&site).await, site.member("ada").await);
    for (scope, status) in [
        ("openid", StatusCode::UNAUTHORIZED),
        ("openid profile email", StatusCode::UNAUTHORIZED),
        ("openid read", StatusCode::OK),
    ] {
        let got = tokens(&site, &client, &member, &flow(&client).with("scope", scope)).await;
        assert_eq!(site.api(got["access_token"].as_str().unwrap()).await.status, status, "{scope}");
    }
}
