//! Every blacklist holds to the same promises.

use auth::tokens::{BlacklistReason, InMemoryBlacklist, RecordBlacklist, TokenBlacklist as _, TokenError};
use chrono::Utc;

use crate::records::{broken, on_every_store};

on_every_store!(token_blacklist_suite, |store| RecordBlacklist::over(store) => RecordBlacklist);

#[tokio::test]
async fn one_in_memory_needs_nothing() {
    let (blacklist, now) = (InMemoryBlacklist::new(), Utc::now());
    blacklist.blacklist("jti", now + chrono::TimeDelta::hours(1), BlacklistReason::Logout).await.unwrap();
    assert_eq!(blacklist.is_blacklisted("jti").await.unwrap(), Some(BlacklistReason::Logout));
}

#[tokio::test]
async fn when_the_store_fails_nobody_can_tell() {
    let (store, _keep) = broken().await;
    let (blacklist, now) = (RecordBlacklist::over(store), Utc::now());
    assert!(matches!(blacklist.is_blacklisted("jti").await, Err(TokenError::Store(_))));
    assert!(matches!(blacklist.check(&["jti"], "ada", now).await, Err(TokenError::Store(_))));
    assert!(matches!(blacklist.revoked_before("ada").await, Err(TokenError::Store(_))));
    let written = blacklist.blacklist("jti", now, BlacklistReason::Logout).await;
    assert!(matches!(written, Err(TokenError::Store(_))));
    let written = blacklist.blacklist_user("ada", now, now, BlacklistReason::Logout).await;
    assert!(matches!(written, Err(TokenError::Store(_))));
}

#[tokio::test]
async fn what_cannot_be_read_is_no_welcome() {
    use crate::records::database;
    use auth::clock::Clock as _;
    let (store, clock, test) = database(auth_tests::sqlite()).await;
    let blacklist = RecordBlacklist::over(store);
    let end = clock.now() + chrono::TimeDelta::hours(1);
    blacklist.blacklist("jti", end, BlacklistReason::Logout).await.unwrap();
    test.sql("UPDATE auth_record SET value = x'00'").await;
    assert!(matches!(blacklist.check(&["jti"], "ada", clock.now()).await, Err(TokenError::Damaged(_))));
}
