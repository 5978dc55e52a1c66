//! A session's dictionary as bytes: one that says the format, then what it says.

use serde_json::{Map, Value};

use super::SessionError;

/// The most bytes a session's dictionary takes.
pub(super) const MAX_BYTES: usize = 1 << 20;

const JSON: u8 = 1;

pub(super) fn encode(items: &Map<String, Value>) -> Result<Box<[u8]>, SessionError> {
    if items.is_empty() {
        return Ok(Box::default());
    }
    let mut bytes = Vec::with_capacity(256);
    bytes.push(JSON);
    serde_json::to_writer(&mut bytes, items).map_err(|source| SessionError::Value { key: String::new(), source })?;
    if bytes.len() > MAX_BYTES {
        return Err(SessionError::TooLarge { max: MAX_BYTES });
    }
    Ok(bytes.into())
}

/// What cannot be read counts as nothing: a damaged record is no session data.
pub(super) fn decode(bytes: &[u8]) -> Map<String, Value> {
    match bytes {
        [] => Map::new(),
        [JSON, json @ ..] if bytes.len() <= MAX_BYTES => serde_json::from_slice(json).unwrap_or_else(|_| {
            tracing::warn!("a session's data are damaged; they count as none");
            Map::new()
        }),
        [tag, ..] => {
            tracing::warn!(tag, "a session's data are in no known format, or too large; they count as none");
            Map::new()
        }
    }
}
