use std::time::Duration;

use super::Tries;
use super::rule::millis;

/// How fast one may try: some tries freely, then after waits that double, and at some number not at all for a while.
///
/// | | [`ACCOUNT`](Self::ACCOUNT) | [`ACCOUNT_AND_SOURCE`](Self::ACCOUNT_AND_SOURCE) | [`SOURCE`](Self::SOURCE) |
/// | --- | --- | --- | --- |
/// | free tries | 20 | 5 | 50 |
/// | first wait, doubling up to | 1 s, 15 min | 1 s, 15 min | 1 s, 1 min |
/// | locked after, for | 100 tries, 24 h | 100 tries, 24 h | 1000 tries, 1 h |
/// | forgotten after the last try | 24 h | 24 h | 1 h |
///
/// One hundred tries at an account take some 18 hours (NIST SP 800-63B-4 §3.2.2; ASVS 6.3.1). Five free tries per
/// source keep others' tries from slowing a user down at once. Behind one source may be a whole office, so it has
/// more. Times are whole milliseconds; what is beyond them is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    free: u32,
    pub(super) first_wait: Duration,
    pub(super) longest_wait: Duration,
    lock_after: u32,
    pub(super) locked_for: Duration,
    pub(super) forgotten_after: Duration,
}

/// Why a [`Backoff`] is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackoffError {
    /// Nobody could ever try, or there would be nothing to wait for.
    #[error("free tries are at least one and fewer than the tries before the lock")]
    Tries,
    /// A wait is shorter than a second or longer than 30 days, or the first is longer than the longest.
    #[error("waits are from one second to 30 days, and the first is not longer than the longest")]
    Waits,
    /// More than a hundred tries at an account.
    #[error("an account is locked after at most 100 tries (NIST SP 800-63B-4 §3.2.2)")]
    TooManyTries,
}

impl Backoff {
    /// For an account, whoever tries.
    pub const ACCOUNT: Self = Self { free: 20, ..Self::ACCOUNT_AND_SOURCE };

    /// For an account and one source.
    pub const ACCOUNT_AND_SOURCE: Self = Self {
        free: 5,
        first_wait: Duration::from_secs(1),
        longest_wait: Duration::from_mins(15),
        lock_after: 100,
        locked_for: Duration::from_hours(24),
        forgotten_after: Duration::from_hours(24),
    };

    /// For a source, whatever account it tries.
    pub const SOURCE: Self = Self {
        free: 50,
        first_wait: Duration::from_secs(1),
        longest_wait: Duration::from_mins(1),
        lock_after: 1000,
        locked_for: Duration::from_hours(1),
        forgotten_after: Duration::from_hours(1),
    };

    /// Free tries, and after how many tries it is locked for how long; waits from one second to 15 minutes, or to
    /// the time it is locked for if that is less. Forgotten after the time it is locked for.
    ///
    /// # Errors
    /// [`BackoffError`].
    pub fn new(free: u32, lock_after: u32, locked_for: Duration) -> Result<Self, BackoffError> {
        let longest_wait = locked_for.min(Duration::from_mins(15));
        let (first_wait, forgotten_after) = (Duration::from_secs(1), locked_for);
        let backoff = Self { free, first_wait, longest_wait, lock_after, locked_for, forgotten_after };
        backoff.checked()
    }

    /// The wait after the last free try, which doubles with each further one, and the longest that it grows to.
    ///
    /// # Errors
    /// [`BackoffError::Waits`].
    pub fn waits(self, first: Duration, longest: Duration) -> Result<Self, BackoffError> {
        Self { first_wait: first, longest_wait: longest, ..self }.checked()
    }

    /// How many tries may be made before it is locked.
    pub fn lock_after(&self) -> u32 {
        self.lock_after
    }

    /// How many tries need no wait between them.
    pub fn free(&self) -> u32 {
        self.free
    }

    /// How long to wait after that many tries.
    pub fn wait_after(&self, count: u32) -> Duration {
        if count >= self.lock_after {
            return self.locked_for;
        }
        match count.checked_sub(self.free) {
            None => Duration::ZERO,
            Some(doublings) => self.first_wait.saturating_mul(2_u32.saturating_pow(doublings)).min(self.longest_wait),
        }
    }

    /// What is to be kept after one more try, for which there is no wait.
    pub(super) fn next(&self, before: Option<Tries>, now: i64) -> Tries {
        let count = before.map_or(0, |tries| tries.count).saturating_add(1);
        let wait = self.wait_after(count);
        // What was locked starts from nothing afterwards: an account is not closed for ever.
        let kept = if count >= self.lock_after { wait } else { self.forgotten_after.max(wait) };
        Tries { count, not_before: now.saturating_add(millis(wait)), expires: now.saturating_add(millis(kept)) }
    }

    fn checked(self) -> Result<Self, BackoffError> {
        const WAITS: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(30 * 24);
        if self.free == 0 || self.free >= self.lock_after {
            return Err(BackoffError::Tries);
        }
        let waits = [self.first_wait, self.longest_wait, self.locked_for, self.forgotten_after];
        if self.first_wait > self.longest_wait || !waits.iter().all(|wait| WAITS.contains(wait)) {
            return Err(BackoffError::Waits);
        }
        let whole = |time: Duration| Duration::from_millis(millis(time).unsigned_abs());
        Ok(Self {
            first_wait: whole(self.first_wait),
            longest_wait: whole(self.longest_wait),
            locked_for: whole(self.locked_for),
            forgotten_after: whole(self.forgotten_after),
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_after_the_free_tries_up_to_the_longest() {
        let seconds = |count| Backoff::ACCOUNT_AND_SOURCE.wait_after(count).as_secs();
        let waits: Vec<_> = (1..=17).map(seconds).collect();
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        assert_eq!((seconds(99), seconds(100), seconds(u32::MAX)), (900, 86_400, 86_400));
    }

    #[test]
    fn the_defaults_are_within_the_rules() {
        for backoff in [Backoff::ACCOUNT, Backoff::ACCOUNT_AND_SOURCE, Backoff::SOURCE] {
            assert_eq!(backoff.checked(), Ok(backoff));
        }
        assert!(Backoff::ACCOUNT.lock_after() <= 100);
    }

    #[test]
    fn rules_that_make_no_sense_are_refused() {
        let hour = Duration::from_hours(1);
        assert_eq!(Backoff::new(0, 10, hour), Err(BackoffError::Tries));
        assert_eq!(Backoff::new(10, 10, hour), Err(BackoffError::Tries));
        assert_eq!(Backoff::new(5, 10, Duration::ZERO), Err(BackoffError::Waits));
        assert_eq!(Backoff::new(5, 10, Duration::MAX), Err(BackoffError::Waits));
        let backoff = Backoff::new(5, 10, hour).expect("it works");
        assert_eq!(backoff.waits(hour, Duration::from_secs(1)), Err(BackoffError::Waits));
    }

    #[test]
    fn times_are_whole_milliseconds() {
        let hour = Duration::from_hours(1);
        let backoff = Backoff::new(5, 10, hour).expect("it works");
        let first = Duration::from_micros(1_000_999);
        assert_eq!(backoff.waits(first, hour).expect("it works").wait_after(6), Duration::from_secs(2));
    }
}
