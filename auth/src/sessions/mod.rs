//! Sessions: what a visitor's requests share, kept on the server under a digest of the key in the visitor's cookie.
//!
//! [`SessionBackend`] is where records are kept: bytes under a [`SessionDigest`], object safe, every method atomic.
//! [`Session`] is one visitor's dictionary over any backend. To add a backend: implement the trait in a file of
//! `backends/`, name it in a function marked `#[session_backend("scheme")]`, and run `auth::session_backend_suite!` on
//! it. What is put around a backend stands in `wrappers/`, is a backend too, passes the same suite, and has its row in
//! the matrix of `tests/tests/wrappers/`.

#[macro_use]
mod pass_on;

mod backend;
mod backends;
mod data;
mod device;
mod encoding;
mod error;
mod http;
mod identity;
mod key;
mod lifetime;
mod limit;
mod manager;
mod record;
mod session;
mod state;
mod user_sessions;
mod wrappers;

pub use backend::{CleanupExpired, DynSessionBackend, SaveIf, Saved, SessionBackend, SessionBackendEntry, connect};
pub use backends::CacheSessionBackend;
#[cfg(feature = "__sql")]
pub use backends::DatabaseSessionBackend;
#[cfg(feature = "session-file")]
pub use backends::FileSessionBackend;
pub use backends::InMemorySessionBackend;
#[cfg(feature = "session-redis")]
pub use backends::RedisSessionBackend;
#[cfg(feature = "__sql")]
pub(crate) use backends::{SESSION_TABLE, session_table};
pub use device::{Device, SessionType};
pub use error::SessionError;
#[cfg(feature = "__web")]
pub(crate) use http::MaxAge;
pub use http::{HttpSessionConfig, SameSite};
pub use identity::Identity;
pub use key::{SessionDigest, SessionKey};
pub use lifetime::Lifetime;
pub use limit::{SessionLimit, WhenFull};
pub use manager::SessionManager;
pub use record::{Login, SessionRecord};
pub use session::Session;
pub use user_sessions::{UserSession, UserSessions};
#[cfg(feature = "session-metrics")]
pub use wrappers::PrometheusAnalytics;
#[cfg(feature = "session-replication")]
pub use wrappers::{
    AcknowledgedReplication, AsyncReplication, ReplicatedSessionBackend, ReplicationStrategy, SyncReplication,
};
#[cfg(feature = "__session-compression")]
pub use wrappers::{CompressedSessionBackend, Compression};
pub use wrappers::{DeletionReason, InstrumentedSessionBackend, LoggerAnalytics, SessionAnalytics, SessionEvent};
pub use wrappers::{LayeredSessionBackend, ListedSessionBackend, TenantSessionBackend, TenantSessionOperations};
