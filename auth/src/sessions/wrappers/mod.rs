//! Backends around backends: each adds one thing, keeps every promise of [`SessionBackend`](super::SessionBackend), and
//! can stand around any other.

#[cfg(feature = "web-axum-websocket")]
mod announcing;
#[cfg(feature = "__session-compression")]
mod compressed;
mod instrumented;
mod invalidation;
mod layered;
mod list;
mod listed;
mod migrating;
#[cfg(feature = "session-replication")]
mod replicated;
mod tenant;

#[cfg(feature = "web-axum-websocket")]
pub(crate) use announcing::AnnouncingSessionBackend;
#[cfg(feature = "__session-compression")]
pub use compressed::{CompressedSessionBackend, Compression};
#[cfg(feature = "session-metrics")]
pub use instrumented::PrometheusAnalytics;
pub use instrumented::{DeletionReason, InstrumentedSessionBackend, LoggerAnalytics, SessionAnalytics, SessionEvent};
pub use invalidation::{Invalidated, Listening, SessionInvalidations};
pub use layered::LayeredSessionBackend;
pub use listed::ListedSessionBackend;
pub use migrating::MigratingSessionBackend;
#[cfg(feature = "session-replication")]
pub use replicated::{
    AcknowledgedReplication, AsyncReplication, ReplicatedSessionBackend, ReplicationStrategy, SyncReplication,
};
pub use tenant::{TenantSessionBackend, TenantSessionOperations};
