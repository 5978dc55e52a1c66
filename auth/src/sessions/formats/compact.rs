use postcard::{take_from_bytes, to_extend};
use serde::ser::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::MAX_READ_DEPTH;
use super::codec::Codec;

/// Session data in a compact binary format, [postcard](https://postcard.jamesmunns.com)'s: the smallest and, to write
/// and to read, the least work. Only this crate reads it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compact;

/// postcard does not say what follows, so every value is written as one of these, or several: a list's or a map's
/// length, and what is in it.
#[derive(Serialize, Deserialize)]
enum Token<'a> {
    Null,
    False,
    True,
    Positive(u64),
    Negative(i64),
    Float(f64),
    Text(&'a str),
    List(u32),
    Map(u32),
}

impl Codec for Compact {
    const TAG: u8 = 4;

    fn write(items: &Map<String, Value>, bytes: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let mut writer = Writer(std::mem::take(bytes));
        writer.map(items)?;
        *bytes = writer.0;
        Ok(())
    }

    fn read(bytes: &[u8]) -> Option<Map<String, Value>> {
        let mut reader = Reader(bytes);
        let length = reader.length()?;
        let items = reader.map(length, MAX_READ_DEPTH)?;
        reader.0.is_empty().then_some(items)
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn value(&mut self, value: &Value) -> Result<(), serde_json::Error> {
        match value {
            Value::Null => self.part(&Token::Null),
            Value::Bool(false) => self.part(&Token::False),
            Value::Bool(true) => self.part(&Token::True),
            Value::Number(number) => self.part(&token(number)?),
            Value::String(text) => self.part(&Token::Text(text)),
            Value::Array(values) => {
                self.part(&Token::List(length(values.len())?))?;
                values.iter().try_for_each(|value| self.value(value))
            }
            Value::Object(items) => {
                self.part(&Token::Map(length(items.len())?))?;
                items.iter().try_for_each(|(key, value)| self.item(key, value))
            }
        }
    }

    fn map(&mut self, items: &Map<String, Value>) -> Result<(), serde_json::Error> {
        self.part(&length(items.len())?)?;
        items.iter().try_for_each(|(key, value)| self.item(key, value))
    }

    fn item(&mut self, key: &str, value: &Value) -> Result<(), serde_json::Error> {
        self.part(key)?;
        self.value(value)
    }

    fn part<T: Serialize + ?Sized>(&mut self, part: &T) -> Result<(), serde_json::Error> {
        self.0 = to_extend(part, std::mem::take(&mut self.0)).map_err(serde_json::Error::custom)?;
        Ok(())
    }
}

fn token(number: &Number) -> Result<Token<'static>, serde_json::Error> {
    let whole = number.as_u64().map(Token::Positive).or_else(|| number.as_i64().map(Token::Negative));
    let token = whole.or_else(|| number.as_f64().map(Token::Float));
    token.ok_or_else(|| serde_json::Error::custom("a number is out of range"))
}

fn length(length: usize) -> Result<u32, serde_json::Error> {
    u32::try_from(length).map_err(serde_json::Error::custom)
}

/// What is still to be read. Everything takes a byte at least, so lengths that lie end with the bytes.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        Some(match self.part()? {
            Token::Null => Value::Null,
            Token::False => Value::Bool(false),
            Token::True => Value::Bool(true),
            Token::Positive(number) => number.into(),
            Token::Negative(number) => number.into(),
            Token::Float(number) => Value::Number(Number::from_f64(number)?),
            Token::Text(text) => text.into(),
            Token::List(length) => {
                let depth = depth.checked_sub(1)?;
                let mut values = Vec::new();
                for _ in 0..length {
                    values.push(self.value(depth)?);
                }
                Value::Array(values)
            }
            Token::Map(length) => Value::Object(self.map(length, depth)?),
        })
    }

    fn map(&mut self, length: u32, depth: usize) -> Option<Map<String, Value>> {
        let depth = depth.checked_sub(1)?;
        let mut items = Map::new();
        for _ in 0..length {
            let key: &str = self.part()?;
            items.insert(key.to_owned(), self.value(depth)?);
        }
        Some(items)
    }

    fn length(&mut self) -> Option<u32> {
        self.part()
    }

    fn part<T: Deserialize<'a>>(&mut self) -> Option<T> {
        let (part, rest) = take_from_bytes(self.0).ok()?;
        self.0 = rest;
        Some(part)
    }
}
