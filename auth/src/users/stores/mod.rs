//! One file or folder for each technology.

mod common;
#[cfg(feature = "__sql")]
pub(crate) mod database;
mod memory;

#[cfg(feature = "__sql")]
pub use database::DatabaseUserStore;
pub use memory::InMemoryUserStore;
