use std::borrow::Cow;
use std::fmt;

use super::ColumnError;

/// Why a database could not be opened, asked or changed.
///
/// What a server says may quote the values of a row, and those may be secret. So its words are kept only where they
/// cannot; everywhere else its code stands.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// No driver serves addresses with that scheme.
    #[error("no database is called `{0}`; known: sqlite, postgres, postgresql, mysql, mariadb")]
    UnknownScheme(String),
    /// The driver for that scheme is not compiled in.
    #[error("`{scheme}` needs the feature `{feature}` of the crate `auth`")]
    NotEnabled {
        /// The scheme of the address.
        scheme: String,
        /// The feature that brings the driver.
        feature: &'static str,
    },
    /// A name of a table or another setting that cannot be used.
    #[error("{0}")]
    Configuration(String),
    /// A row that does not fit: damaged, or not what the program expects.
    #[error(transparent)]
    Column(#[from] ColumnError),
    /// The database refused the statement.
    #[error("the database refused the statement")]
    Refused(#[source] Refusal),
    /// The database could not be reached, or the connection broke.
    #[error("the database cannot be reached")]
    Unreachable(#[source] sqlx::Error),
}

/// What kind of statement error it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalKind {
    /// Another row has the same value.
    Unique,
    /// A row that it refers to is not there.
    ForeignKey,
    /// Several statements waited for one another; the same may pass when tried again.
    Contended,
    /// Anything else.
    Other,
}

/// A statement that the database refused, told without the values in it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// What kind it is.
    pub kind: RefusalKind,
    /// SQLSTATE (with MySQL's error number), or SQLite's extended result code.
    pub code: String,
    /// For [`RefusalKind::Unique`]: the column, or the constraint where the database tells only that.
    pub column: Option<String>,
    message: Option<String>,
}

impl DatabaseError {
    /// The column or constraint, if the reason is that another row has the same value there. Empty where it is not told.
    pub fn unique_violation(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) if refusal.kind == RefusalKind::Unique => {
                Some(refusal.column.as_deref().unwrap_or_default())
            }
            _ => None,
        }
    }

    /// Whether the reason is that a row which it refers to is not there any more.
    pub fn is_foreign_key_violation(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.kind == RefusalKind::ForeignKey)
    }

    /// Whether the same may pass when tried again at once.
    pub fn is_contention(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.kind == RefusalKind::Contended)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.message, &self.column) {
            (Some(message), _) => write!(f, "{}: {message}", self.code),
            (None, Some(column)) => write!(f, "{}: {:?} ({column})", self.code, self.kind),
            (None, None) => write!(f, "{}: {:?}", self.code, self.kind),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => Self::Refused(Refusal::new(&*error)),
            // These three quote what they could not read.
            sqlx::Error::ColumnDecode { index, .. } => Self::Configuration(format!("column {index} is damaged")),
            sqlx::Error::Configuration(_) => Self::Configuration(
                "the address of the database is malformed, or has a setting it cannot have".to_owned(),
            ),
            sqlx::Error::Decode(_) => Self::Configuration("a row is damaged".to_owned()),
            other => Self::Unreachable(other),
        }
    }
}

impl Refusal {
    fn new(error: &(dyn sqlx::error::DatabaseError + 'static)) -> Self {
        use sqlx::error::ErrorKind;
        let code = error.code().map(Cow::into_owned).unwrap_or_default();
        let kind = match error.kind() {
            ErrorKind::UniqueViolation => RefusalKind::Unique,
            ErrorKind::ForeignKeyViolation => RefusalKind::ForeignKey,
            _ if is_contention(error, &code) => RefusalKind::Contended,
            _ => RefusalKind::Other,
        };
        let column = (kind == RefusalKind::Unique).then(|| column_of(error)).flatten();
        let message = (!quotes_values(error, &code)).then(|| error.message().to_owned());
        Self { kind, code: numbered(error, code), column, message }
    }
}

/// MySQL's SQLSTATE says little without the number of the error.
fn numbered(error: &dyn sqlx::error::DatabaseError, code: String) -> String {
    #[cfg(feature = "database-mysql")]
    if let Some(error) = error.as_error().downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return format!("{code}/{}", error.number());
    }
    let _ = error;
    code
}

/// Deadlocks and failed serialisations; in SQLite a lock that was not got within the busy timeout.
fn is_contention(error: &dyn sqlx::error::DatabaseError, code: &str) -> bool {
    #[cfg(feature = "database-sqlite")]
    if error.as_error().is::<sqlx::sqlite::SqliteError>() {
        return code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6));
    }
    let _ = error;
    matches!(code, "40001" | "40P01" | "55P03")
}

/// SQLite names tables and columns only. The others quote values where the data are at fault: SQLSTATE classes 22 and
/// 23, and MySQL's HY000, which is everything.
fn quotes_values(error: &dyn sqlx::error::DatabaseError, code: &str) -> bool {
    #[cfg(feature = "database-sqlite")]
    if error.as_error().is::<sqlx::sqlite::SqliteError>() {
        return false;
    }
    let _ = error;
    ["22", "23", "HY", "01"].iter().any(|class| code.starts_with(class)) || code.is_empty()
}

/// Which column of a unique constraint it was, as far as the message tells.
fn column_of(error: &dyn sqlx::error::DatabaseError) -> Option<String> {
    #[cfg(feature = "database-postgres")]
    if let Some(error) = error.as_error().downcast_ref::<sqlx::postgres::PgDatabaseError>() {
        // Key (email)=(a@example.org) already exists. Translated it reads otherwise, but for the part that counts.
        let told = error.detail().and_then(|detail| detail.split_once('(')?.1.split_once(")=("));
        let column = told.map(|(columns, _)| columns.trim_matches('"'));
        return column.or(error.constraint()).map(str::to_owned);
    }
    #[cfg(feature = "database-mysql")]
    if error.as_error().is::<sqlx::mysql::MySqlDatabaseError>() {
        // Duplicate entry 'a@example.org' for key 'author.author_email_key'. The value can hold anything, so from the end.
        let key = error.message().rsplit('\'').nth(1)?;
        return Some(key.rsplit('.').next().unwrap_or(key).to_owned());
    }
    // UNIQUE constraint failed: author.email
    let columns = error.message().rsplit_once(": ")?.1;
    Some(columns.rsplit('.').next().unwrap_or(columns).to_owned())
}
