use super::Value;

/// A checked value, bound to a statement.
impl From<Value> for sea_query::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Integer(v) => v.into(),
            Value::BigInt(v) => v.into(),
            Value::Double(v) => v.into(),
            Value::Bool(v) => v.into(),
            Value::Text(v) => v.into(),
            Value::Bytes(v) => v.into(),
            Value::Uuid(v) => v.into(),
            Value::Time(v) => v.into(),
            Value::Date(v) => v.into(),
            Value::Json(v) => v.into(),
        }
    }
}
