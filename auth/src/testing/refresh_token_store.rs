//! What every [`RefreshTokenStore`] promises, told by what rotation does on it. `auth::refresh_token_store_suite!(store)`
//! makes a test of each promise.
//!
//! It is given an async function that makes an empty store, the clock that it goes by, and whatever must live as long as the
//! test:
//!
//! ```
//! use std::sync::Arc;
//!
//! use auth::testing::ManualClock;
//! use auth::tokens::InMemoryRefreshStore;
//!
//! async fn store() -> (InMemoryRefreshStore, ManualClock, ()) {
//!     let clock = ManualClock::new();
//!     (InMemoryRefreshStore::with_clock(Arc::new(clock.clone())), clock, ())
//! }
//!
//! # #[cfg(any())]
//! auth::refresh_token_store_suite!(store);
//! # fn main() {}
//! ```

use std::sync::Arc;

use chrono::{SubsecRound as _, TimeDelta};

use super::{ManualClock, at_once};
use crate::clock::Clock as _;
use crate::secret::{SecretKey, SecretString};
use crate::tokens::{
    RefreshGrant, RefreshRefused, RefreshTokenStore, RotatedToken, Rotation, TokenError, TokenLogin,
    TokenRotationManager,
};

/// Makes a test of each promise of `RefreshTokenStore`. See `auth::testing::refresh_token_store`.
#[macro_export]
macro_rules! refresh_token_store_suite {
    ($(#[$attribute:meta])* $fixture:path) => {
        $crate::__suite! {
            [$(#[$attribute])*] $fixture, refresh_token_store:
            every_use_gives_the_next_token,
            a_grant_stays_what_it_was,
            a_used_token_ends_its_family,
            a_hundred_uses_at_once_end_the_family,
            another_client_ends_the_family,
            what_was_not_issued_here_ends_nothing,
            an_unused_family_ends,
            a_used_family_ends_in_the_end,
            shorter_limits_hold_at_once,
            a_revoked_family_is_gone,
            families_of_a_user_are_told_and_end_together,
            a_rotation_never_outlives_a_revocation,
            families_are_counted_and_cleaned_up,
        }
    };
}

fn manager<S: RefreshTokenStore>(store: S, clock: &ManualClock) -> TokenRotationManager {
    TokenRotationManager::new(Arc::new(store), &SecretKey::random()).with_clock(Arc::new(clock.clone()))
}

fn grant(user_id: &str) -> RefreshGrant {
    let (client_id, scope) = (Some("app".to_owned()), Some("blog.read_post".to_owned()));
    let login = Some(TokenLogin { auth_time: 1_700_000_000, amr: vec!["pwd".to_owned(), "otp".to_owned()] });
    RefreshGrant { user_id: user_id.to_owned(), credential: 7, client_id, scope, login }
}

async fn begun(manager: &TokenRotationManager, user_id: &str) -> SecretString {
    manager.begin(grant(user_id)).await.expect("the store works").token
}

async fn rotate(manager: &TokenRotationManager, token: &SecretString) -> Rotation {
    manager.rotate(token.expose(), Some("app")).await.expect("the store works")
}

async fn rotated(manager: &TokenRotationManager, token: &SecretString) -> RotatedToken {
    match rotate(manager, token).await {
        Rotation::Rotated(rotated) => rotated,
        other => panic!("{other:?}"),
    }
}

async fn assert_ended(manager: &TokenRotationManager, token: &SecretString) {
    assert!(matches!(rotate(manager, token).await, Rotation::Ended { .. }));
    assert_eq!(manager.family_of(token.expose()).await.unwrap(), None);
}

/// In the same family, again and again.
pub async fn every_use_gives_the_next_token<S: RefreshTokenStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    let manager = manager(store, &clock);
    let begun = manager.begin(grant("ada")).await.unwrap();
    let mut token = begun.token;
    for generation in 1..10 {
        clock.advance(TimeDelta::minutes(10));
        let next = rotated(&manager, &token).await;
        assert_eq!((&next.family, &next.grant), (&begun.family, &grant("ada")));
        assert!(next.token != token);
        let family = manager.family_of(next.token.expose()).await.unwrap().unwrap();
        assert_eq!((family.generation, family.used_at), (generation, clock.now().trunc_subsecs(3)));
        assert_eq!(family.expires_at, next.expires_at);
        token = next.token;
    }
}

/// Whatever is in it.
pub async fn a_grant_stays_what_it_was<S: RefreshTokenStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    let manager = manager(store, &clock);
    let bare =
        RefreshGrant { user_id: "\u{1f511}".into(), credential: i64::MIN, client_id: None, scope: None, login: None };
    let token = manager.begin(bare.clone()).await.unwrap().token;
    let Rotation::Rotated(next) = manager.rotate(token.expose(), None).await.unwrap() else { panic!("refused") };
    assert_eq!(next.grant, bare);
    let long = RefreshGrant { scope: Some("x".repeat(5000)), ..bare.clone() };
    assert!(matches!(manager.begin(long).await, Err(TokenError::Invalid(_))));
    let long = RefreshGrant { user_id: "x".repeat(256), ..bare };
    assert!(matches!(manager.begin(long).await, Err(TokenError::Invalid(_))));
}

/// The one before, and one long before; and with it the newest.
pub async fn a_used_token_ends_its_family<S: RefreshTokenStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    let manager = manager(store, &clock);
    for uses in [1, 2, 5] {
        let (used, other) = (begun(&manager, "ada").await, begun(&manager, "ada").await);
        let mut newest = used.clone();
        for _ in 0..uses {
            newest = rotated(&manager, &newest).await.token;
        }
        let family = manager.family_of(newest.expose()).await.unwrap().unwrap().id;
        match rotate(&manager, &used).await {
            Rotation::Reused { family: ended, user_id } => assert_eq!((ended, user_id), (family, "ada".to_owned())),
            other => panic!("{other:?}"),
        }
        for token in [&used, &newest] {
            assert_ended(&manager, token).await;
        }
        // Her other logins are none of its business.
        _ = rotated(&manager, &other).await;
    }
}

/// One is quicker; then the family is dead, and the new token with it.
pub async fn a_hundred_uses_at_once_end_the_family<S: RefreshTokenStore, K>(
    (store, clock, _keep): (S, ManualClock, K),
) {
    let manager = &manager(store, &clock);
    for _ in 0..3 {
        let token = &begun(manager, "ada").await;
        let rotations = at_once((0..100).map(|_| rotate(manager, token))).await;
        let (mut new, mut reused) = (Vec::new(), 0);
        for rotation in rotations {
            match rotation {
                Rotation::Rotated(next) => new.push(next.token),
                Rotation::Reused { .. } => reused += 1,
                Rotation::Ended { .. } => {}
                Rotation::Refused(reason) => panic!("{reason:?}"),
            }
        }
        assert_eq!(new.len(), 1);
        assert!(reused >= 1);
        for token in [token, &new[0]] {
            assert_ended(manager, token).await;
        }
        assert_eq!(manager.families("ada").await.unwrap(), []);
    }
}

/// Whoever that is has somebody else's token.
pub async fn another_client_ends_the_family<S: RefreshTokenStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    let manager = manager(store, &clock);
    for client in [None, Some("other"), Some(""), Some("App")] {
        let token = begun(&manager, "ada").await;
        let rotation = manager.rotate(token.expose(), client).await.unwrap();
        assert!(matches!(rotation, Rotation::Reused { .. }), "{rotation:?}");
        assert_ended(&manager, &token).await;
    }
}

/// Nor does it tell whether there is such a family.
pub async fn what_was_not_issued_here_ends_nothing<S: RefreshTokenStore, K>(
    (store, clock, _keep): (S, ManualClock, K),
) {
    use crate::tokens::OpaqueToken;
    let store: Arc<dyn RefreshTokenStore> = Arc::new(store);
    let [ours, theirs] = [SecretKey::random(), SecretKey::random()]
        .map(|secret| TokenRotationManager::new(store.clone(), &secret).with_clock(Arc::new(clock.clone())));
    let (token, foreign) = (begun(&ours, "ada").await, begun(&theirs, "ada").await);
    let family = ours.family_of(token.expose()).await.unwrap().unwrap().id;
    // The same family with a secret that somebody made up.
    let random = OpaqueToken::generate(ours.prefix());
    let forged = OpaqueToken::of(ours.prefix(), &family, random.secret()).expose();
    for text in [&forged, &foreign, &random.expose()] {
        let rotation = rotate(&ours, text).await;
        assert!(matches!(rotation, Rotation::Refused(RefreshRefused::Forged)), "{rotation:?}");
        assert_eq!(ours.family_of(text.expose()).await.unwrap(), None);
        assert_eq!(ours.revoke(text.expose()).await.unwrap(), None);
    }
    for text in ["", "x", "auth_refresh_", &token.expose()[1..], &token.expose().replace("refresh", "access")] {
        let rotation = rotate(&ours, &text.into()).await;
        assert!(matches!(rotation, Rotation::Refused(RefreshRefused::Malformed)), "{rotation:?}");
    }
    _ = rotated(&ours, &token).await;
    _ = rotated(&theirs, &foreign).await;
}

/// After 14 days.
pub async fn an_unused_family_ends<S: RefreshTokenStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    let manager = manager(store, &clock);
    let begun = manager.begin(grant("ada")).await.unwrap();
    assert_eq!(begun.expires_at, (clock.now() + TimeDelta::days(14)).trunc_subsecs(3));
    clock.set(begun.expires_at - TimeDelta::milliseconds(1));
    let next = rotated(&manager, &begun.token).await;
    clock.set(next.expires_at);
    assert_ended(&manager, &next.token).await;
    assert_eq!(manager.families("ada").await.unwrap(), []);
}

/// After 90 days.
pub async fn a_used_family_ends_in_the_end<S: RefreshTokenStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    let manager = manager(store, &clock);
    let end = (clock.now() + TimeDelta::days(90)).trunc_subsecs(3);
    let mut token = begun(&manager, "ada").await;
    for _ in 0..9 {
        clock.advance(TimeDelta::days(9));
        let next = rotated(&manager, &token).await;
        assert!(next.expires_at <= end);
        token = next.token;
    }
    clock.set(end - TimeDelta::milliseconds(1));
    let last = rotated(&manager, &token).await;
    assert_eq!(last.expires_at, end);
    clock.set(end);
    assert_ended(&manager, &last.token).await;
}

/// For families that began before, too.
pub async fn shorter_limits_hold_at_once<S: RefreshTokenStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    use std::time::Duration;
    let (hour, minute) = (Duration::from_hours(1), Duration::from_mins(1));
    let manager = manager(store, &clock);
    for refused in [(hour, minute), (Duration::ZERO, hour), (hour, Duration::MAX), (hour, 367 * 24 * hour)] {
        let refused = manager.clone().with_lifetimes(refused.0, refused.1);
        assert!(matches!(refused, Err(TokenError::Configuration(_))));
    }
    let token = begun(&manager, "ada").await;
    clock.advance(TimeDelta::hours(1));
    let shorter = manager.clone().with_lifetimes(hour, hour).unwrap();
    assert_eq!(shorter.families("ada").await.unwrap(), []);
    assert_ended(&shorter, &token).await;
}

/// By its token, new or old, and by its id; by its user only if it is theirs.
pub async fn a_revoked_family_is_gone<S: RefreshTokenStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    let manager = manager(store, &clock);
    for way in 0..4 {
        let old = begun(&manager, "ada").await;
        let new = rotated(&manager, &old).await;
        assert!(!manager.revoke_family_of("bob", &new.family).await.unwrap());
        assert_eq!(manager.families("ada").await.unwrap().len(), 1);
        match way {
            0 => assert_eq!(manager.revoke(old.expose()).await.unwrap().as_ref(), Some(&new.family)),
            1 => assert_eq!(manager.revoke(new.token.expose()).await.unwrap().as_ref(), Some(&new.family)),
            2 => assert!(manager.revoke_family(&new.family).await.unwrap()),
            _ => assert!(manager.revoke_family_of("ada", &new.family).await.unwrap()),
        }
        for token in [&old, &new.token] {
            assert_ended(&manager, token).await;
        }
        assert!(!manager.revoke_family(&new.family).await.unwrap());
        assert!(!manager.revoke_family_of("ada", &new.family).await.unwrap());
        assert_eq!(manager.revoke(old.expose()).await.unwrap().as_ref(), Some(&new.family));
    }
}

/// Nobody else's.
pub async fn families_of_a_user_are_told_and_end_together<S: RefreshTokenStore, K>(
    (store, clock, _keep): (S, ManualClock, K),
) {
    let manager = manager(store, &clock);
    let (one, other) = (begun(&manager, "ada").await, begun(&manager, "ada").await);
    let bobs = begun(&manager, "bob").await;
    let one = rotated(&manager, &one).await.token;
    let families = manager.families("ada").await.unwrap();
    assert_eq!(families.len(), 2);
    assert!(families.iter().all(|family| family.grant == grant("ada")));
    assert_eq!(manager.revoke_user("ada").await.unwrap(), 2);
    assert_eq!(manager.revoke_user("ada").await.unwrap(), 0);
    for token in [&one, &other] {
        assert_ended(&manager, token).await;
    }
    _ = rotated(&manager, &bobs).await;
}

/// Whichever comes first, nothing works afterwards.
pub async fn a_rotation_never_outlives_a_revocation<S: RefreshTokenStore, K>(
    (store, clock, _keep): (S, ManualClock, K),
) {
    let manager = &manager(store, &clock);
    for round in 0..8 {
        let token = &begun(manager, "ada").await;
        let outcomes = at_once((0..4).map(|i| async move {
            if i == round % 4 {
                assert_eq!(manager.revoke_user("ada").await.unwrap(), 1);
                return None;
            }
            // One only, so that it is no second use.
            if i == (round + 1) % 4 { Some(rotate(manager, token).await) } else { None }
        }));
        let outcomes = outcomes.await;
        for outcome in outcomes.into_iter().flatten() {
            if let Rotation::Rotated(next) = outcome {
                assert_ended(manager, &next.token).await;
            }
        }
        assert_ended(manager, token).await;
    }
}

/// A store that cannot count says so.
pub async fn families_are_counted_and_cleaned_up<S: RefreshTokenStore, K>((store, clock, _keep): (S, ManualClock, K)) {
    let manager = manager(store, &clock);
    for user in ["ada", "bob", "eve"] {
        _ = begun(&manager, user).await;
    }
    match manager.count().await {
        Ok(count) => assert_eq!(count, 3),
        Err(error) => assert!(matches!(error, TokenError::Configuration(_)), "{error:?}"),
    }
    clock.advance(TimeDelta::days(14));
    _ = begun(&manager, "ada").await;
    let cleaned = [manager.cleanup_expired(10).await.unwrap(), manager.cleanup_expired(10).await.unwrap()];
    assert!([[3, 0], [0, 0]].contains(&cleaned), "{cleaned:?}");
    assert_eq!(manager.families("ada").await.unwrap().len(), 1);
}
