//! Bytes under keys, for a while: in Redis, in memcached, in memory.
//!
//! A [`Cache`] promises that each of its operations is atomic and that a value is given back whole or not at all. It does
//! not promise to keep anything: values go when their lifetime ends, and earlier when memory is short or a server is
//! started again. So nothing may stand here whose absence would let somebody in: a lost session is a logout, but a lost
//! list of revoked tokens would be access.
//!
//! To add a cache: implement the trait in a file of its own and run `auth::cache_suite!` on it.
//!
//! # Security
//! Whoever can write to the server writes what the application believes, and whoever can read it reads it: it belongs in
//! a network of its own. memcached knows neither passwords nor encryption as it is used here; start it with `-U 0` (no
//! UDP) and `-l` (only the addresses that are meant).

mod error;
#[cfg(feature = "cache-memcached")]
mod memcached;
mod memory;
#[cfg(feature = "cache-redis")]
mod redis;
mod store;

pub use error::CacheError;
#[cfg(feature = "cache-memcached")]
pub use memcached::MemcachedCache;
pub use memory::InMemoryCache;
#[cfg(feature = "cache-redis")]
pub use redis::RedisCache;
pub use store::{Cache, CacheVersion, Cached, MAX_VALUE, Replaced};
