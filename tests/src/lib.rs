//! What the tests share: databases of their own, users to keep in them.
#![expect(clippy::missing_panics_doc, reason = "a test fails by panicking")]

/// The README's programs compile, and those that end run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[derive(Debug)]
pub struct Readme;

mod authenticator;
mod before;
mod before_records;
pub mod browser;
mod databases;
mod directory;
pub mod forge;
pub mod http;
mod interop;
mod keyed;
mod ldap;
mod memcached;
mod nginx;
mod patience;
pub mod records;
mod redis;
mod servers;
mod smtp;
pub mod socket;

pub use authenticator::{TestAuthenticator, TestPasskey};
pub use before::{Before, Call};
pub use before_records::{BeforeRecords, RecordCall};
pub use databases::{TestDatabase, mysql, postgres, sqlite, sqlite_in_memory};
pub use directory::TestDirectory;
pub use interop::Peer;
pub use keyed::Keyed;
pub use ldap::{LDAP_READER, TestLdap};
pub use memcached::{TestMemcached, memcached};
pub use nginx::Nginx;
pub use patience::{PATIENCE, until};
pub use redis::{RedisCluster, RedisSentinel, RedisServer, TestRedis, prefix, redis};
pub use servers::DatabaseServer;
pub use smtp::{ReceivedMail, TestSmtp};

auth::declare_suite_permissions!();
