//! §4.14: a refresh token that is used twice ends everything.

use super::*;

#[tokio::test]
async fn a_used_token_ends_its_grant() {
    let site = Site::start().await;
    let (client, member) = (site.register(public()).await, site.member("ada").await);
    let first = client.tokens(&site, &member).await;
    let second = client.refresh(first["refresh_token"].as_str().unwrap()).await.json();
    let access = second["access_token"].as_str().unwrap();
    assert_eq!(site.api(access).await.status, StatusCode::OK);
    let again = client.refresh(first["refresh_token"].as_str().unwrap()).await;
    assert_eq!((again.status, &again.json()["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")));
    assert_eq!(site.api(access).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(client.refresh(second["refresh_token"].as_str().unwrap()).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_token_is_of_no_use_to_another_client() {
    let site = Site::start().await;
    let (client, other, member) = (site.client().await, site.client().await, site.member("ada").await);
    let tokens = client.tokens(&site, &member).await;
    let token = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(other.refresh(token).await.json()["error"], json!("invalid_grant"));
    // It has leaked.
    assert_eq!(client.refresh(token).await.json()["error"], json!("invalid_grant"));
    assert_eq!(site.api(tokens["access_token"].as_str().unwrap()).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_scope_is_narrowed_and_never_widened() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let flow = client.flow().with("scope", "read write");
    let code = site.code(&member, &flow).await;
    let tokens = client.exchange(&code, &flow).await.json();
    let ask = |token: String, scope: &'static str| {
        let client = client.clone();
        async move {
            let form = [("grant_type", "refresh_token"), ("refresh_token", &token), ("scope", scope)];
            client.post("/oauth2/token", &form).await.json()
        }
    };
    let token = |tokens: &serde_json::Value| tokens["refresh_token"].as_str().unwrap().to_owned();
    let wider = ask(token(&tokens), "read write blog.add_post").await;
    assert_eq!(wider["error"], json!("invalid_scope"));
    let narrow = ask(token(&tokens), "read").await;
    assert_eq!(narrow["scope"], json!("read"));
    let all = ask(token(&narrow), "write read").await;
    assert_eq!(all["scope"], json!("write read"));
}

#[tokio::test]
async fn tokens_end_with_the_password() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let tokens = client.tokens(&site, &member).await;
    let user = site.auth.users().get_by_username("ada").await.unwrap().unwrap();
    site.auth.users().set_password(&user.id, "another-lantern-31-quilt").await.unwrap();
    assert_eq!(site.api(tokens["access_token"].as_str().unwrap()).await.status, StatusCode::UNAUTHORIZED);
    let answer = client.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(answer.json()["error"], json!("invalid_grant"));
}

/// Neither kind of refresh token passes for the other.
#[tokio::test]
async fn a_clients_token_is_none_of_the_applications_own() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let tokens = client.tokens(&site, &member).await;
    let token = tokens["refresh_token"].as_str().unwrap().into();
    assert!(site.auth.refresh(&token, None, &auth::audit::Origin::unknown()).await.is_err());
    assert_eq!(client.refresh(token.expose()).await.status, StatusCode::OK);
}
