//! What every [`SessionBackend`] must hold to, one function for each promise.
//!
//! `session_backend_suite!` makes a test of each; it is given an async function that makes a fresh, empty backend, the
//! clock that it goes by, and whatever must live as long as the test, a directory that is removed when dropped:
//!
//! ```
//! use std::sync::Arc;
//!
//! use auth::sessions::InMemorySessionBackend;
//! use auth::testing::ManualClock;
//!
//! async fn backend() -> (InMemorySessionBackend, ManualClock, ()) {
//!     let clock = ManualClock::new();
//!     (InMemorySessionBackend::with_clock(Arc::new(clock.clone())), clock, ())
//! }
//!
//! # #[cfg(any())]
//! auth::session_backend_suite!(backend);
//! # fn main() {}
//! ```
//!
//! Attributes in front of the function stand on each test:
//! `auth::session_backend_suite!(#[ignore = "needs Redis"] backend);` In a test, `session_backend_suite!(await backend)`
//! asks for one promise after the other, for whatever async closure makes the backend.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{ManualClock, at_once};
use crate::clock::Clock as _;
use crate::sessions::{
    Device, Login, SaveIf, Saved, SessionBackend, SessionDigest, SessionKey, SessionRecord, SessionType,
};

/// Makes a test of each promise of `SessionBackend`. See `auth::testing::session_backend`.
#[macro_export]
macro_rules! session_backend_suite {
    (@promises [$($how:tt)*]) => {
        $crate::__suite! {
            $($how)*, session_backend:
            unknown_id_loads_nothing,
            saved_record_is_loaded_whole,
            record_without_login_is_loaded_whole,
            every_kind_of_device_is_kept,
            absent_never_overwrites,
            absent_takes_the_place_of_an_expired_record,
            version_mismatch_conflicts,
            matching_version_replaces,
            save_never_revives_a_deleted_session,
            save_never_revives_an_expired_session,
            delete_is_idempotent,
            expired_record_is_gone,
            record_lives_until_the_moment_it_expires,
            touch_moves_the_expiry_and_nothing_else,
            touch_never_revives,
            one_of_many_new_records_wins,
            one_of_many_saves_of_a_version_wins,
            nothing_overtakes_a_delete,
            any_bytes_are_data,
            a_megabyte_is_kept,
            ids_are_kept_apart,
        }
    };
    (await $fixture:expr) => {
        $crate::session_backend_suite! { @promises [await $fixture] }
    };
    ($(#[$attribute:meta])* $fixture:path) => {
        $crate::session_backend_suite! { @promises [[$(#[$attribute])*] $fixture] }
    };
}

fn id() -> SessionDigest {
    SessionKey::generate().digest()
}

/// A record that lives for an hour.
fn record(clock: &ManualClock) -> SessionRecord {
    let now = clock.now();
    SessionRecord::new(now, now + TimeDelta::hours(1), now + TimeDelta::hours(24))
}

fn with_data(clock: &ManualClock, version: u64, data: &[u8]) -> Arc<SessionRecord> {
    let mut record = record(clock);
    (record.version, record.data) = (version, data.into());
    Arc::new(record)
}

async fn save(
    backend: &impl SessionBackend,
    id: &SessionDigest,
    record: &Arc<SessionRecord>,
    condition: SaveIf,
) -> Saved {
    backend.save(id, record.clone(), condition).await.expect("the backend works")
}

async fn load(backend: &impl SessionBackend, id: &SessionDigest) -> Option<Arc<SessionRecord>> {
    backend.load(id).await.expect("the backend works")
}

/// Nothing is found under an id that nothing was saved under.
pub async fn unknown_id_loads_nothing<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let id = id();
    assert_eq!(load(&backend, &id).await, None);
    assert!(!backend.exists(&id).await.unwrap());
    assert!(!backend.delete(&id).await.unwrap());
    assert!(!backend.touch(&id, clock.now(), clock.now()).await.unwrap());
}

/// Every field comes back as it was.
pub async fn saved_record_is_loaded_whole<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let (id, mut record) = (id(), record(&clock));
    let at = clock.now() - TimeDelta::microseconds(1);
    record.login = Some(Login::new("ключ 🔑 'x\"", [7; 32], at));
    record.seen_at = clock.now() + TimeDelta::microseconds(123_457);
    record.data = b"\x01{\"a\":1}".as_slice().into();
    record.verifier = SessionKey::generate().verifier();
    let record = Arc::new(record);
    assert_eq!(save(&backend, &id, &record, SaveIf::Absent).await, Saved::Done);
    assert_eq!(load(&backend, &id).await, Some(record.clone()));
    assert_eq!(backend.load_fresh(&id).await.expect("the backend works"), Some(record));
    assert!(backend.exists(&id).await.unwrap());
}

/// The same for a visitor who is not logged in.
pub async fn record_without_login_is_loaded_whole<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let (id, record) = (id(), Arc::new(record(&clock)));
    assert_eq!(save(&backend, &id, &record, SaveIf::Absent).await, Saved::Done);
    assert_eq!(load(&backend, &id).await, Some(record));
}

/// Whatever is known of it.
pub async fn every_kind_of_device_is_kept<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let (four, six) = ([203, 0, 113, 7].into(), [0x20; 16].into());
    for device in [
        Device::new(SessionType::Web),
        Device::new(SessionType::Api).with_ip(four),
        Device::new(SessionType::Mobile).with_ip(six).with_user_agent("ключ 🔑 'x\""),
        Device::new(SessionType::Web).with_user_agent(&"🔑".repeat(1000)),
        Device::new(SessionType::Web).with_user_agent(""),
    ] {
        let (id, mut record) = (id(), record(&clock));
        record.device = Some(device);
        let first = Arc::new(record.clone());
        assert_eq!(save(&backend, &id, &first, SaveIf::Absent).await, Saved::Done);
        assert_eq!(load(&backend, &id).await, Some(first));
        (record.version, record.device) = (2, None);
        let second = Arc::new(record);
        assert_eq!(save(&backend, &id, &second, SaveIf::Version(1)).await, Saved::Done);
        assert_eq!(load(&backend, &id).await, Some(second));
    }
}

/// A new session is never written over a live one.
pub async fn absent_never_overwrites<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let id = id();
    let (first, second) = (with_data(&clock, 1, b"first"), with_data(&clock, 1, b"second"));
    assert_eq!(save(&backend, &id, &first, SaveIf::Absent).await, Saved::Done);
    assert_eq!(save(&backend, &id, &second, SaveIf::Absent).await, Saved::Conflict);
    assert_eq!(load(&backend, &id).await, Some(first));
}

/// An expired record is no record, so it is not in the way.
pub async fn absent_takes_the_place_of_an_expired_record<B: SessionBackend, K>(
    (backend, clock, _keep): (B, ManualClock, K),
) {
    let (id, first) = (id(), with_data(&clock, 5, b"first"));
    assert_eq!(save(&backend, &id, &first, SaveIf::Absent).await, Saved::Done);
    clock.advance(TimeDelta::hours(2));
    let second = with_data(&clock, 1, b"second");
    assert_eq!(save(&backend, &id, &second, SaveIf::Absent).await, Saved::Done);
    assert_eq!(load(&backend, &id).await, Some(second));
}

/// What another request saved meanwhile is not lost.
pub async fn version_mismatch_conflicts<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let (id, first) = (id(), with_data(&clock, 2, b"first"));
    assert_eq!(save(&backend, &id, &first, SaveIf::Absent).await, Saved::Done);
    for version in [0, 1, 3, u64::from(u32::MAX)] {
        let other = with_data(&clock, version + 1, b"other");
        let saved = save(&backend, &id, &other, SaveIf::Version(version)).await;
        assert_eq!(saved, Saved::Conflict, "version {version}");
    }
    assert_eq!(load(&backend, &id).await, Some(first));
}

/// The record with the version that was read is replaced, with the version that stands in the new one.
pub async fn matching_version_replaces<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let id = id();
    let (first, mut second) = (with_data(&clock, 1, b"first"), with_data(&clock, 2, b"second"));
    Arc::make_mut(&mut second).verifier = SessionKey::generate().verifier();
    assert_eq!(save(&backend, &id, &first, SaveIf::Absent).await, Saved::Done);
    assert_eq!(save(&backend, &id, &second, SaveIf::Version(1)).await, Saved::Done);
    assert_eq!(load(&backend, &id).await, Some(second.clone()));
    assert_eq!(save(&backend, &id, &first, SaveIf::Version(1)).await, Saved::Conflict);
    assert_eq!(load(&backend, &id).await, Some(second));
}

/// Logout is final, whatever request is still running.
pub async fn save_never_revives_a_deleted_session<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let (id, record) = (id(), with_data(&clock, 1, b"x"));
    assert_eq!(save(&backend, &id, &record, SaveIf::Absent).await, Saved::Done);
    assert!(backend.delete(&id).await.unwrap());
    let next = with_data(&clock, 2, b"y");
    assert_eq!(save(&backend, &id, &next, SaveIf::Version(1)).await, Saved::Gone);
    assert_eq!(load(&backend, &id).await, None);
}

/// Expiry is final, too.
pub async fn save_never_revives_an_expired_session<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let (id, record) = (id(), with_data(&clock, 1, b"x"));
    assert_eq!(save(&backend, &id, &record, SaveIf::Absent).await, Saved::Done);
    clock.advance(TimeDelta::hours(1));
    let next = with_data(&clock, 2, b"y");
    assert_eq!(save(&backend, &id, &next, SaveIf::Version(1)).await, Saved::Gone);
    assert_eq!(load(&backend, &id).await, None);
}

/// The first removal says that there was a session, the next that there was none.
pub async fn delete_is_idempotent<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let (id, record) = (id(), with_data(&clock, 1, b"x"));
    assert_eq!(save(&backend, &id, &record, SaveIf::Absent).await, Saved::Done);
    assert!(backend.delete(&id).await.unwrap());
    assert!(!backend.delete(&id).await.unwrap());
    assert!(!backend.exists(&id).await.unwrap());
}

/// From its expiry on there is no such session.
pub async fn expired_record_is_gone<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let (id, record) = (id(), with_data(&clock, 1, b"x"));
    assert_eq!(save(&backend, &id, &record, SaveIf::Absent).await, Saved::Done);
    clock.advance(TimeDelta::hours(1));
    assert_eq!(load(&backend, &id).await, None);
    assert!(!backend.exists(&id).await.unwrap());
    assert!(!backend.delete(&id).await.unwrap());
}

/// And until then there is one, to the microsecond.
pub async fn record_lives_until_the_moment_it_expires<B: SessionBackend, K>(
    (backend, clock, _keep): (B, ManualClock, K),
) {
    let (id, record) = (id(), with_data(&clock, 1, b"x"));
    assert_eq!(save(&backend, &id, &record, SaveIf::Absent).await, Saved::Done);
    clock.set(record.expires_at - TimeDelta::microseconds(1));
    assert_eq!(load(&backend, &id).await, Some(record.clone()));
    clock.set(record.expires_at);
    assert_eq!(load(&backend, &id).await, None);
}

/// `touch` keeps the version and the data, so that it conflicts with no save.
pub async fn touch_moves_the_expiry_and_nothing_else<B: SessionBackend, K>(
    (backend, clock, _keep): (B, ManualClock, K),
) {
    let (id, first) = (id(), with_data(&clock, 3, b"x"));
    assert_eq!(save(&backend, &id, &first, SaveIf::Absent).await, Saved::Done);
    clock.advance(TimeDelta::minutes(59));
    let (seen_at, expires_at) = (clock.now(), clock.now() + TimeDelta::hours(1));
    assert!(backend.touch(&id, seen_at, expires_at).await.unwrap());
    clock.advance(TimeDelta::minutes(59));
    let touched = SessionRecord { seen_at, expires_at, ..(*first).clone() };
    assert_eq!(load(&backend, &id).await.as_deref(), Some(&touched));
    let next = with_data(&clock, 4, b"y");
    assert_eq!(save(&backend, &id, &next, SaveIf::Version(3)).await, Saved::Done);
}

/// `touch` brings back neither an expired nor a deleted session.
pub async fn touch_never_revives<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let later = |clock: &ManualClock| -> DateTime<Utc> { clock.now() + TimeDelta::hours(1) };
    let (deleted, expired) = (id(), id());
    for id in [&deleted, &expired] {
        let record = with_data(&clock, 1, b"x");
        assert_eq!(save(&backend, id, &record, SaveIf::Absent).await, Saved::Done);
    }
    assert!(backend.delete(&deleted).await.unwrap());
    assert!(!backend.touch(&deleted, clock.now(), later(&clock)).await.unwrap());
    clock.advance(TimeDelta::hours(1));
    assert!(!backend.touch(&expired, clock.now(), later(&clock)).await.unwrap());
    for id in [&deleted, &expired] {
        assert_eq!(load(&backend, id).await, None);
    }
}

/// Of many who make a session under one id, one does.
pub async fn one_of_many_new_records_wins<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    const MANY: u8 = 16;
    let id = id();
    let saves = (0..MANY).map(|i| {
        let (backend, record) = (&backend, with_data(&clock, 1, &[i]));
        async move { backend.save(&id, record, SaveIf::Absent).await.unwrap() }
    });
    let results = at_once(saves).await;
    let winners: Vec<_> = (0..MANY).filter(|i| results[usize::from(*i)] == Saved::Done).collect();
    assert_eq!(winners.len(), 1, "{results:?}");
    assert_eq!(*load(&backend, &id).await.expect("it was saved").data, winners);
}

/// Of many who change the same version, one does; the others are told of it.
pub async fn one_of_many_saves_of_a_version_wins<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    const MANY: u8 = 16;
    let id = id();
    let first = with_data(&clock, 1, b"first");
    assert_eq!(save(&backend, &id, &first, SaveIf::Absent).await, Saved::Done);
    let saves = (0..MANY).map(|i| {
        let (backend, record) = (&backend, with_data(&clock, 2, &[i]));
        async move { backend.save(&id, record, SaveIf::Version(1)).await.unwrap() }
    });
    let results = at_once(saves).await;
    let winners: Vec<_> = (0..MANY).filter(|i| results[usize::from(*i)] == Saved::Done).collect();
    assert_eq!(winners.len(), 1, "{results:?}");
    assert!(results.iter().all(|saved| matches!(saved, Saved::Done | Saved::Conflict)));
    assert_eq!(*load(&backend, &id).await.expect("it was saved").data, winners);
}

/// However saves, touches and a removal fall together, the session is gone in the end.
pub async fn nothing_overtakes_a_delete<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    for _ in 0..8 {
        let id = id();
        let first = with_data(&clock, 1, b"first");
        assert_eq!(save(&backend, &id, &first, SaveIf::Absent).await, Saved::Done);
        let (backend, clock) = (&backend, &clock);
        let work = (0..6_u8).map(|i| async move {
            match i {
                3 => _ = backend.delete(&id).await.unwrap(),
                0 | 4 => {
                    let later = clock.now() + TimeDelta::hours(1);
                    backend.touch(&id, clock.now(), later).await.unwrap();
                }
                _ => {
                    let next = with_data(clock, 2, &[i]);
                    let _ = backend.save(&id, next, SaveIf::Version(1)).await.unwrap();
                }
            }
        });
        at_once(work).await;
        assert_eq!(load(backend, &id).await, None);
    }
}

/// The dictionary is bytes to the store, whatever they are.
pub async fn any_bytes_are_data<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let all: Vec<u8> = (0..=255).collect();
    for data in [&b""[..], b"\0", b"\xff\xfe", b"'; DROP TABLE auth_session; --", &all] {
        let (id, record) = (id(), with_data(&clock, 1, data));
        assert_eq!(save(&backend, &id, &record, SaveIf::Absent).await, Saved::Done);
        assert_eq!(load(&backend, &id).await, Some(record));
    }
}

/// A megabyte is no less a session.
pub async fn a_megabyte_is_kept<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let data: Vec<u8> = (0..1 << 20).map(|i: u32| i.to_le_bytes()[0] ^ i.to_le_bytes()[1]).collect();
    let (id, record) = (id(), with_data(&clock, 1, &data));
    assert_eq!(save(&backend, &id, &record, SaveIf::Absent).await, Saved::Done);
    assert_eq!(load(&backend, &id).await, Some(record));
}

/// Ids that differ in one bit are different sessions.
pub async fn ids_are_kept_apart<B: SessionBackend, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let first = *id().as_bytes();
    let mut ids = vec![first];
    for byte in [0, 1, 15, 16, 31] {
        for bit in [0x01, 0x20, 0x80] {
            let mut other = first;
            other[byte] ^= bit;
            ids.push(other);
        }
    }
    for (i, bytes) in (0..).zip(&ids) {
        let record = with_data(&clock, 1, &[i]);
        let id = SessionDigest::from_bytes(*bytes);
        assert_eq!(save(&backend, &id, &record, SaveIf::Absent).await, Saved::Done);
    }
    assert!(backend.delete(&SessionDigest::from_bytes(ids[1])).await.unwrap());
    for (i, bytes) in (0..).zip(&ids) {
        let found = load(&backend, &SessionDigest::from_bytes(*bytes)).await;
        let expected = (i != 1).then_some(i);
        assert_eq!(found.map(|record| record.data[0]), expected);
    }
}
