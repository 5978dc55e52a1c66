use rmp_serde::Deserializer;
use serde::Deserialize as _;
use serde::ser::Error as _;
use serde_json::{Map, Value};

use super::MAX_READ_DEPTH;
use super::codec::Codec;

/// Session data as [MessagePack](https://msgpack.org): smaller than JSON, known in many languages.
#[derive(Clone, Copy, Debug, Default)]
pub struct MessagePack;

impl Codec for MessagePack {
    const TAG: u8 = 2;

    fn write(items: &Map<String, Value>, bytes: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        rmp_serde::encode::write(bytes, items).map_err(serde_json::Error::custom)
    }

    fn read(bytes: &[u8]) -> Option<Map<String, Value>> {
        let mut rest = bytes;
        let mut reader = Deserializer::new(&mut rest);
        reader.set_max_depth(MAX_READ_DEPTH);
        let items = Map::deserialize(&mut reader).ok()?;
        rest.is_empty().then_some(items)
    }
}
