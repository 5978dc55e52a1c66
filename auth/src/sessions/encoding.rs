//! A whole session record as bytes, for stores that keep nothing else.
//!
//! Two bytes that say what this is, one with the version of the layout, then, in every version, the moment of expiry, so
//! that a clean-up needs to read no more. Version 1 goes on with the record's version, the other moments, the login, the
//! device and the data, and ends with a checksum. Numbers are big-endian, moments are microseconds since 1970.

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::{Device, Login, SessionDigest, SessionError, SessionRecord};

/// The most bytes of data in a record: a dictionary, and what wrappers put around it.
pub(crate) const MAX_DATA: usize = 2 << 20;
/// The most bytes of an encoded record.
pub(crate) const MAX_BYTES: usize = MAX_DATA + MAX_USER_ID + Device::MAX_BYTES + 256;
/// As many bytes as [`expires_at`] reads.
pub(crate) const HEADER: usize = 11;

const MAX_USER_ID: usize = 4096;
const MAGIC: [u8; 2] = [0xa7, b's'];
const VERSION: u8 = 1;
/// Tells damage, not forgery: whoever can write the store can write what they like.
const CHECKSUM: usize = 8;

/// The record's bytes.
pub(crate) fn encode(record: &SessionRecord) -> Result<Vec<u8>, SessionError> {
    if record.data.len() > MAX_DATA {
        return Err(SessionError::TooLarge { max: MAX_DATA });
    }
    let mut bytes = Vec::with_capacity(128 + record.data.len());
    bytes.extend(MAGIC);
    bytes.push(VERSION);
    put_moment(&mut bytes, record.expires_at);
    bytes.extend(record.version.to_be_bytes());
    for moment in [record.created_at, record.seen_at, record.ends_at] {
        put_moment(&mut bytes, moment);
    }
    match &record.login {
        None => bytes.push(0),
        Some(login) => {
            if login.user_id.len() > MAX_USER_ID {
                return Err(SessionError::store("the user's key is too long"));
            }
            bytes.push(1);
            put_moment(&mut bytes, login.at);
            bytes.extend(login.tie);
            put_bytes(&mut bytes, login.user_id.as_bytes());
        }
    }
    put_bytes(&mut bytes, &record.device.as_ref().map(Device::encode).unwrap_or_default());
    put_bytes(&mut bytes, &record.data);
    let checksum = checksum(&bytes);
    bytes.extend(checksum);
    Ok(bytes)
}

/// The record in these bytes. Damaged ones, and those of another layout, are no record and are logged.
pub(crate) fn decode(id: &SessionDigest, bytes: &[u8]) -> Option<SessionRecord> {
    let record = Reader::open(bytes).and_then(|mut reader| reader.record());
    if record.is_none() {
        tracing::warn!(session = ?id, bytes = bytes.len(), "a damaged session counts as none");
    }
    record
}

/// When the record expires that begins with these bytes, whatever the version of its layout.
pub(crate) fn expires_at(header: &[u8]) -> Option<DateTime<Utc>> {
    let mut reader = Reader(header);
    (reader.take::<2>()? == MAGIC).then_some(())?;
    reader.take::<1>()?;
    reader.moment()
}

fn put_moment(bytes: &mut Vec<u8>, moment: DateTime<Utc>) {
    bytes.extend(moment.timestamp_micros().to_be_bytes());
}

/// Bounded by the caller, far below four gigabytes.
fn put_bytes(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend(part);
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    digest.first_chunk().copied().unwrap_or_default()
}

/// What is still to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Whole bytes of this version.
    fn open(bytes: &'a [u8]) -> Option<Self> {
        let (body, sum) = bytes.split_last_chunk::<CHECKSUM>()?;
        (bytes.len() <= MAX_BYTES && checksum(body) == *sum).then_some(Self(body))
    }

    fn record(&mut self) -> Option<SessionRecord> {
        if self.take()? != MAGIC || self.take()? != [VERSION] {
            return None;
        }
        let expires_at = self.moment()?;
        let version = u64::from_be_bytes(self.take()?);
        let (created_at, seen_at, ends_at) = (self.moment()?, self.moment()?, self.moment()?);
        let login = match self.take()? {
            [0] => None,
            [1] => {
                let (at, tie) = (self.moment()?, self.take()?);
                Some(Login::new(str::from_utf8(self.bytes(MAX_USER_ID)?).ok()?, tie, at))
            }
            _ => return None,
        };
        let device = match self.bytes(Device::MAX_BYTES)? {
            [] => None,
            bytes => Some(Device::decode(bytes)?),
        };
        let data = self.bytes(MAX_DATA)?.into();
        let record = SessionRecord { version, login, device, created_at, seen_at, expires_at, ends_at, data };
        self.0.is_empty().then_some(record)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn bytes(&mut self, max: usize) -> Option<&'a [u8]> {
        let length = usize::try_from(u32::from_be_bytes(self.take()?)).ok()?;
        let (taken, rest) = self.0.split_at_checked(length).filter(|_| length <= max)?;
        self.0 = rest;
        Some(taken)
    }

    fn moment(&mut self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(i64::from_be_bytes(self.take()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> SessionDigest {
        SessionDigest::from_bytes([3; 32])
    }

    fn records() -> [SessionRecord; 2] {
        let at = |micros| DateTime::from_timestamp_micros(micros).unwrap();
        let plain = SessionRecord::new(at(1_700_000_000_000_001), at(1_800_000_000_000_000), at(-5));
        let login = Some(Login::new("ключ", [7; 32], at(12)));
        let device = Some(Device::default().with_user_agent("curl"));
        let whole =
            SessionRecord { version: u64::MAX, login, device, data: b"\0\xffx".as_slice().into(), ..plain.clone() };
        [plain, whole]
    }

    #[test]
    fn a_record_survives() {
        for record in records() {
            let bytes = encode(&record).unwrap();
            assert_eq!(decode(&id(), &bytes).as_ref(), Some(&record));
            assert_eq!(expires_at(&bytes[..HEADER]), Some(record.expires_at));
        }
    }

    #[test]
    fn damage_anywhere_is_no_record() {
        for record in records() {
            let bytes = encode(&record).unwrap();
            for end in 0..bytes.len() {
                assert_eq!(decode(&id(), &bytes[..end]), None);
            }
            for at in 0..bytes.len() {
                let mut bytes = bytes.clone();
                bytes[at] ^= 0x10;
                assert_eq!(decode(&id(), &bytes), None, "byte {at}");
            }
            assert_eq!(decode(&id(), &[&bytes[..], b"x"].concat()), None);
        }
    }

    #[test]
    fn another_version_is_no_record_but_expires() {
        let [record, _] = records();
        let mut bytes = encode(&record).unwrap();
        bytes[2] = VERSION + 1;
        let body = bytes.len() - CHECKSUM;
        let sum = checksum(&bytes[..body]);
        bytes[body..].copy_from_slice(&sum);
        assert_eq!(decode(&id(), &bytes), None);
        assert_eq!(expires_at(&bytes), Some(record.expires_at));
    }

    #[test]
    fn sizes_are_bounded() {
        let [mut record, _] = records();
        record.data = vec![0; MAX_DATA].into();
        let bytes = encode(&record).unwrap();
        assert!(bytes.len() <= MAX_BYTES);
        assert!(decode(&id(), &bytes).is_some());
        record.data = vec![0; MAX_DATA + 1].into();
        assert!(matches!(encode(&record), Err(SessionError::TooLarge { .. })));
        assert_eq!(decode(&id(), &vec![0; MAX_BYTES + 1]), None);
    }
}
