//! How the subjects work together: the [`Auth`] handle, and the flows of logging in, out, and registering. No HTTP.

mod auth;
mod backend;
mod builder;
mod error;
mod login;
#[cfg(feature = "__sql")]
mod migrate;
mod secret_file;
mod settings;

pub use auth::Auth;
pub use backend::{AuthBackend, AuthBackendEntry, AuthBackendError, UserStoreBackend, Verdict};
pub use builder::AuthBuilder;
pub use error::Error;
pub use login::{Credentials, LoginOutcome};
#[cfg(feature = "__sql")]
pub use migrate::{Migrated, migrate};

#[cfg_attr(not(feature = "__web"), expect(unused_imports, reason = "only the web reads them"))]
pub(crate) use settings::Settings;
