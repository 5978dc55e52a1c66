//! A record as bytes. `scripts.rs` says what stands where.

use chrono::DateTime;

use crate::records::fit::MAX_OWNER;
use crate::records::{MAX_RECORD, NewRecord, Record};

/// The digits of a mark.
pub(super) const MARK: usize = 32;
const HEAD: usize = 24 + MARK + 2;
/// The longest record.
pub(super) const MAX_BYTES: usize = HEAD + 4 * MAX_OWNER + MAX_RECORD;
const NOBODY: u16 = u16::MAX;

/// A record, and what the server needs to know of it.
pub(super) struct Stored {
    pub(super) record: Record,
    pub(super) mark: String,
}

/// What a replacement changes of the head.
pub(super) fn renewed(version: u64, expires_at: i64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&version.to_be_bytes());
    bytes[8..].copy_from_slice(&expires_at.to_be_bytes());
    bytes
}

pub(super) fn encode(version: u64, record: &NewRecord, mark: &str) -> Vec<u8> {
    let expires_at = record.expires_at.timestamp_millis();
    let owner = record.owner.as_deref();
    let length = owner.map_or(NOBODY, |owner| owner.len().try_into().unwrap_or(NOBODY));
    let head = [&renewed(version, expires_at)[..], &expires_at.to_be_bytes(), mark.as_bytes(), &length.to_be_bytes()];
    [&head.concat()[..], owner.unwrap_or_default().as_bytes(), &record.value].concat()
}

/// Nothing when it is damaged.
pub(super) fn decode(bytes: &[u8]) -> Option<Stored> {
    let (version, rest) = bytes.split_first_chunk()?;
    let (expires_at, rest) = rest.split_first_chunk()?;
    let (_, rest) = rest.split_first_chunk::<8>()?;
    let (mark, rest) = rest.split_first_chunk::<MARK>()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (owner, value) = match u16::from_be_bytes(*length) {
        NOBODY => (None, rest),
        length => {
            let (owner, value) = rest.split_at_checked(length.into())?;
            (Some(str::from_utf8(owner).ok()?.to_owned()), value)
        }
    };
    let expires_at = DateTime::from_timestamp_millis(i64::from_be_bytes(*expires_at))?;
    let record = NewRecord { owner, value: value.to_owned(), expires_at };
    let mark = str::from_utf8(mark).ok()?.to_owned();
    Some(Stored { record: Record::new(u64::from_be_bytes(*version), record), mark })
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_and_damage_is_noticed() {
        let mark = "0123456789abcdef0123456789abcdef";
        let (expires_at, long) = (DateTime::<Utc>::UNIX_EPOCH, "\u{1f511}".repeat(MAX_OWNER));
        for owner in [None, Some(String::new()), Some("ada".to_owned()), Some(long)] {
            for value in [vec![], vec![0xff; MAX_RECORD]] {
                let record = NewRecord { owner: owner.clone(), value, expires_at };
                let bytes = encode(7, &record, mark);
                assert!(bytes.len() <= MAX_BYTES);
                let stored = decode(&bytes).unwrap();
                assert_eq!((stored.record, stored.mark.as_str()), (Record::new(7, record), mark));
                let head = HEAD + owner.as_ref().map_or(0, String::len);
                assert!((0..head).all(|length| decode(&bytes[..length]).is_none()));
            }
        }
    }
}
