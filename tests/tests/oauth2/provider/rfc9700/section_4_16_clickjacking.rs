//! §4.16: no page is shown inside another site's.

use super::*;

#[tokio::test]
async fn no_page_may_be_framed() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    for page in [
        client.flow().ask(&member).await,
        client.flow().with("redirect_uri", "https://evil.example/").ask(&member).await,
        member.browse("/oauth2/device").await,
    ] {
        assert_eq!(page.header("x-frame-options"), Some("DENY"));
        assert!(page.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    }
}

#[tokio::test]
async fn the_form_may_lead_to_the_client_and_nowhere_else() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let page = client.flow().ask(&member).await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self' https://client.example;"), "{policy}");
}
