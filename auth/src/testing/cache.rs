//! What every [`Cache`] promises. `auth::cache_suite!(cache)` makes a test of each promise.
//!
//! It is given an async function that makes a cache, and whatever must live as long as the test, a server that is killed
//! when dropped. The cache may hold other keys:
//!
//! ```
//! use auth::cache::InMemoryCache;
//!
//! async fn cache() -> (InMemoryCache, ()) {
//!     (InMemoryCache::new(), ())
//! }
//!
//! # #[cfg(any())]
//! auth::cache_suite!(cache);
//! # fn main() {}
//! ```
//!
//! Attributes in front of the function stand on each test: `auth::cache_suite!(#[ignore = "needs memcached"] cache);`

use std::time::Duration;

use super::at_once;
use crate::cache::{Cache, CacheError, CacheVersion, MAX_VALUE, Replaced};
use crate::secret;

/// Makes a test of each promise of `Cache`. See `auth::testing::cache`.
#[macro_export]
macro_rules! cache_suite {
    ($(#[$attribute:meta])* $fixture:path) => {
        $crate::__suite! {
            [$(#[$attribute])*] $fixture, cache:
            unknown_key_has_no_value,
            inserted_value_is_got_whole,
            insert_never_overwrites,
            unchanged_value_is_replaced,
            every_writing_is_a_change,
            version_of_another_value_replaces_nothing,
            replace_never_revives,
            deleted_value_is_gone,
            any_bytes_are_a_value,
            any_text_is_a_key,
            any_lifetime_is_one,
            what_is_too_large_is_refused_and_changes_nothing,
            one_of_many_inserts_wins,
            one_of_many_replaces_wins,
            one_of_many_deletes_is_told,
        }
    };
}

const HOUR: Duration = Duration::from_hours(1);

/// A key that no other test has.
fn key() -> String {
    secret::random::<16>().iter().fold("suite:".to_owned(), |key, byte| format!("{key}{byte:02x}"))
}

async fn value(cache: &impl Cache, key: &str) -> Option<Vec<u8>> {
    cache.get(key).await.expect("the cache works").map(|found| found.value)
}

async fn version(cache: &impl Cache, key: &str) -> CacheVersion {
    cache.get(key).await.expect("the cache works").expect("there is a value").version
}

async fn insert(cache: &impl Cache, key: &str, value: &[u8]) -> bool {
    cache.insert(key, value, HOUR).await.expect("the cache works")
}

async fn replace(cache: &impl Cache, key: &str, version: &CacheVersion, value: &[u8]) -> Replaced {
    cache.replace(key, version, value, HOUR).await.expect("the cache works")
}

/// Nothing is found under a key that nothing was written under.
pub async fn unknown_key_has_no_value<C: Cache, K>((cache, _keep): (C, K)) {
    let key = key();
    assert_eq!(value(&cache, &key).await, None);
    assert!(!cache.delete(&key).await.unwrap());
}

/// As it was, as often as it is asked for.
pub async fn inserted_value_is_got_whole<C: Cache, K>((cache, _keep): (C, K)) {
    let key = key();
    assert!(insert(&cache, &key, b"first").await);
    for _ in 0..2 {
        assert_eq!(value(&cache, &key).await.as_deref(), Some(&b"first"[..]));
    }
    assert_eq!(version(&cache, &key).await, version(&cache, &key).await);
}

/// Not even with the same bytes.
pub async fn insert_never_overwrites<C: Cache, K>((cache, _keep): (C, K)) {
    let key = key();
    assert!(insert(&cache, &key, b"first").await);
    let before = version(&cache, &key).await;
    for other in [&b"other"[..], b"first", b""] {
        assert!(!insert(&cache, &key, other).await);
    }
    assert_eq!(value(&cache, &key).await.as_deref(), Some(&b"first"[..]));
    assert_eq!(version(&cache, &key).await, before);
}

/// And has another version then.
pub async fn unchanged_value_is_replaced<C: Cache, K>((cache, _keep): (C, K)) {
    let key = key();
    assert!(insert(&cache, &key, b"first").await);
    for next in [&b"second"[..], b"a third that is longer", b""] {
        let found = version(&cache, &key).await;
        assert_eq!(replace(&cache, &key, &found, next).await, Replaced::Done);
        assert_eq!(value(&cache, &key).await.as_deref(), Some(next));
        assert_eq!(replace(&cache, &key, &found, b"late").await, Replaced::Changed);
        assert_eq!(value(&cache, &key).await.as_deref(), Some(next));
    }
}

/// One that writes what was there before, and one after a removal.
pub async fn every_writing_is_a_change<C: Cache, K>((cache, _keep): (C, K)) {
    let key = key();
    assert!(insert(&cache, &key, b"same").await);
    let first = version(&cache, &key).await;
    assert_eq!(replace(&cache, &key, &first, b"same").await, Replaced::Done);
    let second = version(&cache, &key).await;
    assert!(cache.delete(&key).await.unwrap());
    assert!(insert(&cache, &key, b"same").await);
    for old in [first, second] {
        assert_eq!(replace(&cache, &key, &old, b"late").await, Replaced::Changed);
    }
    assert_eq!(value(&cache, &key).await.as_deref(), Some(&b"same"[..]));
}

/// Nor does one that no value ever had.
pub async fn version_of_another_value_replaces_nothing<C: Cache, K>((cache, _keep): (C, K)) {
    let (one, other) = (key(), key());
    assert!(insert(&cache, &one, b"same").await);
    assert!(insert(&cache, &other, b"same").await);
    let versions = [version(&cache, &other).await, CacheVersion::new(b""), CacheVersion::new(&[0xff; 40])];
    for foreign in versions {
        assert_eq!(replace(&cache, &one, &foreign, b"x").await, Replaced::Changed);
    }
    assert_eq!(value(&cache, &one).await.as_deref(), Some(&b"same"[..]));
}

/// What was removed stays removed.
pub async fn replace_never_revives<C: Cache, K>((cache, _keep): (C, K)) {
    let key = key();
    assert!(insert(&cache, &key, b"first").await);
    let found = version(&cache, &key).await;
    assert!(cache.delete(&key).await.unwrap());
    assert_eq!(replace(&cache, &key, &found, b"second").await, Replaced::Gone);
    assert_eq!(value(&cache, &key).await, None);
}

/// The first removal says that there was a value, the next that there was none; then there is room for another.
pub async fn deleted_value_is_gone<C: Cache, K>((cache, _keep): (C, K)) {
    let key = key();
    assert!(insert(&cache, &key, b"first").await);
    assert!(cache.delete(&key).await.unwrap());
    assert!(!cache.delete(&key).await.unwrap());
    assert!(insert(&cache, &key, b"second").await);
    assert_eq!(value(&cache, &key).await.as_deref(), Some(&b"second"[..]));
}

/// Those of a protocol's words too, and none at all.
pub async fn any_bytes_are_a_value<C: Cache, K>((cache, _keep): (C, K)) {
    let all: Vec<u8> = (0..=255).collect();
    let long = all.repeat(1024);
    for bytes in [&b""[..], b" ", b"\r\n", b"\0\r\nEN\r\n", b"$-1\r\n", &all, &long] {
        let key = key();
        assert!(insert(&cache, &key, bytes).await);
        assert_eq!(value(&cache, &key).await.as_deref(), Some(bytes));
    }
}

/// However long, whatever stands in it; no two are the same.
pub async fn any_text_is_a_key<C: Cache, K>((cache, _keep): (C, K)) {
    let own = key();
    let long = "x".repeat(1000);
    let endings = [
        "",
        " ",
        "  ",
        "\t",
        "\n",
        "\r\n",
        "\0",
        "\u{7f}",
        "\u{e9}",
        "e\u{301}",
        "\u{1f511}",
        "%20",
        "\r\nmn\r\n",
        "A",
        "a",
    ];
    let mut keys: Vec<_> = endings.iter().map(|ending| format!("{own}{ending}")).collect();
    keys.extend(endings.iter().map(|ending| format!("{own}{long}{ending}")));
    keys.extend((200..=260).map(|length| format!("{own:y<length$}")));
    keys.push(format!(" {own}"));
    for key in &keys {
        assert!(insert(&cache, key, key.as_bytes()).await, "{key:?}");
    }
    for key in &keys {
        assert_eq!(value(&cache, key).await.as_deref(), Some(key.as_bytes()), "{key:?}");
    }
    for key in &keys {
        assert!(cache.delete(key).await.unwrap(), "{key:?}");
    }
}

/// A long one keeps a value now, however far the cache can count; a short one is no error.
pub async fn any_lifetime_is_one<C: Cache, K>((cache, _keep): (C, K)) {
    let day = Duration::from_hours(24);
    for lifetime in [Duration::from_secs(3), 29 * day, 30 * day, 31 * day, 10_000 * day, Duration::MAX] {
        let key = key();
        assert!(cache.insert(&key, b"first", lifetime).await.unwrap(), "{lifetime:?}");
        let found = version(&cache, &key).await;
        assert_eq!(cache.replace(&key, &found, b"second", lifetime).await.unwrap(), Replaced::Done, "{lifetime:?}");
        assert_eq!(value(&cache, &key).await.as_deref(), Some(&b"second"[..]), "{lifetime:?}");
    }
    for lifetime in [Duration::ZERO, Duration::from_nanos(1)] {
        assert!(cache.insert(&key(), b"x", lifetime).await.unwrap(), "{lifetime:?}");
    }
}

/// What stands there stays.
pub async fn what_is_too_large_is_refused_and_changes_nothing<C: Cache, K>((cache, _keep): (C, K)) {
    let key = key();
    let large = vec![b'x'; MAX_VALUE + 1];
    assert!(matches!(cache.insert(&key, &large, HOUR).await, Err(CacheError::TooLarge)));
    assert_eq!(value(&cache, &key).await, None);
    assert!(insert(&cache, &key, b"small").await);
    let found = version(&cache, &key).await;
    assert!(matches!(cache.replace(&key, &found, &large, HOUR).await, Err(CacheError::TooLarge)));
    assert_eq!(value(&cache, &key).await.as_deref(), Some(&b"small"[..]));
    assert_eq!(version(&cache, &key).await, found);
}

const MANY: u8 = 16;

/// Of many who write under one key, one does.
pub async fn one_of_many_inserts_wins<C: Cache, K>((cache, _keep): (C, K)) {
    let (cache, key) = (&cache, &key());
    let won = at_once((0..MANY).map(|i| async move { insert(cache, key, &[i]).await })).await;
    let winners: Vec<_> = (0..MANY).filter(|i| won[usize::from(*i)]).collect();
    assert_eq!(winners.len(), 1, "{won:?}");
    assert_eq!(value(cache, key).await, Some(winners));
}

/// Of many who replace the same value, one does; the others are told.
pub async fn one_of_many_replaces_wins<C: Cache, K>((cache, _keep): (C, K)) {
    let (cache, key) = (&cache, &key());
    assert!(insert(cache, key, b"first").await);
    let found = &version(cache, key).await;
    let results = at_once((0..MANY).map(|i| async move { replace(cache, key, found, &[i]).await })).await;
    let winners: Vec<_> = (0..MANY).filter(|i| results[usize::from(*i)] == Replaced::Done).collect();
    assert_eq!(winners.len(), 1, "{results:?}");
    assert!(results.iter().all(|result| *result != Replaced::Gone), "{results:?}");
    assert_eq!(value(cache, key).await, Some(winners));
}

/// Of many who remove the same value, one is told that there was one: so a value can be taken once.
pub async fn one_of_many_deletes_is_told<C: Cache, K>((cache, _keep): (C, K)) {
    let (cache, key) = (&cache, &key());
    assert!(insert(cache, key, b"once").await);
    let told = at_once((0..MANY).map(|_| async move { cache.delete(key).await.unwrap() })).await;
    assert_eq!(told.iter().filter(|told| **told).count(), 1, "{told:?}");
}
