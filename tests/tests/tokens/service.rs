//! Pairs of tokens: issued, verified, renewed, revoked; and no kind in the place of another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth::BoxFuture;
use auth::records::DynRecordStore;
use auth::secret::{SecretKey, SecretString};
use auth::testing::ManualClock;
use auth::tokens::{
    AccessRefused, AccessToken, AccessVerdict, ApiKeyRefused, ApiKeyVerdict, ApiKeys, BlacklistReason, JwtAuth,
    RecordBlacklist, RecordRefreshStore, RefreshDenied, RefreshRefused, Refreshed, TokenError, TokenPair, TokenRefused,
    TokenRotationManager, TokenScope, TokenService, TokenSubjects,
};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;

use crate::records::{broken, memory, tests_on_every_store};

/// Users and the versions of their credentials; whoever is not among them is inactive.
#[derive(Clone, Debug, Default)]
struct Users(Arc<Mutex<HashMap<String, i64>>>);

impl Users {
    fn set(&self, user_id: &str, credential: Option<i64>) {
        let mut users = self.0.lock().unwrap();
        users.remove(user_id);
        users.extend(credential.map(|credential| (user_id.to_owned(), credential)));
    }
}

impl TokenSubjects for Users {
    fn current<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Option<i64>, TokenError>> {
        let found = self.0.lock().unwrap().get(user_id).copied();
        Box::pin(std::future::ready(Ok(found)))
    }
}

struct World {
    service: TokenService,
    users: Users,
    clock: ManualClock,
    jwt: JwtAuth,
    secret: SecretKey,
}

const SECRET: &str = "9ZPvnIRcHkGfWbRfbTGZHkwJn8Tn0kHJ-qwe";

impl World {
    fn over(store: DynRecordStore, clock: ManualClock) -> Self {
        Self::of(store.clone(), store, clock)
    }

    fn of(families: DynRecordStore, blacklist: DynRecordStore, clock: ManualClock) -> Self {
        let (users, secret) = (Users::default(), SecretKey::new(SECRET).unwrap());
        users.set("ada", Some(7));
        let rotation = TokenRotationManager::new(Arc::new(RecordRefreshStore::over(families)), &secret)
            .with_clock(Arc::new(clock.clone()));
        let jwt = JwtAuth::new(SECRET).unwrap().clock(clock.clone());
        let blacklist = Arc::new(RecordBlacklist::over(blacklist));
        let service = TokenService::new(jwt.clone(), rotation, blacklist, Arc::new(users.clone()));
        Self { service: service.unwrap().with_clock(Arc::new(clock.clone())), users, clock, jwt, secret }
    }

    fn new() -> Self {
        let (store, clock, ()) = memory();
        // In the middle of a second.
        clock.set(DateTime::from_timestamp_millis(1_800_000_000_500).unwrap());
        Self::over(store, clock)
    }

    async fn issue(&self) -> TokenPair {
        self.service.issue("ada", 7, Some("app"), Some("blog.read_post")).await.unwrap()
    }

    async fn refresh(&self, token: &SecretString) -> Result<TokenPair, RefreshDenied> {
        match self.service.refresh(token.expose(), Some("app")).await.unwrap() {
            Refreshed::Issued(pair) => Ok(pair),
            Refreshed::Refused(denied) => Err(denied),
        }
    }

    async fn verify(&self, token: &SecretString) -> Result<AccessToken, AccessRefused> {
        match self.service.verify(token.expose()).await.unwrap() {
            AccessVerdict::Accepted(token) => Ok(token),
            AccessVerdict::Refused(refused) => Err(refused),
        }
    }
}

/// What holds on every store.
async fn a_pairs_life(store: DynRecordStore, clock: ManualClock) {
    let world = World::over(store, clock);
    let first = world.issue().await;
    assert_eq!((first.expires_in, first.token_type, first.scope.as_deref()), (600, "Bearer", Some("blog.read_post")));
    let access = world.verify(&first.access_token).await.unwrap();
    assert_eq!((access.user_id.as_str(), access.credential, &access.family), ("ada", 7, &first.family));
    assert_eq!((access.client_id.as_deref(), access.scope.as_deref()), (Some("app"), Some("blog.read_post")));
    assert_eq!(access.expires_at - access.issued_at, TimeDelta::minutes(10));

    let second = world.refresh(&first.refresh_token).await.unwrap();
    assert_eq!(second.family, first.family);
    let renewed = world.verify(&second.access_token).await.unwrap();
    assert_eq!(renewed.scope, access.scope);
    assert_ne!(renewed.jti, access.jti);
    // The one before is valid until it expires.
    assert!(world.verify(&first.access_token).await.is_ok());

    // Somebody has a copy of the first refresh token.
    assert_eq!(world.refresh(&first.refresh_token).await.unwrap_err(), RefreshDenied::Reused);
    for pair in [&first, &second] {
        let refused = world.verify(&pair.access_token).await.unwrap_err();
        assert_eq!(refused, AccessRefused::Revoked(BlacklistReason::Compromised));
        assert_eq!(world.refresh(&pair.refresh_token).await.unwrap_err(), RefreshDenied::Ended);
    }

    let (one, other) = (world.issue().await, world.issue().await);
    assert_eq!(world.service.revoke_user("ada", BlacklistReason::Logout).await.unwrap(), 2);
    for pair in [&one, &other] {
        let refused = world.verify(&pair.access_token).await.unwrap_err();
        assert_eq!(refused, AccessRefused::Revoked(BlacklistReason::Logout));
        assert_eq!(world.refresh(&pair.refresh_token).await.unwrap_err(), RefreshDenied::Ended);
    }
    let again = world.issue().await;
    assert!(world.verify(&again.access_token).await.is_ok());
    assert!(world.refresh(&again.refresh_token).await.is_ok());
}

/// One wins, and what it won is worth nothing.
async fn a_hundred_refreshes_of_one_token(store: DynRecordStore, clock: ManualClock) {
    let world = Arc::new(World::over(store, clock));
    let pair = world.issue().await;
    let mut refreshes = JoinSet::new();
    for _ in 0..100 {
        let (world, token) = (world.clone(), pair.refresh_token.clone());
        refreshes.spawn(async move { world.refresh(&token).await });
    }
    let (mut issued, mut reused) = (Vec::new(), 0);
    while let Some(refresh) = refreshes.join_next().await {
        match refresh.unwrap() {
            Ok(pair) => issued.push(pair),
            Err(denied) => reused += usize::from(denied == RefreshDenied::Reused),
        }
    }
    assert_eq!(issued.len(), 1);
    assert!(reused >= 1);
    for pair in [&pair, &issued[0]] {
        assert!(world.verify(&pair.access_token).await.is_err());
        assert_eq!(world.refresh(&pair.refresh_token).await.unwrap_err(), RefreshDenied::Ended);
    }
}

tests_on_every_store!(a_pairs_life, a_hundred_refreshes_of_one_token);

#[tokio::test]
async fn no_kind_of_token_passes_for_another() {
    let world = World::new();
    let keys = ApiKeys::in_memory();
    let (_, key) = keys.create("ada", "key", &[], None).await.unwrap();
    let pair = world.issue().await;
    let plain = world.jwt.generate_token("ada", "ada").unwrap();

    assert_eq!(world.verify(&pair.refresh_token).await.unwrap_err(), AccessRefused::Kind(TokenScope::Refresh));
    assert_eq!(world.verify(&key).await.unwrap_err(), AccessRefused::Kind(TokenScope::ApiKey));
    assert_eq!(world.verify(&plain).await.unwrap_err(), AccessRefused::Token(TokenRefused::TokenType));
    // Of the same type and key, but not one of these.
    let bare = world.jwt.clone().token_type("at+jwt").unwrap().generate_token("ada", "ada").unwrap();
    assert_eq!(world.verify(&bare).await.unwrap_err(), AccessRefused::Token(TokenRefused::OwnClaims));

    assert_eq!(world.refresh(&pair.access_token).await.unwrap_err(), RefreshDenied::Kind(TokenScope::Access));
    assert_eq!(world.refresh(&key).await.unwrap_err(), RefreshDenied::Kind(TokenScope::ApiKey));
    assert_eq!(world.refresh(&"x".into()).await.unwrap_err(), RefreshDenied::Token(RefreshRefused::Malformed));

    for other in [&pair.access_token, &pair.refresh_token, &plain] {
        let verdict = keys.verify(other.expose()).await.unwrap();
        assert_eq!(verdict, ApiKeyVerdict::Refused(ApiKeyRefused::Malformed));
        // Nor when a key's prefix is that of refresh tokens.
        let same = keys.clone().with_prefix("auth_refresh").unwrap();
        assert!(matches!(same.verify(other.expose()).await.unwrap(), ApiKeyVerdict::Refused(_)));
    }
    let same = keys.with_prefix("auth_refresh").unwrap();
    let (_, key) = same.create("ada", "key", &[], None).await.unwrap();
    assert_eq!(world.refresh(&key).await.unwrap_err(), RefreshDenied::Token(RefreshRefused::Forged));
    assert!(world.jwt.verify_token(pair.access_token.expose()).is_err());

    for (token, kind) in [(&pair.access_token, TokenScope::Access), (&pair.refresh_token, TokenScope::Refresh)] {
        assert_eq!(world.service.scope_of(token.expose()), Some(kind));
    }
    assert_eq!(world.service.scope_of("whatever"), None);
    // Trying has used nothing up.
    assert!(world.verify(&pair.access_token).await.is_ok());
    assert!(world.refresh(&pair.refresh_token).await.is_ok());
}

#[tokio::test]
async fn an_access_token_ends_after_ten_minutes() {
    let world = World::new();
    let pair = world.issue().await;
    world.clock.advance(TimeDelta::minutes(10) - TimeDelta::seconds(1));
    assert!(world.verify(&pair.access_token).await.is_ok());
    world.clock.advance(TimeDelta::seconds(7));
    assert_eq!(world.verify(&pair.access_token).await.unwrap_err(), AccessRefused::Token(TokenRefused::Expired));
    let service = world.service.clone().with_access_lifetime(Duration::from_mins(5)).unwrap();
    assert_eq!(service.issue("ada", 7, None, None).await.unwrap().expires_in, 300);
    for lifetime in [Duration::ZERO, Duration::from_secs(59), Duration::from_secs(3601), Duration::MAX] {
        let refused = world.service.clone().with_access_lifetime(lifetime);
        assert!(matches!(refused, Err(TokenError::Configuration(_))));
    }
}

#[tokio::test]
async fn whoever_is_gone_or_has_another_password_gets_no_next_pair() {
    let world = World::new();
    for (now, denied) in [(None, RefreshDenied::Inactive), (Some(8), RefreshDenied::CredentialsChanged)] {
        let pair = world.issue().await;
        world.users.set("ada", now);
        assert_eq!(world.refresh(&pair.refresh_token).await.unwrap_err(), denied);
        assert!(world.verify(&pair.access_token).await.is_err());
        // Coming back does not bring the login back.
        world.users.set("ada", Some(7));
        assert_eq!(world.refresh(&pair.refresh_token).await.unwrap_err(), RefreshDenied::Ended);
    }
}

#[tokio::test]
async fn another_client_gets_nothing_and_ends_the_login() {
    let world = World::new();
    for client in [None, Some("other")] {
        let pair = world.issue().await;
        let refreshed = world.service.refresh(pair.refresh_token.expose(), client).await.unwrap();
        assert!(matches!(refreshed, Refreshed::Refused(RefreshDenied::Reused)));
        assert!(world.verify(&pair.access_token).await.is_err());
        assert_eq!(world.refresh(&pair.refresh_token).await.unwrap_err(), RefreshDenied::Ended);
    }
}

#[tokio::test]
async fn a_logout_ends_the_login_by_any_of_its_tokens() {
    let world = World::new();
    for by_access in [true, false] {
        let (old, other) = (world.issue().await, world.issue().await);
        let new = world.refresh(&old.refresh_token).await.unwrap();
        let token = if by_access { &old.access_token } else { &new.refresh_token };
        assert!(world.service.revoke(token.expose()).await.unwrap());
        for pair in [&old, &new] {
            let refused = world.verify(&pair.access_token).await.unwrap_err();
            assert_eq!(refused, AccessRefused::Revoked(BlacklistReason::Logout));
            assert_eq!(world.refresh(&pair.refresh_token).await.unwrap_err(), RefreshDenied::Ended);
            assert!(world.service.revoke(pair.refresh_token.expose()).await.unwrap());
        }
        assert!(world.verify(&other.access_token).await.is_ok());
        assert!(world.refresh(&other.refresh_token).await.is_ok());
    }
    assert!(!world.service.revoke("whatever").await.unwrap());
}

#[tokio::test]
async fn a_user_ends_a_login_of_theirs_only() {
    let world = World::new();
    let pair = world.issue().await;
    assert!(!world.service.revoke_family("bob", &pair.family).await.unwrap());
    assert!(world.verify(&pair.access_token).await.is_ok());
    assert!(world.service.revoke_family("ada", &pair.family).await.unwrap());
    assert!(!world.service.revoke_family("ada", &pair.family).await.unwrap());
    let refused = world.verify(&pair.access_token).await.unwrap_err();
    assert_eq!(refused, AccessRefused::Revoked(BlacklistReason::ManualRevoke));
}

#[tokio::test]
async fn whatever_is_issued_after_a_logout_everywhere_is_welcome_and_nothing_before() {
    let world = World::new();
    // Within one second, again and again.
    let mut before = Vec::new();
    for _ in 0..3 {
        before.push(world.issue().await);
        assert!(world.verify(&before.last().unwrap().access_token).await.is_ok());
        assert_eq!(world.service.revoke_user("ada", BlacklistReason::Compromised).await.unwrap(), 1);
        for pair in &before {
            let refused = world.verify(&pair.access_token).await.unwrap_err();
            assert_eq!(refused, AccessRefused::Revoked(BlacklistReason::Compromised));
        }
    }
    let after = world.issue().await;
    world.clock.advance(TimeDelta::minutes(9));
    assert!(world.verify(&after.access_token).await.is_ok());
    let renewed = world.refresh(&after.refresh_token).await.unwrap();
    assert!(world.verify(&renewed.access_token).await.is_ok());
    assert!(world.verify(&before[0].access_token).await.is_err());
}

#[tokio::test]
async fn what_a_failing_blacklist_missed_is_made_good_for() {
    let ((families, clock, ()), (broken, _keep)) = (memory(), broken().await);
    let (blacklist, _, ()) = memory();
    let world = World::of(families.clone(), blacklist, clock.clone());
    let failing = World::of(families, broken, clock);
    let pair = world.issue().await;
    let next = world.refresh(&pair.refresh_token).await.unwrap();
    // A second use, while the blacklist is gone.
    let failed = failing.service.rotation().rotate(pair.refresh_token.expose(), Some("app")).await.unwrap();
    assert!(matches!(failed, auth::tokens::Rotation::Reused { .. }));
    assert!(world.verify(&next.access_token).await.is_ok());
    assert_eq!(world.refresh(&pair.refresh_token).await.unwrap_err(), RefreshDenied::Ended);
    assert!(world.verify(&next.access_token).await.is_err());
}

#[tokio::test]
async fn when_a_store_fails_nobody_can_tell_and_nothing_is_used_up() {
    let ((families, clock, ()), (broken, _keep)) = (memory(), broken().await);
    let (blacklist, _, ()) = memory();
    let world = World::of(families.clone(), blacklist.clone(), clock.clone());
    let pair = world.issue().await;
    let failing = World::of(families, broken.clone(), clock.clone());
    assert!(matches!(failing.service.verify(pair.access_token.expose()).await, Err(TokenError::Store(_))));
    assert!(matches!(failing.service.issue("ada", 7, None, None).await, Err(TokenError::Store(_))));
    let refreshed = failing.service.refresh(pair.refresh_token.expose(), Some("app")).await;
    assert!(matches!(refreshed, Err(TokenError::Store(_))));
    assert!(world.refresh(&pair.refresh_token).await.is_ok());
    let failing = World::of(broken, blacklist, clock);
    assert!(matches!(failing.service.revoke(pair.refresh_token.expose()).await, Err(TokenError::Store(_))));
    let refreshed = failing.service.refresh(pair.refresh_token.expose(), Some("app")).await;
    assert!(matches!(refreshed, Err(TokenError::Store(_))));
}

#[tokio::test]
async fn no_answer_shows_a_token() {
    let world = World::new();
    let pair = world.issue().await;
    let access = world.verify(&pair.access_token).await.unwrap();
    let shown = format!("{pair:?} {access:?} {:?} {:?}", world.service, world.secret);
    let signature = pair.access_token.expose().rsplit('.').next().unwrap();
    assert!(!shown.contains(signature) && !shown.contains(&pair.refresh_token.expose()[40..]), "{shown}");
    let denied = [RefreshDenied::Ended, RefreshDenied::Reused, RefreshDenied::Kind(TokenScope::Access)];
    assert!(denied.iter().all(|denied| denied.to_string() == AccessRefused::Kind(TokenScope::Refresh).to_string()));
    assert!(access.issued_at <= Utc::now() + TimeDelta::days(36_500));
}
