use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Backoff, LimitKey, Rate};

/// What tries under one key are held to. One key has one rule: what another left there is read as if it were its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "stores that repeat the arithmetic must know both")]
pub enum LimitRule {
    /// Waits that grow with each try, and a lock: for what is guessed at.
    Backoff(Backoff),
    /// A steady rate with bursts: for what costs something each time.
    Rate(Rate),
}

/// What a store keeps for one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores make and read it")]
pub struct Tries {
    /// How many tries were counted since there were none.
    pub count: u32,
    /// Before this nothing is allowed. Milliseconds since 1970.
    pub not_before: i64,
    /// From then on it is as if nothing had been counted. Milliseconds since 1970; never before `not_before`. With a
    /// [`Rate`] it is GCRA's theoretical arrival time.
    pub expires: i64,
}

impl LimitRule {
    /// Counts one more try: what is to be stored, or for how long there may be none.
    ///
    /// Every store's arithmetic. One that has to repeat it in another language is held to this by the suite.
    ///
    /// # Errors
    /// How long to wait; more than nothing. Then nothing is to be stored: a refused try lengthens no wait.
    pub fn count(&self, before: Option<Tries>, now: DateTime<Utc>) -> Result<Tries, Duration> {
        let now = now.timestamp_millis();
        let before = before.filter(|tries| now < tries.expires);
        if let Some(tries) = before.filter(|tries| now < tries.not_before) {
            return Err(Duration::from_millis(tries.not_before.abs_diff(now)));
        }
        Ok(match self {
            Self::Backoff(backoff) => backoff.next(before, now),
            Self::Rate(rate) => rate.next(before, now),
        })
    }

    /// Takes one try back: what is to be stored instead of what is there, or nothing any more.
    ///
    /// `counted` is what [`LimitRule::count`] gave for that try; others may have been counted since. A back-off counts
    /// one try less, and the wait ends if it is the one that this try began. A rate gives back what of the try has not
    /// passed yet.
    pub fn take_back(&self, held: Tries, counted: Tries, now: DateTime<Utc>) -> Option<Tries> {
        let now = now.timestamp_millis();
        if now >= held.expires {
            return None;
        }
        match self {
            Self::Backoff(_) => {
                let is_last = (held.not_before, held.expires) == (counted.not_before, counted.expires);
                let not_before = if is_last { held.not_before.min(now) } else { held.not_before };
                let count = held.count.saturating_sub(1);
                (count > 0).then_some(Tries { count, not_before, ..held })
            }
            Self::Rate(rate) => rate.give_back(held, counted, now),
        }
    }
}

impl From<Backoff> for LimitRule {
    fn from(backoff: Backoff) -> Self {
        Self::Backoff(backoff)
    }
}

impl From<Rate> for LimitRule {
    fn from(rate: Rate) -> Self {
        Self::Rate(rate)
    }
}

/// Counts one try under each of these keys: what is to be stored for each, or the longest wait of them all.
pub(super) fn count_all(
    limits: &[(LimitKey, LimitRule)],
    held: impl Fn(&LimitKey) -> Option<Tries>,
    now: DateTime<Utc>,
) -> Result<Vec<Tries>, Duration> {
    let wait = |(key, rule): &(LimitKey, LimitRule)| rule.count(held(key), now).err();
    if let Some(longest) = limits.iter().filter_map(wait).max() {
        return Err(longest);
    }
    let mut counted = Vec::<Tries>::with_capacity(limits.len());
    for (index, (key, rule)) in limits.iter().enumerate() {
        let earlier = limits[..index].iter().rposition(|(other, _)| other == key).map(|index| counted[index]);
        let tries = rule.count(earlier.or_else(|| held(key)), now);
        // The same key twice in one attempt may have to wait for itself: then it is counted once.
        counted.push(tries.or_else(|wait| earlier.ok_or(wait))?);
    }
    Ok(counted)
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_at_its_ends_does_no_harm() {
        let rate = Rate::new(Duration::from_hours(1), 720).expect("it is within the rules");
        for (rule, now) in [LimitRule::from(Backoff::SOURCE), rate.into()]
            .into_iter()
            .flat_map(|rule| [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC].map(|now| (rule, now)))
        {
            let tries = Tries { count: u32::MAX, not_before: i64::MIN, expires: i64::MAX };
            let next = rule.count(Some(tries), now).expect("there is no wait");
            assert_eq!(next.count, u32::MAX);
            let _ = rule.take_back(next, tries, now);
            let _ = rule.take_back(tries, Tries { expires: i64::MIN, ..next }, now);
            let tries = Tries { not_before: i64::MAX, ..tries };
            assert!(rule.count(Some(tries), now).expect_err("it is refused") > Duration::ZERO);
        }
    }

    #[test]
    fn a_key_that_waits_for_itself_is_counted_once() {
        let now = DateTime::UNIX_EPOCH;
        let key = LimitKey::new("x", &[]);
        let once = LimitRule::from(Rate::new(Duration::from_secs(1), 1).expect("it is within the rules"));
        let counted = count_all(&[(key, once), (key, once)], |_| None, now).expect("there is no wait");
        assert_eq!(counted.iter().map(|tries| tries.count).collect::<Vec<_>>(), [1, 1]);
        let held = Some(counted[0]);
        assert_eq!(count_all(&[(key, once)], |_| held, now), Err(Duration::from_secs(1)));
    }
}
