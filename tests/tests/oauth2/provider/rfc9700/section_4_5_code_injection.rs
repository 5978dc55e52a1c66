//! §4.5: a code is good for the client and the request that it was made for.

use super::*;

#[tokio::test]
async fn a_code_is_of_no_use_to_another_client() {
    let site = Site::start().await;
    let (client, other, member) = (site.client().await, site.client().await, site.member("ada").await);
    let flow = client.flow();
    let code = site.code(&member, &flow).await;
    refused(&other, &code, &flow).await;
    // It was in other hands.
    refused(&client, &code, &flow).await;
}

#[tokio::test]
async fn a_code_of_another_session_does_not_fit_the_verifier() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let (flow, injected) = (client.flow(), client.flow());
    let code = site.code(&member, &injected).await;
    refused(&client, &code, &flow).await;
}

#[tokio::test]
async fn the_redirect_uri_is_the_one_of_the_request() {
    let site = Site::start().await;
    let client = site.register(confidential().redirect_uri("https://client.example/other")).await;
    let member = site.member("ada").await;
    for given in [Some("https://client.example/other"), Some("https://client.example/cb/"), None] {
        let flow = client.flow();
        let code = site.code(&member, &flow).await;
        let mut form =
            vec![("grant_type", "authorization_code"), ("code", &code), ("code_verifier", flow.verifier.expose())];
        form.extend(given.map(|uri| ("redirect_uri", uri)));
        let answer = client.post("/oauth2/token", &form).await;
        assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")));
    }
}

#[tokio::test]
async fn a_code_is_good_for_a_minute() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let flow = client.flow();
    let code = site.code(&member, &flow).await;
    site.clock.advance(chrono::TimeDelta::seconds(61));
    refused(&client, &code, &flow).await;
}

#[tokio::test]
async fn a_second_use_ends_all_that_came_of_the_first() {
    let site = Site::start().await;
    for application in [confidential(), confidential().opaque_access_tokens(), public()] {
        let (client, member) = (site.register(application).await, site.visitor());
        member.join(&format!("ada{}", client.id)).await;
        let flow = client.flow();
        let code = site.code(&member, &flow).await;
        let tokens = client.exchange(&code, &flow).await.json();
        let access = tokens["access_token"].as_str().unwrap();
        assert_eq!(site.api(access).await.status, StatusCode::OK);
        refused(&client, &code, &flow).await;
        assert_eq!(site.api(access).await.status, StatusCode::UNAUTHORIZED);
        let answer = client.refresh(tokens["refresh_token"].as_str().unwrap()).await;
        assert_eq!(answer.json()["error"], json!("invalid_grant"));
    }
}

#[tokio::test]
async fn another_clients_second_use_ends_nothing() {
    let site = Site::start().await;
    let (client, other, member) = (site.client().await, site.client().await, site.member("ada").await);
    let flow = client.flow();
    let code = site.code(&member, &flow).await;
    let tokens = client.exchange(&code, &flow).await.json();
    refused(&other, &code, &flow).await;
    assert_eq!(site.api(tokens["access_token"].as_str().unwrap()).await.status, StatusCode::OK);
}

async fn refused(client: &Client, code: &str, flow: &Flow) {
    let answer = client.exchange(code, flow).await;
    assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")));
}
