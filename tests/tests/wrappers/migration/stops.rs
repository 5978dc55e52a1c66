//! A program or a store stops anywhere in a move, and another goes on.

use std::sync::atomic::{AtomicI64, Ordering};

use auth::sessions::SessionScan;

use super::*;

/// A store that works so many times more. What it does last may be done although nobody is told.
#[derive(Clone, Debug)]
struct Stopping {
    inner: Store,
    left: Arc<AtomicI64>,
    done_at_last: bool,
}

impl Stopping {
    fn run<'a, T: 'a>(
        &'a self,
        work: BoxFuture<'a, Result<T, SessionError>>,
    ) -> BoxFuture<'a, Result<T, SessionError>> {
        Box::pin(async move {
            let left = self.left.fetch_sub(1, Ordering::Relaxed);
            if left > 0 || (left == 0 && self.done_at_last) {
                let result = work.await;
                if left > 0 {
                    return result;
                }
            }
            Err(SessionError::store("it stopped"))
        })
    }
}

impl SessionBackend for Stopping {
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        self.run(self.inner.load(id))
    }

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        // Not before it is waited for.
        self.run(Box::pin(async move { self.inner.save(id, record, condition).await }))
    }

    fn touch<'a>(
        &'a self,
        id: &'a SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<bool, SessionError>> {
        self.run(Box::pin(async move { self.inner.touch(id, seen_at, expires_at).await }))
    }

    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        self.run(Box::pin(async move { self.inner.delete(id).await }))
    }

    fn exists<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        self.run(self.inner.exists(id))
    }

    fn scan(&self) -> Option<&dyn SessionScan> {
        self.inner.scan()
    }
}

/// More than any operation takes.
const MOST_STEPS: i64 = 12;

/// The same stores, seen by a program that stops after so many steps.
fn stopping(both: &Both, steps: i64, done_at_last: bool) -> MigratingSessionBackend<Stopping, Stopping> {
    let left = Arc::new(AtomicI64::new(steps));
    let stop = |store: &Store| Stopping { inner: store.clone(), left: left.clone(), done_at_last };
    MigratingSessionBackend::new(stop(both.from()), stop(both.to()))
}

/// Every way to stop.
fn stops() -> impl Iterator<Item = (i64, bool)> {
    (0..MOST_STEPS).flat_map(|steps| [(steps, false), (steps, true)])
}

/// A session whose move stopped somewhere.
async fn stopped((steps, done_at_last): (i64, bool)) -> (Both, ManualClock, SessionDigest, SessionRecord, bool) {
    let (both, clock) = both();
    let record = login(&clock, 3, b"\x01{\"a\":1}");
    let id = add(both.from(), &record).await;
    let done = migrate(&stopping(&both, steps, done_at_last)).await.is_ok();
    (both, clock, id, record, done)
}

#[tokio::test]
async fn a_stopped_move_loses_nothing() {
    let mut outcomes = [0, 0];
    for stop in stops() {
        let (both, _, id, record, done) = stopped(stop).await;
        outcomes[usize::from(done)] += 1;
        assert_eq!(both.load(&id).await.unwrap().as_deref(), Some(&record), "{stop:?}");
        assert_eq!(migrate(&both).await.unwrap().skipped, 0, "{stop:?}");
        assert!(both.from().is_empty(), "{stop:?}");
        assert_eq!(both.to().load(&id).await.unwrap().as_deref(), Some(&record), "{stop:?}");
    }
    assert!(outcomes.iter().all(|outcome| *outcome > 4), "some were stopped, some not: {outcomes:?}");
}

#[tokio::test]
async fn a_logout_after_a_stop_is_final() {
    for stop in stops() {
        let (both, clock, id, ..) = stopped(stop).await;
        assert!(both.delete(&id).await.unwrap(), "{stop:?}");
        assert!(!both.delete(&id).await.unwrap(), "{stop:?}");
        assert_eq!(both.load(&id).await.unwrap(), None, "{stop:?}");
        migrate(&both).await.unwrap();
        assert_eq!(both.load(&id).await.unwrap(), None, "{stop:?}");
        assert_eq!(both.save(&id, record(&clock, 4, b""), SaveIf::Version(3)).await.unwrap(), Saved::Gone);
        let new = record(&clock, 1, b"\x01{}");
        assert_eq!(both.save(&id, new.clone(), SaveIf::Absent).await.unwrap(), Saved::Done, "{stop:?}");
        assert_eq!(both.load(&id).await.unwrap(), Some(new), "{stop:?}");
    }
}

#[tokio::test]
async fn a_logout_everywhere_after_a_stop_is_final() {
    for stop in stops() {
        let (both, _, id, ..) = stopped(stop).await;
        assert_eq!(both.delete_all_of("7", None).await.unwrap(), 1, "{stop:?}");
        migrate(&both).await.unwrap();
        assert_eq!(both.load(&id).await.unwrap(), None, "{stop:?}");
        assert!(both.from().is_empty(), "{stop:?}");
    }
}

#[tokio::test]
async fn a_logout_that_stopped_too_does_not_flicker() {
    for first in stops() {
        for second in stops() {
            let (both, _, id, _, _) = stopped(first).await;
            let deleted = stopping(&both, second.0, second.1).delete(&id).await;
            let alive = both.exists(&id).await.unwrap();
            assert!(deleted.is_err() || !alive, "{first:?} {second:?}");
            migrate(&both).await.unwrap();
            assert_eq!(both.exists(&id).await.unwrap(), alive, "{first:?} {second:?}");
            both.delete(&id).await.unwrap();
            migrate(&both).await.unwrap();
            assert!(!both.exists(&id).await.unwrap() && both.from().is_empty(), "{first:?} {second:?}");
        }
    }
}

#[tokio::test]
async fn a_save_that_stopped_too_is_done_or_not() {
    for first in stops() {
        for second in stops() {
            let (both, clock, id, old, _) = stopped(first).await;
            let new = login(&clock, 4, b"\x01{\"a\":2}");
            let saved = stopping(&both, second.0, second.1).save(&id, Arc::new(new.clone()), SaveIf::Version(3)).await;
            let found = both.load(&id).await.unwrap().expect("it is alive");
            match saved {
                Ok(saved) => assert!(saved == Saved::Done && *found == new, "{first:?} {second:?}"),
                Err(_) => assert!(*found == old || *found == new, "{first:?} {second:?}"),
            }
            migrate(&both).await.unwrap();
            assert_eq!(both.to().load(&id).await.unwrap(), Some(found), "{first:?} {second:?}");
        }
    }
}

#[tokio::test]
async fn a_session_that_ended_between_the_last_steps_stays_ended() {
    let (both, clock, id, record, _) = stopped((3, false)).await;
    assert!(both.from().exists(&id).await.unwrap() && both.to().exists(&id).await.unwrap());
    // A session that holds nothing any more is saved as expired.
    let mut ended = record;
    (ended.version, ended.expires_at) = (4, ended.created_at);
    let both_at_work = both.clone();
    assert_eq!(both.to().save(&id, Arc::new(ended), SaveIf::Version(3)).await.unwrap(), Saved::Done);
    assert_eq!(both_at_work.load(&id).await.unwrap(), None);
    migrate(&both).await.unwrap();
    assert_eq!(both.load(&id).await.unwrap(), None);
    clock.advance(TimeDelta::hours(2));
    assert!(!both.exists(&id).await.unwrap());
}

#[tokio::test]
async fn what_is_left_of_a_stopped_move_is_no_session_of_the_bare_stores() {
    use auth::sessions::{Session, SessionKey};
    for steps in 1..MOST_STEPS {
        let (both, clock) = both();
        let key = SessionKey::generate();
        let mut record = login(&clock, 3, b"\x01{\"a\":1}");
        record.verifier = key.verifier();
        (record.expires_at, record.ends_at) =
            (Utc::now() + TimeDelta::days(36500), Utc::now() + TimeDelta::days(36500));
        let saved = both.from().save(&key.digest(), Arc::new(record), SaveIf::Absent).await.unwrap();
        assert_eq!(saved, Saved::Done);
        _ = migrate(&stopping(&both, steps, false)).await;
        let mut found = 0;
        for store in [both.from(), both.to()] {
            let session = Session::open(store.clone(), key.clone()).await.unwrap();
            found += usize::from(session.login().is_some());
        }
        assert!(found <= 1, "{steps}: in one of them at the most");
    }
}
