//! Lists of users' sessions for backends that have none.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use auth::cache::InMemoryCache;
use auth::clock::Clock as _;
use auth::sessions::{
    CacheSessionBackend, ListedSessionBackend, Login, SaveIf, Saved, SessionBackend as _, SessionDigest, SessionError,
    SessionLimit, SessionRecord, UserSessions as _,
};
use auth::testing::ManualClock;
use auth_tests::Before;
use chrono::TimeDelta;
use tokio::sync::Semaphore;

use crate::{id, record};

type Store = CacheSessionBackend<InMemoryCache>;

fn store(clock: &ManualClock) -> Store {
    let clock = Arc::new(clock.clone());
    CacheSessionBackend::new(InMemoryCache::with_clock(clock.clone())).with_clock(clock)
}

mod over_a_cache {
    use super::*;

    async fn backend() -> (ListedSessionBackend<Store>, ManualClock, ()) {
        let clock = ManualClock::new();
        (ListedSessionBackend::new(store(&clock)).with_clock(Arc::new(clock.clone())), clock, ())
    }

    auth::session_backend_suite!(backend);
    auth::user_sessions_suite!(backend);
}

/// Lists over a store that stops at one call.
struct Stops {
    listed: ListedSessionBackend<Before<Store>>,
    clock: ManualClock,
    /// Which one: the first from now is 1.
    at: Arc<AtomicI64>,
    /// Whether it goes on.
    goes_on: Arc<Semaphore>,
}

impl Stops {
    fn new() -> Self {
        let (clock, at, goes_on) = (ManualClock::new(), Arc::new(AtomicI64::new(0)), Arc::new(Semaphore::new(0)));
        let (calls, wait) = (at.clone(), goes_on.clone());
        let store = Before::new(store(&clock), move |_| {
            let (stop, wait) = (calls.fetch_sub(1, Ordering::SeqCst) == 1, wait.clone());
            async move {
                if stop {
                    // It never goes on where it is closed: it fails.
                    wait.acquire().await.map_err(|_| SessionError::Contended)?.forget();
                }
                Ok(())
            }
        });
        let listed = ListedSessionBackend::new(store).with_clock(Arc::new(clock.clone()));
        Self { listed, clock, at, goes_on }
    }

    fn login(&self) -> Arc<SessionRecord> {
        let mut login = record(&self.clock, 1, b"x");
        Arc::make_mut(&mut login).login = Some(Login::new("7", [0; 32], self.clock.now()));
        login
    }

    async fn log_in(&self, id: &SessionDigest, limit: u32) -> Result<Saved, SessionError> {
        self.clock.advance(TimeDelta::milliseconds(1));
        self.listed.save_within(id, self.login(), SaveIf::Absent, SessionLimit::end_oldest(limit)).await
    }

    /// As many live sessions as there may be, and all of them in the list.
    async fn check(&self, ids: &[SessionDigest], limit: usize) {
        let mut alive = Vec::new();
        for id in ids {
            alive.extend(self.listed.inner().inner.exists(id).await.unwrap().then_some(*id));
        }
        let mut listed: Vec<_> = self.listed.sessions_of("7").await.unwrap().iter().map(|session| session.id).collect();
        alive.sort();
        listed.sort();
        assert_eq!(alive, listed);
        assert!(alive.len() <= limit, "{alive:?}");
    }
}

/// Lets it run until it ends or waits.
async fn until_it_waits<T>(future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        result = future => Some(result),
        () = std::future::ready(()) => None,
    }
}

#[tokio::test]
async fn a_login_that_breaks_off_leaves_no_session_unlisted() {
    for fails in [false, true] {
        for call in 1.. {
            let stops = Stops::new();
            let ids = [id(), id(), id(), id()];
            for id in &ids[..2] {
                assert_eq!(stops.log_in(id, 2).await.unwrap(), Saved::Done);
            }
            if fails {
                stops.goes_on.close();
            }
            stops.at.store(call, Ordering::SeqCst);
            let ended = until_it_waits(stops.log_in(&ids[2], 2)).await;
            let all_done = stops.at.swap(0, Ordering::SeqCst) > 0;
            assert!(all_done || ended.is_none_or(|ended| fails && ended.is_err()), "call {call}");
            stops.check(&ids, 2).await;
            // When nothing can be on its way any more.
            stops.clock.advance(TimeDelta::minutes(1));
            stops.check(&ids, 2).await;
            assert_eq!(stops.log_in(&ids[3], 2).await.unwrap(), Saved::Done);
            stops.check(&ids, 2).await;
            assert!(stops.listed.exists(&ids[3]).await.unwrap());
            stops.listed.delete_all_of("7", None).await.unwrap();
            stops.check(&ids, 0).await;
            if all_done {
                assert!(call > 8, "few calls: {call}");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_login_that_another_overtakes_leaves_no_session_unlisted() {
    for call in 1.. {
        let stops = Stops::new();
        let ids = [id(), id(), id()];
        assert_eq!(stops.log_in(&ids[0], 1).await.unwrap(), Saved::Done);
        stops.at.store(call, Ordering::SeqCst);
        let mut slow = pin!(stops.log_in(&ids[1], 1));
        let ended = until_it_waits(&mut slow).await;
        let all_done = stops.at.swap(0, Ordering::SeqCst) > 0;
        assert_eq!(all_done, ended.is_some());
        assert_eq!(stops.log_in(&ids[2], 1).await.unwrap(), Saved::Done);
        stops.check(&ids, 1).await;
        if all_done {
            break;
        }
        stops.goes_on.add_permits(1);
        assert_eq!(slow.await.unwrap(), Saved::Done);
        stops.check(&ids, 1).await;
    }
}
