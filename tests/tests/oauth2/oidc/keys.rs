//! The keys that the provider makes, keeps and changes by itself.

use std::sync::Arc;

use auth::clock::Clock as _;
use auth::oauth2::provider::{SigningKeyError, SigningKeys};
use auth::records::{DynRecordStore, RecordKind};
use auth::secret::SecretKey;
use auth::testing::ManualClock;
use auth::tokens::{JwtAlgorithm, JwtAuth, JwtKey, KeyRing};
use chrono::TimeDelta;

use crate::records;

const SECRET: &str = "9ZPvnIRcHkGfWbRfbTGZHkwJn8Tn0kHJ";
const OTHER: &str = "vZ3yRk0Q8mLw2TnXc5BsHd7JfGaPuE4i";
const KIND: RecordKind = RecordKind::new("oauth_signing_keys");

fn server(store: &DynRecordStore, clock: &ManualClock) -> SigningKeys {
    with_secret(store, clock, &SecretKey::new(SECRET).unwrap())
}

/// Of elliptic curves: those are made in no time.
fn with_secret(store: &DynRecordStore, clock: &ManualClock, secret: &SecretKey) -> SigningKeys {
    SigningKeys::managed(JwtAlgorithm::Es256, store.clone(), secret, Arc::new(clock.clone())).unwrap()
}

async fn signing(keys: &SigningKeys) -> String {
    keys.ring().await.unwrap().keys()[0].id().to_owned()
}

async fn published(keys: &SigningKeys) -> Vec<String> {
    let mut ids: Vec<_> = keys.ring().await.unwrap().jwks().keys().iter().map(|key| key.id().to_owned()).collect();
    ids.sort();
    ids
}

fn sorted<const N: usize>(ids: [&String; N]) -> Vec<String> {
    let mut ids: Vec<_> = ids.into_iter().cloned().collect();
    ids.sort();
    ids
}

async fn servers_that_begin_at_once_have_one_key(store: DynRecordStore, clock: ManualClock) {
    let asked: Vec<_> = (0..8)
        .map(|_| {
            let keys = server(&store, &clock);
            tokio::spawn(async move { published(&keys).await })
        })
        .collect();
    let mut all = Vec::new();
    for asked in asked {
        all.push(asked.await.unwrap());
    }
    assert_eq!(all[0].len(), 1);
    assert!(all.iter().all(|ids| *ids == all[0]));
}

async fn a_key_is_published_a_day_before_it_signs_and_a_week_after(store: DynRecordStore, clock: ManualClock) {
    let [a, b] = [server(&store, &clock), server(&store, &clock)];
    let first = signing(&a).await;
    let token =
        JwtAuth::with_keys(a.ring().await.unwrap()).clock(clock.clone()).lifetime(std::time::Duration::from_hours(1));
    let token = token.unwrap();
    clock.advance(TimeDelta::days(29) - TimeDelta::seconds(1));
    assert_eq!(published(&a).await, std::slice::from_ref(&first));

    // Whichever server is first makes the next key; for a day, both sign with the one before.
    clock.advance(TimeDelta::seconds(1));
    let ids = published(&b).await;
    let second = ids.iter().find(|id| **id != first).unwrap().clone();
    assert_eq!((ids.len(), signing(&b).await), (2, first.clone()));
    clock.advance(TimeDelta::minutes(1));
    assert_eq!((published(&a).await, signing(&a).await), (ids.clone(), first.clone()));
    clock.advance(TimeDelta::days(1) - TimeDelta::seconds(61));
    assert_eq!(signing(&a).await, first);
    let last = token.generate_token("42", "ada").unwrap();

    // Both change at the same moment, and what the first key signed is still verified.
    clock.advance(TimeDelta::seconds(1));
    for server in [&a, &b] {
        assert_eq!((signing(server).await, published(server).await), (second.clone(), ids.clone()));
        let verifier = JwtAuth::with_keys(server.ring().await.unwrap()).clock(clock.clone());
        assert_eq!(verifier.verify_token(last.expose()).unwrap().sub, "42");
    }
    clock.advance(TimeDelta::days(7));
    for server in [&a, &b] {
        assert_eq!(published(server).await, std::slice::from_ref(&second));
    }
    clock.advance(TimeDelta::days(22));
    let third = published(&a).await.into_iter().find(|id| *id != second).unwrap();
    assert_eq!(published(&server(&store, &clock)).await, sorted([&second, &third]));
}

async fn servers_that_change_the_key_at_once_make_one(store: DynRecordStore, clock: ManualClock) {
    let servers: Vec<_> = (0..6).map(|_| server(&store, &clock)).collect();
    let first = signing(&servers[0]).await;
    clock.advance(TimeDelta::days(29));
    let asked: Vec<_> = servers.into_iter().map(|keys| tokio::spawn(async move { published(&keys).await })).collect();
    let mut all = Vec::new();
    for asked in asked {
        all.push(asked.await.unwrap());
    }
    assert!(all[0].len() == 2 && all[0].contains(&first));
    assert!(all.iter().all(|ids| *ids == all[0]));
}

async fn a_key_that_became_known_is_thrown_away(store: DynRecordStore, clock: ManualClock) {
    let [a, b] = [server(&store, &clock), server(&store, &clock)];
    let first = signing(&a).await;
    assert_eq!(signing(&b).await, first);
    a.renew().await.unwrap();
    let second = signing(&a).await;
    assert_ne!(second, first);
    assert_eq!(published(&a).await, std::slice::from_ref(&second));
    clock.advance(TimeDelta::minutes(1));
    assert_eq!(published(&b).await, [second]);
}

records::tests_on_every_store!(
    servers_that_begin_at_once_have_one_key,
    a_key_is_published_a_day_before_it_signs_and_a_week_after,
    servers_that_change_the_key_at_once_make_one,
    a_key_that_became_known_is_thrown_away,
);

#[tokio::test]
async fn after_a_long_rest_a_published_key_signs() {
    let (store, clock, ()) = records::memory();
    let keys = server(&store, &clock);
    let first = signing(&keys).await;
    // It was due, and nobody was there to make the next one.
    clock.advance(TimeDelta::days(33));
    assert_eq!((signing(&keys).await, published(&keys).await.len()), (first.clone(), 2));
    clock.advance(TimeDelta::days(1));
    assert_ne!(signing(&keys).await, first);
    // When everything has expired, it begins anew.
    clock.advance(TimeDelta::days(60));
    assert!(published(&keys).await.len() == 1 && signing(&keys).await != first);
}

#[tokio::test]
async fn a_clock_that_is_behind_or_set_back_still_signs() {
    let (store, clock, ()) = records::memory();
    let first = signing(&server(&store, &clock)).await;
    let behind = ManualClock::at(clock.now() - TimeDelta::minutes(3));
    assert_eq!(signing(&server(&store, &behind)).await, first);
}

#[tokio::test]
async fn nothing_private_is_shown_published_or_kept_in_clear() {
    for algorithm in [JwtAlgorithm::Rs256, JwtAlgorithm::Es256, JwtAlgorithm::EdDsa] {
        let (store, clock, ()) = records::memory();
        let secret = SecretKey::new(SECRET).unwrap();
        let keys = SigningKeys::managed(algorithm, store.clone(), &secret, Arc::new(clock.clone())).unwrap();
        let ring = keys.ring().await.unwrap();
        let jwks = serde_json::to_value(ring.jwks()).unwrap();
        let members = jwks["keys"][0].as_object().unwrap();
        assert_eq!((members["alg"].as_str().unwrap(), members["use"].as_str().unwrap()), (algorithm.name(), "sig"));
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(!members.contains_key(private));
        }
        let record = store.get(KIND, &[algorithm.name()]).await.unwrap().pop().flatten().unwrap();
        let kept = String::from_utf8(record.value).unwrap();
        assert!(!kept.contains("\"der\"") && !kept.contains("\"signs_from\""));
        // What PKCS#8 says the three algorithms by, in base64: too long to come by chance.
        for named in ["BgkqhkiG9w0BAQEF", "BggqhkjOPQMBBw", "BQYDK2Vw"] {
            assert!(!kept.contains(named), "{kept}");
        }
        let shown = format!("{keys:?} {ring:?}");
        assert!(!shown.contains(SECRET) && !shown.contains("der:") && !shown.contains(&kept), "{shown}");
        // Another server reads it back as the same key.
        let other = SigningKeys::managed(algorithm, store, &secret, Arc::new(clock)).unwrap();
        assert_eq!(other.ring().await.unwrap().jwks(), ring.jwks());
    }
}

#[tokio::test]
async fn an_older_secret_still_opens_them_and_another_does_not() {
    let (store, clock, ()) = records::memory();
    let first = signing(&server(&store, &clock)).await;
    let changed = SecretKey::new(OTHER).unwrap().with_fallback(SECRET).unwrap();
    assert_eq!(signing(&with_secret(&store, &clock, &changed)).await, first);
    let forgotten = SecretKey::new(OTHER).unwrap();
    let keys = with_secret(&store, &clock, &forgotten);
    assert!(matches!(keys.ring().await, Err(SigningKeyError::Unreadable)));
    keys.renew().await.unwrap();
    assert_ne!(signing(&keys).await, first);

    // After a change of keys, the older secret is no longer needed.
    let (store, clock, ()) = records::memory();
    signing(&server(&store, &clock)).await;
    clock.advance(TimeDelta::days(29));
    let ids = published(&with_secret(&store, &clock, &changed)).await;
    assert_eq!(published(&with_secret(&store, &clock, &forgotten)).await, ids);
}

#[tokio::test]
async fn without_a_store_nothing_is_signed() {
    let (store, _keep) = records::broken().await;
    let keys = server(&store, &ManualClock::new());
    assert!(matches!(keys.ring().await, Err(SigningKeyError::Store(_))));
    assert!(matches!(keys.renew().await, Err(SigningKeyError::Store(_))));
}

#[tokio::test]
async fn keys_of_ones_own_sign_and_are_published() {
    let key = |algorithm| JwtKey::random(algorithm).unwrap();
    let [new, old] = [JwtAlgorithm::EdDsa, JwtAlgorithm::Rs256].map(key);
    let ring = KeyRing::new(new.clone()).unwrap().and_verify(old.clone()).unwrap();
    let keys = SigningKeys::given(ring).unwrap();
    assert_eq!(signing(&keys).await, new.id());
    assert_eq!(published(&keys).await, sorted([&new.id().to_owned(), &old.id().to_owned()]));
    assert!(matches!(keys.renew().await, Err(SigningKeyError::Given)));
    assert!(matches!(keys.rotate_every(std::time::Duration::from_hours(24 * 90)), Err(SigningKeyError::Given)));
}

#[tokio::test]
async fn a_secret_signs_nothing_that_others_verify() {
    let secret = JwtKey::hs256(SECRET).unwrap();
    assert!(matches!(SigningKeys::given(KeyRing::new(secret).unwrap()), Err(SigningKeyError::Secret)));
    let public = KeyRing::verifying([JwtKey::random(JwtAlgorithm::EdDsa).unwrap()]).unwrap();
    assert!(matches!(SigningKeys::given(public), Err(SigningKeyError::Key(_))));
    let (store, clock, ()) = records::memory();
    let key = SecretKey::new(SECRET).unwrap();
    let managed = SigningKeys::managed(JwtAlgorithm::Hs256, store.clone(), &key, Arc::new(clock.clone()));
    assert!(matches!(managed, Err(SigningKeyError::Secret)));
    for seconds in [0, 86_400, 400 * 86_400, u64::MAX] {
        let refused = server(&store, &clock).rotate_every(std::time::Duration::from_secs(seconds));
        assert!(matches!(refused, Err(SigningKeyError::Setting(_))));
    }
}
