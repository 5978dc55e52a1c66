use std::time::Duration;

use super::Tries;
use super::rule::millis;

/// One try in each period, and some at once after a rest: for what costs something each time, a mail or a message.
///
/// The generic cell rate algorithm, GCRA(I, L) of ITU-T I.371 (annex A) and the ATM Forum's Traffic Management 4.1
/// (§4.4.2), as virtual scheduling: the increment I is the period, and the limit L is so many periods as the burst has
/// tries beyond the first. What is kept is the *theoretical arrival time*. A try conforms unless it comes more than L
/// before that; then the time becomes the later of itself and now, plus I. A try that does not conform changes nothing.
///
/// So in any time `t` there are no more tries than the burst and `t / period`. The period is whole milliseconds; what is
/// beyond them is cut off.
///
/// ```
/// # fn main() -> Result<(), auth::limits::RateError> {
/// use std::time::Duration;
///
/// // Three mails at once, then one every ten minutes.
/// let mails = auth::limits::Rate::new(Duration::from_mins(10), 3)?;
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    period: Duration,
    burst: u32,
}

/// Why a [`Rate`] is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RateError {
    /// Nobody could ever try.
    #[error("a burst is at least one try")]
    Burst,
    /// The period is shorter than a millisecond, or the burst takes longer than 30 days to recover from.
    #[error("a period is at least a millisecond, and all those of a burst at most 30 days")]
    Period,
}

impl Rate {
    const LONGEST: Duration = Duration::from_hours(30 * 24);

    /// One try in each period, and so many at once where none was made for as many periods.
    ///
    /// # Errors
    /// [`RateError`].
    pub fn new(period: Duration, burst: u32) -> Result<Self, RateError> {
        if burst == 0 {
            return Err(RateError::Burst);
        }
        let within = period.checked_mul(burst).is_some_and(|all| all <= Self::LONGEST);
        if period < Duration::from_millis(1) || !within {
            return Err(RateError::Period);
        }
        Ok(Self { period: Duration::from_millis(millis(period).unsigned_abs()), burst })
    }

    /// How long it takes until one more try may be made.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// How many tries may be made at once.
    pub fn burst(&self) -> u32 {
        self.burst
    }

    /// How long before its theoretical arrival time a try may come.
    pub(super) fn tolerance(&self) -> Duration {
        self.period * (self.burst - 1)
    }

    /// What is to be kept after one more try, for which there is no wait.
    pub(super) fn next(&self, before: Option<Tries>, now: i64) -> Tries {
        let arrival = before.map_or(now, |tries| tries.expires).saturating_add(millis(self.period));
        Tries {
            count: before.map_or(0, |tries| tries.count).saturating_add(1),
            not_before: arrival.saturating_sub(millis(self.tolerance())),
            expires: arrival,
        }
    }

    /// What a try added and has not passed yet is taken away again. Not more: what has passed since was time in which
    /// nothing else was to pass, and would be there for tries that came later.
    pub(super) fn give_back(&self, held: Tries, counted: Tries, now: i64) -> Option<Tries> {
        let left = counted.expires.saturating_sub(now).clamp(0, millis(self.period));
        if left == 0 {
            return Some(held);
        }
        let tries = Tries {
            count: held.count.saturating_sub(1),
            not_before: held.not_before.saturating_sub(left),
            expires: held.expires.saturating_sub(left),
        };
        (now < tries.expires).then_some(tries)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::limits::LimitRule;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_and_then_one_in_each_period() {
        let rule = LimitRule::from(Rate::new(10 * SECOND, 3).expect("it is within the rules"));
        let at = |seconds: i64| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        let mut held = None;
        let mut seen = Vec::new();
        for second in [0, 0, 0, 0, 9, 10, 10, 15, 35, 35, 36, 70, 70, 70, 70] {
            match rule.count(held, at(second)) {
                Ok(tries) => {
                    held = Some(tries);
                    seen.push((second, 0));
                }
                Err(wait) => seen.push((second, wait.as_secs())),
            }
        }
        let expected = [
            (0, 0),
            (0, 0),
            (0, 0),
            (0, 10),
            (9, 1),
            (10, 0),
            (10, 10),
            (15, 5),
            (35, 0),
            (35, 0),
            (36, 4),
            (70, 0),
            (70, 0),
            (70, 0),
            (70, 10),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn rates_that_make_no_sense_are_refused() {
        assert_eq!(Rate::new(SECOND, 0), Err(RateError::Burst));
        assert_eq!(Rate::new(Duration::from_micros(999), 1), Err(RateError::Period));
        assert_eq!(Rate::new(Duration::MAX, 2), Err(RateError::Period));
        assert_eq!(Rate::new(Duration::from_hours(24), 31), Err(RateError::Period));
        assert!(Rate::new(Duration::from_hours(24), 30).is_ok());
        assert!(Rate::new(Duration::from_millis(1), 1).is_ok());
    }

    #[test]
    fn what_is_given_back_never_makes_room_for_more_than_without_the_try() {
        let rate = Rate::new(10 * SECOND, 3).expect("it is within the rules");
        let alone = rate.next(None, 0);
        assert_eq!(rate.give_back(alone, alone, 4000), None);
        // Another came while this one was passing: of this one six seconds are left, and of the other all.
        let both = rate.next(Some(alone), 4000);
        let other = rate.next(None, 4000);
        assert_eq!(rate.give_back(both, alone, 4000).map(|tries| tries.expires), Some(other.expires));
        // All of this one has passed.
        assert_eq!(rate.give_back(both, alone, 10_000), Some(both));
    }
}
