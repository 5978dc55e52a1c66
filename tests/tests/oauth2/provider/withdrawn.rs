//! A consent that is taken back, or ended otherwise, while a code of it is being exchanged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use auth::BoxFuture;
use auth::oauth2::provider::{
    InMemoryOAuth2Store, OAuth2Error, OAuth2Record, OAuth2RecordKind, OAuth2TokenStore, RecordOAuth2Store,
};
use auth::records::RecordReplaced;
use auth::testing::ManualClock;
use auth_tests::http::{Answer, Visitor};
use axum::http::StatusCode;
use tokio::sync::Notify;

use super::{Client, Site, confidential};

/// A store that waits, once it is told to, before it writes something of that kind.
#[derive(Debug)]
struct Waiting {
    store: InMemoryOAuth2Store,
    at: OAuth2RecordKind,
    gate: Arc<Gate>,
}

#[derive(Debug, Default)]
struct Gate {
    is_closed: AtomicBool,
    arrived: Notify,
    go: Notify,
}

impl Waiting {
    async fn pass(&self, kind: OAuth2RecordKind) {
        if kind == self.at && self.gate.is_closed.swap(false, Ordering::SeqCst) {
            self.gate.arrived.notify_one();
            self.gate.go.notified().await;
        }
    }
}

impl OAuth2TokenStore for Waiting {
    fn insert<'a>(
        &'a self,
        kind: OAuth2RecordKind,
        record: &'a OAuth2Record,
    ) -> BoxFuture<'a, Result<bool, OAuth2Error>> {
        Box::pin(async move {
            self.pass(kind).await;
            self.store.insert(kind, record).await
        })
    }

    fn find<'a>(
        &'a self,
        kind: OAuth2RecordKind,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<OAuth2Record>, OAuth2Error>> {
        self.store.find(kind, id)
    }

    fn replace<'a>(
        &'a self,
        kind: OAuth2RecordKind,
        record: &'a OAuth2Record,
    ) -> BoxFuture<'a, Result<RecordReplaced, OAuth2Error>> {
        Box::pin(async move {
            self.pass(kind).await;
            self.store.replace(kind, record).await
        })
    }

    fn take<'a>(
        &'a self,
        kind: OAuth2RecordKind,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<OAuth2Record>, OAuth2Error>> {
        self.store.take(kind, id)
    }

    fn owned<'a>(
        &'a self,
        kind: OAuth2RecordKind,
        owner: &'a str,
    ) -> BoxFuture<'a, Result<Vec<OAuth2Record>, OAuth2Error>> {
        self.store.owned(kind, owner)
    }

    fn delete_owned<'a>(&'a self, kind: OAuth2RecordKind, owner: &'a str) -> BoxFuture<'a, Result<u64, OAuth2Error>> {
        self.store.delete_owned(kind, owner)
    }
}

struct World {
    site: Site,
    client: Client,
    member: Visitor,
    user_id: String,
    gate: Arc<Gate>,
}

impl World {
    async fn waiting_at(at: OAuth2RecordKind) -> Self {
        let gate = Arc::new(Gate::default());
        let store = RecordOAuth2Store::with_clock(Arc::new(ManualClock::new()));
        let store = Waiting { store, at, gate: gate.clone() };
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
    let world = World::waiting_at(OAuth2RecordKind::Grant).await;
    let answer = world.exchange_while(world.revoke()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    assert_eq!(answer.json()["error"], "invalid_grant");
    assert_eq!(world.site.auth.oauth2().end_grants_of(&world.user_id).await.unwrap(), 0);
}

/// Agreeing once more makes nothing of before good again.
#[tokio::test]
async fn a_grant_that_begins_as_its_consent_is_made_anew_gives_nothing() {
    let world = World::waiting_at(OAuth2RecordKind::Grant).await;
    let anew = async {
        world.revoke().await;
        world.site.code(&world.member, &world.client.flow()).await;
    };
    let answer = world.exchange_while(anew).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
}

#[tokio::test]
async fn a_grant_that_begins_as_its_user_logs_out_everywhere_gives_nothing() {
    let world = World::waiting_at(OAuth2RecordKind::Grant).await;
    let logout = async { world.site.auth.log_out_everywhere(&world.user_id).await.unwrap() };
    let answer = world.exchange_while(logout).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
}

/// The grant stands, and its tokens are about to be made.
#[tokio::test]
async fn a_grant_that_has_begun_ends_with_its_consent() {
    for at in [OAuth2RecordKind::AuthorizationCode, OAuth2RecordKind::AccessToken] {
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
    let world = World::waiting_at(OAuth2RecordKind::Grant).await;
    let answer = world.exchange_while(async {}).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(world.site.api(answer.json()["access_token"].as_str().unwrap()).await.status, StatusCode::OK);
}
