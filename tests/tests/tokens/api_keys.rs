//! API keys: made, checked, listed, revoked.

use std::sync::Arc;

use auth::clock::Clock as _;
use auth::records::DynRecordStore;
use auth::testing::ManualClock;
use auth::tokens::{ApiKeyRefused, ApiKeyVerdict, ApiKeys, OpaqueToken, TokenError};
use chrono::TimeDelta;
use tokio::task::JoinSet;

use crate::records::{broken, database, memory, tests_on_every_store};

fn over(store: DynRecordStore, clock: &ManualClock) -> ApiKeys {
    ApiKeys::new(store).with_clock(Arc::new(clock.clone()))
}

fn in_memory() -> (ApiKeys, ManualClock) {
    let (store, clock, ()) = memory();
    (over(store, &clock), clock)
}

async fn refused(keys: &ApiKeys, key: &str) -> Option<ApiKeyRefused> {
    match keys.verify(key).await.unwrap() {
        ApiKeyVerdict::Accepted(_) => None,
        ApiKeyVerdict::Refused(reason) => Some(reason),
    }
}

/// What holds on every store.
async fn a_keys_life(store: DynRecordStore, clock: ManualClock) {
    let keys = over(store, &clock).with_prefix("blog").unwrap();
    let scopes = ["blog.read_post", "blog.add_post", "blog.read_post"];
    let (key, text) = keys.create("ada", " my backup ", &scopes, None).await.unwrap();
    assert!(text.expose().starts_with("blog_") && text.expose().len() == 76);
    assert_eq!((key.owner.as_str(), key.name.as_str()), ("ada", "my backup"));
    assert_eq!(key.scopes, ["blog.add_post", "blog.read_post"]);
    assert_eq!(key.expires_at, key.created_at + TimeDelta::days(90));
    let ApiKeyVerdict::Accepted(found) = keys.verify(text.expose()).await.unwrap() else { panic!("refused") };
    assert_eq!((&found.id, &found.owner, &found.scopes), (&key.id, &key.owner, &key.scopes));

    clock.advance(TimeDelta::seconds(1));
    let (other, other_text) = keys.create("ada", "other", &[], None).await.unwrap();
    let (bobs, bobs_text) = keys.create("bob", "bob's", &[], None).await.unwrap();
    let listed: Vec<_> = keys.list("ada").await.unwrap().into_iter().map(|key| key.id).collect();
    assert_eq!(listed, [other.id.clone(), key.id.clone()]);

    assert!(!keys.revoke("bob", &key.id).await.unwrap());
    assert!(!keys.revoke("ada", &bobs.id).await.unwrap());
    assert_eq!(refused(&keys, text.expose()).await, None);
    assert!(keys.revoke("ada", &key.id).await.unwrap());
    assert!(!keys.revoke("ada", &key.id).await.unwrap());
    assert_eq!(refused(&keys, text.expose()).await, Some(ApiKeyRefused::Unknown));
    assert_eq!(keys.revoke_all("ada").await.unwrap(), 1);
    assert_eq!(refused(&keys, other_text.expose()).await, Some(ApiKeyRefused::Unknown));
    assert_eq!(refused(&keys, bobs_text.expose()).await, None);
}

/// However many are made at once.
async fn an_owner_has_so_many(store: DynRecordStore, clock: ManualClock) {
    let keys = over(store, &clock).with_max_per_owner(3);
    let mut makers = JoinSet::new();
    for _ in 0..8 {
        let keys = keys.clone();
        makers.spawn(async move { keys.create("ada", "key", &[], None).await });
    }
    while let Some(made) = makers.join_next().await {
        assert!(matches!(made.unwrap(), Ok(_) | Err(TokenError::TooMany { max: 3 })));
    }
    assert!(keys.list("ada").await.unwrap().len() <= 3);
    while keys.list("ada").await.unwrap().len() < 3 {
        _ = keys.create("ada", "key", &[], None).await.unwrap();
    }
    assert!(matches!(keys.create("ada", "key", &[], None).await, Err(TokenError::TooMany { max: 3 })));
    assert!(keys.create("bob", "key", &[], None).await.is_ok());
    clock.advance(TimeDelta::days(91));
    assert_eq!(keys.list("ada").await.unwrap().len(), 3, "they are remembered");
    assert!(keys.create("ada", "key", &[], None).await.is_ok());
    assert_eq!(keys.list("ada").await.unwrap().len(), 1, "until there is need of the room");
}

tests_on_every_store!(a_keys_life, an_owner_has_so_many);

#[tokio::test]
async fn what_is_no_key_is_refused_with_its_reason_and_one_text() {
    let (keys, _) = in_memory();
    let (key, text) = keys.create("ada", "key", &[], None).await.unwrap();
    let unknown = OpaqueToken::generate(keys.prefix()).expose();
    for (text, reason) in [
        ("", ApiKeyRefused::Malformed),
        ("auth_", ApiKeyRefused::Malformed),
        (&text.expose()[..75], ApiKeyRefused::Malformed),
        (&text.expose().replacen("auth_", "blog_", 1), ApiKeyRefused::Malformed),
        (&text.expose().replacen(&key.id, &"A".repeat(22), 1), ApiKeyRefused::Malformed),
        (unknown.expose(), ApiKeyRefused::Unknown),
    ] {
        assert_eq!(refused(&keys, text).await, Some(reason), "{text}");
        assert_eq!(reason.to_string(), ApiKeyRefused::WrongSecret.to_string());
    }
}

#[tokio::test]
async fn another_secret_of_the_same_id_is_refused() {
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    let (store, clock, rows) = database(auth_tests::sqlite()).await;
    let keys = over(store, &clock);
    let (_, text) = keys.create("ada", "key", &[], None).await.unwrap();
    let other = OpaqueToken::generate(keys.prefix()).digest();
    assert_eq!(Base64UrlUnpadded::decode_vec(&other).unwrap().len(), 32);
    let changed =
        format!("UPDATE auth_record SET value = CAST(json_set(CAST(value AS text), '$.digest', '{other}') AS blob)");
    assert_eq!(rows.sql(&changed).await, 1);
    assert_eq!(refused(&keys, text.expose()).await, Some(ApiKeyRefused::WrongSecret));
    rows.sql("UPDATE auth_record SET value = x'00'").await;
    assert!(matches!(keys.verify(text.expose()).await, Err(TokenError::Damaged(_))));
}

#[tokio::test]
async fn a_key_expires() {
    let (keys, clock) = in_memory();
    let end = clock.now() + TimeDelta::hours(1);
    let (key, text) = keys.create("ada", "key", &[], Some(end)).await.unwrap();
    clock.set(key.expires_at - TimeDelta::milliseconds(1));
    assert_eq!(refused(&keys, text.expose()).await, None);
    clock.set(key.expires_at);
    assert_eq!(refused(&keys, text.expose()).await, Some(ApiKeyRefused::Expired));
    assert_eq!(keys.list("ada").await.unwrap().len(), 1);
    clock.advance(TimeDelta::days(30));
    assert_eq!(refused(&keys, text.expose()).await, Some(ApiKeyRefused::Unknown));
    assert_eq!(keys.list("ada").await.unwrap(), []);
    assert_eq!(keys.cleanup_expired(10).await.unwrap(), 1);
    assert_eq!(keys.count().await.unwrap(), 0);
}

#[tokio::test]
async fn what_no_key_may_be_is_refused() {
    let (keys, clock) = in_memory();
    let now = clock.now();
    let (long, wide) = ("x".repeat(101), vec!["a.b"; 101]);
    for name in ["", "  ", "a\nb", "a\u{202e}b", "a\u{200b}b", "\0", &long] {
        assert!(matches!(keys.create("ada", name, &[], None).await, Err(TokenError::Invalid(_))), "{name:?}");
    }
    for scopes in [&["read"][..], &["blog.add_post", ""], &["blog.*"], &["blog.add post"], &["a.b.c"], &wide] {
        assert!(matches!(keys.create("ada", "key", scopes, None).await, Err(TokenError::Invalid(_))), "{scopes:?}");
    }
    for end in [now, now - TimeDelta::days(1), now + TimeDelta::days(367), chrono::DateTime::<chrono::Utc>::MAX_UTC] {
        assert!(matches!(keys.create("ada", "key", &[], Some(end)).await, Err(TokenError::Invalid(_))), "{end}");
    }
    assert!(matches!(keys.create(&"x".repeat(256), "key", &[], None).await, Err(TokenError::Invalid(_))));
    assert_eq!(keys.count().await.unwrap(), 0);
}

#[tokio::test]
async fn the_last_use_is_noted_once_a_minute() {
    let (keys, clock) = in_memory();
    let (_, text) = keys.create("ada", "key", &["blog.add_post"], None).await.unwrap();
    assert_eq!(keys.list("ada").await.unwrap()[0].last_used_at, None);
    let mut noted = Vec::new();
    for _ in 0..10 {
        assert_eq!(refused(&keys, text.expose()).await, None);
        noted.extend(keys.list("ada").await.unwrap()[0].last_used_at);
        clock.advance(TimeDelta::seconds(20));
    }
    noted.dedup();
    assert_eq!(noted.len(), 4);
    assert_eq!(keys.list("ada").await.unwrap()[0].scopes, ["blog.add_post"]);
}

#[tokio::test]
async fn a_use_never_brings_a_revoked_key_back() {
    let (store, clock, ()) = memory();
    for _ in 0..100 {
        let keys = over(store.clone(), &clock);
        let (key, text) = keys.create("ada", "key", &[], None).await.unwrap();
        let user = {
            let (keys, text) = (keys.clone(), text.clone());
            tokio::spawn(async move { keys.verify(text.expose()).await })
        };
        assert!(keys.revoke("ada", &key.id).await.unwrap());
        _ = user.await.unwrap().unwrap();
        assert_eq!(refused(&keys, text.expose()).await, Some(ApiKeyRefused::Unknown));
    }
}

#[tokio::test]
async fn when_the_store_fails_nobody_can_tell() {
    let (store, _keep) = broken().await;
    let keys = ApiKeys::new(store);
    let text = OpaqueToken::generate(keys.prefix()).expose();
    assert!(matches!(keys.verify(text.expose()).await, Err(TokenError::Store(_))));
    assert!(matches!(keys.create("ada", "key", &[], None).await, Err(TokenError::Store(_))));
    assert!(matches!(keys.list("ada").await, Err(TokenError::Store(_))));
    assert!(matches!(keys.revoke_all("ada").await, Err(TokenError::Store(_))));
}

#[tokio::test]
async fn neither_the_store_nor_debug_shows_a_key() {
    let (store, clock, rows) = database(auth_tests::sqlite()).await;
    let keys = over(store, &clock);
    let (key, text) = keys.create("ada", "key", &[], None).await.unwrap();
    let secret = &text.expose()["auth_".len() + 22..][..8];
    let verdict = keys.verify(text.expose()).await.unwrap();
    let shown = format!("{key:?} {text:?} {keys:?} {verdict:?} {:?}", keys.list("ada").await.unwrap());
    assert!(!shown.contains(secret), "{shown}");
    let found = format!("UPDATE auth_record SET version = version WHERE instr(CAST(value AS text), '{secret}') > 0");
    assert_eq!(rows.sql(&found).await, 0);
}
