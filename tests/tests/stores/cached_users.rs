//! What a cache of users keeps, for how long, and what it never answers.

use std::sync::Arc;
use std::time::Duration;

use auth::passwords::PasswordHash;
use auth::prelude::*;
use auth::sessions::InMemorySessionBackend;
use auth::testing::{ManualClock, TestUser};
use auth::users::{CachedUserStore, InMemoryUserStore, PasswordChange, UserLookup, UserStore};
use auth_tests::TestDatabase;
use chrono::TimeDelta;

struct Servers {
    /// What another server writes to.
    below: Arc<InMemoryUserStore<TestUser>>,
    cached: CachedUserStore<TestUser>,
    clock: ManualClock,
    id: i64,
}

async fn servers() -> Servers {
    let (below, clock) = (Arc::new(InMemoryUserStore::new()), ManualClock::new());
    let cached = CachedUserStore::new(below.clone()).with_clock(Arc::new(clock.clone()));
    let user = below.create(TestUser::named("alice")).await.unwrap();
    Servers { below, cached, clock, id: user.id }
}

impl Servers {
    async fn recent_credential(&self) -> i64 {
        self.cached.find_recent(&self.id).await.unwrap().unwrap().credential
    }

    async fn set_password(&self, store: &dyn UserStore<TestUser>) {
        assert!(
            store.set_password_hash(&self.id, &PasswordHash::unusable(), PasswordChange::NewPassword).await.unwrap()
        );
    }
}

#[tokio::test]
async fn what_another_server_changes_is_seen_after_the_bound() {
    let servers = servers().await;
    let before = servers.recent_credential().await;
    servers.set_password(&*servers.below).await;
    servers.clock.advance(TimeDelta::milliseconds(4999));
    assert_eq!(servers.recent_credential().await, before, "it answers from what it keeps");
    let found = servers.cached.find(UserLookup::Id(&servers.id)).await.unwrap().unwrap();
    assert_ne!(found.credential, before, "what decides is read from below");
    servers.clock.advance(TimeDelta::milliseconds(1));
    assert_ne!(servers.recent_credential().await, before);
}

#[tokio::test]
async fn what_this_server_changes_is_seen_at_once() {
    let servers = servers().await;
    let before = servers.recent_credential().await;
    servers.set_password(&servers.cached).await;
    assert_ne!(servers.recent_credential().await, before);
    assert!(servers.cached.delete(&servers.id).await.unwrap());
    assert!(servers.cached.find_recent(&servers.id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_clock_that_goes_back_keeps_nothing_longer() {
    let servers = servers().await;
    let before = servers.recent_credential().await;
    servers.set_password(&*servers.below).await;
    servers.clock.advance(TimeDelta::hours(-1));
    assert_ne!(servers.recent_credential().await, before);
}

#[tokio::test]
async fn a_login_elsewhere_is_not_refused_for_what_is_kept_here() {
    let database: TestDatabase = auth_tests::sqlite().await;
    let clock = ManualClock::new();
    let sessions = Arc::new(InMemorySessionBackend::with_clock(Arc::new(clock.clone())));
    let server = || async {
        let builder = Auth::<TestUser>::builder().database(&database.url).clock(clock.clone());
        builder.session_backend(sessions.clone()).user_cache(Duration::from_secs(30)).build().await.unwrap()
    };
    let (here, there) = (server().await, server().await);
    here.migrate().await.unwrap();
    let user = here.users().create_user("alice", None, auth::users::Extra::new()).await.unwrap();
    let session = here.new_session();
    here.log_in_user(&session, &user.id).await.unwrap().unwrap();
    let (_, found) = here.resume(session.key()).await.unwrap();
    assert!(found.is_some(), "from here on the user is kept here");
    there.users().set_password(&user.id, "vortex-lantern-29-quilt").await.unwrap();
    let session = there.new_session();
    there.log_in_user(&session, &user.id).await.unwrap().unwrap();
    let (_, found) = here.resume(session.key()).await.unwrap();
    assert!(found.is_some(), "the login is newer than what is kept");
    let minute = Auth::<TestUser>::builder().user_cache(Duration::from_secs(61)).build().await;
    assert!(minute.unwrap_err().to_string().contains("a minute"));
}
