//! One file for each sink.

mod channel;
#[cfg(feature = "__sql")]
mod database;
mod tracing;

pub use self::channel::{ChannelSink, Lost};
#[cfg(feature = "__sql")]
pub(crate) use self::database::audit_tables;
#[cfg(feature = "__sql")]
pub use self::database::{
    AuditEntry, AuditFilter, AuditHead, AuditStoreError, ChainDamage, ChainReport, DatabaseAuditSink, ParseHeadError,
};
pub use self::tracing::TracingSink;
