//! Logging in by other providers, and the accounts there that belong to users here.
//!
//! ```text
//! begin_login ──► the provider ──► take_flow ──► log_in ──► is the identity somebody's? ──yes──► the steps of every login
//!  (or begin_link)                     │                          │ no
//!                                      └──► link_identity         └──► a new user, or none
//! ```
//!
//! A flow is a record that is taken once, for ten minutes, in the browser and for the provider that it was begun for. An identity
//! is a record under a digest of its issuer and subject, of whom it belongs to one user or nobody: it is never joined to an
//! account by a name or an address, which can be somebody else's tomorrow.

mod entry;
mod flows;
mod link;
mod log_in;
mod sign_up;
mod store;

pub use entry::AuthProviderEntry;
pub use flows::{BegunFlow, FlowPurpose};
pub use link::{LinkOutcome, UnlinkOutcome};
pub use sign_up::SignUp;
pub use store::LinkedIdentity;

pub(super) use entry::{Providers, registered};
pub(super) use sign_up::SignUpPolicy;
pub(super) use store::IdentityStore;
