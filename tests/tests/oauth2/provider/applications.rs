//! Clients: registered, given other secrets, removed.

use auth::audit::ChannelSink;
use auth::oauth2::provider::{GrantType, OAuth2Application, OAuth2Config};
use auth::prelude::*;
use auth::users::DefaultUser;
use axum::http::StatusCode;

use super::site::{CALLBACK, confidential, public};
use super::{Client, Site};

async fn credentials(client: &Client) -> StatusCode {
    client.post("/oauth2/token", &[("grant_type", "client_credentials")]).await.status
}

#[tokio::test]
async fn a_secret_is_shown_once_and_kept_as_a_digest() {
    let site = Site::start().await;
    let registered = site.auth.oauth2().register_application(confidential()).await.unwrap();
    let secret = registered.client_secret.clone().unwrap();
    let id = &registered.application.client_id;
    assert!(secret.expose().len() > 64);
    let known = site.auth.oauth2().application(id).await.unwrap().unwrap();
    let kept = serde_json::to_string(&known).unwrap();
    assert!(!kept.contains(&secret.expose()[20..40]) && !format!("{registered:?} {known:?}").contains(secret.expose()));
    assert_eq!(site.auth.oauth2().applications().await.unwrap(), [known]);
    assert!(site.auth.oauth2().register_application(public()).await.unwrap().client_secret.is_none());
}

/// A misspelt permission is told where it stands, not when a client is refused.
#[tokio::test]
async fn a_scope_that_cannot_be_is_refused() {
    let site = Site::start().await;
    for (scope, expected) in [
        ("openid,\"email\"", "is no scope"),
        ("openid blog.veiw_post", "`blog.veiw_post` is a permission that nobody declares"),
    ] {
        let refused = site.auth.oauth2().register_application(confidential().scope(scope)).await.unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
    }
    // Others' names mean what they say.
    assert!(site.auth.oauth2().register_application(confidential().scope("read shop.add_order")).await.is_ok());
    for scope in ["blog.veiw_post", "blog view", "a\"b", ""] {
        let config = OAuth2Config::new("https://example.com").scope(scope, "Read your posts");
        assert!(Auth::<DefaultUser>::builder().oauth2(config).build().await.is_err(), "{scope}");
    }
}

/// Where a form may lead to is said in a policy, which such hosts would end or begin anew.
#[tokio::test]
async fn a_host_that_no_policy_can_name_is_refused() {
    let site = Site::start().await;
    for uri in ["https://client.example;script-src.example/cb", "https://client.example,evil.example/cb"] {
        for application in [public().redirect_uri(uri), public().post_logout_redirect_uri(uri)] {
            let refused = site.auth.oauth2().register_application(application).await.unwrap_err().to_string();
            assert!(refused.contains(uri) && refused.contains("its host has something else than letters"), "{refused}");
        }
    }
    assert!(site.auth.oauth2().applications().await.unwrap().is_empty());
}

#[tokio::test]
async fn two_secrets_count_until_the_older_one_is_taken_away() {
    let site = Site::start().await;
    let client = site.register(confidential().grant(GrantType::ClientCredentials)).await;
    let oauth2 = site.auth.oauth2();
    let rotate = async || {
        let secret = oauth2.rotate_secret(&client.id).await.unwrap().unwrap();
        Client { secret: Some(secret.expose().to_owned()), ..client.clone() }
    };
    let second = rotate().await;
    assert_eq!((credentials(&client).await, credentials(&second).await), (StatusCode::OK, StatusCode::OK));
    let third = rotate().await;
    assert_eq!(credentials(&client).await, StatusCode::UNAUTHORIZED);
    assert_eq!((credentials(&second).await, credentials(&third).await), (StatusCode::OK, StatusCode::OK));
    assert!(oauth2.revoke_old_secrets(&client.id).await.unwrap());
    assert_eq!((credentials(&second).await, credentials(&third).await), (StatusCode::UNAUTHORIZED, StatusCode::OK));
    assert!(oauth2.rotate_secret("nobody").await.unwrap().is_none());
}

#[tokio::test]
async fn a_removed_client_has_nothing_any_more() {
    let site = Site::start().await;
    let member = site.member("ada").await;
    for application in [confidential(), confidential().opaque_access_tokens()] {
        let client = site.register(application).await;
        let flow = client.flow();
        let code = site.code(&member, &flow).await;
        let tokens = client.tokens(&site, &member).await;
        let access = tokens["access_token"].as_str().unwrap();
        assert_eq!(site.api(access).await.status, StatusCode::OK);
        assert!(site.auth.oauth2().delete_application(&client.id).await.unwrap());
        assert_eq!(site.api(access).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(client.exchange(&code, &flow).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(client.refresh(tokens["refresh_token"].as_str().unwrap()).await.status, StatusCode::UNAUTHORIZED);
        assert!(!site.auth.oauth2().delete_application(&client.id).await.unwrap());
    }
}

#[tokio::test]
async fn what_cannot_be_is_not_registered() {
    let site = Site::start().await;
    let wrong = [
        OAuth2Application::public("No redirect URI"),
        OAuth2Application::public("Http").redirect_uri("http://client.example/cb"),
        OAuth2Application::public("Wildcard").redirect_uri("https://*.client.example/cb"),
        OAuth2Application::public("Fragment").redirect_uri("https://client.example/cb#x"),
        OAuth2Application::public("").redirect_uri(CALLBACK),
        OAuth2Application::public("Two\nlines").redirect_uri(CALLBACK),
        OAuth2Application::public("Colon").redirect_uri(CALLBACK).client_id("a:b"),
        OAuth2Application::public("Logout").redirect_uri(CALLBACK).post_logout_redirect_uri("javascript:alert(1)"),
    ];
    for application in wrong {
        assert!(site.auth.oauth2().register_application(application.clone()).await.is_err(), "{application:?}");
    }
    let taken = || public().client_id("reader");
    assert!(site.auth.oauth2().register_application(taken()).await.is_ok());
    assert!(site.auth.oauth2().register_application(taken()).await.is_err());
}

/// Whoever is registered under the name of a client that is gone is another one.
#[tokio::test]
async fn a_name_that_is_used_again_brings_nothing_back() {
    let site = Site::start().await;
    let member = site.member("ada").await;
    let application = || confidential().client_id("prints");
    let first = site.register(application()).await;
    let tokens = first.tokens(&site, &member).await;
    assert!(site.auth.oauth2().delete_application("prints").await.unwrap());
    site.clock.advance(TimeDelta::seconds(1));
    let second = site.register(application()).await;
    assert_eq!(site.api(tokens["access_token"].as_str().unwrap()).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(second.refresh(tokens["refresh_token"].as_str().unwrap()).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(second.flow().ask(&member).await.status, StatusCode::OK, "the page is shown");
    let id = site.user_id("ada").await;
    second.flow().with("scope", "write").allow(&member).await;
    let consents = site.auth.oauth2().consents(&id).await.unwrap();
    assert_eq!(consents.iter().map(|consent| consent.scope.to_string()).collect::<Vec<_>>(), ["write"]);
}

/// And of whoever tries to pass for one, as often as may be tried.
#[tokio::test]
async fn the_trail_tells_what_becomes_of_clients() {
    let (sink, mut events) = ChannelSink::bounded(256);
    let site = Site::with(|builder| builder.audit_sink(sink)).await;
    let (client, oauth2) = (site.register(confidential().client_id("prints")).await, site.auth.oauth2());
    let rotated = oauth2.rotate_secret("prints").await.unwrap().unwrap();
    assert!(oauth2.revoke_old_secrets("prints").await.unwrap());
    for nobody in ["nobody", "somebody"] {
        assert!(oauth2.rotate_secret(nobody).await.unwrap().is_none());
        assert!(!oauth2.revoke_old_secrets(nobody).await.unwrap());
        assert!(!oauth2.delete_application(nobody).await.unwrap());
        let unknown = Client { id: nobody.to_owned(), ..client.clone() };
        assert_eq!(unknown.refresh("x").await.status, StatusCode::UNAUTHORIZED);
    }
    // Its secret is the one of before.
    let mut answers = Vec::new();
    for _ in 0..30 {
        answers.push(client.refresh("x").await.status);
    }
    assert_eq!(answers.last(), Some(&StatusCode::TOO_MANY_REQUESTS));
    assert!(oauth2.delete_application("prints").await.unwrap());
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        let shown = format!("{event:?}");
        assert!(!shown.contains(rotated.expose()) && !shown.contains(client.secret.as_ref().unwrap()), "{shown}");
        if let [("client", id)] = event.action.details()[..] {
            assert_eq!(id, "prints", "{shown}");
            let is_refused = event.action.name() == "client.refused";
            assert_eq!((event.action.succeeded(), event.origin.source.is_some()), (!is_refused, is_refused));
            told.push(event.action.name());
        }
    }
    let refused = told.iter().filter(|name| **name == "client.refused").count();
    assert_eq!(refused, answers.iter().filter(|status| **status == StatusCode::UNAUTHORIZED).count());
    assert!((1..30).contains(&refused), "{refused}");
    told.retain(|name| *name != "client.refused");
    assert_eq!(told, ["client.registered", "client.secret_rotated", "client.secrets_revoked", "client.deleted"]);
}
