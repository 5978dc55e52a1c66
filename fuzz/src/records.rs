//! What stands in a store of records, where somebody or something has damaged it.

use std::sync::Arc;

use auth::clock::Clock as _;
use auth::mfa::MFAAuthentication;
use auth::oauth2::provider::{OAuth2RecordKind, OAuth2TokenStore as _, RecordOAuth2Store};
use auth::records::{DynRecordStore, InMemoryRecordStore, NewRecord, RecordKind, RecordReplaced};
use auth::secret::SecretKey;
use auth::testing::ManualClock;
use auth::tokens::{
    ApiKeyVerdict, ApiKeys, RecordBlacklist, RecordRefreshStore, RefreshGrant, Rotation, TokenBlacklist as _,
    TokenRotationManager,
};
use chrono::TimeDelta;

use crate::block_on;

/// Kinds that are kept for the user whose records are damaged.
const KINDS: [RecordKind; 3] =
    [RecordKind::new("api_key"), RecordKind::new("refresh_family"), RecordKind::new("mfa_factor")];

/// The bytes instead of what was kept: it is read or refused, and gives nobody else's rights.
pub fn run(data: &[u8]) {
    block_on(async {
        let clock = Arc::new(ManualClock::new());
        let store: DynRecordStore = Arc::new(InMemoryRecordStore::with_clock(clock.clone()));
        let secret = SecretKey::new("qwertyuiopasdfghjklzxcvbnm0123456789").expect("it is long enough");
        let keys = ApiKeys::new(store.clone()).with_clock(clock.clone());
        let (_, key) = keys.create("ada", "Backup", &["blog.add_post"], None).await.expect("a key");
        let families = Arc::new(RecordRefreshStore::over(store.clone()));
        let rotation = TokenRotationManager::new(families, &secret).with_clock(clock.clone());
        let grant =
            RefreshGrant { user_id: "ada".to_owned(), credential: 7, client_id: None, scope: None, login: None };
        let token = rotation.begin(grant).await.expect("a token");
        let mfa = MFAAuthentication::over("My App", store.clone(), secret, clock.clone());
        crate::mfa::enrol(&mfa, &clock).await;
        let codes = mfa.generate_recovery_codes("ada").await.expect("codes");
        damage(&store, &clock, data).await;

        if let Ok(ApiKeyVerdict::Accepted(key)) = keys.verify(key.expose()).await {
            assert_eq!(key.owner, "ada", "the owner stands beside what was damaged");
        }
        drop(keys.list("ada").await);
        if let Ok(Rotation::Rotated(rotated)) = rotation.rotate(token.token.expose(), None).await {
            assert_ne!(rotated.token.expose(), token.token.expose());
            assert!(!matches!(rotation.rotate(token.token.expose(), None).await, Ok(Rotation::Rotated(_))));
        }
        drop(rotation.families("ada").await);
        drop(mfa.factors("ada").await);
        drop(mfa.required("ada").await);
        drop(mfa.verify_code("ada", "123456").await);
        if let Ok(true) = mfa.verify_recovery_code("ada", codes[0].expose()).await {
            assert!(!matches!(mfa.verify_recovery_code("ada", codes[0].expose()).await, Ok(true)), "it is used up");
        }
        drop(RecordBlacklist::over(store.clone()).is_blacklisted("damaged").await);
        let provider = RecordOAuth2Store::over(store);
        for kind in OAuth2RecordKind::ALL {
            if let Ok(Some(found)) = provider.find(kind, "damaged").await {
                assert_eq!(Some(found.data), serde_json::from_slice(data).ok());
            }
        }
    });
}

async fn damage(store: &DynRecordStore, clock: &ManualClock, data: &[u8]) {
    let expires_at = clock.now() + TimeDelta::days(1);
    let record =
        |owner: Option<&str>| NewRecord { owner: owner.map(str::to_owned), value: data.to_owned(), expires_at };
    for kind in KINDS {
        for (id, kept) in store.owned(kind, "ada").await.expect("what was kept") {
            let replaced = store.replace(kind, &id, kept.version, record(Some("ada"))).await;
            assert!(matches!(replaced, Ok(RecordReplaced::Done) | Err(_)));
        }
    }
    for name in ["token_blacklist", "oauth_application", "oauth_code", "oauth_grant", "oauth_access_token"] {
        drop(store.insert(RecordKind::new(name), "damaged", record(None)).await);
    }
}
