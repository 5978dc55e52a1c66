use std::fmt;

use super::{AuthBackendError, Verdict};
use crate::BoxFuture;
use crate::secret::SecretString;

/// A way in beside passwords: an identity provider that sends people back with a code, a certificate, anything that proves who
/// somebody is.
///
/// Registered with [`AuthenticationService::register_provider`](super::AuthenticationService::register_provider), it is asked
/// about [`AuthCredentials::OAuth`](super::AuthCredentials::OAuth) of its name.
///
/// # Security
/// Whoever implements it makes sure that a code is accepted once, from the browser that it was meant for.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an auth provider",
    note = "implement `auth::accounts::AuthProvider` for `{Self}`"
)]
pub trait AuthProvider: fmt::Debug + Send + Sync + 'static {
    /// The name it is asked for by.
    fn name(&self) -> &str;

    /// Whom the code proves somebody to be. [`Verdict::Next`] and [`Verdict::Refused`] both mean nobody.
    ///
    /// # Errors
    /// When it cannot tell: then nobody is logged in.
    fn authenticate<'a>(&'a self, code: &'a SecretString) -> BoxFuture<'a, Result<Verdict, AuthBackendError>>;
}
