//! A login as a state machine.
//!
//! ```text
//! nobody ──first factor──► is a second one required? ──no──► logged in
//!                              │ yes                             ▲
//!                              ▼                                 │
//!                     pending: opens nothing ──second factor─────┘
//! ```
//!
//! [`AuthenticationService::authenticate`] ends in [`AuthenticationError::SecondFactorRequired`] where a second factor is required,
//! whatever way in was taken; whoever does not go on with it has refused. To go on, it is held: as a record, which the session
//! knows by its id, and a program by a token. A pending login is no login: no principal is made of it.

mod complete;
mod first_factor;
mod reauthenticate;
#[cfg(feature = "mfa-codes")]
mod sent_codes;
mod session;

pub use first_factor::{FirstFactor, PendingLogin};
