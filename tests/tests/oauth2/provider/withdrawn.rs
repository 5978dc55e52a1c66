//! A consent that is taken back, or ended otherwise, while a code of it is being exchanged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use auth::oauth2::provider::RecordOAuth2Store;
use auth::records::{InMemoryRecordStore, RecordKind};
use auth::testing::ManualClock;
use auth_tests::http::{Answer, Visitor};
use auth_tests::{BeforeRecords, RecordCall};
use axum::http::StatusCode;
use tokio::sync::Notify;

use super::{Client, Site, confidential};

/// Where a store waits, once it is told to, before it writes something of one kind.
#[derive(Debug, Default)]
struct Gate {
    is_closed: AtomicBool,
    arrived: Notify,
    go: Notify,
}

struct World {
    site: Site,
    client: Client,
    member: Visitor,
    user_id: String,
    gate: Arc<Gate>,
}

impl World {
    async fn waiting_at(at: &'static str) -> Self {
        let gate = Arc::new(Gate::default());
        let waits = gate.clone();
        let hook = move |call, kind: RecordKind| {
            let writes = matches!(call, RecordCall::Insert | RecordCall::Replace) && kind.name() == at;
            let gate = waits.clone();
            async move {
                if writes && gate.is_closed.swap(false, Ordering::SeqCst) {
                    gate.arrived.notify_one();
                    gate.go.notified().await;
                }
                Ok(())
            }
        };
        let records = InMemoryRecordStore::with_clock(Arc::new(ManualClock::new()));
        let store = RecordOAuth2Store::over(Arc::new(BeforeRecords::new(Arc::new(records), hook)));
        let site = Site::with(|builder| builder.oauth2_store(store)).await;
        let (client, member) = (site.client().await, site.member("ada").await);
        let user_id = site.user_id("ada").await;
        Self { site, client, member, user_id, gate }
    }

    /// What an exchange is answered while this happens in the midst of it.
    async fn exchange_while(&self, meanwhile: impl Future<Output = ()>) -> Answer {
        let flow = self.client.flow();
        let code = self.site.code(&self.member, &flow).await;
        self.gate.is_closed.store(true, Ordering::SeqCst);
        let exchange = self.client.exchange(&code, &flow);
        let meanwhile = async {
            self.gate.arrived.notified().await;
            meanwhile.await;
            self.gate.go.notify_one();
        };
        tokio::join!(exchange, meanwhile).0
    }

    async fn revoke(&self) {
        assert!(self.site.auth.oauth2().revoke_consent(&self.user_id, &self.client.id).await.unwrap());
    }
}

/// The exchange has read all before, and writes after.
#[tokio::test]
async fn a_grant_that_begins_as_its_consent_is_taken_back_gives_nothing() {
    let world = World::waiting_at("oauth_grant").await;
    let answer = world.exchange_while(world.revoke()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    assert_eq!(answer.json()["error"], "invalid_grant");
    assert_eq!(world.site.auth.oauth2().end_grants_of(&world.user_id).await.unwrap(), 0);
}

/// Agreeing once more makes nothing of before good again.
#[tokio::test]
async fn a_grant_that_begins_as_its_consent_is_made_anew_gives_nothing() {
    let world = World::waiting_at("oauth_grant").await;
    let anew = async {
        world.revoke().await;
        world.site.code(&world.member, &world.client.flow()).await;
    };
    let answer = world.exchange_while(anew).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
}

#[tokio::test]
async fn a_grant_that_begins_as_its_user_logs_out_everywhere_gives_nothing() {
    let world = World::waiting_at("oauth_grant").await;
    let logout = async { world.site.auth.log_out_everywhere(&world.user_id).await.unwrap() };
    let answer = world.exchange_while(logout).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
}

/// The grant stands, and its tokens are about to be made.
#[tokio::test]
async fn a_grant_that_has_begun_ends_with_its_consent() {
    for at in ["oauth_code", "oauth_access_token"] {
        let mut world = World::waiting_at(at).await;
        world.client = world.site.register(confidential().opaque_access_tokens()).await;
        let answer = world.exchange_while(world.revoke()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let tokens = answer.json();
        assert_eq!(world.site.api(tokens["access_token"].as_str().unwrap()).await.status, StatusCode::UNAUTHORIZED);
        let refreshed = world.client.refresh(tokens["refresh_token"].as_str().unwrap()).await;
        assert_eq!(refreshed.status, StatusCode::BAD_REQUEST);
    }
}

/// Nothing happens: otherwise all of this shows nothing.
#[tokio::test]
async fn an_exchange_that_waited_gives_tokens() {
    let world = World::waiting_at("oauth_grant").await;
    let answer = world.exchange_while(async {}).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(world.site.api(answer.json()["access_token"].as_str().unwrap()).await.status, StatusCode::OK);
}
