use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Credential, Held, LiveSettings};
use crate::access::Principal;
use crate::accounts::Auth;
use crate::report;
use crate::sessions::{Invalidated, SessionDigest};
use crate::users::UserModel;

/// How a login stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It held when it was last asked.
    Holds,
    /// A store failed: nothing passes until it is known.
    Unknown,
    /// It has ended.
    Ended,
    /// It was unknown for too long.
    GivenUp,
}

#[derive(Clone, Debug)]
struct State {
    status: Status,
    /// With what the user held when it was last asked.
    principal: Principal,
}

/// A login that somebody watches.
pub(super) struct Watched {
    user: Invalidated,
    session: Option<SessionDigest>,
    signals: Arc<Signals>,
    state: watch::Receiver<State>,
}

/// What is said to the task that checks.
#[derive(Default)]
struct Signals {
    now: Notify,
    soon: Notify,
    used: AtomicBool,
}

const CANNOT_TELL: &str = "whether a login still holds cannot be told, so nothing passes through what is open for it";

/// Of two checks that are announced, the second is so much later.
const GAP: Duration = Duration::from_millis(50);
/// A check that takes longer has failed.
const LONGEST_CHECK: Duration = Duration::from_secs(1);
/// A login of which nobody can tell for so long is given up.
const GRACE: Duration = Duration::from_secs(5);

impl Watched {
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state.borrow().status, Status::Ended | Status::GivenUp) || self.state.has_changed().is_err()
    }

    pub(super) fn hear(&self, what: Invalidated) {
        match what {
            Invalidated::One(id) if self.session == Some(id) => self.signals.now.notify_one(),
            Invalidated::OfUser(_) if self.user == what => self.signals.now.notify_one(),
            Invalidated::One(_) | Invalidated::OfUser(_) => {}
            Invalidated::Every => self.signals.soon.notify_one(),
        }
    }
}

/// Tells how a login stands, for as long as it is kept. All that depend on one login share one check.
#[derive(Clone)]
pub(crate) struct LoginWatch {
    watched: Arc<Watched>,
    state: watch::Receiver<State>,
}

impl LoginWatch {
    /// How it stands; [`LoginWatch::changed`] waits for what comes after that.
    pub(crate) fn status(&mut self) -> Status {
        let status = self.state.borrow_and_update().status;
        // If whoever checks is gone, nobody can tell.
        let is_alone = self.state.has_changed().is_err() && status != Status::Ended;
        if is_alone { Status::GivenUp } else { status }
    }

    /// Waits until it was checked again.
    pub(crate) async fn changed(&mut self) {
        drop(self.state.changed().await);
    }

    /// Waits until it is over.
    pub(crate) async fn over(&mut self) {
        while !matches!(self.status(), Status::Ended | Status::GivenUp) {
            self.changed().await;
        }
    }

    /// Who it is, with what they held when it was last asked.
    pub(crate) fn principal(&self) -> Principal {
        self.state.borrow().principal.clone()
    }

    /// Notes that whoever has the login uses it.
    pub(crate) fn note_use(&self) {
        self.watched.signals.used.store(true, Ordering::Relaxed);
    }
}

impl<U: UserModel> Auth<U> {
    /// Watches a credential that holds now.
    pub(crate) fn watch(&self, credential: Credential, held: Held) -> LoginWatch {
        let digest = credential.digest();
        let watched = self.live().endings.join(digest, || {
            let (tell, state) = watch::channel(State { status: Status::Holds, principal: held.principal.clone() });
            let signals = Arc::new(Signals::default());
            let (user, session) = (Invalidated::of_user(held.principal.id()), credential.session().copied());
            let checks = Checks { auth: self.clone(), credential, held, signals: signals.clone(), tell };
            tokio::spawn(async move {
                let auth = checks.auth.clone();
                checks.run().await;
                auth.live().endings.leave(&digest);
            });
            Arc::new(Watched { user, session, signals, state })
        });
        LoginWatch { state: watched.state.clone(), watched }
    }
}

/// Checks a login again and again.
struct Checks<U: UserModel> {
    auth: Auth<U>,
    credential: Credential,
    held: Held,
    signals: Arc<Signals>,
    tell: watch::Sender<State>,
}

impl<U: UserModel> Checks<U> {
    /// Until it is over, and until nobody watches any more.
    async fn run(mut self) {
        let mut unknown_since = None;
        // Whoever begins to watch has just checked; what ended meanwhile may have been announced to nobody.
        let mut pause = Duration::ZERO;
        loop {
            if !self.wait(Instant::now(), pause).await {
                return;
            }
            let used = self.signals.used.swap(false, Ordering::Relaxed);
            let checked = timeout(LONGEST_CHECK, self.auth.check(&self.credential, used)).await;
            let status = match checked {
                Ok(Ok(Some(held))) => {
                    self.held = held;
                    unknown_since = None;
                    Status::Holds
                }
                Ok(Ok(None)) => Status::Ended,
                failed => {
                    self.signals.used.fetch_or(used, Ordering::Relaxed);
                    let since = *unknown_since.get_or_insert_with(|| {
                        match failed {
                            Ok(Err(error)) => report::failed(CANNOT_TELL, &error),
                            _ => report::failure(CANNOT_TELL),
                        }
                        Instant::now()
                    });
                    if since.elapsed() < GRACE { Status::Unknown } else { Status::GivenUp }
                }
            };
            self.tell.send_replace(State { status, principal: self.held.principal.clone() });
            pause = match status {
                Status::Holds => self.until_next(),
                Status::Unknown => LiveSettings::INTERVAL,
                Status::Ended | Status::GivenUp => break,
            };
        }
        self.tell.closed().await;
    }

    /// Waits for the next check. Says whether anybody wants it.
    async fn wait(&self, last: Instant, pause: Duration) -> bool {
        let mut due = last + pause;
        loop {
            tokio::select! {
                () = self.tell.closed() => return false,
                () = sleep_until(due) => return true,
                () = self.signals.now.notified() => due = due.min(last + GAP),
                () = self.signals.soon.notified() => due = due.min(last + LiveSettings::INTERVAL),
            }
        }
    }

    /// The interval, or less where the login ends before.
    fn until_next(&self) -> Duration {
        let left = self.held.ends_at.map(|ends_at| ends_at - self.auth.inner().clock.now());
        let left = left.and_then(|left| left.to_std().ok()).filter(|left| !left.is_zero());
        left.map_or(self.auth.live().interval, |left| self.auth.live().interval.min(left + Duration::from_millis(1)))
    }
}
