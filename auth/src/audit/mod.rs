//! What happened, for whoever must know it later: logins, failures, sessions, tokens, changes of rights and passwords.
//!
//! A flow tells an [`Audit`] of an [`AuditEvent`]; that hands it to every [`AuditSink`]: to `tracing` with [`TracingSink`],
//! which is always there, to a database in an unbroken chain, to a channel of one's own.
//!
//! | events | who tells of them |
//! | --- | --- |
//! | `login`, `login.limited`, `logout` | logging in and out |
//! | `session.started`, `session.ended` | logins, and [`SessionManager`](crate::sessions::SessionManager) |
//! | `token.…`, `api_key.…` | tokens and API keys |
//! | `user.…`, `password.…`, `permission.…`, `group.…` | [`UserManager`](crate::users::UserManager), for what changed something; done by whom, says its `by` |
//! | `factor.…` | second factors, where their owner changes them |
//! | `identity.…`, `client.…`, `consent.…`, `code.reused` | logins by other providers, and the OAuth 2 provider |
//! | `custom` | the application |
//!
//! What each of them means stands at [`AuditAction`]. In the program's log only stand access tokens, API keys and proxies' words
//! that are refused for what they are (malformed, unknown, expired, revoked), since anybody can send them without end, and waits
//! beyond one a minute of an account and of a source. Events of API keys, and of a logout by a handler of one's own, say no address.
//! A backend or a store that fails is no event but an error. What is changed in a store beside its manager, or in the database by
//! hand, is told by nobody.
//!
//! # What is in an event, and for how long
//! Who did it, to whom, what, when (UTC), from where, and whether it succeeded (ASVS 16.2.1). Every text is cut to 256
//! characters and holds nothing that ends a line, so that no event looks like two (ASVS 16.4.1). No event holds a secret:
//! neither passwords nor tokens nor session keys, nor what somebody typed as a name, nor what stands in a user's columns.
//!
//! Users stand there by primary key: a pseudonym, which says nothing any more once the user is deleted. Addresses and what
//! a client calls itself are personal data (GDPR recital 30): keep them for as long as they are needed against attacks, and
//! have `DatabaseAuditSink::prune` remove what is older, every day for instance. Nothing is removed by itself. What
//! `tracing` and a channel are told is kept for as long as whoever takes it keeps it.
//!
//! # What a failing sink does
//! It is reported as an error of the program's, and the flow goes on. Whoever must not go on unheard records the event by
//! [`AuditSink::record`] and looks at the answer.
//!
//! Another sink is another file in `sinks/`.

mod event;
mod log;
mod sinks;

pub use event::{AuditAction, AuditEvent, Origin};
pub use log::{Audit, AuditError, AuditSink};
#[cfg(feature = "__sql")]
pub(crate) use sinks::audit_tables;
#[cfg(feature = "__sql")]
pub use sinks::{
    AuditEntry, AuditFilter, AuditHead, AuditStoreError, ChainDamage, ChainReport, DatabaseAuditSink, ParseHeadError,
};
pub use sinks::{ChannelSink, Lost, TracingSink};
