use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::sessions::SessionDigest;

/// Tells other processes that copies of sessions which they hold are out of date, and that logins on which something open
/// depends, a WebSocket for one, may have ended.
///
/// It only makes sooner what a bound in time guarantees anyway: a message may be lost, and whoever hears one asks the store.
pub trait SessionInvalidations: fmt::Debug + Send + Sync + 'static {
    /// Tells all others, without waiting for it.
    fn publish(&self, what: Invalidated);

    /// Passes on what others tell, for as long as what it gives is kept.
    ///
    /// It subscribes again by itself; when it begins to hear, and whenever it may have missed something, it passes on
    /// [`Invalidated::Every`].
    fn listen(&self, heard: Arc<dyn Fn(Invalidated) + Send + Sync>) -> Listening;
}

/// What is out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Invalidated {
    /// The copy of this session: it was changed or has ended.
    One(SessionDigest),
    /// What is known of the user of this digest, of whom a right, the password, or a login was changed. No copy of a session is
    /// out of date by that.
    OfUser([u8; 32]),
    /// Perhaps any.
    Every,
}

impl Invalidated {
    /// What concerns the user whose primary key is this, as text. Whoever overhears it does not learn whose.
    pub fn of_user(user_id: &str) -> Self {
        Self::OfUser(Sha256::new().chain_update(b"auth: logins of: ").chain_update(user_id).finalize().into())
    }
}

/// Somebody listens until this is dropped.
pub struct Listening {
    _until_dropped: Box<dyn Send + Sync>,
}

impl Listening {
    /// Until this is dropped.
    pub fn until_dropped(listener: impl Send + Sync + 'static) -> Self {
        Self { _until_dropped: Box::new(listener) }
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listening")
    }
}
