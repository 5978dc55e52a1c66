//! One file for each technology.

#[cfg(feature = "__sql")]
mod database;
mod memory;

#[cfg(feature = "__sql")]
pub use database::DatabaseSessionBackend;
#[cfg(feature = "__sql")]
pub(crate) use database::{SESSION_TABLE, session_table};
pub use memory::InMemorySessionBackend;
