//! What each driver's rows hold, as the kind that is asked for.
//!
//! Drivers check the type of a column less than is needed here (SQLite keeps anything anywhere), panic at moments that
//! only PostgreSQL knows (`infinity`), and quote what they cannot read. So the type is looked at first, each kind is
//! read from the types that can hold it, integers of any width among them, and of a failure only the type is told.

use sqlx::{Decode, Row as _, TypeInfo as _, ValueRef as _};

use super::{FieldError, Kind, Row, Value};

#[cfg(any(feature = "database-sqlite", feature = "database-mysql"))]
fn json(text: &[u8]) -> Option<Value> {
    Some(Value::Json(Some(serde_json::from_slice(text).ok()?)))
}

fn integer(kind: Kind, number: i64) -> Option<Value> {
    match kind {
        Kind::Integer => Some(Value::Integer(Some(number.try_into().ok()?))),
        Kind::BigInt => Some(Value::BigInt(Some(number))),
        Kind::Bool => Some(Value::Bool(Some(match number {
            0 => false,
            1 => true,
            _ => return None,
        }))),
        _ => None,
    }
}

macro_rules! row {
    ($row:ty, $decode:path) => {
        impl Row for $row {
            fn get(&self, index: usize, kind: Kind) -> Result<Value, FieldError> {
                let value = self.try_get_raw(index).map_err(|_| "there is no such column")?;
                if value.is_null() {
                    return Ok(Value::null(kind));
                }
                let info = value.type_info().into_owned();
                let found = info.name();
                $decode(value, kind, found)
                    .ok_or_else(|| format!("expected {kind:?}, found a {found} that is none").into())
            }
        }
    };
}

#[cfg(feature = "database-sqlite")]
row!(sqlx::sqlite::SqliteRow, sqlite);

#[cfg(feature = "database-postgres")]
row!(sqlx::postgres::PgRow, postgres);

#[cfg(feature = "database-mysql")]
row!(sqlx::mysql::MySqlRow, mysql);

#[cfg(feature = "database-sqlite")]
fn sqlite(value: sqlx::sqlite::SqliteValueRef<'_>, kind: Kind, found: &str) -> Option<Value> {
    fn read<'r, T: Decode<'r, sqlx::Sqlite>>(value: sqlx::sqlite::SqliteValueRef<'r>) -> Option<T> {
        T::decode(value).ok()
    }
    match (kind, found) {
        (Kind::Integer | Kind::BigInt | Kind::Bool, "INTEGER") => integer(kind, read(value)?),
        (Kind::Double, "REAL") => Some(Value::Double(Some(read(value)?))),
        (Kind::Text, "TEXT") => Some(Value::Text(Some(read(value)?))),
        (Kind::Bytes, "BLOB") => Some(Value::Bytes(Some(read(value)?))),
        (Kind::Uuid, "BLOB") => Some(Value::Uuid(Some(read(value)?))),
        (Kind::Time, "TEXT") => Some(Value::Time(Some(read(value)?))),
        (Kind::Date, "TEXT") => Some(Value::Date(Some(read(value)?))),
        (Kind::Json, "TEXT") => json(read::<&[u8]>(value)?),
        _ => None,
    }
}

#[cfg(feature = "database-postgres")]
fn postgres(value: sqlx::postgres::PgValueRef<'_>, kind: Kind, found: &str) -> Option<Value> {
    use chrono::{DateTime, Days, NaiveDate, TimeDelta};

    fn read<'r, T: Decode<'r, sqlx::Postgres>>(value: sqlx::postgres::PgValueRef<'r>) -> Option<T> {
        T::decode(value).ok()
    }
    /// 2000-01-01, from which PostgreSQL counts.
    const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).expect("that day was");

    let number = match found {
        "INT2" => Some(i64::from(read::<i16>(value.clone())?)),
        "INT4" => Some(i64::from(read::<i32>(value.clone())?)),
        "INT8" => Some(read::<i64>(value.clone())?),
        _ => None,
    };
    match (kind, found) {
        (Kind::Integer | Kind::BigInt, _) => integer(kind, number?),
        (Kind::Bool, "BOOL") => Some(Value::Bool(Some(read(value)?))),
        (Kind::Double, "FLOAT8") => Some(Value::Double(Some(read(value)?))),
        (Kind::Double, "FLOAT4") => Some(Value::Double(Some(f64::from(read::<f32>(value)?)))),
        (Kind::Text, "TEXT" | "VARCHAR" | "CHAR" | "NAME") => Some(Value::Text(Some(read(value)?))),
        (Kind::Bytes, "BYTEA") => Some(Value::Bytes(Some(read(value)?))),
        (Kind::Uuid, "UUID") => Some(Value::Uuid(Some(read(value)?))),
        (Kind::Time, "TIMESTAMPTZ") => {
            let since = TimeDelta::microseconds(read::<i64>(value)?);
            let epoch: DateTime<_> = EPOCH.and_hms_opt(0, 0, 0)?.and_utc();
            Some(Value::Time(Some(epoch.checked_add_signed(since)?)))
        }
        (Kind::Date, "DATE") => {
            let since = read::<i32>(value)?;
            let days = Days::new(since.unsigned_abs().into());
            let date = if since < 0 { EPOCH.checked_sub_days(days) } else { EPOCH.checked_add_days(days) };
            Some(Value::Date(Some(date?)))
        }
        (Kind::Json, "JSON" | "JSONB") => Some(Value::Json(Some(read(value)?))),
        _ => None,
    }
}

#[cfg(feature = "database-mysql")]
fn mysql(value: sqlx::mysql::MySqlValueRef<'_>, kind: Kind, found: &str) -> Option<Value> {
    use sqlx::{MySql, Type};

    fn read<'r, T: Decode<'r, MySql>>(value: sqlx::mysql::MySqlValueRef<'r>) -> Option<T> {
        T::decode(value).ok()
    }
    // The name says "BLOB" of a text with a binary collation, too.
    let is_text = <String as Type<MySql>>::compatible(&value.type_info());
    let is_bytes = !is_text && <Vec<u8> as Type<MySql>>::compatible(&value.type_info());
    let number = match found {
        "BIGINT UNSIGNED" => Some(i64::try_from(read::<u64>(value.clone())?).ok()?),
        _ if found == "BOOLEAN" || found.contains("INT") => Some(read::<i64>(value.clone())?),
        _ => None,
    };
    match kind {
        Kind::Integer | Kind::BigInt | Kind::Bool => integer(kind, number?),
        Kind::Double if found == "DOUBLE" => Some(Value::Double(Some(read(value)?))),
        Kind::Double if found == "FLOAT" => Some(Value::Double(Some(f64::from(read::<f32>(value)?)))),
        Kind::Text if is_text => Some(Value::Text(Some(read(value)?))),
        Kind::Bytes if is_bytes => Some(Value::Bytes(Some(read(value)?))),
        Kind::Uuid if is_bytes => Some(Value::Uuid(Some(read(value)?))),
        Kind::Time if found == "DATETIME" || found == "TIMESTAMP" => Some(Value::Time(Some(read(value)?))),
        Kind::Date if found == "DATE" => Some(Value::Date(Some(read(value)?))),
        // MariaDB's JSON is a text.
        Kind::Json if is_text || is_bytes || found == "JSON" => json(read::<&[u8]>(value)?),
        _ => None,
    }
}
