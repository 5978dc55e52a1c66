//! How a struct becomes a row, and (with a `database-…` feature) the pools that rows come from.
//!
//! The mapping knows no database and is always there: `#[derive(User)]` names only what stands in it.
//! Everything that knows SQL stands behind the features, so generated code never asks which are on.

mod field;
mod model;
#[cfg(feature = "__sql")]
mod pool;

pub use field::{Field, FieldError, Kind, Value};
pub use model::{
    Column, ColumnError, Model, Role, Row, column, json_column, read, read_json, to_json,
};
#[cfg(feature = "__sql")]
pub use pool::Database;
