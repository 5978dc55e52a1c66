//! Limits on trying: how often a password, a code or a mail may be asked for.
//!
//! - [`LoginLimiter`] slows down and stops guessing at logins: by account, by source, and by both.
//! - [`KnownDevices`] tells from which devices an account was logged in to before: others' guesses do not lock these out.
//! - [`Limiter`] limits anything else that is tried, under keys of one's own.
//! - A [`LimitRule`] says how often: [`Backoff`] for what is guessed at, [`Rate`] for what costs something each time.
//! - A [`LimitStore`] counts. [`connect`] opens the one that an address names.
//!
//! An attempt is counted *before* it is made, in one atomic operation, so that a thousand parallel guesses are a
//! thousand counted guesses. What comes of it is told afterwards, with the [`Ticket`].
//!
//! # Stores
//!
//! | store | address | shared by | after a restart | feature |
//! | --- | --- | --- | --- | --- |
//! | [`InMemoryLimitStore`] | `memory:` | one process | starts from nothing | |
//! | `DatabaseLimitStore` | `database:` | all who use the database | goes on | `database-…` |
//! | `RedisLimitStore` | `redis://…` | all who use the server | as the server keeps it | `limit-redis` |
//!
//! All count alike, to the millisecond: the arithmetic is [`LimitRule::count`], and the time is the application's. A store
//! that cannot be asked in time is a [`LimitError`], and what it guards is refused (HTTP 503). Memory is bounded in each:
//! in the process by a number of keys, elsewhere because what has expired goes.
//!
//! # Security
//! Several processes that each count in memory multiply the limits by their number. Whoever may write to a store may end
//! its limits.
//!
//! The source of an attempt is whatever the caller says: only the connecting peer, or what a configured proxy says of it,
//! will do. IPv6 is counted by its /64.
//!
//! Where the source is unknown, as behind a Unix socket or without axum's `ConnectInfo`, no limit by source holds: of logins in
//! any way, registrations, devices and clients. As one, all who cannot be told apart could be kept out by a single stranger.
//! Limits by account, user or client go on; beside one of these, all unknown sources are one. So have sources known, and
//! where they cannot be, limit them before this application.
//!
//! Another store is another file in `stores/`: implement [`LimitStore`], whose arithmetic is [`LimitRule::count`] and
//! [`LimitRule::take_back`], and run `auth::limit_store_suite!` on it.

mod backoff;
mod connect;
mod device;
mod key;
mod limiter;
mod login;
mod rate;
mod rule;
mod store;
mod stores;

pub use backoff::{Backoff, BackoffError};
pub use connect::connect;
pub use device::KnownDevices;
pub use key::LimitKey;
pub use limiter::{Decision, Limit, Limiter, OnSuccess, Ticket};
pub(crate) use login::prefix;
pub use login::{LoginAttempt, LoginLimiter};
pub use rate::{Rate, RateError};
pub use rule::{LimitRule, Tries};
pub use store::{Attempt, LimitError, LimitStore, Settlement};
#[cfg(feature = "__sql")]
pub use stores::DatabaseLimitStore;
pub use stores::InMemoryLimitStore;
#[cfg(feature = "limit-redis")]
pub use stores::RedisLimitStore;
