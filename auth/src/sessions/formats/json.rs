use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
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

    fn is_readable(bytes: &[u8]) -> bool {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        (&mut reader).deserialize_map(AnyValue).and_then(|AnyValue| reader.end()).is_ok()
    }
}

/// Any value, read as closely as one that is kept, and not kept.
struct AnyValue;

impl<'de> Deserialize<'de> for AnyValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self, A::Error> {
        while values.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}
