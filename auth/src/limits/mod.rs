//! Limits on trying: how often a password, a code or a mail may be asked for.
//!
//! - [`LoginLimiter`] slows down and stops guessing at logins: by account, by source, and by both.
//! - [`Limiter`] does the same for anything else that is tried, under keys of one's own.
//! - [`LimitStore`] counts: in this process with [`InMemoryLimitStore`], or in a store that many processes share.
//!
//! An attempt is counted *before* it is made, in one atomic operation, so that a thousand parallel guesses are a
//! thousand counted guesses. What comes of it is told afterwards, with the [`Ticket`].
//!
//! Another store is another file in `stores/`: implement [`LimitStore`], whose arithmetic is [`Backoff::count`], and
//! run `auth::limit_store_suite!` on it.

mod backoff;
mod key;
mod limiter;
mod login;
mod store;
mod stores;

pub use backoff::{Backoff, BackoffError, Tries};
pub use key::LimitKey;
pub use limiter::{Decision, Limit, Limiter, OnSuccess, Ticket};
pub(crate) use login::prefix;
pub use login::{LoginAttempt, LoginLimiter};
pub use store::{Attempt, LimitError, LimitStore, Settlement};
pub use stores::InMemoryLimitStore;
