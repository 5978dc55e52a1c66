//! How the subjects work together: the [`Auth`] handle, and the flows of logging in, out, and registering. No HTTP.

mod auth;
mod authentication_error;
mod backend;
mod backends;
mod builder;
pub mod config;
mod credentials;
mod error;
#[cfg(feature = "web-axum-websocket")]
mod live;
mod login;
#[cfg(feature = "__sql")]
mod migrate;
mod provider;
mod register;
mod secret_file;
mod service;
mod settings;
mod stores;
#[cfg(feature = "token-jwt")]
mod tokens;

pub use auth::Auth;
pub use authentication_error::AuthenticationError;
pub use backend::{AuthBackend, AuthBackendEntry, AuthBackendError, Verdict};
pub use backends::{CompositeAuthBackend, UserStoreBackend};
#[cfg(feature = "backend-ldap")]
pub use backends::{LdapAuthBackend, LdapBackendError};
pub use builder::AuthBuilder;
pub use credentials::AuthCredentials;
pub use error::Error;
#[cfg(feature = "__sql")]
pub use migrate::{Migrated, migrate};
pub use provider::AuthProvider;
pub use register::RegisterOutcome;
pub use service::{AuthResult, AuthenticationService};

#[cfg(feature = "web-axum-websocket")]
pub(crate) use live::{Credential, Held, LoginWatch, Status as LoginStatus, TICKET_SECONDS, is_ticket};
pub(crate) use settings::Settings;
#[cfg(feature = "__web")]
pub(crate) use settings::is_origin;
