use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// The kinds of columns that every database has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Up to 32 bits, signed.
    Integer,
    /// Up to 64 bits, signed.
    BigInt,
    /// 64 bits, finite.
    Double,
    /// True or false.
    Bool,
    /// Text without a NUL, compared by bytes.
    Text,
    /// Any bytes.
    Bytes,
    /// 128 bits.
    Uuid,
    /// A moment in UTC, cut to microseconds, in the years 1000 to 9999.
    Time,
    /// A day, in the years 1000 to 9999.
    Date,
    /// A JSON document.
    Json,
}

/// What stands in a column; `None` is NULL.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// See [`Kind::Integer`].
    Integer(Option<i32>),
    /// See [`Kind::BigInt`].
    BigInt(Option<i64>),
    /// See [`Kind::Double`].
    Double(Option<f64>),
    /// See [`Kind::Bool`].
    Bool(Option<bool>),
    /// See [`Kind::Text`].
    Text(Option<String>),
    /// See [`Kind::Bytes`].
    Bytes(Option<Vec<u8>>),
    /// See [`Kind::Uuid`].
    Uuid(Option<Uuid>),
    /// See [`Kind::Time`].
    Time(Option<DateTime<Utc>>),
    /// See [`Kind::Date`].
    Date(Option<NaiveDate>),
    /// See [`Kind::Json`].
    Json(Option<serde_json::Value>),
}

impl Value {
    /// The kind of column it fits.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Integer(_) => Kind::Integer,
            Self::BigInt(_) => Kind::BigInt,
            Self::Double(_) => Kind::Double,
            Self::Bool(_) => Kind::Bool,
            Self::Text(_) => Kind::Text,
            Self::Bytes(_) => Kind::Bytes,
            Self::Uuid(_) => Kind::Uuid,
            Self::Time(_) => Kind::Time,
            Self::Date(_) => Kind::Date,
            Self::Json(_) => Kind::Json,
        }
    }

    /// NULL, as that kind.
    pub fn null(kind: Kind) -> Self {
        match kind {
            Kind::Integer => Self::Integer(None),
            Kind::BigInt => Self::BigInt(None),
            Kind::Double => Self::Double(None),
            Kind::Bool => Self::Bool(None),
            Kind::Text => Self::Text(None),
            Kind::Bytes => Self::Bytes(None),
            Kind::Uuid => Self::Uuid(None),
            Kind::Time => Self::Time(None),
            Kind::Date => Self::Date(None),
            Kind::Json => Self::Json(None),
        }
    }

    /// Whether it is NULL.
    pub fn is_null(&self) -> bool {
        *self == Self::null(self.kind())
    }
}

/// Why a value does not fit its column or its field. The value itself is never told: it may be a secret.
pub type FieldError = Box<dyn std::error::Error + Send + Sync>;

/// A type that fills one column.
///
/// Implemented for `bool`, the integers up to `i64`, `f32`, `f64`, `String`, `Vec<u8>`, `Uuid`, `DateTime<Utc>`,
/// `NaiveDate`, `PasswordHash`, and options of these. Any other serde type with a `Default` is stored as JSON with
/// `#[user(json)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a column",
    note = "mark the field `#[user(json)]` to store it as JSON (any serde type with a `Default`), or `#[user(skip)]` to leave it out",
    note = "for an unsigned 64-bit integer take `i64`, which every database has"
)]
pub trait Field: Sized {
    /// The kind of its column.
    const KIND: Kind;
    /// Whether the column may be NULL.
    const NULLABLE: bool = false;

    /// What to write.
    fn to_value(&self) -> Value;

    /// Reads what was written.
    ///
    /// # Errors
    /// When the value is of another kind, NULL, or out of range.
    fn from_value(value: Value) -> Result<Self, FieldError>;
}

fn unfit(wanted: Kind, found: &Value) -> FieldError {
    let found = if found.is_null() { "NULL".to_owned() } else { format!("{:?}", found.kind()) };
    format!("expected {wanted:?}, found {found}").into()
}

macro_rules! field {
    ($($type:ty => $kind:ident),* $(,)?) => { $(
        impl Field for $type {
            const KIND: Kind = Kind::$kind;

            fn to_value(&self) -> Value {
                Value::$kind(Some(self.clone().into()))
            }

            fn from_value(value: Value) -> Result<Self, FieldError> {
                match value {
                    Value::$kind(Some(v)) => Ok(Self::try_from(v)?),
                    other => Err(unfit(Kind::$kind, &other)),
                }
            }
        }
    )* };
}

field! {
    i8 => Integer, i16 => Integer, i32 => Integer, u8 => Integer, u16 => Integer,
    i64 => BigInt, u32 => BigInt, f64 => Double, bool => Bool, String => Text, Vec<u8> => Bytes,
    Uuid => Uuid, DateTime<Utc> => Time, NaiveDate => Date,
}

impl Field for f32 {
    const KIND: Kind = Kind::Double;

    fn to_value(&self) -> Value {
        f64::from(*self).to_value()
    }

    #[expect(clippy::cast_possible_truncation, reason = "an f32 was written, and an f64 holds every f32")]
    fn from_value(value: Value) -> Result<Self, FieldError> {
        Ok(f64::from_value(value)? as Self)
    }
}

impl<T: Field> Field for Option<T> {
    const KIND: Kind = T::KIND;
    const NULLABLE: bool = true;

    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::null(T::KIND), Field::to_value)
    }

    fn from_value(value: Value) -> Result<Self, FieldError> {
        if value.is_null() { Ok(None) } else { T::from_value(value).map(Some) }
    }
}
