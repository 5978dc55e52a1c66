//! What every [`TokenBlacklist`] promises. `auth::token_blacklist_suite!(blacklist)` makes a test of each promise.
//!
//! It is given an async function that makes an empty blacklist, the clock that it goes by, and whatever must live as long as
//! the test:
//!
//! ```
//! use std::sync::Arc;
//!
//! use auth::testing::ManualClock;
//! use auth::tokens::InMemoryBlacklist;
//!
//! async fn blacklist() -> (InMemoryBlacklist, ManualClock, ()) {
//!     let clock = ManualClock::new();
//!     (InMemoryBlacklist::with_clock(Arc::new(clock.clone())), clock, ())
//! }
//!
//! # #[cfg(any())]
//! auth::token_blacklist_suite!(blacklist);
//! # fn main() {}
//! ```

use chrono::{DateTime, TimeDelta, Utc};

use super::{ManualClock, at_once};
use crate::clock::Clock as _;
use crate::tokens::BlacklistReason::{Compromised, Logout, ManualRevoke, Rotated};
use crate::tokens::{BlacklistReason, TokenBlacklist, TokenError};

/// Makes a test of each promise of `TokenBlacklist`. See `auth::testing::token_blacklist`.
#[macro_export]
macro_rules! token_blacklist_suite {
    ($(#[$attribute:meta])* $fixture:path) => {
        $crate::__suite! {
            [$(#[$attribute])*] $fixture, token_blacklist:
            nothing_is_blacklisted_at_first,
            a_token_is_blacklisted_until_it_expires,
            a_second_entry_loosens_nothing,
            a_users_tokens_are_blacklisted_before_a_moment,
            an_earlier_moment_loosens_nothing,
            any_of_several_ids_counts,
            tokens_and_users_do_not_meet,
            any_text_is_an_id,
            the_latest_of_many_moments_holds,
            entries_are_counted_and_cleaned_up,
        }
    };
}

const HOUR: TimeDelta = TimeDelta::hours(1);

async fn check(
    blacklist: &impl TokenBlacklist,
    ids: &[&str],
    user_id: &str,
    issued_at: DateTime<Utc>,
) -> Option<BlacklistReason> {
    blacklist.check(ids, user_id, issued_at).await.expect("the store works")
}

/// Neither a token nor a user.
pub async fn nothing_is_blacklisted_at_first<B: TokenBlacklist, K>((blacklist, clock, _keep): (B, ManualClock, K)) {
    assert_eq!(blacklist.is_blacklisted("jti").await.unwrap(), None);
    assert_eq!(blacklist.revoked_before("ada").await.unwrap(), None);
    assert_eq!(check(&blacklist, &["jti", "family"], "ada", clock.now()).await, None);
    assert_eq!(check(&blacklist, &[], "ada", clock.now()).await, None);
}

/// With the reason that was given.
pub async fn a_token_is_blacklisted_until_it_expires<B: TokenBlacklist, K>(
    (blacklist, clock, _keep): (B, ManualClock, K),
) {
    for (jti, reason) in [("a", Logout), ("b", Compromised), ("c", ManualRevoke), ("d", Rotated)] {
        blacklist.blacklist(jti, clock.now() + HOUR, reason).await.unwrap();
        assert_eq!(blacklist.is_blacklisted(jti).await.unwrap(), Some(reason));
        assert_eq!(check(&blacklist, &[jti], "ada", clock.now()).await, Some(reason));
    }
    assert_eq!(blacklist.is_blacklisted("e").await.unwrap(), None);
    clock.advance(HOUR - TimeDelta::milliseconds(1));
    assert_eq!(blacklist.is_blacklisted("a").await.unwrap(), Some(Logout));
    clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(blacklist.is_blacklisted("a").await.unwrap(), None);
}

/// It stays for the longest time that was asked for, with the reason that was given first.
pub async fn a_second_entry_loosens_nothing<B: TokenBlacklist, K>((blacklist, clock, _keep): (B, ManualClock, K)) {
    let began = clock.now();
    for (hours, reason) in [(2, Compromised), (1, Logout), (3, Rotated), (0, Logout)] {
        blacklist.blacklist("jti", began + HOUR * hours, reason).await.unwrap();
        assert_eq!(blacklist.is_blacklisted("jti").await.unwrap(), Some(Compromised));
    }
    clock.set(began + HOUR * 3 - TimeDelta::seconds(1));
    assert_eq!(blacklist.is_blacklisted("jti").await.unwrap(), Some(Compromised));
    clock.advance(TimeDelta::seconds(1));
    assert_eq!(blacklist.is_blacklisted("jti").await.unwrap(), None);
}

/// Those issued at that moment or later are welcome, and so is everybody else.
pub async fn a_users_tokens_are_blacklisted_before_a_moment<B: TokenBlacklist, K>(
    (blacklist, clock, _keep): (B, ManualClock, K),
) {
    let moment = DateTime::from_timestamp(clock.now().timestamp(), 0).unwrap();
    blacklist.blacklist_user("ada", moment, moment + HOUR, ManualRevoke).await.unwrap();
    assert_eq!(check(&blacklist, &["a"], "ada", moment - TimeDelta::milliseconds(1)).await, Some(ManualRevoke));
    assert_eq!(check(&blacklist, &["a"], "ada", DateTime::<Utc>::MIN_UTC).await, Some(ManualRevoke));
    assert_eq!(check(&blacklist, &["a"], "ada", moment).await, None);
    assert_eq!(check(&blacklist, &["a"], "bob", moment - HOUR).await, None);
    assert_eq!(blacklist.revoked_before("ada").await.unwrap(), Some(moment));
    // A part of a millisecond is not lost.
    blacklist.blacklist_user("bob", moment + TimeDelta::microseconds(1), moment + HOUR, Logout).await.unwrap();
    assert_eq!(check(&blacklist, &[], "bob", moment).await, Some(Logout));
    clock.advance(HOUR * 2);
    assert_eq!(check(&blacklist, &["a"], "ada", moment - HOUR).await, None);
}

/// Nor a shorter time.
pub async fn an_earlier_moment_loosens_nothing<B: TokenBlacklist, K>((blacklist, clock, _keep): (B, ManualClock, K)) {
    let moment = DateTime::from_timestamp(clock.now().timestamp(), 0).unwrap();
    for (before, kept, reason) in [(0, 3, Compromised), (-2, 9, Logout), (-9, 1, Logout), (0, 2, Logout)] {
        blacklist.blacklist_user("ada", moment + HOUR * before, moment + HOUR * kept, reason).await.unwrap();
        assert_eq!(check(&blacklist, &[], "ada", moment - TimeDelta::seconds(1)).await, Some(Compromised));
    }
    clock.set(moment + HOUR * 9 - TimeDelta::seconds(1));
    assert_eq!(check(&blacklist, &[], "ada", moment - TimeDelta::seconds(1)).await, Some(Compromised));
    blacklist.blacklist_user("ada", moment + HOUR, moment + HOUR, Logout).await.unwrap();
    assert_eq!(check(&blacklist, &[], "ada", moment).await, Some(Logout));
    assert_eq!(blacklist.revoked_before("ada").await.unwrap(), Some(moment + HOUR));
}

/// A token, its family.
pub async fn any_of_several_ids_counts<B: TokenBlacklist, K>((blacklist, clock, _keep): (B, ManualClock, K)) {
    blacklist.blacklist("family", clock.now() + HOUR, Compromised).await.unwrap();
    for ids in [&["family", "jti"][..], &["jti", "family"], &["family"]] {
        assert_eq!(check(&blacklist, ids, "ada", clock.now()).await, Some(Compromised));
    }
    assert_eq!(check(&blacklist, &["jti"], "ada", clock.now()).await, None);
}

/// A token and a user of the same id are two things.
pub async fn tokens_and_users_do_not_meet<B: TokenBlacklist, K>((blacklist, clock, _keep): (B, ManualClock, K)) {
    let (now, end) = (clock.now(), clock.now() + HOUR);
    blacklist.blacklist("7", end, Logout).await.unwrap();
    assert_eq!(check(&blacklist, &["8"], "7", now - HOUR).await, None);
    assert_eq!(blacklist.revoked_before("7").await.unwrap(), None);
    blacklist.blacklist_user("8", now, end, Logout).await.unwrap();
    assert_eq!(check(&blacklist, &["8"], "9", now - HOUR).await, None);
    assert_eq!(blacklist.is_blacklisted("8").await.unwrap(), None);
}

/// However long, whatever stands in it; no two are the same.
pub async fn any_text_is_an_id<B: TokenBlacklist, K>((blacklist, clock, _keep): (B, ManualClock, K)) {
    let long = "x".repeat(10_000);
    for id in ["", " ", "a\0b", "\u{1f511}", "A", &long] {
        blacklist.blacklist(id, clock.now() + HOUR, Logout).await.unwrap();
        assert_eq!(blacklist.is_blacklisted(id).await.unwrap(), Some(Logout), "{id:?}");
        blacklist.blacklist_user(id, clock.now(), clock.now() + HOUR, Logout).await.unwrap();
        assert_eq!(check(&blacklist, &[], id, clock.now() - HOUR).await, Some(Logout), "{id:?}");
    }
    for id in ["  ", "a", "a\0", &long[1..]] {
        assert_eq!(blacklist.is_blacklisted(id).await.unwrap(), None, "{id:?}");
    }
}

/// In whatever order they arrive.
pub async fn the_latest_of_many_moments_holds<B: TokenBlacklist, K>((blacklist, clock, _keep): (B, ManualClock, K)) {
    let (now, blacklist) = (DateTime::from_timestamp(clock.now().timestamp(), 0).unwrap(), &blacklist);
    let said = at_once((0..16).map(|i| async move {
        let before = now + TimeDelta::seconds((i * 7) % 16);
        blacklist.blacklist_user("ada", before, now + HOUR, Logout).await
    }));
    assert!(said.await.into_iter().all(|said| said.is_ok()));
    assert_eq!(blacklist.revoked_before("ada").await.unwrap(), Some(now + TimeDelta::seconds(15)));
}

/// A store that cannot count says so.
pub async fn entries_are_counted_and_cleaned_up<B: TokenBlacklist, K>((blacklist, clock, _keep): (B, ManualClock, K)) {
    for jti in ["a", "b"] {
        blacklist.blacklist(jti, clock.now() + HOUR, Logout).await.unwrap();
    }
    blacklist.blacklist_user("ada", clock.now(), clock.now() + HOUR * 3, Logout).await.unwrap();
    match blacklist.statistics().await {
        Ok(statistics) => assert_eq!(statistics.entries, 3),
        Err(error) => assert!(matches!(error, TokenError::Configuration(_)), "{error:?}"),
    }
    clock.advance(HOUR * 2);
    let cleaned = [blacklist.cleanup_expired(10).await.unwrap(), blacklist.cleanup_expired(10).await.unwrap()];
    assert!([[2, 0], [0, 0]].contains(&cleaned), "{cleaned:?}");
    assert!(blacklist.revoked_before("ada").await.unwrap().is_some());
}
