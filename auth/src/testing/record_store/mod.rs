//! What every [`RecordStore`] promises. `auth::record_store_suite!(store)` makes a test of each promise.
//!
//! It is given an async function that makes an empty store, the clock that it goes by, and whatever must live as long as the
//! test:
//!
//! ```
//! use std::sync::Arc;
//!
//! use auth::records::InMemoryRecordStore;
//! use auth::testing::ManualClock;
//!
//! async fn store() -> (InMemoryRecordStore, ManualClock, ()) {
//!     let clock = ManualClock::new();
//!     (InMemoryRecordStore::with_clock(Arc::new(clock.clone())), clock, ())
//! }
//!
//! # #[cfg(any())]
//! auth::record_store_suite!(store);
//! # fn main() {}
//! ```
//!
//! Attributes in front of the function stand on each test: `auth::record_store_suite!(#[ignore = "needs Redis"] store);`

mod races;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};

pub use self::races::{
    no_insertion_escapes_a_deletion, one_of_many_inserts_wins, one_of_many_replaces_wins, one_of_many_takers_gets_it,
    takers_and_replacers_agree,
};
use super::{ManualClock, at_once};
use crate::clock::Clock as _;
use crate::records::{MAX_RECORD, NewRecord, Record, RecordError, RecordKind, RecordReplaced, RecordStore};

/// Makes a test of each promise of `RecordStore`. See `auth::testing::record_store`.
#[macro_export]
macro_rules! record_store_suite {
    ($(#[$attribute:meta])* $fixture:path) => {
        $crate::__suite! {
            [$(#[$attribute])*] $fixture, record_store:
            unknown_id_has_no_record,
            inserted_record_is_got_whole,
            records_come_in_the_order_of_their_ids,
            insert_never_overwrites,
            replaced_record_keeps_its_owner,
            version_that_is_not_there_replaces_nothing,
            every_writing_is_a_change,
            replace_never_revives,
            taken_record_is_gone,
            expired_record_is_none,
            replacement_moves_the_end,
            kinds_do_not_meet,
            owners_are_told_their_records,
            an_owner_is_told_the_first_thousand,
            records_of_an_owner_end_together,
            whoever_has_an_id_next_has_it_alone,
            any_text_is_an_id_and_an_owner,
            what_does_not_fit_is_refused_and_changes_nothing,
            counted_records_are_of_their_kind,
            expired_records_are_cleaned_up,
            one_of_many_inserts_wins,
            one_of_many_replaces_wins,
            one_of_many_takers_gets_it,
            takers_and_replacers_agree,
            no_insertion_escapes_a_deletion,
        }
    };
}

const KIND: RecordKind = RecordKind::new("suite");
const OTHER: RecordKind = RecordKind::new("suite_other");

fn new(clock: &ManualClock, owner: Option<&str>, value: &[u8]) -> NewRecord {
    let (owner, value) = (owner.map(str::to_owned), value.to_vec());
    NewRecord { owner, value, expires_at: clock.now() + TimeDelta::hours(1) }
}

async fn get(store: &impl RecordStore, id: &str) -> Option<Record> {
    let mut found = store.get(KIND, &[id]).await.expect("the store works");
    assert_eq!(found.len(), 1);
    found.remove(0)
}

async fn value(store: &impl RecordStore, id: &str) -> Option<Vec<u8>> {
    get(store, id).await.map(|found| found.value)
}

async fn version(store: &impl RecordStore, id: &str) -> u64 {
    get(store, id).await.expect("there is a record").version
}

async fn insert(store: &impl RecordStore, id: &str, record: NewRecord) -> bool {
    store.insert(KIND, id, record).await.expect("the store works")
}

async fn replace(store: &impl RecordStore, id: &str, version: u64, record: NewRecord) -> RecordReplaced {
    store.replace(KIND, id, version, record).await.expect("the store works")
}

async fn take(store: &impl RecordStore, id: &str) -> Option<Record> {
    store.take(KIND, id).await.expect("the store works")
}

async fn owned(store: &impl RecordStore, owner: &str) -> Vec<String> {
    let theirs = store.owned(KIND, owner).await.expect("the store works");
    assert!(theirs.iter().all(|(_, record)| record.owner.as_deref() == Some(owner)));
    theirs.into_iter().map(|(id, _)| id).collect()
}

/// Nothing is found where nothing was written.
pub async fn unknown_id_has_no_record<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    assert_eq!(get(&store, "id").await, None);
    assert_eq!(take(&store, "id").await, None);
    assert_eq!(replace(&store, "id", 0, new(&clock, None, b"x")).await, RecordReplaced::Gone);
    assert_eq!(store.get(KIND, &[]).await.unwrap(), []);
    assert_eq!(store.owned(KIND, "ada").await.unwrap(), []);
    assert_eq!(store.delete_owned(KIND, "ada").await.unwrap(), 0);
    assert_eq!(get(&store, "id").await, None);
}

/// As it was, as often as it is asked for; the end cut to milliseconds.
pub async fn inserted_record_is_got_whole<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    let bytes: Vec<u8> = (0..=255).collect();
    let moments = [clock.now() + TimeDelta::microseconds(3_600_001_999), DateTime::<Utc>::MAX_UTC];
    for (i, expires_at) in moments.into_iter().enumerate() {
        for (j, owner) in [None, Some(""), Some("ada"), Some("\u{1f511}")].into_iter().enumerate() {
            for (k, value) in [&b""[..], &bytes, &vec![0; MAX_RECORD]].into_iter().enumerate() {
                let id = format!("{i}{j}{k}");
                assert!(insert(&store, &id, NewRecord { expires_at, ..new(&clock, owner, value) }).await);
                let found = get(&store, &id).await.unwrap();
                assert_eq!((found.owner.as_deref(), &found.value[..]), (owner, value));
                assert_eq!(found.expires_at, expires_at.trunc_subsecs(3));
                assert_eq!(get(&store, &id).await.unwrap(), found);
            }
        }
    }
}

/// And nothing stands where there is none; one that is asked for twice comes twice.
pub async fn records_come_in_the_order_of_their_ids<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    for id in ["b", "a", "d"] {
        assert!(insert(&store, id, new(&clock, None, id.as_bytes())).await);
    }
    let texts: Vec<_> = (0..600).map(|i| format!("none {i}")).collect();
    let mut ids = vec!["d", "c", "a", "b", "a", ""];
    ids.extend(texts.iter().map(String::as_str));
    for ids in [&ids[..1], &ids[..6], &ids] {
        let found = store.get(KIND, ids).await.unwrap();
        let values: Vec<_> = found.into_iter().map(|found| found.map(|found| found.value)).collect();
        let expected = ids.iter().map(|id| ["a", "b", "d"].contains(id).then(|| id.as_bytes().to_vec()));
        assert_eq!(values, expected.collect::<Vec<_>>());
    }
}

/// Not even with the same bytes.
pub async fn insert_never_overwrites<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    assert!(insert(&store, "id", new(&clock, Some("ada"), b"first")).await);
    let first = get(&store, "id").await;
    for (owner, value) in [(Some("ada"), &b"first"[..]), (Some("bob"), b"other"), (None, b"")] {
        assert!(!insert(&store, "id", new(&clock, owner, value)).await);
    }
    assert_eq!(get(&store, "id").await, first);
    assert_eq!(owned(&store, "ada").await, ["id"]);
    assert!(owned(&store, "bob").await.is_empty());
}

/// Whatever owner the replacement names.
pub async fn replaced_record_keeps_its_owner<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    for (id, owner) in [("hers", Some("ada")), ("nobody's", None)] {
        assert!(insert(&store, id, new(&clock, owner, b"first")).await);
        for named in [None, Some("ada"), Some("bob")] {
            let found = version(&store, id).await;
            assert_eq!(replace(&store, id, found, new(&clock, named, b"second")).await, RecordReplaced::Done);
            let found = get(&store, id).await.unwrap();
            assert_eq!((found.owner.as_deref(), &found.value[..]), (owner, &b"second"[..]));
        }
    }
    assert_eq!(owned(&store, "ada").await, ["hers"]);
    assert!(owned(&store, "bob").await.is_empty());
}

/// Nor does one that was there before, or one that no record ever had.
pub async fn version_that_is_not_there_replaces_nothing<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    assert!(insert(&store, "id", new(&clock, None, b"first")).await);
    assert!(insert(&store, "other", new(&clock, None, b"first")).await);
    let old = version(&store, "id").await;
    assert_eq!(replace(&store, "id", old, new(&clock, None, b"second")).await, RecordReplaced::Done);
    for foreign in [old, version(&store, "other").await, 0, 1, u64::MAX, 1 << 63] {
        assert_eq!(replace(&store, "id", foreign, new(&clock, None, b"late")).await, RecordReplaced::Changed);
    }
    assert_eq!(value(&store, "id").await.as_deref(), Some(&b"second"[..]));
}

/// One that writes what was there before, and one after a removal.
pub async fn every_writing_is_a_change<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    let same = || new(&clock, None, b"same");
    assert!(insert(&store, "id", same()).await);
    let first = version(&store, "id").await;
    assert_eq!(replace(&store, "id", first, same()).await, RecordReplaced::Done);
    let second = version(&store, "id").await;
    assert_eq!(take(&store, "id").await.unwrap().version, second);
    assert!(insert(&store, "id", same()).await);
    for old in [first, second] {
        assert_eq!(replace(&store, "id", old, same()).await, RecordReplaced::Changed);
    }
}

/// What was removed stays removed.
pub async fn replace_never_revives<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    assert!(insert(&store, "taken", new(&clock, Some("ada"), b"first")).await);
    let taken = take(&store, "taken").await.unwrap().version;
    assert!(insert(&store, "deleted", new(&clock, Some("ada"), b"first")).await);
    let deleted = version(&store, "deleted").await;
    assert_eq!(store.delete_owned(KIND, "ada").await.unwrap(), 1);
    for (id, version) in [("taken", taken), ("deleted", deleted)] {
        assert_eq!(replace(&store, id, version, new(&clock, Some("ada"), b"x")).await, RecordReplaced::Gone);
        assert_eq!(get(&store, id).await, None);
    }
    assert!(owned(&store, "ada").await.is_empty());
}

/// The first taker gets it, the next nothing; then there is room for another.
pub async fn taken_record_is_gone<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    assert!(insert(&store, "id", new(&clock, Some("ada"), b"first")).await);
    let found = get(&store, "id").await;
    assert_eq!(take(&store, "id").await, found);
    assert_eq!(take(&store, "id").await, None);
    assert_eq!(get(&store, "id").await, None);
    assert!(owned(&store, "ada").await.is_empty());
    assert!(insert(&store, "id", new(&clock, Some("bob"), b"second")).await);
    assert_eq!(owned(&store, "bob").await, ["id"]);
}

/// For every operation, from the very moment on; and there is room for another.
pub async fn expired_record_is_none<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    assert!(insert(&store, "id", new(&clock, Some("ada"), b"first")).await);
    let found = version(&store, "id").await;
    clock.set(get(&store, "id").await.unwrap().expires_at - TimeDelta::microseconds(1));
    assert!(get(&store, "id").await.is_some());
    clock.advance(TimeDelta::microseconds(1));
    assert_eq!(get(&store, "id").await, None);
    assert!(owned(&store, "ada").await.is_empty());
    assert_eq!(replace(&store, "id", found, new(&clock, None, b"x")).await, RecordReplaced::Gone);
    assert_eq!(store.delete_owned(KIND, "ada").await.unwrap(), 0);
    assert!(insert(&store, "id", new(&clock, Some("bob"), b"second")).await);
    assert!(owned(&store, "ada").await.is_empty());
    assert_eq!(owned(&store, "bob").await, ["id"]);
    clock.advance(TimeDelta::hours(1));
    assert_eq!(take(&store, "id").await, None);
    let over = NewRecord { expires_at: clock.now(), ..new(&clock, None, b"x") };
    assert!(insert(&store, "id", over.clone()).await);
    assert_eq!(get(&store, "id").await, None);
    assert!(insert(&store, "id", NewRecord { expires_at: DateTime::<Utc>::MIN_UTC, ..over }).await);
    assert_eq!(get(&store, "id").await, None);
}

/// Forwards and back; what it is then moved past is over.
pub async fn replacement_moves_the_end<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    let began = clock.now();
    let until = |hours| NewRecord { expires_at: began + TimeDelta::hours(hours), ..new(&clock, Some("ada"), b"x") };
    assert!(insert(&store, "id", until(1)).await);
    for hours in [2, 100, 10_000, 3] {
        let found = version(&store, "id").await;
        assert_eq!(replace(&store, "id", found, until(hours)).await, RecordReplaced::Done);
        assert_eq!(get(&store, "id").await.unwrap().expires_at, (began + TimeDelta::hours(hours)).trunc_subsecs(3));
        assert_eq!(owned(&store, "ada").await, ["id"]);
    }
    for hours in 3..40 {
        clock.set(began + TimeDelta::hours(hours - 1));
        assert_eq!(owned(&store, "ada").await, ["id"]);
        let found = version(&store, "id").await;
        assert_eq!(replace(&store, "id", found, until(hours + 1)).await, RecordReplaced::Done);
    }
    // Another of hers, so that whoever tidies up does.
    assert!(insert(&store, "other", until(50)).await);
    assert_eq!(owned(&store, "ada").await, ["id", "other"]);
    let found = version(&store, "id").await;
    assert_eq!(replace(&store, "id", found, until(1)).await, RecordReplaced::Done);
    assert_eq!(get(&store, "id").await, None);
    assert_eq!(owned(&store, "ada").await, ["other"]);
}

/// The same id and the same owner are others under another kind.
pub async fn kinds_do_not_meet<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    assert!(insert(&store, "id", new(&clock, Some("ada"), b"one")).await);
    assert_eq!(store.get(OTHER, &["id"]).await.unwrap(), [None]);
    assert_eq!(store.take(OTHER, "id").await.unwrap(), None);
    assert!(store.insert(OTHER, "id", new(&clock, Some("ada"), b"other")).await.unwrap());
    let found = version(&store, "id").await;
    let replaced = store.replace(OTHER, "id", found, new(&clock, None, b"x")).await.unwrap();
    assert_eq!(replaced, RecordReplaced::Changed);
    assert_eq!(store.delete_owned(OTHER, "ada").await.unwrap(), 1);
    assert_eq!(value(&store, "id").await.as_deref(), Some(&b"one"[..]));
    assert_eq!(owned(&store, "ada").await, ["id"]);
}

/// All of them, in the order of their ids, and nobody else's.
pub async fn owners_are_told_their_records<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    for (id, owner) in [("b", "ada"), ("a", "ada"), ("c", "bob"), ("B", "ada"), ("d", "Ada"), ("\u{e9}", "ada")] {
        assert!(insert(&store, id, new(&clock, Some(owner), id.as_bytes())).await);
    }
    assert!(insert(&store, "e", new(&clock, None, b"e")).await);
    assert_eq!(owned(&store, "ada").await, ["B", "a", "b", "\u{e9}"]);
    let hers = store.owned(KIND, "ada").await.unwrap();
    assert_eq!(hers[1].1, get(&store, "a").await.unwrap());
    assert_eq!(owned(&store, "Ada").await, ["d"]);
    assert_eq!(owned(&store, "bob").await, ["c"]);
    for none in ["", "ad", "ada ", "ad%", "*"] {
        assert!(owned(&store, none).await.is_empty(), "{none:?}");
    }
}

/// However many there are; all of them end.
pub async fn an_owner_is_told_the_first_thousand<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    let ids: Vec<_> = (0..1050).map(|i| format!("{i:04}")).collect();
    for id in ids.chunks(50) {
        let inserted = at_once(id.iter().map(|id| insert(&store, id, new(&clock, Some("ada"), b"")))).await;
        assert!(inserted.into_iter().all(|inserted| inserted));
    }
    assert_eq!(owned(&store, "ada").await, ids[..1000]);
    assert_eq!(store.delete_owned(KIND, "ada").await.unwrap(), 1050);
    assert!(owned(&store, "ada").await.is_empty());
}

/// Nobody else's.
pub async fn records_of_an_owner_end_together<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    for (id, owner) in [("a", Some("ada")), ("b", Some("ada")), ("c", Some("bob")), ("d", None)] {
        assert!(insert(&store, id, new(&clock, owner, b"x")).await);
    }
    let found = version(&store, "b").await;
    assert_eq!(replace(&store, "b", found, new(&clock, None, b"y")).await, RecordReplaced::Done);
    assert_eq!(store.delete_owned(KIND, "ada").await.unwrap(), 2);
    assert_eq!(store.delete_owned(KIND, "ada").await.unwrap(), 0);
    for (id, stands) in [("a", false), ("b", false), ("c", true), ("d", true)] {
        assert_eq!(get(&store, id).await.is_some(), stands, "{id}");
    }
}

/// What an id had before is forgotten with it.
pub async fn whoever_has_an_id_next_has_it_alone<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    for owner in ["ada", "bob", "ada", "ada"] {
        assert!(insert(&store, "id", new(&clock, Some(owner), b"x")).await);
        clock.advance(TimeDelta::minutes(1));
        assert_eq!(owned(&store, owner).await, ["id"]);
        assert_eq!(store.delete_owned(KIND, if owner == "ada" { "bob" } else { "ada" }).await.unwrap(), 0);
        assert_eq!(owned(&store, owner).await, ["id"]);
        assert!(take(&store, "id").await.is_some());
    }
}

/// Of the length that fits, whatever stands in it but NUL; no two are the same.
pub async fn any_text_is_an_id_and_an_owner<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    let long = "x".repeat(255);
    let texts = [" ", "  ", "a", "A", "a ", "\u{e9}", "e\u{301}", "\u{1f511}", "a:b", "a@b", "*", "a\r\nb", "'", &long];
    for text in texts {
        assert!(insert(&store, text, new(&clock, Some(text), text.as_bytes())).await, "{text:?}");
    }
    for text in texts {
        assert_eq!(value(&store, text).await.as_deref(), Some(text.as_bytes()), "{text:?}");
        assert_eq!(owned(&store, text).await, [text]);
    }
    for text in texts {
        assert_eq!(store.delete_owned(KIND, text).await.unwrap(), 1, "{text:?}");
    }
    let owner = "\u{1f511}".repeat(255);
    assert!(insert(&store, "id", new(&clock, Some(&owner), b"x")).await);
    assert_eq!(owned(&store, &owner).await, ["id"]);
}

/// Nothing is found under it.
pub async fn what_does_not_fit_is_refused_and_changes_nothing<S: RecordStore, K>(
    (store, clock, _keep): (S, ManualClock, K),
) {
    let (long, large) = ("x".repeat(256), vec![0; MAX_RECORD + 1]);
    let fits = new(&clock, None, b"fits");
    for id in ["", "a\0b", &long, &"\u{e9}".repeat(128)] {
        let refused = store.insert(KIND, id, fits.clone()).await;
        assert!(matches!(refused, Err(RecordError::Unfit { part: "id" })), "{id:?}: {refused:?}");
        assert_eq!(get(&store, id).await, None);
        assert_eq!(take(&store, id).await, None);
    }
    for owner in ["a\0b", &long] {
        let refused = store.insert(KIND, "id", new(&clock, Some(owner), b"x")).await;
        assert!(matches!(refused, Err(RecordError::Unfit { part: "owner" })), "{owner:?}: {refused:?}");
        assert!(owned(&store, owner).await.is_empty());
        assert_eq!(store.delete_owned(KIND, owner).await.unwrap(), 0);
    }
    let refused = store.insert(KIND, "id", new(&clock, None, &large)).await;
    assert!(matches!(refused, Err(RecordError::Unfit { part: "value" })), "{refused:?}");
    assert_eq!(get(&store, "id").await, None);
    assert!(insert(&store, "id", fits).await);
    let found = version(&store, "id").await;
    let refused = store.replace(KIND, "id", found, new(&clock, None, &large)).await;
    assert!(matches!(refused, Err(RecordError::Unfit { part: "value" })), "{refused:?}");
    assert_eq!(version(&store, "id").await, found);
}

/// Those of other kinds are not among them. A store that cannot count says so.
pub async fn counted_records_are_of_their_kind<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    match store.count(KIND).await {
        Ok(count) => assert_eq!(count, 0),
        Err(error) => return assert!(matches!(error, RecordError::Configuration(_)), "{error:?}"),
    }
    for id in ["a", "b", "c"] {
        assert!(insert(&store, id, new(&clock, Some("ada"), b"x")).await);
    }
    assert!(store.insert(OTHER, "a", new(&clock, None, b"x")).await.unwrap());
    assert_eq!((store.count(KIND).await.unwrap(), store.count(OTHER).await.unwrap()), (3, 1));
    assert!(take(&store, "b").await.is_some());
    assert_eq!(store.count(KIND).await.unwrap(), 2);
}

/// That many at the most, and none that is alive.
pub async fn expired_records_are_cleaned_up<S: RecordStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    for i in 0..5 {
        let kind = if i % 2 == 0 { KIND } else { OTHER };
        assert!(store.insert(kind, &i.to_string(), new(&clock, Some("ada"), b"x")).await.unwrap());
    }
    assert_eq!(store.cleanup_expired(3).await.unwrap(), 0);
    clock.advance(TimeDelta::hours(1));
    assert!(insert(&store, "alive", new(&clock, None, b"x")).await);
    let mut cleaned = Vec::new();
    for _ in 0..3 {
        cleaned.push(store.cleanup_expired(3).await.unwrap());
    }
    assert!([[3, 2, 0], [0, 0, 0]].contains(&cleaned[..].try_into().unwrap()), "{cleaned:?}");
    assert!(get(&store, "alive").await.is_some());
}
