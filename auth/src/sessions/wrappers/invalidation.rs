use std::fmt;
use std::sync::Arc;

use crate::sessions::SessionDigest;

/// Tells other processes that the copies of sessions which they hold are out of date.
///
/// It only makes sooner what a bound in time guarantees anyway: a message may be lost.
pub trait SessionInvalidations: fmt::Debug + Send + Sync + 'static {
    /// Tells all others, without waiting for it.
    fn publish(&self, what: Invalidated);

    /// Passes on what others tell, for as long as what it gives is kept.
    ///
    /// It subscribes again by itself; when it begins to hear, and whenever it may have missed something, it passes on
    /// [`Invalidated::Every`].
    fn listen(&self, heard: Arc<dyn Fn(Invalidated) + Send + Sync>) -> Listening;
}

/// Which copies are out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Invalidated {
    /// That of this session: it was changed or has ended.
    One(SessionDigest),
    /// Perhaps any.
    Every,
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
