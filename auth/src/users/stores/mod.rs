//! One file or folder for each technology.

pub(super) mod common;
#[cfg(feature = "__sql")]
pub(crate) mod database;
mod memory;

#[cfg(feature = "__sql")]
pub use database::DatabaseUserStore;
pub use memory::InMemoryUserStore;
