use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Field, FieldError, Kind, Value};

/// What a column means to the framework. Everything else is the application's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u16)]
pub enum Role {
    /// The primary key.
    Id = 1,
    /// What the user logs in with; unique.
    Username = 1 << 1,
    /// The mail address.
    Email = 1 << 2,
    /// The password's hash; the column is `password`, as in Django.
    Password = 1 << 3,
    /// When the user last logged in.
    LastLogin = 1 << 4,
    /// Whether the account is in use.
    IsActive = 1 << 5,
    /// Whether the user may enter the administration.
    IsStaff = 1 << 6,
    /// Whether the user has every permission.
    IsSuperuser = 1 << 7,
    /// When the account was made.
    DateJoined = 1 << 8,
    /// The first name.
    FirstName = 1 << 9,
    /// The last name.
    LastName = 1 << 10,
}

/// One column of a table.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Column {
    /// Its name in the database.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Whether no two rows may have the same value.
    pub unique: bool,
    /// The most characters of a text; `None` is without a limit of its own.
    pub max_length: Option<u32>,
    /// Whether the user may set it: at registration, later in the own profile.
    pub editable: bool,
    roles: u16,
}

impl Column {
    /// Gives the column a role, and the length and uniqueness that go with it (Django's: 150 for a name, 254 for an address).
    #[must_use]
    pub const fn role(mut self, role: Role) -> Self {
        self.roles |= role as u16;
        let length = match role {
            Role::Username | Role::FirstName | Role::LastName => 150,
            Role::Email => 254,
            Role::Password | Role::Id => 255,
            _ => return self,
        };
        if matches!(role, Role::Username) {
            self.unique = true;
        }
        self.limit(length)
    }

    /// No two rows may have the same value.
    #[must_use]
    pub const fn unique(mut self) -> Self {
        self.unique = true;
        self.limit(255)
    }

    /// The user may set it.
    #[must_use]
    pub const fn editable(mut self) -> Self {
        self.editable = true;
        self
    }

    /// Whether the column has that role.
    pub const fn is(&self, role: Role) -> bool {
        self.roles & role as u16 != 0
    }

    /// The larger limit wins: an address that is also the user's name may have 254 characters.
    const fn limit(mut self, length: u32) -> Self {
        if matches!(self.kind, Kind::Text) {
            self.max_length = match self.max_length {
                Some(given) if given > length => Some(given),
                _ => Some(length),
            };
        }
        self
    }
}

/// A column for a field of that type.
pub const fn column<T: Field>(name: &'static str) -> Column {
    Column { name, kind: T::KIND, nullable: T::NULLABLE, unique: false, max_length: None, editable: false, roles: 0 }
}

/// A column that holds a serde type with a default as JSON.
pub const fn json_column(name: &'static str) -> Column {
    Column { kind: Kind::Json, ..column::<String>(name) }
}

/// A row, whatever it came from.
pub trait Row {
    /// What stands in the column at that place of [`Model::COLUMNS`], as that kind.
    ///
    /// # Errors
    /// When there is no such column, or it holds another kind.
    fn get(&self, index: usize, kind: Kind) -> Result<Value, FieldError>;
}

/// A column that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("column `{column}`: {source}")]
#[non_exhaustive]
pub struct ColumnError {
    /// The column.
    pub column: &'static str,
    /// What is wrong with its value.
    pub source: FieldError,
}

impl ColumnError {
    /// Says what is wrong with a column's value. Do not put the value into it.
    pub fn new(column: &'static str, source: impl Into<FieldError>) -> Self {
        Self { column, source: source.into() }
    }
}

/// A struct that is a row of a table; `#[derive(User)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a row of a table",
    note = "write `#[derive(User)]` on `{Self}`"
)]
pub trait Model: Sized + Send + Sync + 'static {
    /// The table's name.
    const TABLE: &'static str;
    /// Its columns, in the order of [`Model::values`].
    const COLUMNS: &'static [Column];

    /// What to write, one value for each column.
    ///
    /// # Errors
    /// When a JSON field cannot be serialised.
    fn values(&self) -> Result<Vec<Value>, ColumnError>;

    /// Reads a row.
    ///
    /// # Errors
    /// When a column does not fit its field.
    fn from_row(row: &dyn Row) -> Result<Self, ColumnError>;

    /// The column with that role.
    fn column_of(role: Role) -> Option<&'static Column> {
        Self::COLUMNS.iter().find(|column| column.is(role))
    }
}

/// Reads one field.
///
/// # Errors
/// When the column does not fit the field.
pub fn read<T: Field>(row: &dyn Row, index: usize, column: &'static str) -> Result<T, ColumnError> {
    row.get(index, T::KIND).and_then(T::from_value).map_err(|source| ColumnError { column, source })
}

/// Writes a JSON field.
///
/// # Errors
/// When the value cannot be serialised.
pub fn to_json<T: Serialize>(value: &T, column: &'static str) -> Result<Value, ColumnError> {
    let json = serde_json::to_value(value).map_err(|source| ColumnError::new(column, source))?;
    Ok(Value::Json(Some(json)))
}

/// Reads a JSON field. Where nothing was written yet, in a row that was there before the column was and in a new user of
/// whom nothing was said, it is the type's default.
///
/// # Errors
/// When the document does not fit the field.
pub fn read_json<T: DeserializeOwned + Default>(
    row: &dyn Row,
    index: usize,
    column: &'static str,
) -> Result<T, ColumnError> {
    let json = match row.get(index, Kind::Json) {
        Ok(Value::Json(json)) => json.unwrap_or_default(),
        Ok(_) => return Err(ColumnError::new(column, "expected Json")),
        Err(source) => return Err(ColumnError { column, source }),
    };
    let nothing = json.is_null();
    match serde_json::from_value(json) {
        Err(_) if nothing => Ok(T::default()),
        read => read.map_err(|source| ColumnError::new(column, source)),
    }
}
