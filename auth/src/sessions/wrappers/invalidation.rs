use std::fmt;
use std::sync::Arc;

use crate::BoxFuture;
use crate::sessions::{SessionDigest, SessionError};

/// Tells other processes that the copies of a session which they hold are out of date.
///
/// It only makes sooner what a bound in time guarantees anyway: a message may be lost.
pub trait SessionInvalidations: fmt::Debug + Send + Sync + 'static {
    /// Tells all others that this session was changed or has ended.
    fn publish<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<(), SessionError>>;

    /// Passes on what others tell, for as long as the future is kept.
    ///
    /// It subscribes again by itself; when it begins to hear, and whenever it may have missed something, it passes on
    /// [`Invalidated::All`].
    fn listen(&self, heard: Arc<dyn Fn(Invalidated) + Send + Sync>) -> BoxFuture<'_, ()>;
}

/// Which copies are out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Invalidated {
    /// That of this session.
    One(SessionDigest),
    /// Perhaps any.
    All,
}
