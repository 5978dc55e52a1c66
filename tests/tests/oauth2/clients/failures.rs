//! Stores that fail, and browsers that are closed, in the middle of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use auth::accounts::{LinkedIdentity, UnlinkOutcome};
use auth::audit::{AuditAction, ChannelSink, Origin};
use auth::records::{DynRecordStore, InMemoryRecordStore, RecordError, RecordKind};
use auth_tests::{BeforeRecords, PATIENCE, RecordCall};
use axum::http::StatusCode;
use serde_json::json;
use tokio::sync::Semaphore;

use super::fake::Fake;
use super::site::{Site, assert_logged_in, log_in};

const IDENTITY: RecordKind = RecordKind::new("oauth_identity");

/// A site whose store fails in this call about identities as long as that is said.
async fn failing(fake: &Fake, what: RecordCall) -> (Site, Arc<AtomicBool>) {
    let fails = Arc::<AtomicBool>::default();
    let store: DynRecordStore = Arc::new(InMemoryRecordStore::with_clock(Arc::new(fake.clock.clone())));
    let records = BeforeRecords::new(store, {
        let fails = fails.clone();
        move |call, kind| {
            let is_refused = call == what && kind == IDENTITY && fails.load(Ordering::SeqCst);
            async move { if is_refused { Err(RecordError::store("away")) } else { Ok(()) } }
        }
    });
    (Site::with(fake, |builder| builder.record_store(records)).await, fails)
}

async fn identities(site: &Site, name: &str) -> Vec<LinkedIdentity> {
    let user = site.user(name).await.unwrap();
    site.auth.identities(&user.id.to_string()).await.unwrap()
}

#[tokio::test]
async fn the_last_way_in_is_not_lost_where_nobody_can_tell_that_it_is() {
    let fake = Fake::start().await;
    let (site, fails) = failing(&fake, RecordCall::Owned).await;
    assert_logged_in(&log_in(&site.visitor(), &fake, "github").await);
    let (session, origin) = (site.auth.new_session(), Origin::unknown());
    let id = site.user("octocat").await.unwrap().id;
    let result = site.auth.log_in_user(&session, &id).await.unwrap().unwrap();
    let [known] = &identities(&site, "octocat").await[..] else { panic!("one identity") };
    fails.store(true, Ordering::SeqCst);
    assert!(site.auth.unlink_identity(&session, result.principal(), &known.id, &origin).await.is_err());
    fails.store(false, Ordering::SeqCst);
    assert_eq!(identities(&site, "octocat").await, std::slice::from_ref(known));
    let outcome = site.auth.unlink_identity(&session, result.principal(), &known.id, &origin).await.unwrap().unwrap();
    assert_eq!(outcome, UnlinkOutcome::LastWayIn);
}

#[tokio::test]
async fn who_could_not_sign_up_has_not_taken_the_name() {
    let fake = Fake::start().await;
    let (site, fails) = failing(&fake, RecordCall::Insert).await;
    fails.store(true, Ordering::SeqCst);
    let answer = log_in(&site.visitor(), &fake, "github").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
    assert!(site.user("octocat").await.is_none());
    fails.store(false, Ordering::SeqCst);
    assert_logged_in(&log_in(&site.visitor(), &fake, "github").await);
    assert_eq!(identities(&site, "octocat").await.len(), 1);
}

/// Whoever has broken in links an account of their own, and closes the connection before anybody is told.
#[tokio::test]
async fn whoever_hangs_up_does_not_keep_it_out_of_the_trail() {
    let fake = Fake::start().await;
    let [begun, let_go] = [(); 2].map(|()| Arc::new(Semaphore::new(0)));
    let store: DynRecordStore = Arc::new(InMemoryRecordStore::with_clock(Arc::new(fake.clock.clone())));
    let records = BeforeRecords::new(store, {
        let (begun, let_go) = (begun.clone(), let_go.clone());
        move |call, kind| {
            let waits = call == RecordCall::Insert && kind == IDENTITY;
            let (begun, let_go) = (begun.clone(), let_go.clone());
            async move {
                if waits {
                    begun.add_permits(1);
                    let_go.acquire().await.unwrap().forget();
                }
                Ok(())
            }
        }
    });
    let (sink, mut events) = ChannelSink::bounded(64);
    let site = Site::with(&fake, |builder| builder.record_store(records).audit_sink(sink)).await;
    let (alice, _) = site.member("alice").await;
    let answer = alice.post("/link/id", &json!({ "next": "/welcome" })).await;
    let back = fake.approve(answer.json()["location"].as_str().unwrap());
    let linking = tokio::spawn(async move { alice.browse(&back).await.status });
    begun.acquire().await.unwrap().forget();
    linking.abort();
    assert!(linking.await.unwrap_err().is_cancelled());
    // Long enough for the server to notice.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let_go.add_permits(1);
    let told = async {
        while let Some(event) = events.recv().await {
            if matches!(event.action, AuditAction::IdentityLinked { .. }) {
                return true;
            }
        }
        false
    };
    assert!(tokio::time::timeout(PATIENCE, told).await.unwrap());
    assert_eq!(identities(&site, "alice").await.len(), 1);
}
