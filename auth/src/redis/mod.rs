//! The way to a Redis: one server, a master that sentinels name, a cluster; over TLS.
//!
//! What is kept there is the business of whoever asks. To add another way: a `Kind` of address, and a file that makes a
//! link.

mod address;
#[cfg(any(feature = "record-redis", feature = "session-redis"))]
mod all;
#[cfg(feature = "session-redis")]
mod clients;
#[cfg(feature = "redis-cluster")]
mod cluster;
mod connection;
mod error;
mod prefix;
mod script;
#[cfg(feature = "redis-sentinel")]
mod sentinel;
mod single;
#[cfg(feature = "redis-tls")]
mod tls;

use std::time::Duration;

pub(crate) use self::address::Address;
#[cfg(any(feature = "record-redis", feature = "session-redis"))]
pub(crate) use self::address::Kind;
#[cfg(any(feature = "record-redis", feature = "session-redis"))]
pub(crate) use self::all::each;
#[cfg(feature = "session-redis")]
pub(crate) use self::clients::clients;
pub(crate) use self::connection::Connection;
pub(crate) use self::error::RedisFailure;
pub(crate) use self::prefix::valid_prefix;
pub(crate) use self::script::Script;

/// How long a call takes at the most, unless something else is said.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);
