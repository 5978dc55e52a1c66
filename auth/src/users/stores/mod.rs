//! One file or folder for each technology.

mod cached;
pub(super) mod common;
#[cfg(feature = "__sql")]
pub(crate) mod database;
mod memory;

pub use cached::CachedUserStore;
#[cfg(feature = "__sql")]
pub use database::DatabaseUserStore;
pub use memory::InMemoryUserStore;
