//! A session's dictionary as bytes: one that says the format, then what it says.
//!
//! To add a format: a unit struct in a file of its own, with a tag that no other has (0xfb, 0xfc and 0xfd are
//! wrappers'), and its row in [`READERS`].

#[cfg(feature = "session-cbor")]
mod cbor;
#[cfg(feature = "session-compact")]
mod compact;
mod json;
#[cfg(feature = "session-messagepack")]
mod messagepack;

use serde::ser::Error as _;
use serde_json::{Map, Value};

#[cfg(feature = "session-cbor")]
pub use self::cbor::Cbor;
#[cfg(feature = "session-compact")]
pub use self::compact::Compact;
pub use self::json::Json;
#[cfg(feature = "session-messagepack")]
pub use self::messagepack::MessagePack;
use super::SessionError;

/// The most bytes a session's dictionary takes.
pub(super) const MAX_BYTES: usize = 1 << 20;
/// The deepest that lists and maps stand in one another, in a session's value. Every format reads a little more.
const MAX_DEPTH: usize = 100;
/// The deepest that is read, the dictionary counted: what comes from a store must not exhaust the stack.
#[cfg_attr(
    not(any(feature = "session-cbor", feature = "session-compact", feature = "session-messagepack")),
    expect(dead_code, reason = "JSON's reader has this bound of itself")
)]
const MAX_READ_DEPTH: usize = 128;

/// How sessions' dictionaries are written as bytes, chosen by type: [`Json`], unless another is named; `MessagePack`,
/// `Cbor` and `Compact` with their features.
///
/// Data say their own format, so what one format wrote is read whichever is chosen now: a change of format logs nobody
/// out. A program without a format's feature takes what is written in it for no session.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no format of session data",
    note = "the formats are `Json`, `MessagePack`, `Cbor` and `Compact` of `auth::sessions`"
)]
pub trait SessionFormat: codec::Codec {}

impl<F: codec::Codec> SessionFormat for F {}

/// Nobody else can implement it: data in a format that only one program knows would be no session to the next.
mod codec {
    use serde_json::{Map, Value};

    pub trait Codec: 'static {
        /// The first byte of the data.
        const TAG: u8;

        /// Appends the dictionary.
        fn write(items: &Map<String, Value>, bytes: &mut Vec<u8>) -> Result<(), serde_json::Error>;

        /// Reads a whole dictionary and nothing after it.
        fn read(bytes: &[u8]) -> Option<Map<String, Value>>;

        /// Whether that can be read; a format may know how to tell for less.
        fn is_readable(bytes: &[u8]) -> bool {
            Self::read(bytes).is_some()
        }
    }
}

/// How data that begin with a tag are read.
struct Reader {
    tag: u8,
    read: fn(&[u8]) -> Option<Map<String, Value>>,
    is_readable: fn(&[u8]) -> bool,
}

impl Reader {
    const fn of<F: SessionFormat>() -> Self {
        Self { tag: F::TAG, read: F::read, is_readable: F::is_readable }
    }
}

const READERS: &[Reader] = &[
    Reader::of::<Json>(),
    #[cfg(feature = "session-messagepack")]
    Reader::of::<MessagePack>(),
    #[cfg(feature = "session-cbor")]
    Reader::of::<Cbor>(),
    #[cfg(feature = "session-compact")]
    Reader::of::<Compact>(),
];

/// The reader of these data, if they are in a known format and not too large, and what it reads.
fn reader(bytes: &[u8]) -> Option<(&'static Reader, &[u8])> {
    let (tag, written) = bytes.split_first()?;
    let reader = READERS.iter().find(|reader| reader.tag == *tag)?;
    (bytes.len() <= MAX_BYTES).then_some((reader, written))
}

type Encode = fn(&Map<String, Value>) -> Result<Box<[u8]>, SessionError>;

/// Writes dictionaries in a format.
#[derive(Clone, Copy)]
pub(crate) struct Encoder(Encode);

impl Encoder {
    pub(crate) fn of<F: SessionFormat>(_: F) -> Self {
        Self(encode::<F>)
    }

    pub(super) fn encode(self, items: &Map<String, Value>) -> Result<Box<[u8]>, SessionError> {
        (self.0)(items)
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::of(Json)
    }
}

fn encode<F: SessionFormat>(items: &Map<String, Value>) -> Result<Box<[u8]>, SessionError> {
    if items.is_empty() {
        return Ok(Box::default());
    }
    if let Some((key, _)) = items.iter().find(|(_, value)| is_deeper(value, MAX_DEPTH)) {
        let source = serde_json::Error::custom(format!("it is nested more than {MAX_DEPTH} deep"));
        return Err(SessionError::Value { key: key.clone(), source });
    }
    let mut bytes = Vec::with_capacity(256);
    bytes.push(F::TAG);
    F::write(items, &mut bytes).map_err(|source| SessionError::Value { key: String::new(), source })?;
    if bytes.len() > MAX_BYTES {
        return Err(SessionError::TooLarge { max: MAX_BYTES });
    }
    Ok(bytes.into())
}

fn is_deeper(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(values) => depth == 0 || values.iter().any(|value| is_deeper(value, depth - 1)),
        Value::Object(items) => depth == 0 || items.values().any(|value| is_deeper(value, depth - 1)),
        _ => false,
    }
}

/// The dictionary in these bytes, unless they cannot be read.
pub(super) fn decode(bytes: &[u8]) -> Option<Map<String, Value>> {
    if bytes.is_empty() {
        return Some(Map::new());
    }
    reader(bytes).and_then(|(reader, written)| (reader.read)(written))
}

/// Whether [`decode`] gives a dictionary; what it does not is logged. A record with such data is no session: its login
/// with an empty dictionary could lack what restricts its user.
pub(super) fn is_readable(bytes: &[u8]) -> bool {
    let readable = bytes.is_empty() || reader(bytes).is_some_and(|(reader, written)| (reader.is_readable)(written));
    if !readable {
        tracing::warn!(format = bytes[0], bytes = bytes.len(), "a session's data cannot be read; it counts as none");
    }
    readable
}
