//! Small records under an id, with an owner and an end: tokens, keys, tickets, devices.
//!
//! Every subject that keeps something for a while and must change it in one atomic step keeps it in a [`RecordStore`], under
//! a [`RecordKind`] of its own: revoked tokens, families of refresh tokens, API keys, one-shot tickets. So each of
//! them is in memory, in Redis and in a database alike, and one conformance suite (`auth::record_store_suite!`) holds for all.
//!
//! A cache may lose what it holds; a record store may not.
//!
//! Another store is another file in `stores/`, with its scheme in `connect.rs`, that passes the suite.

mod connect;
mod error;
mod fit;
mod store;
mod stores;

pub use connect::connect;
pub use error::RecordError;
pub use store::{DynRecordStore, MAX_RECORD, NewRecord, Record, RecordKind, RecordReplaced, RecordStore};
#[cfg(feature = "__sql")]
pub use stores::DatabaseRecordStore;
pub use stores::InMemoryRecordStore;
#[cfg(feature = "record-redis")]
pub use stores::RedisRecordStore;
#[cfg(feature = "__sql")]
pub(crate) use stores::record_table;
