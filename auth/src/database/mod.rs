//! How a struct becomes a row, and (with a `database-…` feature) the pools that rows come from.
//!
//! The mapping knows no database and is always there: `#[derive(User)]` names only what stands in it.
//! Everything that knows SQL stands behind the features, so generated code never asks which are on.

#[cfg(feature = "__sql")]
mod bind;
mod check;
#[cfg(feature = "__sql")]
mod connection;
#[cfg(feature = "__sql")]
mod error;
mod field;
#[cfg(feature = "__sql")]
mod migrate;
mod model;
#[cfg(feature = "__sql")]
mod pool;
#[cfg(feature = "__sql")]
mod row;
#[cfg(feature = "__sql")]
mod schema;

#[cfg(feature = "__sql")]
pub(crate) use check::is_storable;
pub(crate) use check::{check, check_all};
#[cfg(feature = "__sql")]
pub(crate) use connection::{AnyRow, Attempts, Statement, Transaction};
#[cfg(feature = "__sql")]
pub use error::{DatabaseError, Refusal, RefusalKind};
pub use field::{Field, FieldError, Kind, Value};
#[cfg(feature = "__sql")]
pub use migrate::Migrated;
#[cfg(feature = "__sql")]
pub(crate) use migrate::Migration;
pub use model::{Column, ColumnError, Model, Role, Row, column, json_column, read, read_json, to_json};
#[cfg(feature = "__sql")]
pub use pool::Database;
#[cfg(feature = "__sql")]
pub use schema::Dialect;
#[cfg(feature = "__sql")]
pub(crate) use schema::{ColumnSpec, TableSpec, index_name};
