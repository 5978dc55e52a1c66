//! Devices without a keyboard (RFC 8628).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use auth::audit::Origin;
use auth::oauth2::provider::{GrantType, OAuth2Application};
use auth::records::RecordError;
use auth_tests::http::{Answer, Visitor};
use auth_tests::{BeforeRecords, RecordCall};
use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::site::hidden_fields;
use super::{Client, Site};

pub(super) async fn device(site: &Site) -> (Client, Value) {
    let application = OAuth2Application::public("Television").grants([GrantType::DeviceCode]).scope("read");
    let client = site.register(application).await;
    let begun = client.post("/oauth2/device_authorization", &[("scope", "read")]).await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
    (client, begun.json())
}

async fn poll(client: &Client, device: &Value) -> Answer {
    let code = device["device_code"].as_str().unwrap();
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    client.post("/oauth2/token", &[("grant_type", grant), ("device_code", code)]).await
}

pub(super) async fn error(client: &Client, device: &Value) -> Value {
    poll(client, device).await.json()["error"].clone()
}

async fn typed(visitor: &Visitor, code: &str, decision: &str) -> Answer {
    let page = visitor.submit("/oauth2/device", &[("user_code", code)]).await;
    let mut fields = hidden_fields(&page.text);
    fields.push(("decision".to_owned(), decision.to_owned()));
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    visitor.submit("/oauth2/device", &fields).await
}

#[tokio::test]
async fn a_person_connects_a_device() {
    let site = Site::start().await;
    let (client, device) = device(&site).await;
    let code = device["user_code"].as_str().unwrap();
    assert!(code.len() == 9 && code.as_bytes()[4] == b'-');
    assert_eq!(device["verification_uri"], json!(format!("{}/oauth2/device", site.address)));
    assert_eq!((&device["interval"], &device["expires_in"]), (&json!(5), &json!(600)));
    assert_eq!(error(&client, &device).await, json!("authorization_pending"));

    let stranger = site.visitor().browse("/oauth2/device").await;
    assert!(stranger.location().unwrap().starts_with("/login?next="));
    let member = site.member("ada").await;
    let page = member.submit("/oauth2/device", &[("user_code", &code.to_lowercase())]).await;
    let shown = format!("Your device shows <strong>{code}</strong>");
    assert!(page.text.contains(&shown), "to be compared (RFC 8628 §5.4): {}", page.text);
    assert!(page.text.contains("Television") && page.text.contains("Read what you wrote"), "{}", page.text);
    assert!(typed(&member, code, "allow").await.text.contains("is connected"));
    site.clock.advance(TimeDelta::seconds(5));
    let tokens = poll(&client, &device).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.text);
    assert_eq!(site.api(tokens.json()["access_token"].as_str().unwrap()).await.status, StatusCode::OK);
    assert_eq!(error(&client, &device).await, json!("invalid_grant"), "it is good for one use");
}

#[tokio::test]
async fn who_asks_too_often_waits_longer() {
    let site = Site::start().await;
    let (client, device) = device(&site).await;
    assert_eq!(error(&client, &device).await, json!("authorization_pending"));
    assert_eq!(error(&client, &device).await, json!("slow_down"));
    site.clock.advance(TimeDelta::seconds(6));
    assert_eq!(error(&client, &device).await, json!("slow_down"), "ten seconds now");
    site.clock.advance(TimeDelta::seconds(15));
    assert_eq!(error(&client, &device).await, json!("authorization_pending"));
}

#[tokio::test]
async fn a_refused_or_forgotten_device_gets_nothing() {
    let site = Site::start().await;
    let member = site.member("ada").await;
    let (client, refused) = device(&site).await;
    assert!(typed(&member, refused["user_code"].as_str().unwrap(), "deny").await.text.contains("not connected"));
    assert_eq!(error(&client, &refused).await, json!("access_denied"));
    let (client, forgotten) = device(&site).await;
    site.clock.advance(TimeDelta::seconds(601));
    assert_eq!(error(&client, &forgotten).await, json!("expired_token"));
    let page = member.submit("/oauth2/device", &[("user_code", forgotten["user_code"].as_str().unwrap())]).await;
    assert!(page.text.contains("No device waits"));
}

#[tokio::test]
async fn a_devices_code_is_its_clients() {
    let site = Site::start().await;
    let (_, first) = device(&site).await;
    let (other, _) = device(&site).await;
    assert_eq!(error(&other, &first).await, json!("invalid_grant"));
}

#[tokio::test]
async fn guesses_at_what_devices_show_are_limited() {
    let site = Site::start().await;
    let member = site.member("ada").await;
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(member.submit("/oauth2/device", &[("user_code", "BBBB-BBBB")]).await.status);
    }
    assert_eq!(statuses.first(), Some(&StatusCode::OK));
    assert_eq!(statuses.last(), Some(&StatusCode::TOO_MANY_REQUESTS), "{statuses:?}");
}

#[tokio::test]
async fn another_sites_form_connects_no_device() {
    let site = Site::start().await;
    let (client, device) = device(&site).await;
    let member = site.member("ada").await;
    let form = [("user_code", device["user_code"].as_str().unwrap()), ("decision", "allow")];
    let request = member.request(Method::POST, "/oauth2/device").header("origin", "https://evil.example");
    assert_eq!(member.send(request.form(&form)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(error(&client, &device).await, json!("authorization_pending"));
}

#[tokio::test]
async fn devices_that_begin_without_end_are_limited() {
    let site = Site::start().await;
    let (client, _) = device(&site).await;
    let mut status = StatusCode::OK;
    for _ in 0..60 {
        status = client.post("/oauth2/device_authorization", &[]).await.status;
    }
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    // As one, all who cannot be told apart could be kept out by a single stranger.
    let application = site.auth.oauth2().application(&client.id).await.unwrap().unwrap();
    for _ in 0..70 {
        let begun = site.auth.oauth2().authorize_device(&application, None, &Origin::unknown()).await;
        assert!(begun.is_ok(), "{begun:?}");
    }
}

/// Whoever has connected a device that is not theirs takes that back in time, however late it asks.
#[tokio::test]
async fn a_device_gets_nothing_after_its_consent_was_taken_back() {
    let site = Site::start().await;
    let (client, device) = device(&site).await;
    let member = site.member("ada").await;
    assert!(typed(&member, device["user_code"].as_str().unwrap(), "allow").await.text.contains("is connected"));
    assert!(site.auth.oauth2().revoke_consent(&site.user_id("ada").await, &client.id).await.unwrap());
    assert_eq!(error(&client, &device).await, json!("invalid_grant"));
}

/// What cannot be looked at costs the device no code: it asks again.
#[tokio::test]
async fn a_device_whose_consent_cannot_be_read_asks_again() {
    let (store, clock, ()) = crate::records::memory();
    let fails = Arc::new(AtomicBool::new(false));
    let records = BeforeRecords::new(store, {
        let fails = fails.clone();
        move |call, kind| {
            let is_refused = call == RecordCall::Get && kind.name() == "oauth_consent" && fails.load(Ordering::SeqCst);
            async move { if is_refused { Err(RecordError::store("away")) } else { Ok(()) } }
        }
    });
    let site = Site::on(Arc::new(records), clock).await;
    let (client, device) = device(&site).await;
    let member = site.member("ada").await;
    assert!(typed(&member, device["user_code"].as_str().unwrap(), "allow").await.text.contains("is connected"));
    fails.store(true, Ordering::SeqCst);
    assert_eq!(poll(&client, &device).await.status, StatusCode::SERVICE_UNAVAILABLE);
    fails.store(false, Ordering::SeqCst);
    assert_eq!(poll(&client, &device).await.status, StatusCode::OK);
    assert_eq!(error(&client, &device).await, json!("invalid_grant"), "it is good for one use");
}
