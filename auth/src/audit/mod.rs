//! What happened, for whoever must know it later: logins, failures, sessions, tokens, changes of rights and passwords.
//!
//! A flow tells an [`Audit`] of an [`AuditEvent`]; that hands it to every [`AuditSink`]: to `tracing` with [`TracingSink`],
//! which is always there, to a database in an unbroken chain, to a channel of one's own.
//!
//! No event holds a secret: neither passwords nor tokens nor keys, nor what somebody typed as a name.
//!
//! Another sink is another file in `sinks/`.

mod event;
mod log;
mod sinks;

pub use event::{AuditAction, AuditEvent, Origin};
pub use log::{Audit, AuditError, AuditSink};
pub use sinks::TracingSink;
