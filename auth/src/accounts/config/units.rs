//! Amounts with a unit: `30m`, `19MiB`. One number, one unit, nothing around them.

use std::time::Duration;

const TIMES: [(&str, u64); 4] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];
const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// `90s`, `30m`, `24h`, `14d`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    amount(text, &TIMES).map(Duration::from_secs)
}

/// The same the other way round, in the largest unit that says it whole.
pub(super) fn show_duration(duration: Duration) -> String {
    show(duration.as_secs(), &TIMES)
}

/// `19456KiB`, `64MiB`, in bytes.
pub(super) fn size(text: &str) -> Option<u64> {
    amount(text, &SIZES)
}

/// The same the other way round, in the largest unit that says it whole.
pub(super) fn show_size(bytes: u64) -> String {
    show(bytes, &SIZES)
}

/// A whole number as it is usually written: digits, no sign, no zero in front.
pub(super) fn number(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    is_plain.then(|| text.parse().ok()).flatten()
}

fn amount(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number(digits)?.checked_mul(*factor)
}

fn show(amount: u64, units: &[(&str, u64)]) -> String {
    let whole = units.iter().find(|(_, factor)| amount > 0 && amount.is_multiple_of(*factor));
    let (unit, factor) = whole.or(units.last()).expect("there are units");
    format!("{}{unit}", amount / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_and_one_unit_are_read_and_nothing_else() {
        let seconds = |text| duration(text).map(|duration| duration.as_secs());
        assert_eq!(["90s", "30m", "24h", "14d", "0s"].map(seconds), [90, 1800, 86_400, 1_209_600, 0].map(Some));
        for text in ["", "s", "5", "05m", "5 m", " 5m", "5m ", "+5m", "-5m", "5M", "1h30m", "1.5h", "5ms", "5min", "٥m"]
        {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!(["19MiB", "7B", "1GiB", "2KiB"].map(size), [19 << 20, 7, 1 << 30, 2048].map(Some));
        for text in ["19", "19MB", "19M", "19mib", "18446744073709551615KiB", "18446744073709551616B"] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for amount in [0, 1, 59, 60, 3600, 86_400, 86_401, 1 << 20, u64::MAX] {
            assert_eq!(duration(&show_duration(Duration::from_secs(amount))), Some(Duration::from_secs(amount)));
            assert_eq!(size(&show_size(amount)), Some(amount));
        }
    }
}
