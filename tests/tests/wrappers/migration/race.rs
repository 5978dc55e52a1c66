//! Logouts, saves and movers at once.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use tokio::task::yield_now;

use auth_tests::{Before, Call};

use super::*;

const ROUNDS: u64 = 2000;

/// A store that lets others work before it does, as often as chance has it.
fn chancy(store: &Store) -> Before<Store> {
    Before::new(store.clone(), |call| async move {
        if call != Call::Exists {
            chance().await;
        }
        Ok(())
    })
}

async fn chance() {
    for _ in 0..RandomState::new().hash_one(0) % 4 {
        yield_now().await;
    }
}

type Rivals = MigratingSessionBackend<Before<Store>, Before<Store>>;

async fn begin() -> (Rivals, ManualClock, SessionDigest) {
    let (both, clock) = both();
    let id = add(both.from(), &login(&clock, 1, b"\x010")).await;
    (MigratingSessionBackend::new(chancy(both.from()), chancy(both.to())), clock, id)
}

/// Counts up in the session until it has done so often, or the session ends; says how often.
async fn count(both: Rivals, id: SessionDigest, times: u64) -> u64 {
    let mut done = 0;
    while done < times {
        let Some(old) = both.load(&id).await.unwrap() else { return done };
        let mut next = SessionRecord::clone(&old);
        next.version += 1;
        next.data = [b"\x01", next.version.to_string().as_bytes()].concat().into();
        match both.save(&id, Arc::new(next), SaveIf::Version(old.version)).await.unwrap() {
            Saved::Done => done += 1,
            Saved::Conflict => {}
            _ => return done,
        }
    }
    done
}

async fn use_it(both: Rivals, clock: ManualClock, id: SessionDigest) {
    for _ in 0..3 {
        both.touch(&id, clock.now(), clock.now() + TimeDelta::hours(1)).await.unwrap();
    }
}

async fn read(both: Rivals, id: SessionDigest) -> bool {
    let mut found = true;
    for _ in 0..6 {
        found &= both.load(&id).await.unwrap().is_some();
    }
    found
}

async fn moved(both: Rivals) {
    migrate(&both).await.unwrap();
}

/// Nobody logs out: every change that was acknowledged is there at last, and the session at any time.
async fn saves_are_kept() {
    for _ in 0..ROUNDS {
        let (both, clock, id) = begin().await;
        let movers = [tokio::spawn(moved(both.clone())), tokio::spawn(moved(both.clone()))];
        let counters = [tokio::spawn(count(both.clone(), id, 3)), tokio::spawn(count(both.clone(), id, 3))];
        let user = tokio::spawn(use_it(both.clone(), clock, id));
        let reader = tokio::spawn(read(both.clone(), id));
        for counter in counters {
            assert_eq!(counter.await.unwrap(), 3);
        }
        assert!(reader.await.unwrap());
        user.await.unwrap();
        for mover in movers {
            mover.await.unwrap();
        }
        let last = both.to().inner.load(&id).await.unwrap().unwrap();
        assert_eq!((last.version, &*last.data), (7, &b"\x017"[..]));
        assert!(both.from().inner.is_empty());
    }
}

/// Somebody logs out: from then on there is no such session, and a new one may take its place.
async fn logouts_are_final() {
    for round in 0..ROUNDS {
        let (both, clock, id) = begin().await;
        let rivals = [
            tokio::spawn(moved(both.clone())),
            tokio::spawn(moved(both.clone())),
            tokio::spawn(use_it(both.clone(), clock.clone(), id)),
        ];
        let counter = tokio::spawn(count(both.clone(), id, 4));
        let logout = tokio::spawn({
            let (both, clock) = (both.clone(), clock.clone());
            async move {
                for _ in 0..round % 5 {
                    chance().await;
                }
                if round % 2 == 0 {
                    assert!(both.delete(&id).await.unwrap());
                } else {
                    assert_eq!(both.delete_all_of("7", None).await.unwrap(), 1);
                }
                for _ in 0..3 {
                    assert_eq!(both.load(&id).await.unwrap(), None);
                }
                if round % 3 == 0 {
                    let new = record(&clock, 1000, b"\x01new");
                    assert_eq!(both.save(&id, new, SaveIf::Absent).await.unwrap(), Saved::Done);
                }
            }
        });
        logout.await.unwrap();
        for rival in rivals {
            rival.await.unwrap();
        }
        counter.await.unwrap();
        moved(both.clone()).await;
        let left = both.load(&id).await.unwrap();
        assert_eq!(left.is_some(), round % 3 == 0, "{left:?}");
        assert!(left.is_none_or(|left| left.version >= 1000));
        assert!(both.from().inner.is_empty());
    }
}

#[tokio::test]
async fn saves_are_kept_whatever_comes_between() {
    saves_are_kept().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn saves_are_kept_at_the_same_time() {
    saves_are_kept().await;
}

#[tokio::test]
async fn logouts_are_final_whatever_comes_between() {
    logouts_are_final().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logouts_are_final_at_the_same_time() {
    logouts_are_final().await;
}
