//! What a request carries: nothing is looked up until somebody asks.

use std::any::Any;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;

use super::cookie::{CookieConfig, Jar};
use super::cross_site::{self, CsrfToken, Verdict};
use super::refusal::{Kind, Refusal};
use crate::BoxFuture;
use crate::access::Principal;
use crate::accounts::Error;
use crate::sessions::{Session, SessionError, SessionKey};

/// The application as a request sees it, whatever its user type.
pub(crate) trait WebApp: fmt::Debug + Send + Sync + 'static {
    /// Who is logged in, in the session of that key.
    fn resume(&self, key: Option<SessionKey>) -> BoxFuture<'_, Result<(Session, Option<Principal>), Error>>;
    /// The cookies' names.
    fn cookies(&self) -> &CookieConfig;
    /// The cross-site tokens.
    fn csrf(&self) -> &CsrfToken;
    /// Origins whose pages may send requests here.
    fn trusted_origins(&self) -> &[String];
    /// Where people log in.
    fn login_url(&self) -> &str;
    /// Where people go after that.
    fn home_url(&self) -> &str;
    /// Proxies whose word counts on where a request comes from.
    fn trusted_proxies(&self) -> &[IpAddr];
    /// The `Auth<U>` handle.
    fn handle(&self) -> &(dyn Any + Send + Sync);
}

/// The lazy handle that the layer puts into a request.
#[derive(Clone, Debug)]
pub(crate) struct RequestAuth {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    app: Arc<dyn WebApp>,
    asked: OnceLock<Asked>,
}

/// What was found when somebody asked.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) session: Session,
    pub(crate) principal: Option<Principal>,
    /// The key under which the session was found.
    came_with: Option<SessionKey>,
    jar: Jar,
}

impl RequestAuth {
    pub(super) fn new(app: Arc<dyn WebApp>) -> Self {
        Self { inner: Arc::new(Inner { app, asked: OnceLock::new() }) }
    }

    /// The handle of this request.
    pub(crate) fn of(parts: &Parts) -> Result<&Self, Refusal> {
        const MISSING: &str = "there is no auth layer around this route: add `.layer(auth.layer())` to the router";
        parts.extensions.get().ok_or_else(|| Refusal::new(Kind::Misconfigured(MISSING), parts))
    }

    pub(crate) fn app(&self) -> &Arc<dyn WebApp> {
        &self.inner.app
    }

    /// Looks up session and user, once for each request.
    pub(crate) async fn ask(&self, parts: &Parts) -> Result<&Asked, Refusal> {
        if let Some(asked) = self.inner.asked.get() {
            return Ok(asked);
        }
        self.same_site(parts, None)?;
        self.find(parts).await
    }

    /// Refuses what another site's page sent. A form's token may stand in its body.
    pub(crate) fn same_site(&self, parts: &Parts, form_token: Option<&str>) -> Result<(), Refusal> {
        let app = &self.inner.app;
        let passes = match cross_site::judge(parts, app.trusted_origins(), app.cookies().may_be_plain(parts)) {
            Verdict::Passes => true,
            Verdict::Refused => false,
            Verdict::NeedsToken => {
                let header = super::host::single(&parts.headers, &cross_site::X_CSRF_TOKEN);
                form_token.or(header).is_some_and(|token| app.csrf().verify(app.cookies(), parts, token))
            }
        };
        if passes { Ok(()) } else { Err(Refusal::new(Kind::CrossSite, parts)) }
    }

    /// The same as [`RequestAuth::ask`] for a request that was judged by its form's token.
    pub(crate) async fn find(&self, parts: &Parts) -> Result<&Asked, Refusal> {
        let app = &self.inner.app;
        if let Some(asked) = self.inner.asked.get() {
            return Ok(asked);
        }
        let jar = app.cookies().jar(parts);
        let key = jar.read(parts).and_then(SessionKey::parse);
        let (session, principal) = app.resume(key).await.map_err(|e| Refusal::unavailable(&e, parts))?;
        let came_with = session.key();
        // Of two who ask at the same moment, both get what the first one found.
        Ok(self.inner.asked.get_or_init(|| Asked { session, principal, came_with, jar }))
    }

    /// Who is logged in; a refusal if nobody is.
    pub(crate) async fn principal(&self, parts: &Parts) -> Result<&Principal, Refusal> {
        match &self.ask(parts).await?.principal {
            Some(principal) => Ok(principal),
            None => Err(self.log_in_first(parts)),
        }
    }

    /// 401, or the login page for people.
    pub(crate) fn log_in_first(&self, parts: &Parts) -> Refusal {
        Refusal::new(Kind::Unauthenticated, parts).or_log_in(parts, self.inner.app.login_url())
    }

    /// Whether the answer must wait for the session to be written.
    pub(super) fn must_save(&self, status: StatusCode) -> bool {
        !status.is_server_error() && self.inner.asked.get().is_some_and(|asked| asked.session.is_modified())
    }

    /// Writes the session.
    pub(super) async fn save(&self) -> Result<(), SessionError> {
        match self.inner.asked.get() {
            None => Ok(()),
            Some(asked) => match asked.session.save().await {
                // Logged out in another tab: the answer stands, the change has nowhere to go.
                Err(SessionError::Ended) => Ok(()),
                other => other,
            },
        }
    }

    /// Sets the cookie if the key changed, and keeps the answer out of shared caches (ASVS 14.3.2).
    pub(super) fn write_headers(&self, headers: &mut HeaderMap) {
        let Some(asked) = self.inner.asked.get() else { return };
        if !asked.session.has_stored_key(asked.came_with.as_ref()) {
            let value = asked.session.stored_key().map(|key| (key.expose(), asked.session.seconds_left()));
            let value = value.as_ref().map(|(key, seconds)| (key.as_str(), *seconds));
            headers.append(header::SET_COOKIE, asked.jar.write(value));
        }
        keep_private(headers);
    }
}

fn keep_private(headers: &mut HeaderMap) {
    let names = |value: &HeaderValue, wanted: &str| {
        value.to_str().is_ok_and(|text| text.split(',').any(|part| part.trim().eq_ignore_ascii_case(wanted)))
    };
    if !headers.get_all(header::VARY).iter().any(|vary| names(vary, header::COOKIE.as_str())) {
        headers.append(header::VARY, HeaderValue::from_static("Cookie"));
    }
    let control = headers.get(header::CACHE_CONTROL);
    if !control.is_some_and(|control| names(control, "private") || names(control, "no-store")) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
    }
}
