//! §4.2: neither codes nor states leak by what the browser keeps or tells.

use super::*;

#[tokio::test]
async fn pages_with_requests_are_kept_by_nobody_and_tell_nobody() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let page = client.flow().ask(&member).await;
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
}
