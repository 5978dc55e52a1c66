//! One file for each technology.

#[cfg(feature = "__sql")]
mod database;
#[cfg(feature = "session-file")]
mod file;
mod memory;

#[cfg(feature = "__sql")]
pub use database::DatabaseSessionBackend;
#[cfg(feature = "__sql")]
pub(crate) use database::{SESSION_TABLE, session_table};
#[cfg(feature = "session-file")]
pub use file::FileSessionBackend;
pub use memory::InMemorySessionBackend;
