//! One file or folder for each store.

#[cfg(feature = "__sql")]
mod database;
mod memory;
#[cfg(feature = "record-redis")]
mod redis;

#[cfg(feature = "__sql")]
pub use database::DatabaseRecordStore;
#[cfg(feature = "__sql")]
pub(crate) use database::record_table;
pub use memory::InMemoryRecordStore;
#[cfg(feature = "record-redis")]
pub use redis::RedisRecordStore;
