//! A new user, made as if it were read from a row.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{BaseUser, UserError, UserModel};
use crate::database::{Column, ColumnError, Field as _, FieldError, Kind, Role, Row, Value};
use crate::passwords::PasswordHash;
use crate::permissions::PermissionSet;
use crate::users::PrimaryKey as _;

/// Values for further columns of a new user, by the column's name: that in the database, where the field has another.
pub type Extra = HashMap<String, serde_json::Value>;

/// Who makes the user, and so what may be said of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NewUser {
    /// The application: any column.
    Ordinary,
    /// The application, for somebody who may do everything.
    Superuser,
    /// A stranger: only the columns that are their own.
    Registered,
}

/// A user of these values, without a password. Columns that nobody gave get the default of their kind; a unique one has
/// none, because the second user could not have it too.
pub(super) fn build<U: UserModel>(
    username: &str,
    mut extra: Extra,
    how: NewUser,
    now: DateTime<Utc>,
) -> Result<U, UserError> {
    let mut values = Vec::with_capacity(U::COLUMNS.len());
    for column in U::COLUMNS {
        let given = match extra.remove(column.name) {
            Some(_) if !may_be_given(column, how) => return Err(UserError::UnknownColumn(column.name.to_owned())),
            Some(json) => Some(from_json(column, json)?),
            None => None,
        };
        values.push(match given {
            _ if column.is(Role::Username) => Value::Text(Some(username.to_owned())),
            _ if column.is(Role::Password) => PasswordHash::default().to_value(),
            Some(value) => value,
            None if column.unique && !column.nullable && !column.is(Role::Id) => {
                return Err(ColumnError::new(column.name, "must be given").into());
            }
            None => default::<U>(column, how, now),
        });
    }
    if let Some(name) = extra.into_keys().next() {
        return Err(UserError::UnknownColumn(name));
    }
    Ok(U::from_row(&Values(values))?)
}

/// The same user as whoever acts for them with these permissions sees them: with no others, no group, neither staff nor
/// superuser. The store's user stays what it is: whole updates write none of that.
pub(crate) fn narrowed<U: UserModel>(user: &U, permissions: &PermissionSet) -> Result<U, ColumnError> {
    let rights = |column: &Column| column.is(Role::IsStaff) || column.is(Role::IsSuperuser);
    let values = U::COLUMNS.iter().zip(user.values()?);
    let values = values.map(|(column, value)| if rights(column) { false.to_value() } else { value });
    let mut user = U::from_row(&Values(values.collect()))?;
    user.set_memberships(Vec::new(), permissions.names().map(str::to_owned).collect());
    Ok(user)
}

struct Values(Vec<Value>);

impl Row for Values {
    fn get(&self, index: usize, _: Kind) -> Result<Value, FieldError> {
        self.0.get(index).cloned().ok_or_else(|| "no such column".into())
    }
}

fn may_be_given(column: &Column, how: NewUser) -> bool {
    !column.is(Role::Id)
        && !column.is(Role::Username)
        && !column.is(Role::Password)
        && (how != NewUser::Registered || column.editable)
}

fn default<U: UserModel>(column: &Column, how: NewUser, now: DateTime<Utc>) -> Value {
    if column.is(Role::Id) {
        return <U as BaseUser>::PrimaryKey::fresh().map_or_else(|| zero(column.kind, now), |key| key.to_value());
    }
    if column.is(Role::IsActive) {
        return true.to_value();
    }
    if column.is(Role::IsStaff) || column.is(Role::IsSuperuser) {
        return (how == NewUser::Superuser).to_value();
    }
    if column.nullable { Value::null(column.kind) } else { zero(column.kind, now) }
}

fn zero(kind: Kind, now: DateTime<Utc>) -> Value {
    match kind {
        Kind::Integer => Value::Integer(Some(0)),
        Kind::BigInt => Value::BigInt(Some(0)),
        Kind::Double => Value::Double(Some(0.0)),
        Kind::Bool => Value::Bool(Some(false)),
        Kind::Text => Value::Text(Some(String::new())),
        Kind::Bytes => Value::Bytes(Some(Vec::new())),
        Kind::Uuid => Value::Uuid(Some(uuid::Uuid::nil())),
        Kind::Time => Value::Time(Some(now)),
        Kind::Date => Value::Date(Some(now.date_naive())),
        Kind::Json => Value::Json(None),
    }
}

/// What somebody gave for a column, as its kind.
fn from_json(column: &'static Column, json: serde_json::Value) -> Result<Value, ColumnError> {
    fn typed<T: serde::de::DeserializeOwned>(
        json: serde_json::Value,
        wrap: fn(Option<T>) -> Value,
    ) -> Result<Value, serde_json::Error> {
        serde_json::from_value(json).map(wrap)
    }
    if column.kind == Kind::Json {
        return Ok(Value::Json(Some(json)));
    }
    // A form knows texts only.
    let json = match (column.kind, &json) {
        (Kind::Text | Kind::Uuid | Kind::Time | Kind::Date | Kind::Bytes, _) => json,
        (_, serde_json::Value::String(text)) => serde_json::from_str(text).unwrap_or(json),
        _ => json,
    };
    match column.kind {
        Kind::Integer => typed(json, Value::Integer),
        Kind::BigInt => typed(json, Value::BigInt),
        Kind::Double => typed(json, Value::Double),
        Kind::Bool => typed(json, Value::Bool),
        Kind::Text => typed(json, Value::Text),
        Kind::Bytes => typed(json, Value::Bytes),
        Kind::Uuid => typed(json, Value::Uuid),
        Kind::Time => typed(json, Value::Time),
        Kind::Date => typed(json, Value::Date),
        Kind::Json => Ok(Value::Json(Some(json))),
    }
    // serde's message can repeat the value.
    .map_err(|_| ColumnError::new(column.name, format!("expected {:?}", column.kind)))
}
