//! One file for each technology.

mod cache;
#[cfg(feature = "__sql")]
mod database;
#[cfg(feature = "session-file")]
mod file;
mod memory;
#[cfg(feature = "session-redis")]
mod redis;

pub use cache::CacheSessionBackend;
#[cfg(feature = "__sql")]
pub use database::DatabaseSessionBackend;
#[cfg(feature = "__sql")]
pub(crate) use database::{SESSION_TABLE, session_table};
#[cfg(feature = "session-file")]
pub use file::FileSessionBackend;
pub use memory::InMemorySessionBackend;
#[cfg(feature = "session-redis")]
pub use redis::RedisSessionBackend;
