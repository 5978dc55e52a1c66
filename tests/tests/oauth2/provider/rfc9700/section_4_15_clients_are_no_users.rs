//! §4.15: a client is no user, whatever it is called.

use super::*;

#[tokio::test]
async fn a_client_with_a_users_id_is_nobody() {
    let site = Site::start().await;
    drop(site.member("ada").await);
    let id = site.user_id("ada").await;
    for (application, client_id) in
        [(confidential(), id.clone()), (confidential().opaque_access_tokens(), format!("{id}-"))]
    {
        let application = application.client_id(&client_id).grant(GrantType::ClientCredentials);
        let client = site.register(application).await;
        let tokens = client.post("/oauth2/token", &[("grant_type", "client_credentials")]).await.json();
        let token = tokens["access_token"].as_str().unwrap();
        assert!(tokens.get("refresh_token").is_none());
        let answer = site.api(token).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text);
        let about = client.post("/oauth2/introspect", &[("token", token)]).await.json();
        assert_eq!((&about["active"], &about["sub"]), (&json!(true), &json!(client_id)));
    }
}

#[tokio::test]
async fn a_public_client_has_no_credentials() {
    let site = Site::start().await;
    let application = OAuth2Application::public("x").grants([GrantType::ClientCredentials]);
    assert!(site.auth.oauth2().register_application(application).await.is_err());
    let client = site.register(public()).await;
    let answer = client.post("/oauth2/token", &[("grant_type", "client_credentials")]).await;
    assert_eq!(answer.json()["error"], json!("unauthorized_client"));
}
