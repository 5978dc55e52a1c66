//! §4.10: a token is good for what it was issued for.

use super::*;

#[tokio::test]
async fn a_token_for_another_resource_opens_nothing_here() {
    let site = Site::start().await;
    let member = site.member("ada").await;
    for application in [confidential(), confidential().opaque_access_tokens()] {
        let client = site.register(application.audience("https://other.example")).await;
        let tokens = client.tokens(&site, &member).await;
        assert_eq!(site.api(tokens["access_token"].as_str().unwrap()).await.status, StatusCode::UNAUTHORIZED);
    }
}
