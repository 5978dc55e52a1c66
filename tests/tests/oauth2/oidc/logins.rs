//! Whose login a client wants, how new, and what it is told of it.

use auth_tests::http::{PASSWORD, Visitor};
use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::json;

use super::{client, flow, forgeries, id_token, part, tokens};
use crate::provider::{CALLBACK, Flow, Site, hidden_fields, parameter};

/// Where a request leads that is answered with an error at once.
async fn error(flow: &Flow, visitor: &Visitor) -> String {
    let answer = flow.ask(visitor).await;
    let location = answer.location().unwrap_or_else(|| panic!("a page: {}", answer.text));
    assert!(location.starts_with(CALLBACK), "{location}");
    assert_eq!(parameter(location, "state").as_deref(), Some("a state & more"));
    assert!(parameter(location, "iss").is_some() && parameter(location, "code").is_none());
    parameter(location, "error").unwrap()
}

/// Where the login page leads back to, if a request leads there.
async fn asked_to_log_in(flow: &Flow, visitor: &Visitor) -> Option<String> {
    let answer = flow.ask(visitor).await;
    let location = answer.location()?.strip_prefix("/login?next=")?.to_owned();
    parameter(&format!("https://x/?next={location}"), "next")
}

async fn log_in(visitor: &Visitor, name: &str) {
    let body = json!({ "username": name, "password": PASSWORD });
    assert_eq!(visitor.post("/login", &body).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_nonce_comes_back_as_it_was() {
    let site = Site::start().await;
    let (client, member) = (client(&site).await, site.member("ada").await);
    let nonce = "n-0S6_WzA2Mj ü\"\\&=+%20<b>";
    let got = tokens(&site, &client, &member, &flow(&client).with("nonce", nonce)).await;
    let said = part(&got["id_token"], 1);
    assert_eq!((&said["nonce"], &said["amr"]), (&json!(nonce), &json!(["pwd"])));
    assert_eq!((&said["aud"], &said["sub"]), (&json!(client.id), &json!(site.user_id("ada").await)));
    assert_eq!((&said["iss"], said.get("acr")), (&json!(site.address), None));

    let refreshed = client.refresh(got["refresh_token"].as_str().unwrap()).await.json();
    let again = part(&refreshed["id_token"], 1);
    assert_eq!(again.get("nonce"), None);
    for name in ["iss", "sub", "aud", "auth_time", "sid"] {
        assert_eq!(again[name], said[name], "{name}");
    }
    assert_ne!(again["at_hash"], said["at_hash"]);

    assert_eq!(error(&flow(&client).with("nonce", &"n".repeat(513)), &member).await, "invalid_request");
    let mut twice = flow(&client).with("nonce", "a");
    twice.parameters.push(("nonce".to_owned(), "b".to_owned()));
    assert_eq!(error(&twice, &member).await, "invalid_request");
}

#[tokio::test]
async fn without_the_scope_there_is_no_id_token() {
    let site = Site::start().await;
    let (client, member) = (client(&site).await, site.member("ada").await);
    let got = tokens(&site, &client, &member, &client.flow().with("scope", "read").with("nonce", "n")).await;
    assert_eq!(got.get("id_token"), None);
    let all = tokens(&site, &client, &member, &client.flow().without("scope")).await;
    assert_eq!(all.get("id_token"), None);
}

#[tokio::test]
async fn nobody_is_shown_a_page_who_may_not_be_asked() {
    let site = Site::start().await;
    let (client, member) = (client(&site).await, site.member("ada").await);
    let silent = || flow(&client).with("prompt", "none");
    assert_eq!(error(&silent(), &site.visitor()).await, "login_required");
    assert_eq!(error(&silent(), &member).await, "consent_required");
    let hint = id_token(&site, &client, &member).await;
    let answer = silent().with("id_token_hint", &hint).ask(&member).await;
    assert!(parameter(answer.location().unwrap(), "code").is_some());
    // More than was agreed to, an old login, somebody else.
    assert_eq!(error(&silent().with("scope", "openid email"), &member).await, "consent_required");
    assert_eq!(error(&silent().with("max_age", "0"), &member).await, "login_required");
    site.clock.advance(TimeDelta::seconds(61));
    assert_eq!(error(&silent().with("max_age", "60"), &member).await, "login_required");
    let other = site.member("bob").await;
    assert_eq!(error(&silent().with("id_token_hint", &hint), &other).await, "login_required");
    for prompt in ["none login", "login none", "none none", "create", "None"] {
        assert_eq!(error(&flow(&client).with("prompt", prompt), &member).await, "invalid_request", "{prompt}");
    }
}

#[tokio::test]
async fn a_login_that_must_be_new_is_made_for_this_request() {
    let site = Site::start().await;
    let (client, member) = (client(&site).await, site.member("ada").await);
    id_token(&site, &client, &member).await;
    for (name, value) in [("prompt", "login"), ("prompt", "select_account"), ("max_age", "0")] {
        site.clock.advance(TimeDelta::seconds(10));
        let flow = flow(&client).with(name, value);
        let next = asked_to_log_in(&flow, &member).await.unwrap();
        // Going there without a login, or with a moment that somebody else made up, leads to the login again.
        assert!(member.browse(&next).await.location().unwrap().starts_with("/login"), "{name}={value}");
        let after = parameter(&format!("https://x{next}"), "login_after").unwrap();
        let (moment, tag) = after.split_once('.').unwrap();
        for forged in ["0", "1.", moment, &format!("0.{tag}"), &format!("{moment}.{}", "A".repeat(43))] {
            assert!(asked_to_log_in(&flow.clone().with("login_after", forged), &member).await.is_some(), "{forged}");
        }
        site.clock.advance(TimeDelta::seconds(10));
        log_in(&member, "ada").await;
        let page = member.browse(&next).await;
        let link = page.text.split("<a href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
        let code = parameter(&link, "code").unwrap();
        let got = client.exchange(&code, &flow).await.json();
        let auth_time = part(&got["id_token"], 1)["auth_time"].as_i64().unwrap();
        assert_eq!(auth_time, auth::clock::Clock::now(&site.clock).timestamp());
        // What was sealed for one request counts for no other.
        site.clock.advance(TimeDelta::seconds(10));
        let other = super::flow(&client).with(name, value).with("login_after", &after);
        assert!(asked_to_log_in(&other, &member).await.is_some(), "{name}={value}");
    }
}

#[tokio::test]
async fn a_login_that_is_too_old_does_not_pass() {
    let site = Site::start().await;
    let (client, member) = (client(&site).await, site.member("ada").await);
    let recent = flow(&client).with("max_age", "60");
    assert_eq!(recent.ask(&member).await.status, StatusCode::OK);
    site.clock.advance(TimeDelta::seconds(61));
    assert!(asked_to_log_in(&recent, &member).await.is_some());
    // Nor does it where the page was shown in time, and answered late.
    log_in(&member, "ada").await;
    let page = recent.ask(&member).await;
    site.clock.advance(TimeDelta::seconds(61));
    let mut fields = hidden_fields(&page.text);
    fields.push(("decision".to_owned(), "allow".to_owned()));
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = member.submit("/oauth2/authorize", &fields).await;
    assert!(answer.location().unwrap().starts_with("/login"), "{answer:?}");
    for age in ["-1", "x", "1.5", "99999999999999999999"] {
        assert_eq!(error(&flow(&client).with("max_age", age), &member).await, "invalid_request", "{age}");
    }
}

#[tokio::test]
async fn a_client_gets_the_user_whom_it_expects() {
    let site = Site::start().await;
    let (client, ada, bob) = (client(&site).await, site.member("ada").await, site.member("bob").await);
    let hint = id_token(&site, &client, &ada).await;
    let flow = flow(&client).with("id_token_hint", &hint);
    assert!(parameter(flow.ask(&ada).await.location().unwrap(), "code").is_some());
    let next = asked_to_log_in(&flow, &bob).await.unwrap();
    // Bob logs in once more, and is still not Ada.
    log_in(&bob, "bob").await;
    let page = bob.browse(&next).await;
    assert!(page.text.contains("error=login_required") && !page.text.contains("code="), "{}", page.text);
    log_in(&bob, "ada").await;
    assert!(bob.browse(&next).await.text.contains("code="));
}

#[tokio::test]
async fn what_is_no_id_token_is_no_hint() {
    let site = Site::start().await;
    let (client, member) = (client(&site).await, site.member("ada").await);
    let got = tokens(&site, &client, &member, &flow(&client)).await;
    let mut bad = forgeries(got["id_token"].as_str().unwrap());
    bad.push(got["access_token"].as_str().unwrap().to_owned());
    for hint in bad {
        assert_eq!(error(&flow(&client).with("id_token_hint", &hint), &member).await, "invalid_request", "{hint}");
    }
}

#[tokio::test]
async fn what_is_not_supported_is_refused_by_its_name() {
    let site = Site::start().await;
    let (client, member) = (client(&site).await, site.member("ada").await);
    for (name, code) in [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ] {
        assert_eq!(error(&flow(&client).with(name, "https://client.example/x"), &member).await, code);
    }
    for kind in ["id_token", "code id_token", "none"] {
        let refused = error(&flow(&client).with("response_type", kind), &member).await;
        assert_eq!(refused, "unsupported_response_type", "{kind}");
    }
    // What is only a wish is passed over.
    let wishes =
        flow(&client).with("claims", "{}").with("acr_values", "mfa").with("login_hint", "ada").with("display", "page");
    assert_eq!(wishes.with("ui_locales", "de").ask(&member).await.status, StatusCode::OK);
}
