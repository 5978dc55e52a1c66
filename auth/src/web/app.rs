use std::any::Any;
use std::fmt;
use std::net::IpAddr;

use super::cookie::Cookies;
use super::csrf::CsrfTokens;
use super::request::{UserApp, WebApp};
use crate::BoxFuture;
use crate::access::Principal;
use crate::accounts::{Auth, AuthCredentials, AuthenticationError, Error};
use crate::audit::Origin;
#[cfg(feature = "web-axum-websocket")]
use crate::secret::SecretString;
use crate::sessions::{Carrier, DynSessionBackend, Session, SessionKey};
use crate::users::UserModel;

/// The application as a request sees it, with its user type.
pub(crate) struct App<U: UserModel> {
    auth: Auth<U>,
    cookies: Cookies,
    csrf: CsrfTokens,
}

impl<U: UserModel> App<U> {
    pub(crate) fn new(auth: Auth<U>) -> Self {
        let (settings, secret) = auth.settings();
        let cookies = Cookies::new(settings.http_sessions.clone(), &settings.trusted_origins);
        let csrf = CsrfTokens::new(secret.derive("auth: csrf"));
        Self { auth, cookies, csrf }
    }
}

impl<U: UserModel> fmt::Debug for App<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("auth", &self.auth).finish_non_exhaustive()
    }
}

impl<U: UserModel> WebApp for App<U> {
    fn carrier(&self) -> &Carrier {
        self.auth.carrier()
    }

    fn resume(
        &self,
        backend: DynSessionBackend,
        key: Option<SessionKey>,
    ) -> BoxFuture<'_, Result<(Session, Option<Principal>), Error>> {
        Box::pin(self.auth.resume_in(backend, key))
    }

    fn cookies(&self) -> &Cookies {
        &self.cookies
    }

    fn csrf(&self) -> &CsrfTokens {
        &self.csrf
    }

    fn trusted_origins(&self) -> &[String] {
        &self.auth.settings().0.trusted_origins
    }

    fn users(&self) -> Option<&dyn UserApp> {
        Some(self)
    }
}

impl<U: UserModel> UserApp for App<U> {
    fn login_url(&self) -> &str {
        &self.auth.settings().0.login_url
    }

    #[cfg(feature = "mfa-webauthn")]
    fn has_passkeys(&self) -> bool {
        self.auth.mfa().has_relying_party()
    }

    fn authenticate<'a>(
        &'a self,
        credentials: AuthCredentials,
        origin: &'a Origin,
    ) -> BoxFuture<'a, Result<Principal, AuthenticationError>> {
        Box::pin(async move {
            let result = self.auth.authentication().authenticate(credentials, origin).await?;
            Ok(result.principal().clone())
        })
    }

    fn end<'a>(&'a self, session: &'a Session) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.auth.log_out(session))
    }

    #[cfg(feature = "web-axum-websocket")]
    fn socket_ticket<'a>(&'a self, session: &'a Session) -> BoxFuture<'a, Result<Option<SecretString>, Error>> {
        Box::pin(self.auth.socket_ticket(session))
    }

    fn trusted_proxies(&self) -> &[IpAddr] {
        &self.auth.settings().0.trusted_proxies
    }

    fn handle(&self) -> &(dyn Any + Send + Sync) {
        &self.auth
    }
}
