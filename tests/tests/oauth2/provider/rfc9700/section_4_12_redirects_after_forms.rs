//! §4.12: a browser that is sent on does not send its form again.

use super::*;

#[tokio::test]
async fn a_form_is_answered_with_303() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    assert_eq!(client.flow().allow(&member).await.status, StatusCode::SEE_OTHER);
}

/// Chromium holds every redirect after a form to the policy of the form's page: the login page's allows this site only.
#[tokio::test]
async fn who_comes_from_the_login_page_is_led_on_by_a_page() {
    let site = Site::start().await;
    let client = site.register(confidential().skip_consent()).await;
    let visitor = site.member("ada").await;
    assert_eq!(client.flow().ask(&visitor).await.status, StatusCode::SEE_OTHER);
    let page = client.flow().with("login_after", "0").ask(&visitor).await;
    assert_eq!((page.status, page.location()), (StatusCode::OK, None));
    assert!(page.text.contains(&format!("content=\"0;url={CALLBACK}?code=")), "{}", page.text);
}
