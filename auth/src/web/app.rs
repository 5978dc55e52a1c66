use std::any::Any;
use std::fmt;
use std::net::IpAddr;

use super::cookie::CookieConfig;
use super::cross_site::CsrfToken;
use super::request::WebApp;
use crate::BoxFuture;
use crate::access::Principal;
use crate::accounts::{Auth, Error};
use crate::sessions::{Session, SessionKey};
use crate::users::UserModel;

/// The application as a request sees it, with its user type.
pub(crate) struct App<U: UserModel> {
    auth: Auth<U>,
    cookies: CookieConfig,
    csrf: CsrfToken,
}

impl<U: UserModel> App<U> {
    pub(crate) fn new(auth: Auth<U>) -> Self {
        let (settings, secret) = auth.settings();
        let cookies = CookieConfig::new(&settings.cookie_name, settings.insecure_cookies);
        let cookies = cookies.for_origins(&settings.trusted_origins);
        let csrf = CsrfToken::new(secret.derive("auth: csrf"));
        Self { auth, cookies, csrf }
    }
}

impl<U: UserModel> fmt::Debug for App<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("auth", &self.auth).finish_non_exhaustive()
    }
}

impl<U: UserModel> WebApp for App<U> {
    fn resume(&self, key: Option<SessionKey>) -> BoxFuture<'_, Result<(Session, Option<Principal>), Error>> {
        Box::pin(self.auth.resume(key))
    }

    fn cookies(&self) -> &CookieConfig {
        &self.cookies
    }

    fn csrf(&self) -> &CsrfToken {
        &self.csrf
    }

    fn trusted_origins(&self) -> &[String] {
        &self.auth.settings().0.trusted_origins
    }

    fn login_url(&self) -> &str {
        &self.auth.settings().0.login_url
    }

    fn home_url(&self) -> &str {
        &self.auth.settings().0.home_url
    }

    fn trusted_proxies(&self) -> &[IpAddr] {
        &self.auth.settings().0.trusted_proxies
    }

    fn handle(&self) -> &(dyn Any + Send + Sync) {
        &self.auth
    }
}
