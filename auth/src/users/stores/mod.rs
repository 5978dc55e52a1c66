//! One file or folder for each technology.

#[cfg(feature = "web-axum-websocket")]
mod announcing;
mod cached;
pub(super) mod common;
#[cfg(feature = "__sql")]
pub(crate) mod database;
mod memory;

#[cfg(feature = "web-axum-websocket")]
pub(crate) use announcing::AnnouncingUserStore;
pub use cached::CachedUserStore;
#[cfg(feature = "__sql")]
pub use database::DatabaseUserStore;
pub use memory::InMemoryUserStore;
