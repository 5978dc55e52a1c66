//! The [`Auth`] handle: registering, logging in and out, second factors, accounts at other providers, and the settings of all of it. No
//! HTTP: the routes of `auth.routes()` and its like stand on these.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use auth::accounts::{AuthCredentials, RegisterOutcome};
//! use auth::audit::Origin;
//! use auth::prelude::*;
//! use auth::users::{DefaultUser, Extra};
//!
//! let auth = Auth::<DefaultUser>::builder().build().await?; // in memory; `.database("sqlite:blog.db?mode=rwc")` keeps it
//! let (session, origin) = (auth.new_session(), Origin::unknown());
//! let password = "a horse, a battery, a staple";
//! let outcome = auth.register("ada", password, Extra::new(), &origin).await?;
//! assert!(matches!(outcome, RegisterOutcome::Registered(_)));
//!
//! let login = auth.log_in(&session, AuthCredentials::password("ada", password), &origin).await?;
//! assert_eq!(login.principal().username(), "ada");
//! auth.log_out(&session).await?;
//! # Ok(())
//! # }
//! ```
//!
//! | to … | use |
//! | --- | --- |
//! | set it up | [`AuthBuilder`]; from outside, [`config`] |
//! | log in by a password, or by another provider | [`Auth::log_in`] |
//! | go on where a second factor is required | [`Auth::log_in_with_factor`], [`Auth::pending_login`]; programs without a session, [`AuthenticationService::hold`] and [`AuthenticationService::complete`] |
//! | ask a user again who they are | [`Auth::reauthenticate`] |
//! | let users change their second factors | [`Auth::change_factors`] |
//! | take all second factors from a user who has lost them | [`Auth::reset_factors`] |
//! | begin a login by another provider, and link accounts | [`Auth::begin_login`], [`Auth::begin_link`], [`Auth::take_flow`], [`Auth::link_identity`] |
//! | list accounts at other providers, and unlink them | [`Auth::identities`], [`Auth::unlink_identity`] |
//! | say who becomes a user by another provider | [`AuthBuilder::sign_up`], [`SignUp`] |
//! | check names and passwords elsewhere | [`AuthBackend`] |
//! | erase an account | [`Auth::reset_factors`], [`Auth::forget_identities`], and delete the user ([`Auth::users`]) |
//!
//! A login ends in one of three: the user is logged in; a second factor is required, and nobody is; or an [`AuthenticationError`]. A
//! login that waits for its second factor opens nothing, has ten minutes and five tries.
//!
//! # Security
//!
//! Every login is limited and told to the trail, and what cannot be told, as a store failed, is no login. What is shown of an
//! [`AuthenticationError`] does not tell whether a user exists.

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
