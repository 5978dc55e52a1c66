//! Logins on which something open depends: a WebSocket. They are watched for as long as it is open.
//!
//! Each login that is watched is checked again at an interval, once for all that depend on it, and at once when an ending is
//! announced: by this process, or by another where announcements are configured. An announcement says whom to check, no more;
//! what holds is what the stores say.

mod check;
mod endings;
mod tickets;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

pub(crate) use check::{Credential, Held};
use endings::{Endings, TokensThatEnd};
pub(crate) use tickets::{TICKET_SECONDS, is_ticket};
pub(crate) use watch::{LoginWatch, Status};

use super::{AuthBuilder, Error};
use crate::audit::Audit;
use crate::sessions::{AnnouncingSessionBackend, Carrier, Invalidated, SessionInvalidations};
use crate::users::stores::AnnouncingUserStore;
use crate::users::{UserModel, UserStore};

/// What the application chose for logins that are watched.
#[derive(Clone, Debug)]
pub(super) struct LiveSettings {
    pub(super) announcements: Option<Arc<dyn SessionInvalidations>>,
    pub(super) interval: Duration,
}

impl LiveSettings {
    /// With the check itself, and what closing takes, it stays below a second.
    pub(super) const INTERVAL: Duration = Duration::from_millis(800);
    const LONGEST_ALONE: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_mins(1);

    fn check(&self) -> Result<(), Error> {
        let wrong = |text: &str| Err(Error::Configuration(text.to_owned()));
        if self.interval.is_zero() || self.interval > Self::LONGEST {
            return wrong("open sockets are checked again after a minute at the latest: `recheck_sockets_every(…)`");
        }
        if self.interval > Self::LONGEST_ALONE && self.announcements.is_none() {
            return wrong(
                "open sockets are checked again after a second at the latest, unless servers tell each other which logins end: \
                 `announce_endings(…)`",
            );
        }
        Ok(())
    }
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self { announcements: None, interval: Self::INTERVAL }
    }
}

impl<U: UserModel> AuthBuilder<U> {
    /// Tells the application's other servers of logins and sessions that end here, and hears of theirs, so that a WebSocket closes
    /// there at once; otherwise each finds out when it checks again. [`RedisInvalidations`](crate::sessions::RedisInvalidations)
    /// do it through Redis (feature `session-redis`).
    pub fn announce_endings(mut self, announcements: impl SessionInvalidations) -> Self {
        self.live.announcements = Some(Arc::new(announcements));
        self
    }

    /// How often the login behind an open WebSocket is checked again: every 800 milliseconds, if nothing is said. The check
    /// reads one session and one user, once for all sockets of a login.
    ///
    /// More than a second, a minute at the most, needs [`AuthBuilder::announce_endings`].
    ///
    /// # Security
    /// What is not announced ends a socket only that much later: what is changed in a store by hand or by another program, a
    /// session whose key is changed, a token that expires before it says, and whatever happens while the announcements' way is
    /// broken for whoever would tell.
    pub fn recheck_sockets_every(mut self, interval: Duration) -> Self {
        self.live.interval = interval;
        self
    }
}

/// What an application keeps of the logins that are watched.
pub(crate) struct Live {
    endings: Arc<Endings>,
    interval: Duration,
    /// For those who are connected and have not said who they are.
    strangers: Arc<Semaphore>,
}

/// So many may be connected who have not said who they are.
const STRANGERS: usize = 1024;

impl Live {
    pub(super) fn new(endings: Arc<Endings>, interval: Duration) -> Self {
        Self { endings, interval, strangers: Arc::new(Semaphore::new(STRANGERS)) }
    }

    pub(crate) fn strangers(&self) -> &Arc<Semaphore> {
        &self.strangers
    }
}

impl LiveSettings {
    /// Begins to listen to the others, if the settings can be; and the same trail, of which is told what ends tokens and keys.
    pub(super) fn endings(&self, audit: Audit) -> Result<(Arc<Endings>, Audit), Error> {
        self.check()?;
        let endings = Endings::new(self.announcements.clone());
        let audit = audit.with_sink(TokensThatEnd(endings.clone()));
        Ok((endings, audit))
    }

    /// Whether sessions that travel like this are told of when they end.
    fn announces(&self, sessions: &Carrier) -> Result<(), Error> {
        if self.interval > Self::LONGEST_ALONE && !sessions.is_on_server() {
            let text = "the end of a session that is kept in its cookie is not announced: leave out `recheck_sockets_every(…)`";
            return Err(Error::Configuration(text.to_owned()));
        }
        Ok(())
    }
}

/// The same sessions, whose endings are told.
pub(super) fn announcing_sessions(
    sessions: Carrier,
    settings: &LiveSettings,
    endings: &Arc<Endings>,
) -> Result<Carrier, Error> {
    settings.announces(&sessions)?;
    Ok(match sessions {
        Carrier::Key(backend) => Carrier::Key(Arc::new(AnnouncingSessionBackend::new(backend, endings.clone()))),
        #[cfg(feature = "session-cookie")]
        whole @ Carrier::Whole(_) => whole,
    })
}

/// The same users, whose changes are told.
pub(super) fn announcing_users<U: UserModel>(
    users: Arc<dyn UserStore<U>>,
    endings: &Arc<Endings>,
) -> Arc<dyn UserStore<U>> {
    let endings = endings.clone();
    let told = move |id: Option<&str>| endings.publish(id.map_or(Invalidated::Every, Invalidated::of_user));
    Arc::new(AnnouncingUserStore::new(users, Arc::new(told)))
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("interval", &self.interval).finish_non_exhaustive()
    }
}
