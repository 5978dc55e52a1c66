//! Every order in which a few at once can do their steps, with so many interruptions.

use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use auth_tests::{Before, Call};

use super::*;

/// A store that waits to be called a second time before it does anything.
fn stepwise(store: &Store) -> Before<Store> {
    Before::new(store.clone(), |call| {
        let mut waited = call == Call::Exists;
        poll_fn(move |_| if std::mem::replace(&mut waited, true) { Poll::Ready(Ok(())) } else { Poll::Pending })
    })
}

type Steps = MigratingSessionBackend<Before<Store>, Before<Store>>;
/// Somebody at work, who says whether it went as it must.
type Work<'a> = BoxFuture<'a, bool>;

/// What there is at the start of each order.
struct Scene {
    both: Steps,
    clock: ManualClock,
    id: SessionDigest,
}

impl Scene {
    fn new() -> Self {
        let (both, clock) = both();
        let record = login(&clock, 1, b"\x010");
        let id = now(add(both.from(), &record));
        Self { both: MigratingSessionBackend::new(stepwise(both.from()), stepwise(both.to())), clock, id }
    }

    fn mover(&self) -> Work<'_> {
        Box::pin(async { migrate(&self.both).await.is_ok() })
    }

    fn logout(&self) -> Work<'_> {
        Box::pin(async { self.both.delete(&self.id).await.unwrap() })
    }

    fn logout_everywhere(&self) -> Work<'_> {
        Box::pin(async { self.both.delete_all_of("7", None).await.unwrap() == 1 })
    }

    /// A logout, and a new session in the same place.
    fn next(&self) -> Work<'_> {
        Box::pin(async {
            let new = record(&self.clock, 1, b"\x01new");
            self.logout().await && self.both.save(&self.id, new, SaveIf::Absent).await.unwrap() == Saved::Done
        })
    }

    fn save(&self) -> BoxFuture<'_, Saved> {
        Box::pin(async {
            let next = Arc::new(login(&self.clock, 2, b"\x011"));
            self.both.save(&self.id, next, SaveIf::Version(1)).await.unwrap()
        })
    }

    fn saver(&self) -> Work<'_> {
        Box::pin(async { self.save().await == Saved::Done })
    }

    fn saver_at_a_logout(&self) -> Work<'_> {
        Box::pin(async { self.save().await != Saved::Conflict })
    }

    fn toucher(&self) -> Work<'_> {
        Box::pin(async {
            let (seen_at, expires_at) = (self.clock.now(), self.clock.now() + TimeDelta::hours(1));
            self.both.touch(&self.id, seen_at, expires_at).await.is_ok()
        })
    }

    fn reader(&self) -> Work<'_> {
        Box::pin(async { self.both.load(&self.id).await.unwrap().is_some() })
    }

    /// What is there after all, and after another migration.
    fn left(&self) -> Option<Arc<SessionRecord>> {
        let left = now(self.both.load(&self.id)).unwrap();
        now(migrate(&self.both)).unwrap();
        let again = now(self.both.load(&self.id)).unwrap();
        assert!(left == again && self.both.from().inner.is_empty());
        left
    }
}

/// Calls it until it is done.
fn now<T>(work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
    }
}

/// How often somebody is interrupted, at the most, before they are done. All orders would be millions.
const INTERRUPTIONS: usize = 3;

/// Has them take their steps: `order` says who goes on each time, 0 whoever did last; at its end each goes on until
/// they are done. Says between how many there was to choose each time.
fn run(mut works: Vec<Work<'_>>, order: &[usize]) -> Vec<usize> {
    let (mut choices, mut interruptions, mut under_way) = (Vec::new(), 0, false);
    while !works.is_empty() {
        let chosen = order.get(choices.len()).copied().unwrap_or(0);
        choices.push(if under_way && interruptions == INTERRUPTIONS { 1 } else { works.len() });
        interruptions += usize::from(under_way && chosen > 0);
        works[..=chosen].rotate_right(1);
        let poll = works[0].as_mut().poll(&mut Context::from_waker(Waker::noop()));
        under_way = poll.is_pending();
        if let Poll::Ready(right) = poll {
            assert!(right, "in the order {order:?}");
            drop(works.remove(0));
        }
    }
    choices
}

/// Goes through every order.
fn in_every_order(works: impl Fn(&Scene) -> Vec<Work<'_>>, check: impl Fn(&Scene) -> bool) {
    let (mut order, mut orders) = (Vec::new(), 0);
    loop {
        let scene = Scene::new();
        let choices = run(works(&scene), &order);
        assert!(check(&scene), "in the order {order:?}");
        orders += 1;
        // The next one, as words are ordered.
        order.resize(choices.len(), 0);
        while let Some(last) = order.pop() {
            if last + 1 < choices[order.len()] {
                order.push(last + 1);
                break;
            }
        }
        if order.is_empty() {
            assert!(orders > 100, "{orders}");
            return;
        }
    }
}

fn is_gone(scene: &Scene) -> bool {
    scene.left().is_none()
}

fn has_version(scene: &Scene, version: u64) -> bool {
    scene.left().is_some_and(|left| left.version == version)
}

#[test]
fn two_movers_and_a_reader() {
    in_every_order(|all| vec![all.mover(), all.mover(), all.reader()], |all| has_version(all, 1));
}

#[test]
fn a_mover_a_saver_and_a_reader() {
    in_every_order(|all| vec![all.mover(), all.saver(), all.reader()], |all| has_version(all, 2));
}

#[test]
fn two_movers_and_a_logout() {
    in_every_order(|all| vec![all.mover(), all.mover(), all.logout()], is_gone);
}

#[test]
fn a_mover_and_a_logout_everywhere() {
    in_every_order(|all| vec![all.mover(), all.logout_everywhere()], is_gone);
}

#[test]
fn a_mover_a_saver_and_a_logout() {
    in_every_order(|all| vec![all.mover(), all.saver_at_a_logout(), all.logout()], is_gone);
}

#[test]
fn a_mover_a_toucher_and_a_logout() {
    in_every_order(|all| vec![all.mover(), all.toucher(), all.logout()], is_gone);
}

#[test]
fn a_mover_and_the_next_session() {
    in_every_order(|all| vec![all.mover(), all.next()], |all| all.left().is_some_and(|left| *left.data == *b"\x01new"));
}
