//! §4.7: another site cannot make a person agree.

use super::*;

#[tokio::test]
async fn another_sites_form_allows_nothing() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let page = client.flow().ask(&member).await;
    let mut fields = hidden_fields(&page.text);
    fields.push(("decision".to_owned(), "allow".to_owned()));
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("origin", "null")] {
        let request = member.request(Method::POST, "/oauth2/authorize").header(name, value).form(&fields);
        let answer = member.send(request).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::FORBIDDEN, None), "{name}: {value}");
    }
    fields.retain(|(name, _)| name != "csrf_token");
    let answer = member.send(member.request(Method::POST, "/oauth2/authorize").form(&fields)).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::FORBIDDEN, None));
}

#[tokio::test]
async fn a_page_shown_to_one_is_not_answered_by_another() {
    let site = Site::start().await;
    let (client, ada, eve) = (site.client().await, site.member("ada").await, site.member("eve").await);
    let mut fields = hidden_fields(&client.flow().ask(&ada).await.text);
    fields.retain(|(name, _)| name != "csrf_token");
    fields.push(("decision".to_owned(), "allow".to_owned()));
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // The browser says that the form comes from here: then it needs no token, and the page is shown again.
    let answer = eve.submit("/oauth2/authorize", &fields).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::OK, None));
    let id = site.user_id("eve").await;
    assert!(site.auth.oauth2().consents(&id).await.unwrap().is_empty());
}
