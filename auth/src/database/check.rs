use chrono::{DateTime, Datelike as _, NaiveDate, SubsecRound as _, Utc};

use super::{Column, ColumnError, FieldError, Value};

/// The value as every database would keep it, or the reason why one of them would not.
///
/// SQLite stores anything anywhere, the others refuse or cut; asked before each write, this makes them agree.
pub(crate) fn check(column: &Column, value: Value) -> Result<Value, ColumnError> {
    fit(column, value).map_err(|source| ColumnError::new(column.name, source))
}

/// The same for all columns of a row.
pub(crate) fn check_all(columns: &'static [Column], values: Vec<Value>) -> Result<Vec<Value>, ColumnError> {
    columns.iter().zip(values).map(|(column, value)| check(column, value)).collect()
}

/// Whether a database could hold that text: PostgreSQL takes no NUL.
pub(crate) fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

fn fit(column: &Column, value: Value) -> Result<Value, FieldError> {
    if value.kind() != column.kind {
        return Err(format!("expected {:?}, found {:?}", column.kind, value.kind()).into());
    }
    if value.is_null() {
        return if column.nullable { Ok(value) } else { Err("must not be NULL".into()) };
    }
    match &value {
        Value::Text(Some(text)) => text_fits(text, column.max_length)?,
        Value::Double(Some(number)) if !number.is_finite() => {
            return Err("must be a finite number".into());
        }
        Value::Date(Some(date)) => year_fits(date.year())?,
        Value::Time(Some(time)) => {
            year_fits(time.year())?;
            return Ok(Value::Time(Some(to_microseconds(*time))));
        }
        _ => {}
    }
    Ok(value)
}

fn text_fits(text: &str, max_length: Option<u32>) -> Result<(), FieldError> {
    if !is_storable(text) {
        return Err("must not contain a NUL character".into());
    }
    match max_length {
        // The bytes are counted first: no text of a megabyte is walked through to be told that it is too long for a name.
        Some(max) if text.len() > 4 * max as usize || text.chars().count() > max as usize => {
            Err(format!("must not have more than {max} characters").into())
        }
        _ => Ok(()),
    }
}

fn year_fits(year: i32) -> Result<(), FieldError> {
    let all = 1000..=9999;
    if all.contains(&year) { Ok(()) } else { Err("must be in the years 1000 to 9999".into()) }
}

/// What every database keeps of a moment. Cut, not rounded: a rounded expiry could lie in the future of the real one.
pub(crate) fn to_microseconds(time: DateTime<Utc>) -> DateTime<Utc> {
    time.trunc_subsecs(6)
}

/// The value that rows get which were there before the column was.
#[cfg(feature = "__sql")]
pub(crate) fn default_of(kind: super::Kind) -> Value {
    use super::Kind;
    match kind {
        Kind::Integer => Value::Integer(Some(0)),
        Kind::BigInt => Value::BigInt(Some(0)),
        Kind::Double => Value::Double(Some(0.0)),
        Kind::Bool => Value::Bool(Some(false)),
        Kind::Text => Value::Text(Some(String::new())),
        Kind::Bytes => Value::Bytes(Some(Vec::new())),
        Kind::Uuid => Value::Uuid(Some(uuid::Uuid::nil())),
        Kind::Time => Value::Time(Some(DateTime::UNIX_EPOCH)),
        Kind::Date => Value::Date(Some(NaiveDate::default())),
        Kind::Json => Value::Json(Some(serde_json::Value::Null)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Role, column};
    use super::*;

    #[test]
    fn what_one_database_would_refuse_is_refused_for_all() {
        let name = column::<String>("name").role(Role::Username);
        let text = |text: &str| check(&name, Value::Text(Some(text.to_owned())));
        assert!(text(&"ü".repeat(150)).is_ok());
        for bad in ["a\0b".to_owned(), "ü".repeat(151), "x".repeat(1 << 20)] {
            let error = text(&bad).unwrap_err();
            assert!(!error.to_string().contains(&bad), "a value is never told");
        }
        assert!(check(&name, Value::Text(None)).is_err());
        assert!(check(&name, Value::BigInt(Some(1))).is_err());
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(check(&column::<f64>("x"), Value::Double(Some(bad))).is_err());
        }
        for bad in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert!(check(&column::<DateTime<Utc>>("x"), Value::Time(Some(bad))).is_err());
        }
    }

    #[test]
    fn moments_are_cut_to_microseconds() {
        let time = DateTime::from_timestamp_nanos(1_999_999_999);
        let cut = check(&column::<DateTime<Utc>>("x"), Value::Time(Some(time))).unwrap();
        assert_eq!(cut, Value::Time(Some(DateTime::from_timestamp_nanos(1_999_999_000))));
    }
}
