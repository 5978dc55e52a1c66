//! Sessions: what a visitor's requests share, kept on the server under a digest of the key in the visitor's cookie.
//!
//! [`SessionBackend`] is where records are kept: bytes under a [`SessionDigest`], object safe, every method atomic.
//! [`Session`] is one visitor's dictionary over any backend. To add a backend: implement the trait in a file of
//! `backends/`, name it in a function marked `#[session_backend("scheme")]`, and run `auth::session_backend_suite!` on
//! it. What is put around a backend stands in `wrappers/`, is a backend too, passes the same suite, and has its row in
//! the matrix of `tests/tests/wrappers/`.
//!
//! Wrappers stand in any order and keep their promises; what one does is done to what is inside it. Next to the store
//! belongs what changes the bytes or the names (`Compressed…`, `Tenant…`), further out what saves asking
//! (`Layered…`), outermost what watches (`Instrumented…`). A tenant's sessions are one backend, so an application has one
//! `Auth`, or one `SessionMiddleware`, for each tenant.

#[macro_use]
mod pass_on;

mod backend;
mod backends;
mod carrier;
#[cfg(feature = "session-cookie")]
mod cookie;
mod device;
mod encoding;
mod error;
mod formats;
mod http;
mod identity;
mod key;
mod lifetime;
mod limit;
mod manager;
mod migration;
mod record;
mod scan;
mod session;
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
pub use backends::{RedisInvalidations, RedisSessionBackend};
#[cfg(feature = "__sql")]
pub(crate) use backends::{SESSION_TABLE, session_table};
pub(crate) use carrier::Carrier;
#[cfg(feature = "session-cookie")]
pub use cookie::CookieSessionBackend;
#[cfg(feature = "session-cookie")]
pub(crate) use cookie::Slot;
pub use device::{Device, SessionType};
pub use error::SessionError;
#[cfg(feature = "session-cbor")]
pub use formats::Cbor;
#[cfg(feature = "session-compact")]
pub use formats::Compact;
pub(crate) use formats::Encoder;
#[cfg(feature = "session-messagepack")]
pub use formats::MessagePack;
pub use formats::{Json, SessionFormat};
#[cfg(feature = "__web")]
pub(crate) use http::MaxAge;
pub use http::{HttpSessionConfig, SameSite};
pub use identity::Identity;
pub use key::{SessionDigest, SessionKey};
pub use lifetime::Lifetime;
pub use limit::{SessionLimit, WhenFull};
pub use manager::SessionManager;
pub use migration::{MigrationProgress, SessionMigration};
pub use record::{Login, SessionRecord};
pub use scan::{ScanCursor, ScanPage, SessionScan};
pub use session::Session;
pub use user_sessions::{UserSession, UserSessions};
#[cfg(feature = "web-axum-websocket")]
pub(crate) use wrappers::AnnouncingSessionBackend;
#[cfg(feature = "session-metrics")]
pub use wrappers::PrometheusAnalytics;
#[cfg(feature = "session-replication")]
pub use wrappers::{
    AcknowledgedReplication, AsyncReplication, ReplicatedSessionBackend, ReplicationStrategy, SyncReplication,
};
#[cfg(feature = "__session-compression")]
pub use wrappers::{CompressedSessionBackend, Compression};
pub use wrappers::{DeletionReason, InstrumentedSessionBackend, LoggerAnalytics, SessionAnalytics, SessionEvent};
pub use wrappers::{Invalidated, Listening, SessionInvalidations};
pub use wrappers::{
    LayeredSessionBackend, ListedSessionBackend, MigratingSessionBackend, TenantSessionBackend, TenantSessionOperations,
};
