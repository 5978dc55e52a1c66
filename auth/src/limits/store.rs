use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{LimitKey, LimitRule, Tries};
use crate::BoxFuture;

/// Counts tries. Each operation is atomic, in this process or in a store that many share.
///
/// A store does not know the time: it is told, so that all limits go by the application's clock.
pub trait LimitStore: fmt::Debug + Send + Sync + 'static {
    /// Counts one try under every key, by [`LimitRule::count`], or under none if any key has to wait.
    ///
    /// # Errors
    /// [`LimitError`]; then nothing may be allowed.
    fn attempt<'a>(
        &'a self,
        limits: &'a [(LimitKey, LimitRule)],
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Attempt, LimitError>>;

    /// Says what became of tries that were counted. Keys that are not there are left alone, and each key is settled by
    /// itself.
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
    /// Counted under every key. What is kept for each now, this try among it, in the order of the keys.
    Counted(Vec<Tries>),
    /// Counted under none: the longest wait of all keys, more than nothing.
    Wait(Duration),
}

/// What is to become of a try that was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "stores must know both")]
pub enum Settlement {
    /// Everything under this key is forgotten.
    Forget,
    /// This one try does not count, by [`LimitRule::take_back`].
    TakeBack {
        /// What it was held to.
        rule: LimitRule,
        /// What [`Attempt::Counted`] said.
        counted: Tries,
    },
}

/// A limit could not be looked at. Whatever it guards is refused (HTTP 503).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// No store of limits has addresses of that scheme.
    #[error("no store of limits is called `{0}`; known: memory, database, redis")]
    UnknownStore(String),
    /// The store for that scheme is not compiled in.
    #[error("limits at `{scheme}` need the feature `{feature}` of the crate `auth`")]
    NotEnabled {
        /// The scheme of the address.
        scheme: String,
        /// The feature that brings the store.
        feature: &'static str,
    },
    /// The address or another setting does not fit the store.
    #[error("{0}")]
    Configuration(String),
    /// The store failed.
    #[error("the store of limits failed")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl LimitError {
    /// A failure of the store.
    pub fn store(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Store(source.into())
    }
}
