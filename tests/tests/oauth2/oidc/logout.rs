//! Logouts that clients begin.

use auth_tests::http::{Answer, Visitor};
use axum::http::{Method, StatusCode};
use chrono::TimeDelta;

use super::{BYE, client, forgeries, id_token};
use crate::provider::{CALLBACK, Site, hidden_fields};

fn path(parameters: &[(&str, &str)]) -> String {
    let url = reqwest::Url::parse_with_params("https://x/oauth2/logout", parameters).unwrap();
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

async fn is_logged_in(member: &Visitor) -> bool {
    member.get("/me").await.status == StatusCode::OK
}

async fn confirm(member: &Visitor, page: &Answer) -> Answer {
    let fields = hidden_fields(&page.text);
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    member.submit("/oauth2/logout/confirm", &fields).await
}

#[tokio::test]
async fn who_holds_a_token_of_this_login_ends_it() {
    let site = Site::start().await;
    let (client, member) = (client(&site).await, site.member("ada").await);
    let hint = id_token(&site, &client, &member).await;
    // It may have expired.
    site.clock.advance(TimeDelta::minutes(30));
    assert!(is_logged_in(&member).await);
    let wanted = [("id_token_hint", &*hint), ("post_logout_redirect_uri", BYE), ("state", "a state & more")];
    let answer = member.browse(&path(&wanted)).await;
    let back = format!("{BYE}?state=a+state+%26+more");
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, Some(&*back)));
    assert!(!is_logged_in(&member).await);
    // Whoever is logged out already is only sent on.
    assert_eq!(member.browse(&path(&wanted)).await.location(), Some(&*back));
}

#[tokio::test]
async fn everybody_else_is_asked() {
    let site = Site::start().await;
    let (client, ada, bob) = (client(&site).await, site.member("ada").await, site.member("bob").await);
    let of_bob = id_token(&site, &client, &bob).await;
    let of_another_login = {
        let elsewhere = site.visitor();
        let body = serde_json::json!({ "username": "ada", "password": auth_tests::http::PASSWORD });
        assert_eq!(elsewhere.post("/login", &body).await.status, StatusCode::OK);
        id_token(&site, &client, &elsewhere).await
    };
    let back = ("post_logout_redirect_uri", BYE);
    for wanted in [
        vec![],
        vec![("state", "x")],
        vec![("client_id", &*client.id), back],
        vec![("id_token_hint", &*of_bob), back],
        vec![("id_token_hint", &*of_another_login), back],
    ] {
        let page = ada.browse(&path(&wanted)).await;
        assert_eq!((page.status, page.location()), (StatusCode::OK, None), "{wanted:?}");
        assert!(page.text.contains("<form") && is_logged_in(&ada).await, "{wanted:?}");
        let frames = page.header("content-security-policy").unwrap();
        assert!(frames.contains("frame-ancestors 'none'"), "{frames}");
    }
    let page = ada.browse(&path(&[("client_id", &client.id), back, ("state", "x")])).await;
    let answer = confirm(&ada, &page).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, Some(&*format!("{BYE}?state=x"))));
    assert!(!is_logged_in(&ada).await && is_logged_in(&bob).await);
    let page = bob.browse("/oauth2/logout").await;
    assert!(confirm(&bob, &page).await.text.contains("You are logged out."));
    assert!(!is_logged_in(&bob).await);
}

#[tokio::test]
async fn nobody_is_sent_where_the_client_did_not_register() {
    let site = Site::start().await;
    let (client, member) = (client(&site).await, site.member("ada").await);
    let other = super::client(&site).await;
    let hint = id_token(&site, &client, &member).await;
    let known = [("client_id", &*client.id)];
    for uri in [
        "https://evil.example/bye",
        "https://client.example/bye/",
        "https://client.example/bye?x=1",
        "https://client.example/bye#x",
        "https://client.example:443/bye",
        "https://CLIENT.example/bye",
        "https://client.example/BYE",
        "https://client.example/./bye",
        "https://user@client.example/bye",
        "https://client.example@evil.example/bye",
        "http://client.example/bye",
        "//client.example/bye",
        "/bye",
        "javascript:alert(1)",
        // Where codes are sent is another list.
        CALLBACK,
    ] {
        for known in [known, [("id_token_hint", &*hint)]] {
            let answer = member.browse(&path(&[known[0], ("post_logout_redirect_uri", uri)])).await;
            assert_eq!((answer.status, answer.location()), (StatusCode::BAD_REQUEST, None), "{uri}");
        }
    }
    let back = ("post_logout_redirect_uri", BYE);
    for wanted in [
        vec![back],
        vec![("client_id", "nobody"), back],
        vec![("id_token_hint", &*hint), ("client_id", &*other.id), back],
        vec![("client_id", &*client.id), back, back],
    ] {
        let answer = member.browse(&path(&wanted)).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::BAD_REQUEST, None), "{wanted:?}");
    }
    for forged in forgeries(&hint) {
        let answer = member.browse(&path(&[("id_token_hint", &forged), back])).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::BAD_REQUEST, None), "{forged}");
    }
    assert!(is_logged_in(&member).await);
    // Nor is the page here talked into it.
    let fields = [("client_id", &*client.id), ("post_logout_redirect_uri", "https://evil.example")];
    let answer = member.submit("/oauth2/logout/confirm", &fields).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::BAD_REQUEST, None));
    assert!(is_logged_in(&member).await);
}

#[tokio::test]
async fn another_sites_page_logs_nobody_out() {
    let site = Site::start().await;
    let member = site.member("ada").await;
    let request = || member.request(Method::POST, "/oauth2/logout/confirm").form(&[("client_id", "x")]);
    for request in [
        request().header("origin", "https://evil.example"),
        request().header("sec-fetch-site", "cross-site"),
        request(),
    ] {
        assert_eq!(member.send(request).await.status, StatusCode::FORBIDDEN);
    }
    assert!(is_logged_in(&member).await);
}

#[tokio::test]
async fn a_form_of_the_client_is_sent_on() {
    let site = Site::start().await;
    let (client, member) = (client(&site).await, site.member("ada").await);
    let hint = id_token(&site, &client, &member).await;
    let form = [("id_token_hint", &*hint), ("post_logout_redirect_uri", BYE)];
    let request = site.visitor().request(Method::POST, "/oauth2/logout").header("origin", "https://client.example");
    let answer = site.visitor().send(request.form(&form)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let answer = member.browse(answer.location().unwrap()).await;
    assert_eq!(answer.location(), Some(BYE));
    assert!(!is_logged_in(&member).await);
}
