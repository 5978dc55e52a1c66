//! Small records under an id, with an owner and an end: tokens, keys, tickets, devices.
//!
//! Every subject that keeps something for a while and must change it in one atomic step keeps it in a [`RecordStore`], under
//! a [`RecordKind`] of its own: revoked tokens, families of refresh tokens, API keys, one-shot tickets. So each of
//! them is in memory, in Redis and in a database alike, and one conformance suite (`auth::record_store_suite!`) holds for all.
//!
//! A cache may lose what it holds; a record store may not.
//!
//! Another store is another file in `stores/`.

mod error;
mod store;
mod stores;

pub use error::RecordError;
pub use store::{DynRecordStore, MAX_RECORD, NewRecord, Record, RecordKind, RecordReplaced, RecordStore};
