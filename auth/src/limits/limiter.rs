use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Attempt, LimitError, LimitKey, LimitRule, LimitStore, Settlement, Tries, prefix};
use crate::clock::{Clock, SystemClock};

/// Limits anything that is tried: a login, a code, a mail that is asked for.
///
/// ```
/// # async fn example() -> Result<(), auth::limits::LimitError> {
/// use auth::limits::{Backoff, Decision, Limit, LimitKey, Limiter, OnSuccess};
///
/// let limiter = Limiter::in_memory();
/// let key = LimitKey::new("one-time code", &[b"user 7"]);
/// match limiter.attempt(&[Limit::new(key, Backoff::ACCOUNT_AND_SOURCE, OnSuccess::Forget)]).await? {
///     Decision::Wait(wait) => println!("429, Retry-After: {}", auth::limits::Decision::retry_after(wait)),
///     Decision::Allowed(ticket) => {
///         let correct = true; // check the code
///         if correct {
///             limiter.succeeded(ticket).await?;
///         }
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Limiter {
    store: Arc<dyn LimitStore>,
    clock: Arc<dyn Clock>,
}

/// One of the limits that an attempt is held to.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub(super) key: LimitKey,
    pub(super) rule: LimitRule,
    pub(super) on_success: OnSuccess,
}

/// What a success means for what was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnSuccess {
    /// Only failures in a row count: everything is forgotten. For what only the right one can succeed at.
    Forget,
    /// This attempt does not count, earlier failures do. For what an attacker could also succeed at: whoever has an
    /// account of their own must not buy further guesses at others with it.
    TakeBack,
    /// Successes count too.
    Keep,
}

/// Whether an attempt may be made.
#[must_use = "an attempt may only be made when it is allowed"]
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever asks must know both answers")]
pub enum Decision {
    /// It may, and is counted already.
    Allowed(Ticket),
    /// Not before that time has passed: HTTP 429.
    Wait(Duration),
}

impl Decision {
    /// Whole seconds for `Retry-After` (RFC 9110 §10.2.3), rounded up.
    pub fn retry_after(wait: Duration) -> u64 {
        wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
    }
}

/// An attempt that was counted. Dropped, it counts as a failure.
#[must_use = "say what became of the attempt; dropped, it counts as a failure"]
#[derive(Debug)]
pub struct Ticket {
    counted: Vec<(Limit, Tries)>,
}

impl Limit {
    /// Tries under this key are held to this [`Backoff`](super::Backoff) or [`Rate`](super::Rate).
    pub fn new(key: LimitKey, rule: impl Into<LimitRule>, on_success: OnSuccess) -> Self {
        Self { key, rule: rule.into(), on_success }
    }

    /// What one source tries of this. An unknown one has no limit (see [the module](super)).
    pub(crate) fn by_source(
        purpose: &str,
        source: Option<IpAddr>,
        rule: impl Into<LimitRule>,
        on_success: OnSuccess,
    ) -> Option<Self> {
        Some(Self::new(LimitKey::new(purpose, &[&prefix(source?)]), rule, on_success))
    }

    fn take_back(self, counted: Tries) -> (LimitKey, Settlement) {
        (self.key, Settlement::TakeBack { rule: self.rule, counted })
    }
}

impl Limiter {
    /// Counts in this store and goes by this clock.
    pub fn new(store: Arc<dyn LimitStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Counts in this process and goes by the machine's clock.
    pub fn in_memory() -> Self {
        Self::new(Arc::new(super::InMemoryLimitStore::new()), Arc::new(SystemClock))
    }

    /// Counts an attempt under all of these limits, or refuses it under all.
    ///
    /// # Errors
    /// [`LimitError`] when the store fails: refuse the attempt.
    pub async fn attempt(&self, limits: &[Limit]) -> Result<Decision, LimitError> {
        let rules: Vec<_> = limits.iter().map(|limit| (limit.key, limit.rule)).collect();
        Ok(match self.store.attempt(&rules, self.clock.now()).await? {
            Attempt::Wait(wait) => Decision::Wait(wait),
            Attempt::Counted(tries) => {
                Decision::Allowed(Ticket { counted: limits.iter().copied().zip(tries).collect() })
            }
        })
    }

    /// The attempt succeeded.
    ///
    /// # Errors
    /// [`LimitError`] when the store fails: the attempt stays counted.
    pub async fn succeeded(&self, ticket: Ticket) -> Result<(), LimitError> {
        let settlement = |(limit, counted): (Limit, Tries)| match limit.on_success {
            OnSuccess::Forget => Some((limit.key, Settlement::Forget)),
            OnSuccess::TakeBack => Some(limit.take_back(counted)),
            OnSuccess::Keep => None,
        };
        self.settle(ticket.counted.into_iter().filter_map(settlement).collect()).await
    }

    /// The attempt was never made: nothing was compared, because the server was busy or a store failed.
    ///
    /// # Security
    /// Only for what cannot have told the caller anything of the secret.
    ///
    /// # Errors
    /// [`LimitError`] when the store fails: the attempt stays counted.
    pub async fn not_made(&self, ticket: Ticket) -> Result<(), LimitError> {
        self.settle(ticket.counted.into_iter().map(|(limit, counted)| limit.take_back(counted)).collect()).await
    }

    /// Forgets what was counted under these keys: an administrator unlocks an account, its owner has recovered it.
    ///
    /// # Errors
    /// [`LimitError`] when the store fails.
    pub async fn forget(&self, keys: &[LimitKey]) -> Result<(), LimitError> {
        self.settle(keys.iter().map(|key| (*key, Settlement::Forget)).collect()).await
    }

    async fn settle(&self, settlements: Vec<(LimitKey, Settlement)>) -> Result<(), LimitError> {
        if settlements.is_empty() {
            return Ok(());
        }
        self.store.settle(&settlements, self.clock.now()).await
    }
}
