//! What every [`UserSessions`] must hold to, one function for each promise.
//!
//! `user_sessions_suite!` makes a test of each; it is given the same function as
//! [`session_backend_suite!`](crate::session_backend_suite).

use std::sync::Arc;

use chrono::TimeDelta;

use super::{ManualClock, at_once};
use crate::clock::Clock as _;
use crate::sessions::{
    Login, SaveIf, Saved, SessionDigest, SessionError, SessionKey, SessionLimit, SessionRecord, UserSessions,
};

/// Makes a test of each promise of `UserSessions`. See `auth::testing::user_sessions`.
#[macro_export]
macro_rules! user_sessions_suite {
    (@promises [$($how:tt)*]) => {
        $crate::__suite! {
            $($how)*, user_sessions:
            nobody_has_no_sessions,
            a_users_sessions_are_listed_newest_first,
            a_listed_session_is_whole,
            a_deleted_session_is_not_listed,
            an_expired_session_is_not_listed,
            a_touched_session_stays_listed,
            a_login_moves_a_session_to_its_user,
            a_session_in_the_place_of_an_expired_one_is_its_users,
            a_refused_save_changes_no_list,
            a_session_is_ended_by_its_user_only,
            all_but_one_are_ended,
            all_are_ended,
            an_ended_session_is_never_revived,
            ids_that_look_alike_are_kept_apart,
            lists_agree_with_records_after_a_race,
            within_the_limit_it_is_a_save,
            one_too_many_is_refused,
            one_too_many_ends_the_oldest,
            a_limit_counts_live_sessions_of_one_user,
            a_refused_login_changes_nothing,
            logins_that_meet_stay_within_the_limit,
            the_oldest_make_room_for_logins_that_meet,
        }
    };
    (await $fixture:expr) => {
        $crate::user_sessions_suite! { @promises [await $fixture] }
    };
    ($(#[$attribute:meta])* $fixture:path) => {
        $crate::user_sessions_suite! { @promises [[$(#[$attribute])*] $fixture] }
    };
}

fn id() -> SessionDigest {
    SessionKey::generate().digest()
}

/// A record that lives for an hour.
fn record(clock: &ManualClock, version: u64, user_id: Option<&str>) -> Arc<SessionRecord> {
    let now = clock.now();
    let mut record = SessionRecord::new(now, now + TimeDelta::hours(1), now + TimeDelta::hours(24));
    record.version = version;
    record.login = user_id.map(|user_id| Login::new(user_id, [3; 32], now));
    Arc::new(record)
}

async fn begin(backend: &impl UserSessions, clock: &ManualClock, user_id: &str) -> SessionDigest {
    let id = id();
    let saved = backend.save(&id, record(clock, 1, Some(user_id)), SaveIf::Absent).await.unwrap();
    assert_eq!(saved, Saved::Done);
    id
}

async fn replace(backend: &impl UserSessions, id: &SessionDigest, record: &Arc<SessionRecord>) -> Saved {
    backend.save(id, record.clone(), SaveIf::Version(record.version - 1)).await.unwrap()
}

/// The ids in the list, which agrees with the count.
async fn list(backend: &impl UserSessions, user_id: &str) -> Vec<SessionDigest> {
    let ids: Vec<_> = backend.sessions_of(user_id).await.unwrap().into_iter().map(|session| session.id).collect();
    assert_eq!(backend.count_of(user_id).await.unwrap(), ids.len() as u64);
    ids
}

/// Who never logged in has none, and nothing can be ended.
pub async fn nobody_has_no_sessions<B: UserSessions, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let saved = backend.save(&id(), record(&clock, 1, None), SaveIf::Absent).await.unwrap();
    assert_eq!(saved, Saved::Done);
    for user_id in ["1", ""] {
        assert_eq!(list(&backend, user_id).await, []);
        assert!(!backend.delete_of(user_id, &id()).await.unwrap());
        assert_eq!(backend.delete_all_of(user_id, None).await.unwrap(), 0);
    }
}

/// Those of others, and those that nobody is logged in to, are not among them.
pub async fn a_users_sessions_are_listed_newest_first<B: UserSessions, K>(
    (backend, clock, _keep): (B, ManualClock, K),
) {
    let mut expected = Vec::new();
    for _ in 0..3 {
        begin(&backend, &clock, "2").await;
        expected.insert(0, begin(&backend, &clock, "1").await);
        clock.advance(TimeDelta::microseconds(1));
    }
    assert_eq!(list(&backend, "1").await, expected);
    assert_eq!(list(&backend, "2").await.len(), 3);
}

/// The record is the one that a load gives.
pub async fn a_listed_session_is_whole<B: UserSessions, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let (id, mut record) = (id(), record(&clock, 1, Some("ключ 🔑 'x\"")));
    Arc::make_mut(&mut record).data = b"\x01{\"a\":1}".as_slice().into();
    assert_eq!(backend.save(&id, record.clone(), SaveIf::Absent).await.unwrap(), Saved::Done);
    let sessions = backend.sessions_of("ключ 🔑 'x\"").await.unwrap();
    assert_eq!(sessions.len(), 1);
    assert_eq!((sessions[0].id, &sessions[0].record), (id, &record));
}

/// However it was ended.
pub async fn a_deleted_session_is_not_listed<B: UserSessions, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let (first, second) = (begin(&backend, &clock, "1").await, begin(&backend, &clock, "1").await);
    assert!(backend.delete(&first).await.unwrap());
    assert_eq!(list(&backend, "1").await, [second]);
    let mut ended = record(&clock, 2, Some("1"));
    Arc::make_mut(&mut ended).expires_at = clock.now();
    assert_eq!(replace(&backend, &second, &ended).await, Saved::Done);
    assert_eq!(list(&backend, "1").await, []);
}

/// And it cannot be ended again.
pub async fn an_expired_session_is_not_listed<B: UserSessions, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let first = begin(&backend, &clock, "1").await;
    clock.advance(TimeDelta::minutes(30));
    let second = begin(&backend, &clock, "1").await;
    clock.advance(TimeDelta::minutes(30));
    assert_eq!(list(&backend, "1").await, [second]);
    assert!(!backend.delete_of("1", &first).await.unwrap());
    assert_eq!(backend.delete_all_of("1", None).await.unwrap(), 1);
}

/// With the moments that it was touched with.
pub async fn a_touched_session_stays_listed<B: UserSessions, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let id = begin(&backend, &clock, "1").await;
    clock.advance(TimeDelta::minutes(59));
    let (seen_at, expires_at) = (clock.now(), clock.now() + TimeDelta::hours(1));
    assert!(backend.touch(&id, seen_at, expires_at).await.unwrap());
    clock.advance(TimeDelta::minutes(59));
    begin(&backend, &clock, "1").await;
    let sessions = backend.sessions_of("1").await.unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!((sessions[1].id, sessions[1].record.seen_at), (id, seen_at));
    assert_eq!(sessions[1].record.expires_at, expires_at);
}

/// Nobody's becomes somebody's, then somebody else's, then nobody's.
pub async fn a_login_moves_a_session_to_its_user<B: UserSessions, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let id = id();
    assert_eq!(backend.save(&id, record(&clock, 1, None), SaveIf::Absent).await.unwrap(), Saved::Done);
    for (version, user_id) in [(2, Some("1")), (3, Some("1")), (4, Some("2")), (5, None)] {
        assert_eq!(replace(&backend, &id, &record(&clock, version, user_id)).await, Saved::Done);
        for listed in ["1", "2"] {
            let expected: &[_] = if user_id == Some(listed) { &[id] } else { &[] };
            assert_eq!(list(&backend, listed).await, expected, "{user_id:?}");
        }
    }
    assert!(!backend.delete_of("1", &id).await.unwrap());
    assert!(backend.exists(&id).await.unwrap());
}

/// What the expired one was listed under does not stay.
pub async fn a_session_in_the_place_of_an_expired_one_is_its_users<B: UserSessions, K>(
    (backend, clock, _keep): (B, ManualClock, K),
) {
    let id = begin(&backend, &clock, "1").await;
    clock.advance(TimeDelta::hours(1));
    assert_eq!(backend.save(&id, record(&clock, 1, Some("2")), SaveIf::Absent).await.unwrap(), Saved::Done);
    assert_eq!(list(&backend, "1").await, []);
    assert_eq!(list(&backend, "2").await, [id]);
}

/// Neither one that conflicts nor one that comes too late.
pub async fn a_refused_save_changes_no_list<B: UserSessions, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let (kept, ended) = (begin(&backend, &clock, "1").await, begin(&backend, &clock, "1").await);
    assert!(backend.delete(&ended).await.unwrap());
    let other = record(&clock, 5, Some("2"));
    assert_eq!(replace(&backend, &kept, &other).await, Saved::Conflict);
    assert_eq!(backend.save(&kept, other.clone(), SaveIf::Absent).await.unwrap(), Saved::Conflict);
    assert_eq!(replace(&backend, &ended, &other).await, Saved::Gone);
    assert!(!backend.touch(&ended, clock.now(), clock.now() + TimeDelta::hours(1)).await.unwrap());
    assert_eq!(list(&backend, "1").await, [kept]);
    assert_eq!(list(&backend, "2").await, []);
}

/// A digest from outside ends nobody else's session.
pub async fn a_session_is_ended_by_its_user_only<B: UserSessions, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let (theirs, ours) = (begin(&backend, &clock, "1").await, begin(&backend, &clock, "2").await);
    assert!(!backend.delete_of("2", &theirs).await.unwrap());
    assert!(!backend.delete_of("", &theirs).await.unwrap());
    assert!(backend.exists(&theirs).await.unwrap());
    assert!(backend.delete_of("2", &ours).await.unwrap());
    assert!(!backend.delete_of("2", &ours).await.unwrap());
    assert_eq!(backend.load(&ours).await.unwrap(), None);
    assert_eq!(list(&backend, "1").await, [theirs]);
}

/// "Log out everywhere else."
pub async fn all_but_one_are_ended<B: UserSessions, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let others = [begin(&backend, &clock, "1").await, begin(&backend, &clock, "1").await];
    let (this, theirs) = (begin(&backend, &clock, "1").await, begin(&backend, &clock, "2").await);
    assert_eq!(backend.delete_all_of("1", Some(&this)).await.unwrap(), 2);
    for other in others {
        assert_eq!(backend.load(&other).await.unwrap(), None);
    }
    assert_eq!(list(&backend, "1").await, [this]);
    assert_eq!(backend.delete_all_of("1", Some(&theirs)).await.unwrap(), 1, "somebody else's session is no exception");
    assert_eq!(list(&backend, "2").await, [theirs]);
}

/// And those of others are left alone.
pub async fn all_are_ended<B: UserSessions, K>((backend, clock, _keep): (B, ManualClock, K)) {
    for _ in 0..40 {
        begin(&backend, &clock, "1").await;
    }
    let theirs = begin(&backend, &clock, "2").await;
    assert_eq!(backend.delete_all_of("1", None).await.unwrap(), 40);
    assert_eq!(list(&backend, "1").await, []);
    assert_eq!(list(&backend, "2").await, [theirs]);
}

/// A request that still runs does not bring it back.
pub async fn an_ended_session_is_never_revived<B: UserSessions, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let (first, second) = (begin(&backend, &clock, "1").await, begin(&backend, &clock, "1").await);
    assert!(backend.delete_of("1", &first).await.unwrap());
    assert_eq!(backend.delete_all_of("1", None).await.unwrap(), 1);
    for id in [first, second] {
        assert_eq!(replace(&backend, &id, &record(&clock, 2, Some("1"))).await, Saved::Gone);
        assert!(!backend.touch(&id, clock.now(), clock.now() + TimeDelta::hours(1)).await.unwrap());
    }
    assert_eq!(list(&backend, "1").await, []);
}

/// Keys are compared by their bytes.
pub async fn ids_that_look_alike_are_kept_apart<B: UserSessions, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let users =
        ["a", "A", "ä", "a\u{308}", "a:b", "a*", "a%", "user:a", "1", "01", &"x".repeat(255), &"🔑".repeat(255)];
    let mut ids = Vec::new();
    for user_id in users {
        ids.push(begin(&backend, &clock, user_id).await);
    }
    for (user_id, id) in users.into_iter().zip(&ids) {
        assert_eq!(list(&backend, user_id).await, [*id], "{user_id}");
    }
    assert_eq!(backend.delete_all_of("a", None).await.unwrap(), 1);
    assert_eq!(list(&backend, "A").await, [ids[1]]);
}

/// However saves, logins, touches and removals of one user's sessions fall together.
pub async fn lists_agree_with_records_after_a_race<B: UserSessions, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let users = ["1", "2"];
    for _ in 0..4 {
        let mut ids = Vec::new();
        for user_id in users {
            ids.extend([begin(&backend, &clock, user_id).await, begin(&backend, &clock, user_id).await]);
        }
        let (backend, clock, ids) = (&backend, &clock, &ids);
        at_once((0..16_usize).map(|i| async move {
            let (id, user_id) = (&ids[i % 4], users[(i / 4) % 2]);
            match (i / 4 + i) % 4 {
                0 => _ = replace(backend, id, &record(clock, 2, Some(user_id))).await,
                1 => _ = backend.touch(id, clock.now(), clock.now() + TimeDelta::hours(2)).await.unwrap(),
                2 if i > 8 => _ = backend.delete_of(user_id, id).await.unwrap(),
                2 => _ = backend.delete_all_of(user_id, Some(id)).await.unwrap(),
                _ => _ = begin(backend, clock, user_id).await,
            }
        }))
        .await;
        for user_id in users {
            let listed = list(backend, user_id).await;
            for id in ids {
                let found = backend.load(id).await.unwrap();
                let theirs = found.is_some_and(|record| record.login.as_ref().unwrap().user_id == user_id);
                assert_eq!(listed.contains(id), theirs);
            }
        }
    }
}

async fn log_in(
    backend: &impl UserSessions,
    clock: &ManualClock,
    user_id: &str,
    limit: SessionLimit,
) -> Result<SessionDigest, SessionError> {
    let id = id();
    let saved = backend.save_within(&id, record(clock, 1, Some(user_id)), SaveIf::Absent, limit).await?;
    assert_eq!(saved, Saved::Done);
    clock.advance(TimeDelta::microseconds(1));
    Ok(id)
}

fn is_refused<T>(result: &Result<T, SessionError>, most: usize) -> bool {
    matches!(result, Err(SessionError::LimitReached { max }) if *max == most)
}

/// With all that belongs to one.
pub async fn within_the_limit_it_is_a_save<B: UserSessions, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let limit = SessionLimit::refuse(1);
    let (first, nobodys) = (log_in(&backend, &clock, "1", limit).await.unwrap(), id());
    let again = record(&clock, 1, Some("1"));
    assert_eq!(backend.save_within(&first, again, SaveIf::Absent, limit).await.unwrap(), Saved::Conflict);
    for (version, expected) in [(3, Saved::Conflict), (2, Saved::Done)] {
        let next = record(&clock, version, Some("1"));
        let saved = backend.save_within(&first, next, SaveIf::Version(version - 1), limit).await.unwrap();
        assert_eq!(saved, expected, "its own place is not another's");
    }
    let gone = record(&clock, 2, Some("2"));
    assert_eq!(backend.save_within(&id(), gone, SaveIf::Version(1), limit).await.unwrap(), Saved::Gone);
    for version in [1, 2] {
        let condition = if version == 1 { SaveIf::Absent } else { SaveIf::Version(1) };
        let saved = backend.save_within(&nobodys, record(&clock, version, None), condition, limit).await.unwrap();
        assert_eq!(saved, Saved::Done);
    }
    assert_eq!(list(&backend, "1").await, [first]);
    assert_eq!(list(&backend, "2").await, []);
}

/// Until one of the others ends.
pub async fn one_too_many_is_refused<B: UserSessions, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let limit = SessionLimit::refuse(2);
    let first = log_in(&backend, &clock, "1", limit).await.unwrap();
    let second = log_in(&backend, &clock, "1", limit).await.unwrap();
    assert!(is_refused(&log_in(&backend, &clock, "1", limit).await, 2));
    assert_eq!(list(&backend, "1").await, [second, first]);
    assert!(backend.delete(&first).await.unwrap());
    let third = log_in(&backend, &clock, "1", limit).await.unwrap();
    assert_eq!(list(&backend, "1").await, [third, second]);
    // An anonymous session that becomes a login counts as one.
    let anonymous = id();
    let saved = backend.save(&anonymous, record(&clock, 1, None), SaveIf::Absent).await.unwrap();
    assert_eq!(saved, Saved::Done);
    let login = record(&clock, 2, Some("1"));
    let refused = backend.save_within(&anonymous, login.clone(), SaveIf::Version(1), limit).await;
    assert!(is_refused(&refused, 2));
    assert!(backend.delete(&second).await.unwrap());
    let saved = backend.save_within(&anonymous, login, SaveIf::Version(1), limit).await.unwrap();
    assert_eq!(saved, Saved::Done);
    assert_eq!(list(&backend, "1").await.len(), 2);
}

/// And never another user's.
pub async fn one_too_many_ends_the_oldest<B: UserSessions, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let others = begin(&backend, &clock, "2").await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.insert(0, log_in(&backend, &clock, "1", SessionLimit::end_oldest(3)).await.unwrap());
    }
    assert_eq!(list(&backend, "1").await, ids[..3]);
    assert_eq!(backend.load(&ids[3]).await.unwrap(), None);
    // A stricter limit counts from the next login on.
    let last = log_in(&backend, &clock, "1", SessionLimit::end_oldest(1)).await.unwrap();
    assert_eq!(list(&backend, "1").await, [last]);
    assert_eq!(list(&backend, "2").await, [others]);
}

/// Expired and ended ones leave their place, others' never took one.
pub async fn a_limit_counts_live_sessions_of_one_user<B: UserSessions, K>(
    (backend, clock, _keep): (B, ManualClock, K),
) {
    let limit = SessionLimit::refuse(1);
    let first = log_in(&backend, &clock, "1", limit).await.unwrap();
    log_in(&backend, &clock, "11", limit).await.unwrap();
    let mut ended = record(&clock, 2, Some("1"));
    Arc::make_mut(&mut ended).expires_at = clock.now();
    assert_eq!(replace(&backend, &first, &ended).await, Saved::Done);
    log_in(&backend, &clock, "1", limit).await.unwrap();
    assert!(is_refused(&log_in(&backend, &clock, "1", limit).await, 1));
    clock.advance(TimeDelta::hours(1));
    let last = log_in(&backend, &clock, "1", limit).await.unwrap();
    assert_eq!(list(&backend, "1").await, [last]);
    assert_eq!(backend.delete_all_of("1", None).await.unwrap(), 1);
    log_in(&backend, &clock, "1", limit).await.unwrap();
}

/// Not even the record in whose place it would have stood.
pub async fn a_refused_login_changes_nothing<B: UserSessions, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let limit = SessionLimit::refuse(1);
    let first = log_in(&backend, &clock, "1", limit).await.unwrap();
    let other = begin(&backend, &clock, "2").await;
    let before = backend.load(&other).await.unwrap();
    let login = record(&clock, 2, Some("1"));
    assert!(is_refused(&backend.save_within(&other, login, SaveIf::Version(1), limit).await, 1));
    assert_eq!(backend.load(&other).await.unwrap(), before);
    assert_eq!(list(&backend, "1").await, [first]);
    assert_eq!(list(&backend, "2").await, [other]);
}

const MANY: usize = 24;

/// As many are let in as there is room for: no more, and no fewer.
pub async fn logins_that_meet_stay_within_the_limit<B: UserSessions, K>((backend, clock, _keep): (B, ManualClock, K)) {
    let limit = SessionLimit::refuse(3);
    let (backend, clock) = (&backend, &clock);
    let logins = (0..MANY).map(|_| async move { log_in(backend, clock, "1", limit).await });
    let results = at_once(logins).await;
    let (inside, outside): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(inside.len(), 3);
    assert!(outside.iter().all(|result| is_refused(result, 3)), "{outside:?}");
    let mut ids: Vec<_> = inside.into_iter().flatten().collect();
    let mut listed = list(backend, "1").await;
    ids.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, ids);
}

/// Never are there more, while they come in or after.
pub async fn the_oldest_make_room_for_logins_that_meet<B: UserSessions, K>(
    (backend, clock, _keep): (B, ManualClock, K),
) {
    let limit = SessionLimit::end_oldest(3);
    let (backend, clock) = (&backend, &clock);
    let logins = (0..MANY).map(|_| async move {
        log_in(backend, clock, "1", limit).await.expect("the oldest makes room");
        assert!(backend.count_of("1").await.unwrap() <= 3);
    });
    at_once(logins).await;
    assert_eq!(list(backend, "1").await.len(), 3);
}
