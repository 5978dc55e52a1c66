//! What every [`OAuth2TokenStore`] promises. `auth::oauth2_token_store_suite!(store)` makes a test of each promise.
//!
//! It is given an async function that makes an empty store, the clock that it goes by, and whatever must live as long as the
//! test:
//!
//! ```
//! use std::sync::Arc;
//!
//! use auth::oauth2::provider::InMemoryOAuth2Store;
//! use auth::testing::ManualClock;
//!
//! async fn store() -> (InMemoryOAuth2Store, ManualClock, ()) {
//!     let clock = ManualClock::new();
//!     (InMemoryOAuth2Store::with_clock(Arc::new(clock.clone())), clock, ())
//! }
//!
//! # #[cfg(any())]
//! auth::oauth2_token_store_suite!(store);
//! # fn main() {}
//! ```

use chrono::TimeDelta;
use serde_json::json;

use super::{ManualClock, at_once};
use crate::clock::Clock as _;
use crate::oauth2::provider::{OAuth2Record, OAuth2RecordKind, OAuth2TokenStore};
use crate::records::RecordReplaced;

/// Makes a test of each promise of `OAuth2TokenStore`. See `auth::testing::oauth2_token_store`.
#[macro_export]
macro_rules! oauth2_token_store_suite {
    ($(#[$attribute:meta])* $fixture:path) => {
        $crate::__suite! {
            [$(#[$attribute])*] $fixture, oauth2_token_store:
            what_is_kept_is_found,
            kinds_do_not_meet,
            an_id_is_given_once,
            one_of_many_replaces,
            one_of_many_takes,
            what_is_gone_stays_gone,
            an_expired_record_is_none,
            an_owner_has_their_own,
            all_of_an_owner_are_removed,
        }
    };
}

const CODE: OAuth2RecordKind = OAuth2RecordKind::AuthorizationCode;

fn record(clock: &ManualClock, id: &str) -> OAuth2Record {
    let data = json!({ "text": "\u{e9}\"\\", "number": -7, "list": [null, true] });
    let expires_at = clock.now() + TimeDelta::minutes(1);
    OAuth2Record { id: id.to_owned(), owner: Some("ada".to_owned()), data, expires_at, version: 0 }
}

/// What was inserted comes back as it was.
pub async fn what_is_kept_is_found<S: OAuth2TokenStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    for kind in OAuth2RecordKind::ALL {
        let record = record(&clock, "a");
        assert!(store.insert(kind, &record).await.unwrap());
        let found = store.find(kind, "a").await.unwrap().unwrap();
        assert_eq!((&found.id, &found.owner, &found.data), (&record.id, &record.owner, &record.data));
        assert_eq!(found.expires_at.timestamp_millis(), record.expires_at.timestamp_millis());
        assert!(store.find(kind, "b").await.unwrap().is_none());
    }
}

/// The same id of another kind is another record.
pub async fn kinds_do_not_meet<S: OAuth2TokenStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    assert!(store.insert(CODE, &record(&clock, "a")).await.unwrap());
    for other in OAuth2RecordKind::ALL.into_iter().filter(|kind| *kind != CODE) {
        assert!(store.find(other, "a").await.unwrap().is_none());
        assert!(store.take(other, "a").await.unwrap().is_none());
        assert!(store.owned(other, "ada").await.unwrap().is_empty());
    }
    assert!(store.find(CODE, "a").await.unwrap().is_some());
}

/// Of many who insert the same id, one does.
pub async fn an_id_is_given_once<S: OAuth2TokenStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    let record = record(&clock, "a");
    let inserted = at_once((0..20).map(|_| store.insert(CODE, &record))).await;
    assert_eq!(inserted.into_iter().filter(|done| *done.as_ref().unwrap()).count(), 1);
}

/// Of many who replace what they found, one does.
pub async fn one_of_many_replaces<S: OAuth2TokenStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    assert!(store.insert(CODE, &record(&clock, "a")).await.unwrap());
    let found = store.find(CODE, "a").await.unwrap().unwrap();
    let nexts: Vec<_> = (0..20).map(|number| OAuth2Record { data: json!(number), ..found.clone() }).collect();
    let replaced = at_once(nexts.iter().map(|next| store.replace(CODE, next))).await;
    let done: Vec<_> = replaced.iter().map(|done| *done.as_ref().unwrap()).collect();
    assert_eq!(done.iter().filter(|done| **done == RecordReplaced::Done).count(), 1);
    let winner = done.iter().position(|done| *done == RecordReplaced::Done).unwrap();
    let now = store.find(CODE, "a").await.unwrap().unwrap();
    assert_eq!((now.data, now.owner.as_deref()), (json!(winner), Some("ada")));
}

/// Of many who take the same record, one gets it.
pub async fn one_of_many_takes<S: OAuth2TokenStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    assert!(store.insert(CODE, &record(&clock, "a")).await.unwrap());
    let taken = at_once((0..20).map(|_| store.take(CODE, "a"))).await;
    assert_eq!(taken.into_iter().filter(|taken| taken.as_ref().unwrap().is_some()).count(), 1);
}

/// Nothing brings back what was taken.
pub async fn what_is_gone_stays_gone<S: OAuth2TokenStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    assert!(store.insert(CODE, &record(&clock, "a")).await.unwrap());
    let found = store.find(CODE, "a").await.unwrap().unwrap();
    assert!(store.take(CODE, "a").await.unwrap().is_some());
    assert_eq!(store.replace(CODE, &found).await.unwrap(), RecordReplaced::Gone);
    assert!(store.find(CODE, "a").await.unwrap().is_none());
}

/// By the clock, not by when somebody cleans up.
pub async fn an_expired_record_is_none<S: OAuth2TokenStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    assert!(store.insert(CODE, &record(&clock, "a")).await.unwrap());
    clock.advance(TimeDelta::seconds(61));
    assert!(store.find(CODE, "a").await.unwrap().is_none());
    assert!(store.take(CODE, "a").await.unwrap().is_none());
    assert!(store.owned(CODE, "ada").await.unwrap().is_empty());
}

/// And nobody else's.
pub async fn an_owner_has_their_own<S: OAuth2TokenStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    for id in ["a", "b"] {
        assert!(store.insert(CODE, &record(&clock, id)).await.unwrap());
    }
    let other = OAuth2Record { owner: Some("eve".to_owned()), ..record(&clock, "c") };
    assert!(store.insert(CODE, &other).await.unwrap());
    let ids: Vec<_> = store.owned(CODE, "ada").await.unwrap().into_iter().map(|record| record.id).collect();
    assert_eq!(ids, ["a", "b"]);
}

/// However many there are, and nobody else's.
pub async fn all_of_an_owner_are_removed<S: OAuth2TokenStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    for number in 0..1100 {
        assert!(store.insert(CODE, &record(&clock, &number.to_string())).await.unwrap());
    }
    let other = OAuth2Record { owner: Some("eve".to_owned()), ..record(&clock, "other") };
    assert!(store.insert(CODE, &other).await.unwrap());
    assert_eq!(store.delete_owned(CODE, "ada").await.unwrap(), 1100);
    assert_eq!(store.delete_owned(CODE, "ada").await.unwrap(), 0);
    assert!(store.owned(CODE, "ada").await.unwrap().is_empty());
    assert!(store.find(CODE, "other").await.unwrap().is_some());
}
