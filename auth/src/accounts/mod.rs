//! How the subjects work together: the [`Auth`] handle, and the flows of logging in, out, and registering. No HTTP.

mod auth;
mod backend;
mod backends;
mod builder;
mod error;
mod login;
#[cfg(feature = "__sql")]
mod migrate;
mod register;
mod secret_file;
mod settings;

pub use auth::Auth;
pub use backend::{AuthBackend, AuthBackendEntry, AuthBackendError, UserStoreBackend, Verdict};
#[cfg(feature = "backend-ldap")]
pub use backends::{LdapAuthBackend, LdapBackendError};
pub use builder::AuthBuilder;
pub use error::Error;
pub use login::{Credentials, LoginOutcome};
#[cfg(feature = "__sql")]
pub use migrate::{Migrated, migrate};
pub use register::RegisterOutcome;

pub(crate) use settings::{Settings, is_origin};
