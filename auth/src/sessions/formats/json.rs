use serde_json::{Map, Value};

use super::codec::Codec;

/// Session data as JSON text (RFC 8259): the default, readable everywhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json;

impl Codec for Json {
    const TAG: u8 = 1;

    fn write(items: &Map<String, Value>, bytes: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        serde_json::to_writer(bytes, items)
    }

    fn read(bytes: &[u8]) -> Option<Map<String, Value>> {
        serde_json::from_slice(bytes).ok()
    }
}
