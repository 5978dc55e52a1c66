use ciborium::de::from_reader_with_recursion_limit;
use serde::ser::Error as _;
use serde_json::{Map, Value};

use super::MAX_READ_DEPTH;
use super::codec::Codec;

/// Session data as CBOR (RFC 8949): smaller than JSON, an internet standard.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cbor;

impl Codec for Cbor {
    const TAG: u8 = 3;

    fn write(items: &Map<String, Value>, bytes: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        ciborium::into_writer(items, bytes).map_err(serde_json::Error::custom)
    }

    fn read(bytes: &[u8]) -> Option<Map<String, Value>> {
        let mut rest = bytes;
        let items = from_reader_with_recursion_limit(&mut rest, MAX_READ_DEPTH).ok()?;
        rest.is_empty().then_some(items)
    }
}
