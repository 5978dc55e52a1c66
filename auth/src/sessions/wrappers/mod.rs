//! Backends around backends: each adds one thing, keeps every promise of [`SessionBackend`](super::SessionBackend), and
//! can stand around any other.

#[cfg(feature = "__session-compression")]
mod compressed;
mod tenant;

#[cfg(feature = "__session-compression")]
pub use compressed::{CompressedSessionBackend, Compression};
pub use tenant::{TenantSessionBackend, TenantSessionOperations};
