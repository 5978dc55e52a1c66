use chrono::{DateTime, TimeDelta, Utc};

use super::SessionRecord;

/// How long a session lives.
///
/// Defaults (ASVS 7.3.1, 7.3.2): an hour without use, a day in all. Both are checked whenever a session is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    idle: TimeDelta,
    absolute: TimeDelta,
    touch: TimeDelta,
}

impl Lifetime {
    /// The longest that can be set.
    pub const MAX: TimeDelta = TimeDelta::days(3660);

    /// Ends after `idle` without use, and `absolute` after it began.
    ///
    /// Use is noted when a sixtieth of `idle` has gone by since it was last noted, so that reading writes seldom; the
    /// session lives at least that much less.
    ///
    /// # Panics
    /// When one of them is not positive, or longer than ten years.
    pub fn new(idle: TimeDelta, absolute: TimeDelta) -> Self {
        let sensible = TimeDelta::zero()..=Self::MAX;
        assert!(!idle.is_zero() && sensible.contains(&idle), "an idle lifetime is between nothing and ten years");
        assert!(!absolute.is_zero() && sensible.contains(&absolute), "a lifetime is between nothing and ten years");
        Self { idle, absolute, touch: idle / 60 }
    }

    /// The longest a session lives without use.
    pub fn idle(&self) -> TimeDelta {
        self.idle
    }

    /// The longest it lives at all.
    pub fn absolute(&self) -> TimeDelta {
        self.absolute
    }

    /// A record that begins now.
    pub(super) fn begin(&self, now: DateTime<Utc>) -> SessionRecord {
        let now = cut(now);
        let ends_at = now + self.absolute;
        SessionRecord::new(now, ends_at.min(now + self.idle), ends_at)
    }

    /// The moments to write when a record is used now.
    pub(crate) fn use_at(&self, record: &SessionRecord, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let now = cut(now);
        (now, record.ends_at.min(now + self.idle))
    }

    /// Whether use must be noted by now.
    pub(crate) fn is_touch_due(&self, record: &SessionRecord, now: DateTime<Utc>) -> bool {
        now - record.seen_at >= self.touch && record.expires_at < record.ends_at
    }
}

impl Default for Lifetime {
    fn default() -> Self {
        Self::new(TimeDelta::hours(1), TimeDelta::hours(24))
    }
}

/// Every store keeps microseconds.
fn cut(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(time.timestamp_micros()).expect("a moment cut to microseconds is a moment")
}
