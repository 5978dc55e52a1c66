use std::num::{NonZero, NonZeroU32};
use std::thread;
use std::time::Duration;

use chrono::TimeDelta;

use crate::accounts::{Error, Settings};
use crate::limits::{Backoff, BackoffError, Limiter, LoginLimiter};
use crate::passwords::{
    Argon2Params, Argon2ParamsError, HashingService, MAX_PASSWORD_BYTES, PasswordConfig, PasswordConfigError,
};
use crate::registry::Url;
use crate::secret::SecretString;
use crate::sessions::{SessionLimit, WhenFull};

/// What settings are put into: what the program chose, or the defaults.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) database: Option<Url>,
    pub(super) sessions: Option<Url>,
    pub(super) limits: Option<Url>,
    pub(super) records: Option<Url>,
    pub(super) secret: Option<SecretString>,
    pub(super) secret_fallbacks: Vec<SecretString>,
    pub(super) auth_backends: Vec<String>,
    pub(super) user_cache: Option<Duration>,
    pub(super) web: Settings,
    pub(super) max_per_user: Option<NonZeroU32>,
    pub(super) at_limit: WhenFull,
    pub(super) password: PasswordSettings,
    pub(super) login: LoginSettings,
    pub(super) program: Program,
}

/// What the program made itself, so that settings cannot reach into it.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with one another")]
pub(super) struct Program {
    pub(super) user_store: bool,
    pub(super) session_backend: bool,
    pub(super) passwords: bool,
    pub(super) login_limiter: bool,
    pub(super) other_hasher: bool,
}

#[derive(Clone, Debug)]
pub(super) struct PasswordSettings {
    pub(super) min_length: usize,
    pub(super) max_length: usize,
    /// In bytes.
    pub(super) hash_memory: u64,
    pub(super) hash_passes: u32,
    pub(super) hash_threads: usize,
    pub(super) hash_waiting: usize,
    pub(super) hash_deadline: Duration,
}

/// How many tries there are.
#[derive(Clone, Copy, Debug)]
pub(in crate::accounts) struct LoginSettings {
    pub(super) account: Tries,
    pub(super) account_and_source: Tries,
    pub(super) source: Tries,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Tries {
    pub(super) free: u32,
    pub(super) lock_after: u32,
    pub(super) locked_for: Duration,
}

impl Target {
    /// How many sessions a user may have, if it is limited.
    pub(super) fn session_limit(&self) -> Option<SessionLimit> {
        self.max_per_user.map(|max| SessionLimit { max, when_full: self.at_limit })
    }
}

impl Default for Target {
    fn default() -> Self {
        Self {
            database: None,
            sessions: None,
            limits: None,
            records: None,
            secret: None,
            secret_fallbacks: Vec::new(),
            auth_backends: vec!["users".to_owned()],
            user_cache: None,
            web: Settings::default(),
            max_per_user: None,
            at_limit: WhenFull::Refuse,
            password: PasswordSettings::default(),
            login: LoginSettings::default(),
            program: Program::default(),
        }
    }
}

impl PasswordSettings {
    pub(super) fn rules(&self) -> Result<PasswordConfig, PasswordConfigError> {
        // The least length first: the greatest is held against it.
        PasswordConfig::default().minimum_length(self.min_length)?.maximum_length(self.max_length)
    }

    pub(super) fn argon2(&self) -> Result<Argon2Params, Argon2ParamsError> {
        let kib = u32::try_from(self.hash_memory / 1024).map_err(|_| Argon2ParamsError::TooMuch)?;
        Argon2Params::new(kib, self.hash_passes, 1)
    }

    pub(super) fn service(&self) -> HashingService {
        HashingService::builder()
            .threads(self.hash_threads)
            .waiting(self.hash_waiting)
            .deadline(self.hash_deadline)
            .build()
    }
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self {
            min_length: PasswordConfig::MIN_LENGTH,
            max_length: MAX_PASSWORD_BYTES,
            hash_memory: 19 << 20,
            hash_passes: 2,
            hash_threads: thread::available_parallelism().map_or(1, NonZero::get),
            hash_waiting: 256,
            hash_deadline: Duration::from_secs(10),
        }
    }
}

impl LoginSettings {
    /// A limiter of these numbers.
    ///
    /// # Errors
    /// None that the rules did not tell of before.
    pub(in crate::accounts) fn limiter(&self, limiter: Limiter) -> Result<LoginLimiter, Error> {
        self.checked(limiter).map_err(|error| Error::Configuration(error.to_string()))
    }

    fn checked(&self, limiter: Limiter) -> Result<LoginLimiter, BackoffError> {
        let limiter = LoginLimiter::new(limiter)
            .by_account(self.account.backoff(Backoff::ACCOUNT)?)?
            .by_account_and_source(self.account_and_source.backoff(Backoff::ACCOUNT_AND_SOURCE)?)?;
        Ok(limiter.by_source(self.source.backoff(Backoff::SOURCE)?))
    }
}

impl Default for LoginSettings {
    fn default() -> Self {
        Self {
            account: Tries::of(Backoff::ACCOUNT),
            account_and_source: Tries::of(Backoff::ACCOUNT_AND_SOURCE),
            source: Tries::of(Backoff::SOURCE),
        }
    }
}

impl Tries {
    fn of(backoff: Backoff) -> Self {
        let locked_for = backoff.wait_after(backoff.lock_after());
        Self { free: backoff.free(), lock_after: backoff.lock_after(), locked_for }
    }

    /// The same with the waits of `like`, as far as they are no longer than it is locked for.
    pub(super) fn backoff(self, like: Backoff) -> Result<Backoff, BackoffError> {
        let longest = like.wait_after(like.lock_after() - 1).min(self.locked_for);
        Backoff::new(self.free, self.lock_after, self.locked_for)?.waits(Duration::from_secs(1), longest)
    }
}

/// The bounds of every setting fit: ten years at the most.
pub(super) fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).expect("a duration within the bounds of its setting is one")
}
