//! Keys that cannot be read: nothing is issued, and nothing is used up.

use auth::records::{NewRecord, RecordKind};
use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::json;

use super::{client, flow, tokens};
use crate::provider::Site;

const KIND: RecordKind = RecordKind::new("oauth_signing_keys");

#[tokio::test]
async fn without_keys_a_refresh_token_is_not_used_up() {
    let site = Site::start().await;
    let (client, member) = (client(&site).await, site.member("ada").await);
    let got = tokens(&site, &client, &member, &flow(&client)).await;
    let token = got["refresh_token"].as_str().unwrap();

    let records = site.auth.records();
    let kept = records.take(KIND, "RS256").await.unwrap().unwrap();
    let record = |value: &[u8]| NewRecord { owner: None, value: value.to_vec(), expires_at: kept.expires_at };
    assert!(records.insert(KIND, "RS256", record(b"damaged")).await.unwrap());
    site.clock.advance(TimeDelta::minutes(1));
    let refused = client.refresh(token).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.json()["error"], json!("temporarily_unavailable"));
    assert_eq!(site.visitor().get("/oauth2/jwks").await.status, StatusCode::SERVICE_UNAVAILABLE);

    drop(records.take(KIND, "RS256").await.unwrap());
    assert!(records.insert(KIND, "RS256", record(&kept.value)).await.unwrap());
    let next = client.refresh(token).await;
    assert_eq!(next.status, StatusCode::OK, "{}", next.text);
    assert!(next.json()["id_token"].is_string());
}
