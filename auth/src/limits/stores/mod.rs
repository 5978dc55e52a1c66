//! One file for each store.

#[cfg(feature = "__sql")]
mod database;
mod memory;
#[cfg(feature = "limit-redis")]
mod redis;

#[cfg(feature = "__sql")]
pub use database::DatabaseLimitStore;
pub use memory::InMemoryLimitStore;
#[cfg(feature = "limit-redis")]
pub use redis::RedisLimitStore;
