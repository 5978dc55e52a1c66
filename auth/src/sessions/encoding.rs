//! A whole session record as bytes, for stores that keep nothing else: a head of fixed size, which a store may read and
//! write by itself, and the rest, which only this file reads.
//!
//! ```text
//!  0      1  format, 2
//!  1      8  version
//!  9     16  expires_at, seen_at: one stretch, so that a touch writes nothing else
//! 25     16  created_at, ends_at
//! 41     32  verifier
//! 73      2  length of the user's key, 0xffff when nobody is logged in
//! 75      …  the user's key, its tie (32), when the login was (8)
//!         2  length of the device, 0 when none is known
//!         …  the device
//!         4  length of the data
//!         …  the data
//! ```
//!
//! Numbers are big-endian; moments are microseconds since 1970. The moment of expiry stands there in every format.

use chrono::{DateTime, Utc};

use super::{Device, Login, SessionError, SessionRecord};

/// As many bytes as [`expires_at`] reads.
#[cfg_attr(not(any(test, feature = "session-file")), expect(dead_code, reason = "only files are cleaned up"))]
pub(crate) const HEADER: usize = MOVED_AT + 8;
/// Where the moments stand that a touch moves.
pub(crate) const MOVED_AT: usize = 9;
/// The most bytes of a user's key: as many characters as the database's column has, of four bytes each.
pub(crate) const MAX_USER_ID: usize = 255 * 4;
/// The most bytes of an encoded record.
pub(crate) const MAX_BYTES: usize = HEAD + MAX_USER_ID + 32 + 8 + 2 + Device::MAX_BYTES + 4 + SessionRecord::MAX_DATA;

const FORMAT: u8 = 2;
const HEAD: usize = 75;
const NOBODY: u16 = u16::MAX;

/// The record's bytes.
pub(crate) fn encode(record: &SessionRecord) -> Result<Vec<u8>, SessionError> {
    if record.data.len() > SessionRecord::MAX_DATA {
        return Err(SessionError::TooLarge { max: SessionRecord::MAX_DATA });
    }
    let mut bytes = Vec::with_capacity(HEAD + 64 + record.data.len());
    bytes.push(FORMAT);
    bytes.extend(record.version.to_be_bytes());
    bytes.extend(moved(record.seen_at, record.expires_at));
    bytes.extend(micros(record.created_at));
    bytes.extend(micros(record.ends_at));
    bytes.extend(record.verifier);
    match &record.login {
        None => bytes.extend(NOBODY.to_be_bytes()),
        Some(login) => {
            let length = u16::try_from(login.user_id.len()).ok().filter(|length| usize::from(*length) <= MAX_USER_ID);
            let length = length.ok_or_else(|| SessionError::store("the user's key is too long"))?;
            bytes.extend(length.to_be_bytes());
            bytes.extend(login.user_id.as_bytes());
            bytes.extend(login.tie);
            bytes.extend(micros(login.at));
        }
    }
    let device = record.device.as_ref().map(Device::encode).unwrap_or_default();
    bytes.extend(u16::try_from(device.len()).map_err(SessionError::store)?.to_be_bytes());
    bytes.extend(device);
    bytes.extend(u32::try_from(record.data.len()).map_err(SessionError::store)?.to_be_bytes());
    bytes.extend(&record.data);
    Ok(bytes)
}

/// The moments that a touch moves, as they stand in a record.
pub(crate) fn moved(seen_at: DateTime<Utc>, expires_at: DateTime<Utc>) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&micros(expires_at));
    bytes[8..].copy_from_slice(&micros(seen_at));
    bytes
}

/// When the record expires that begins with these bytes.
#[cfg_attr(not(any(test, feature = "session-file")), expect(dead_code, reason = "only files are cleaned up"))]
pub(crate) fn expires_at(header: &[u8]) -> Option<DateTime<Utc>> {
    Reader(header.get(MOVED_AT..)?).moment()
}

/// The record in these bytes. `None` when that is no whole record in this format, and nothing else.
pub(crate) fn decode(bytes: &[u8]) -> Option<SessionRecord> {
    let mut rest = Reader(bytes);
    if rest.array()? != [FORMAT] {
        return None;
    }
    let version = u64::from_be_bytes(rest.array()?);
    let (expires_at, seen_at) = (rest.moment()?, rest.moment()?);
    let (created_at, ends_at) = (rest.moment()?, rest.moment()?);
    let verifier = rest.array()?;
    let login = match u16::from_be_bytes(rest.array()?) {
        NOBODY => None,
        length => {
            let user_id = std::str::from_utf8(rest.take(usize::from(length))?).ok()?;
            Some(Login::new(user_id, rest.array()?, rest.moment()?))
        }
    };
    let device = match u16::from_be_bytes(rest.array()?) {
        0 => None,
        length => Some(Device::decode(rest.take(usize::from(length))?)?),
    };
    let length = usize::try_from(u32::from_be_bytes(rest.array()?)).ok()?;
    let data = rest.take(length)?.into();
    rest.0.is_empty().then_some(SessionRecord {
        version,
        verifier,
        login,
        device,
        created_at,
        seen_at,
        expires_at,
        ends_at,
        data,
    })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn moment(&mut self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(i64::from_be_bytes(self.array()?))
    }
}

fn micros(time: DateTime<Utc>) -> [u8; 8] {
    time.timestamp_micros().to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(login: Option<Login>) -> SessionRecord {
        let moment = |micros| DateTime::from_timestamp_micros(micros).expect("a small number is a moment");
        let mut record = SessionRecord::new(moment(1), moment(-2), moment(1 << 52));
        (record.version, record.data) = (u64::MAX, b"\x01{}".as_slice().into());
        record.verifier = [5; 32];
        record.device = login.is_some().then(|| Device::default().with_user_agent("curl"));
        record.login = login;
        record
    }

    fn login() -> Login {
        Login::new("ключ", [9; 32], DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_record_survives_its_bytes() {
        for record in [record(None), record(Some(login())), record(Some(Login::new("", [0; 32], DateTime::UNIX_EPOCH)))]
        {
            let bytes = encode(&record).expect("it fits");
            assert!(bytes.len() <= MAX_BYTES);
            assert_eq!(expires_at(&bytes[..HEADER]), Some(record.expires_at));
            assert_eq!(decode(&bytes), Some(record));
        }
    }

    #[test]
    fn whatever_is_cut_off_or_added_is_noticed() {
        let bytes = encode(&record(Some(login()))).expect("it fits");
        for length in 0..bytes.len() {
            assert_eq!(decode(&bytes[..length]), None, "{length}");
        }
        assert_eq!(decode(&[&bytes[..], b"x"].concat()), None);
        assert_eq!(decode(&[&[1], &bytes[1..]].concat()), None, "another format");
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let mut large = record(None);
        large.data = vec![0; SessionRecord::MAX_DATA + 1].into();
        assert!(matches!(encode(&large), Err(SessionError::TooLarge { .. })));
        let long = Login::new("x".repeat(MAX_USER_ID + 1), [0; 32], DateTime::UNIX_EPOCH);
        assert!(matches!(encode(&record(Some(long))), Err(SessionError::Store(_))));
    }

    #[test]
    fn a_touch_writes_where_the_moments_stand() {
        let mut record = record(Some(login()));
        let mut bytes = encode(&record).expect("it fits");
        (record.seen_at, record.expires_at) = (DateTime::UNIX_EPOCH, record.ends_at);
        bytes[MOVED_AT..MOVED_AT + 16].copy_from_slice(&moved(record.seen_at, record.expires_at));
        assert_eq!(decode(&bytes), Some(record));
    }
}
