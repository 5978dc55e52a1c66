//! How the subjects work together: the [`Auth`] handle, and the flows of logging in, out, and registering. No HTTP.

mod auth;
mod authentication_error;
mod backend;
mod backends;
mod builder;
pub mod config;
mod credentials;
mod error;
mod factors;
mod identities;
#[cfg(feature = "web-axum-websocket")]
mod live;
mod login;
mod messages;
#[cfg(feature = "__sql")]
mod migrate;
mod notices;
#[cfg(feature = "oauth2-provider")]
mod oauth2;
#[cfg(feature = "mfa-webauthn")]
mod passkeys;
mod register;
mod secret;
mod secret_file;
mod service;
mod settings;
mod steps;
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
#[cfg(any(feature = "mfa-codes", feature = "mfa-totp", feature = "mfa-webauthn"))]
pub use factors::AddedFactor;
pub use factors::{FactorChanges, FactorError};
pub use identities::{AuthProviderEntry, BegunFlow, FlowPurpose, LinkOutcome, LinkedIdentity, SignUp, UnlinkOutcome};
#[cfg(feature = "__sql")]
pub use migrate::{Migrated, migrate};
pub use register::RegisterOutcome;
pub use service::{AuthResult, AuthenticationService};
pub use steps::{FirstFactor, PendingLogin};

#[cfg(feature = "web-axum-websocket")]
pub(crate) use live::{Credential, Held, LoginWatch, Status as LoginStatus, TICKET_SECONDS, is_ticket};
pub(crate) use settings::Settings;
#[cfg(feature = "__web")]
pub(crate) use settings::is_origin;
