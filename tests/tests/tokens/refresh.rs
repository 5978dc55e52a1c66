//! Refresh tokens: rotation, reuse, families.

use std::sync::Arc;

use auth::secret::SecretKey;
use auth::testing::ManualClock;
use auth::tokens::{
    InMemoryRefreshStore, OpaqueToken, RecordRefreshStore, RefreshGrant, RefreshRefused, Rotation, TokenError,
    TokenPrefix, TokenRotationManager,
};
use auth_tests::TestDatabase;
use chrono::TimeDelta;

use crate::records::{broken, database, on_every_store};

on_every_store!(refresh_token_store_suite, |store| RecordRefreshStore::over(store) => RecordRefreshStore);

const SECRET: &str = "9ZPvnIRcHkGfWbRfbTGZHkwJn8Tn0kHJ-qwe";

fn grant() -> RefreshGrant {
    RefreshGrant { user_id: "ada".to_owned(), credential: 1, client_id: None, scope: None, login: None }
}

#[tokio::test]
async fn a_token_has_its_prefix_and_the_shape_of_all_opaque_tokens() {
    let manager = TokenRotationManager::in_memory(&SecretKey::random());
    let issued = manager.begin(grant()).await.unwrap();
    let token = OpaqueToken::parse(manager.prefix(), issued.token.expose()).unwrap();
    assert_eq!(token.id(), issued.family);
    assert!(issued.token.expose().starts_with("auth_refresh_"));
    let other = manager.clone().with_prefix("blog_refresh").unwrap();
    let rotation = other.rotate(issued.token.expose(), None).await.unwrap();
    assert!(matches!(rotation, Rotation::Refused(RefreshRefused::Malformed)));
    assert!(other.begin(grant()).await.unwrap().token.expose().starts_with("blog_refresh_"));
    assert!(manager.with_prefix("No").is_err());
}

#[tokio::test]
async fn an_older_secret_still_knows_its_tokens() {
    let store = Arc::new(InMemoryRefreshStore::new());
    let old = TokenRotationManager::new(store.clone(), &SecretKey::new(SECRET).unwrap());
    let token = old.begin(grant()).await.unwrap().token;
    let renewed = SecretKey::random().with_fallback(SECRET).unwrap();
    let new = TokenRotationManager::new(store.clone(), &renewed);
    let Rotation::Rotated(next) = new.rotate(token.expose(), None).await.unwrap() else { panic!("refused") };
    let rotation = old.rotate(next.token.expose(), None).await.unwrap();
    assert!(matches!(rotation, Rotation::Refused(RefreshRefused::Forged)));
    let Rotation::Rotated(_) = new.rotate(next.token.expose(), None).await.unwrap() else { panic!("refused") };
}

#[tokio::test]
async fn neither_the_store_nor_debug_shows_a_token() {
    let (store, _clock, test) = database(auth_tests::sqlite()).await;
    let manager = TokenRotationManager::new(Arc::new(RecordRefreshStore::over(store)), &SecretKey::random());
    let issued = manager.begin(grant()).await.unwrap();
    let Rotation::Rotated(next) = manager.rotate(issued.token.expose(), None).await.unwrap() else { panic!("refused") };
    let family = manager.family_of(next.token.expose()).await.unwrap().unwrap();
    let shown = format!("{issued:?} {next:?} {family:?} {manager:?} {:?}", manager.families("ada").await.unwrap());
    for token in [&issued.token, &next.token] {
        let secret = &token.expose()["auth_refresh_".len() + 22..];
        assert!(!shown.contains(&secret[..8]), "{shown}");
        assert_eq!(rows_with(&test, &secret[..8]).await, 0);
    }
    assert_eq!(rows_with(&test, "digest").await, 1);
}

async fn rows_with(database: &TestDatabase, text: &str) -> u64 {
    database
        .sql(&format!("UPDATE auth_record SET version = version WHERE instr(CAST(value AS text), '{text}') > 0"))
        .await
}

#[tokio::test]
async fn when_the_store_fails_nothing_is_issued() {
    let (store, _keep) = broken().await;
    let secret = SecretKey::random();
    let token = TokenRotationManager::in_memory(&secret).begin(grant()).await.unwrap().token;
    let manager = TokenRotationManager::new(Arc::new(RecordRefreshStore::over(store)), &secret);
    assert!(matches!(manager.begin(grant()).await, Err(TokenError::Store(_))));
    assert!(matches!(manager.rotate(token.expose(), None).await, Err(TokenError::Store(_))));
    assert!(matches!(manager.revoke(token.expose()).await, Err(TokenError::Store(_))));
    assert!(matches!(manager.revoke_user("ada").await, Err(TokenError::Store(_))));
    // What was not issued here is refused without a look.
    let made_up = OpaqueToken::generate(&TokenPrefix::new("auth_refresh").unwrap()).expose();
    let rotation = manager.rotate(made_up.expose(), None).await.unwrap();
    assert!(matches!(rotation, Rotation::Refused(RefreshRefused::Forged)));
}

#[test]
fn a_refusal_reads_the_same_whatever_the_reason() {
    assert_eq!(RefreshRefused::Forged.to_string(), RefreshRefused::Malformed.to_string());
    assert_ne!(RefreshRefused::Forged.reason(), RefreshRefused::Malformed.reason());
}

#[tokio::test]
async fn a_login_too_many_ends_the_one_that_was_used_least_recently() {
    let clock = ManualClock::new();
    let store = Arc::new(InMemoryRefreshStore::with_clock(Arc::new(clock.clone())));
    let manager = TokenRotationManager::new(store, &SecretKey::random()).with_clock(Arc::new(clock.clone()));
    let mut tokens = Vec::new();
    for _ in 0..TokenRotationManager::MAX_PER_USER {
        tokens.push(manager.begin(grant()).await.unwrap().token);
        clock.advance(TimeDelta::seconds(1));
    }
    // The first one is used once more, so the second is the oldest.
    let Rotation::Rotated(first) = manager.rotate(tokens[0].expose(), None).await.unwrap() else { panic!("refused") };
    let newest = manager.begin(grant()).await.unwrap().token;
    assert_eq!(manager.families("ada").await.unwrap().len(), TokenRotationManager::MAX_PER_USER);
    for (token, lives) in [(&first.token, true), (&tokens[1], false), (&tokens[2], true), (&newest, true)] {
        let rotation = manager.rotate(token.expose(), None).await.unwrap();
        assert_eq!(matches!(rotation, Rotation::Rotated(_)), lives, "{rotation:?}");
    }
}
