use std::net::IpAddr;
use std::time::Duration;

use super::{Backoff, BackoffError, Decision, Limit, LimitError, LimitKey, Limiter, OnSuccess, Rate, Ticket};

/// Somebody is about to try a password.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LoginAttempt<'a> {
    /// The name that was given, in its canonical form, whether such an account exists or not.
    pub account: &'a str,
    /// The connecting peer, or what a configured proxy says of it. Without one there is no limit by source alone, and
    /// beside the account all unknown sources are one.
    pub source: Option<IpAddr>,
    /// A device from which this account was logged in to before, as proved by a secret that it keeps
    /// ([`KnownDevices`](super::KnownDevices)).
    pub known_device: Option<&'a str>,
}

impl<'a> LoginAttempt<'a> {
    /// From an unknown device.
    pub fn new(account: &'a str, source: Option<IpAddr>) -> Self {
        Self { account, source, known_device: None }
    }

    /// From a device that is known for **this** account: it has tries of its own, so nobody else's guesses keep the
    /// user out.
    pub fn known_device(self, device: &'a str) -> Self {
        Self { known_device: Some(device), ..self }
    }
}

/// Slows down guessing at passwords, and stops it (NIST SP 800-63B-4 §3.2.2; ASVS 6.1.1, 6.3.1).
///
/// Three limits hold at once: by account and source, by account whoever tries, and by source whatever account it
/// tries; see [`Backoff`] for their numbers. Accounts that do not exist are limited alike. IPv6 sources count by
/// their /64, which is what one subscriber has. Blocks are temporary. A known device has tries of its own instead of the
/// account's, so that nobody can keep a user out; which devices are known, whoever asks must say
/// ([`LoginAttempt::known_device`]; [`KnownDevices`](super::KnownDevices) can tell; `Auth::log_in` asks it).
///
/// One limiter serves every path that takes a password of these accounts (ASVS 6.3.4). Second factors have keys of
/// their own, with a [`Limiter`] over the same store.
///
/// # Security
/// An attempt is counted before it is made. A success forgets the failures of this account, but of a source takes
/// back only its own attempt: an attacker cannot log in to an account of their own between guesses to be free again.
/// Tell of a success only when the password was right; whether more is needed to log in does not matter.
#[derive(Clone, Debug)]
pub struct LoginLimiter {
    limiter: Limiter,
    account: Backoff,
    account_and_source: Backoff,
    source: Backoff,
}

/// NIST SP 800-63B-4 §3.2.2.
const MOST_TRIES: u32 = 100;

impl LoginLimiter {
    /// With the default numbers.
    pub fn new(limiter: Limiter) -> Self {
        Self {
            limiter,
            account: Backoff::ACCOUNT,
            account_and_source: Backoff::ACCOUNT_AND_SOURCE,
            source: Backoff::SOURCE,
        }
    }

    /// Other numbers for an account, whoever tries.
    ///
    /// # Errors
    /// [`BackoffError::TooManyTries`] above 100 tries.
    pub fn by_account(self, backoff: Backoff) -> Result<Self, BackoffError> {
        Ok(Self { account: for_account(backoff)?, ..self })
    }

    /// Other numbers for an account and one source, or one known device.
    ///
    /// # Errors
    /// [`BackoffError::TooManyTries`] above 100 tries.
    pub fn by_account_and_source(self, backoff: Backoff) -> Result<Self, BackoffError> {
        Ok(Self { account_and_source: for_account(backoff)?, ..self })
    }

    /// Other numbers for a source, whatever account it tries.
    pub fn by_source(self, backoff: Backoff) -> Self {
        Self { source: backoff, ..self }
    }

    /// Counts an attempt, or says how long to wait.
    ///
    /// # Errors
    /// [`LimitError`] when the store fails: the login is refused (HTTP 503).
    pub async fn attempt(&self, attempt: &LoginAttempt<'_>) -> Result<Decision, LimitError> {
        let account = attempt.account.as_bytes();
        let source = attempt.source.map(prefix);
        let mut limits = Vec::with_capacity(3);
        let mut limit = |key, backoff, on_success| limits.push(Limit::new(key, backoff, on_success));
        if let Some(device) = attempt.known_device {
            let key = LimitKey::new("login account device", &[account, device.as_bytes()]);
            limit(key, self.account_and_source, OnSuccess::Forget);
        } else {
            let both = both_key(account, source.as_deref());
            limit(account_key(account), self.account, OnSuccess::Forget);
            limit(both, self.account_and_source, OnSuccess::Forget);
        }
        limits.extend(Limit::by_source("login source", attempt.source, self.source, OnSuccess::TakeBack));
        self.limiter.attempt(&limits).await
    }

    /// Whether the trail is to be told that this attempt has to wait: once a minute of an account, and of a source. Whoever has
    /// to wait can ask as fast as the network allows, without any work for a password, and must not fill the trail by that.
    pub(crate) async fn is_news(&self, attempt: &LoginAttempt<'_>) -> Result<bool, LimitError> {
        let once = Rate::new(Duration::from_mins(1), 1).expect("a minute is a period");
        let source = attempt.source.map(prefix).unwrap_or_default();
        let limits = [("login told account", attempt.account.as_bytes()), ("login told source", &source)];
        let limits = limits.map(|(of, part)| Limit::new(LimitKey::new(of, &[part]), once, OnSuccess::Keep));
        Ok(matches!(self.limiter.attempt(&limits).await?, Decision::Allowed(_)))
    }

    /// The password was right.
    ///
    /// # Errors
    /// [`LimitError`] when the store fails: the attempt stays counted.
    pub async fn succeeded(&self, ticket: Ticket) -> Result<(), LimitError> {
        self.limiter.succeeded(ticket).await
    }

    /// The password was not looked at, because the server was busy or a store failed.
    ///
    /// # Errors
    /// [`LimitError`] when the store fails: the attempt stays counted.
    pub async fn not_made(&self, ticket: Ticket) -> Result<(), LimitError> {
        self.limiter.not_made(ticket).await
    }

    /// Forgets the failures of an account, and those of it and this source: an administrator unlocks it, or its owner
    /// has recovered it.
    ///
    /// # Errors
    /// [`LimitError`] when the store fails.
    pub async fn unlock(&self, account: &str, source: Option<IpAddr>) -> Result<(), LimitError> {
        let account = account.as_bytes();
        let both = both_key(account, source.map(prefix).as_deref());
        self.limiter.forget(&[account_key(account), both]).await
    }
}

fn for_account(backoff: Backoff) -> Result<Backoff, BackoffError> {
    if backoff.lock_after() > MOST_TRIES { Err(BackoffError::TooManyTries) } else { Ok(backoff) }
}

fn account_key(account: &[u8]) -> LimitKey {
    LimitKey::new("login account", &[account])
}

fn both_key(account: &[u8], source: Option<&[u8]>) -> LimitKey {
    LimitKey::new("login account source", &[account, source.unwrap_or_default()])
}

/// IPv4 whole, however it is written; of IPv6 the /64.
pub(crate) fn prefix(source: IpAddr) -> Vec<u8> {
    match source.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets()[..8].to_vec(),
    }
}
