//! What may happen once happens once, however many try at the same moment, on every store.

use auth::records::DynRecordStore;
use auth::testing::ManualClock;
use axum::http::StatusCode;
use futures_util::future::join_all;

use super::Site;
use crate::records::tests_on_every_store;

/// One is first, and the others are a second use: then nobody keeps a token.
async fn fifty_exchange_one_code(store: DynRecordStore, clock: ManualClock) {
    let site = Site::on(store, clock).await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let flow = client.flow();
    let code = site.code(&member, &flow).await;
    let answers = join_all((0..50).map(|_| client.exchange(&code, &flow))).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::OK).collect();
    assert!(won.len() <= 1, "{}", won.len());
    let lost = answers.iter().filter(|answer| answer.status == StatusCode::BAD_REQUEST).count();
    assert_eq!(lost + won.len(), 50);
    for answer in won {
        let tokens = answer.json();
        assert_eq!(site.api(tokens["access_token"].as_str().unwrap()).await.status, StatusCode::UNAUTHORIZED);
        let refreshed = client.refresh(tokens["refresh_token"].as_str().unwrap()).await;
        assert_eq!(refreshed.status, StatusCode::BAD_REQUEST);
    }
}

/// The same for a refresh token.
async fn twenty_refresh_at_once(store: DynRecordStore, clock: ManualClock) {
    let site = Site::on(store, clock).await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let tokens = client.tokens(&site, &member).await;
    let token = tokens["refresh_token"].as_str().unwrap();
    let answers = join_all((0..20).map(|_| client.refresh(token))).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::OK).collect();
    assert!(won.len() <= 1, "{}", won.len());
    for answer in won {
        let next = answer.json();
        assert_eq!(site.api(next["access_token"].as_str().unwrap()).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(client.refresh(next["refresh_token"].as_str().unwrap()).await.status, StatusCode::BAD_REQUEST);
    }
}

/// A code alone is exchanged, and its tokens live.
async fn one_exchanges_one_code(store: DynRecordStore, clock: ManualClock) {
    let site = Site::on(store, clock).await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let tokens = client.tokens(&site, &member).await;
    assert_eq!(site.api(tokens["access_token"].as_str().unwrap()).await.status, StatusCode::OK);
    assert_eq!(client.refresh(tokens["refresh_token"].as_str().unwrap()).await.status, StatusCode::OK);
}

tests_on_every_store!(fifty_exchange_one_code, twenty_refresh_at_once, one_exchanges_one_code);
