use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Backoff, LimitKey};
use crate::BoxFuture;

/// Counts tries. Each operation is atomic, in this process or in a store that many share.
///
/// A store does not know the time: it is told, so that all limits go by the application's clock.
pub trait LimitStore: fmt::Debug + Send + Sync + 'static {
    /// Counts one try under every key, by [`Backoff::count`], or under none if any key has to wait.
    ///
    /// # Errors
    /// [`LimitError`]; then nothing may be allowed.
    fn attempt<'a>(
        &'a self,
        limits: &'a [(LimitKey, Backoff)],
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Attempt, LimitError>>;

    /// Says what became of tries that were counted. Keys that are not there are left alone.
    ///
    /// # Errors
    /// [`LimitError`]; then the tries stay counted.
    fn settle<'a>(
        &'a self,
        settlements: &'a [(LimitKey, Settlement)],
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<(), LimitError>>;
}

/// What [`LimitStore::attempt`] did.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever asks must know both answers")]
pub enum Attempt {
    /// Counted under every key. The counts, this try among them, in the order of the keys.
    Counted(Vec<u32>),
    /// Counted under none: the longest wait of all keys, more than nothing.
    Wait(Duration),
}

/// What is to become of a try that was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "stores must know both")]
pub enum Settlement {
    /// Everything under this key is forgotten.
    Forget,
    /// This one try does not count. If none was counted since (`count` is still the count), the wait that it began
    /// ends too; otherwise later tries keep theirs.
    TakeBack {
        /// What [`Attempt::Counted`] said.
        count: u32,
    },
}

/// A limit could not be looked at. Whatever it guards is refused (HTTP 503).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// The store failed.
    #[error("the store of limits failed")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}
