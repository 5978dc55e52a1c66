//! What a request carries: nothing is looked up until somebody asks.

use std::any::Any;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Once, OnceLock};

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;

use super::authentication::{AuthenticationRequest, Backends, Brought};
use super::came::{Came, CookieChange};
use super::cookie::{Cookies, Jar, Which};
use super::cross_site::{self, Verdict};
use super::csrf::{CSRF_SECONDS, CsrfTokens, X_CSRF_TOKEN};
use super::exempt::CsrfExempt;
use super::refusal::{Kind, Refusal};
use super::source::source;
use crate::BoxFuture;
use crate::access::{PermissionDenied, Principal, StepUp};
#[cfg(feature = "web-axum-websocket")]
use crate::accounts::Credential;
use crate::accounts::{AuthCredentials, AuthenticationError, Error};
use crate::audit::Origin;
use crate::limits::KnownDevices;
use crate::secret::SecretString;
use crate::sessions::{Carrier, DynSessionBackend, Session, SessionError, SessionKey};

/// What serves sessions, as a request sees it: an application whatever its user type, or sessions alone.
pub(crate) trait WebApp: fmt::Debug + Send + Sync + 'static {
    /// How sessions travel.
    fn carrier(&self) -> &Carrier;
    /// Who is logged in, in the session of that key in this backend.
    fn resume(
        &self,
        backend: DynSessionBackend,
        key: Option<SessionKey>,
    ) -> BoxFuture<'_, Result<(Session, Option<Principal>), Error>>;
    /// The cookies.
    fn cookies(&self) -> &Cookies;
    /// The cross-site tokens.
    fn csrf(&self) -> &CsrfTokens;
    /// Origins whose pages may send requests here.
    fn trusted_origins(&self) -> &[String];
    /// What only an application with users has.
    fn users(&self) -> Option<&dyn UserApp>;
}

/// The part of an application that knows users.
pub(crate) trait UserApp: Send + Sync {
    /// Where people log in.
    fn login_url(&self) -> &str;
    /// Whether they may do so by a passkey.
    #[cfg(feature = "mfa-webauthn")]
    fn has_passkeys(&self) -> bool;
    /// Who brings these credentials.
    fn authenticate<'a>(
        &'a self,
        credentials: AuthCredentials,
        origin: &'a Origin,
    ) -> BoxFuture<'a, Result<Principal, AuthenticationError>>;
    /// Ends what the session holds, because what it came with is missing.
    fn end<'a>(&'a self, session: &'a Session) -> BoxFuture<'a, Result<(), Error>>;
    /// A ticket for a socket of whoever is logged in, in this session.
    #[cfg(feature = "web-axum-websocket")]
    fn socket_ticket<'a>(&'a self, session: &'a Session) -> BoxFuture<'a, Result<Option<SecretString>, Error>>;
    /// Proxies whose word on where a request comes from counts.
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
    backends: Backends,
    peer: Option<IpAddr>,
    asked: OnceLock<Asked>,
    /// Whether the token that stood in the form is good.
    form: OnceLock<bool>,
    /// The cookie to set that this answer's tokens are bound to, unless there is one.
    issued: OnceLock<(Jar, Option<String>)>,
    /// The cookie to set that the device is known by.
    device: OnceLock<HeaderValue>,
}

/// What was found when somebody asked.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) session: Session,
    principal: Option<Principal>,
    came: Came,
    /// Where the session's key is written. Not for what another site sent to an exempt route: it has no session to keep.
    jar: Option<Jar>,
}

impl RequestAuth {
    pub(super) fn new(app: Arc<dyn WebApp>, backends: Backends, peer: Option<IpAddr>) -> Self {
        let (asked, form, issued, device) = Default::default();
        Self { inner: Arc::new(Inner { app, backends, peer, asked, form, issued, device }) }
    }

    /// The handle of this request.
    pub(crate) fn of(parts: &Parts) -> Result<&Self, Refusal> {
        const MISSING: &str = "there is no auth layer around this route: add `.layer(auth.layer())` to the router";
        parts.extensions.get().ok_or_else(|| Refusal::new(Kind::Misconfigured(MISSING), parts))
    }

    /// The application, where there are users.
    pub(crate) fn users(&self, parts: &Parts) -> Result<&dyn UserApp, Refusal> {
        const ALONE: &str = "a route with a guard or a user is under a `SessionMiddleware`, which knows no users: \
                             put `auth.layer()` around it instead";
        self.inner.app.users().ok_or_else(|| Refusal::new(Kind::Misconfigured(ALONE), parts))
    }

    /// Looks up who makes the request, once for each request.
    pub(crate) async fn ask(&self, parts: &Parts) -> Result<&Asked, Refusal> {
        if let Some(asked) = self.inner.asked.get() {
            return Ok(asked);
        }
        let request = AuthenticationRequest::new(parts, self.inner.peer);
        match self.inner.backends.find(&request).map_err(|error| self.refused(error, parts))? {
            Brought::Credentials(credentials, is_ambient) => {
                let counts = !is_ambient || self.own_site(parts, true)?;
                self.authenticate(counts.then_some(credentials), parts).await
            }
            Brought::Session { ends } => {
                let jar = self.own_site(parts, false)?.then(|| self.jar(parts));
                let asked = self.look_up(jar, parts).await?;
                match self.inner.app.users() {
                    Some(app) if ends && asked.principal.is_some() => {
                        app.end(&asked.session).await.map_err(|error| Refusal::failed(&error, parts))?;
                        Err(self.log_in_first(parts))
                    }
                    _ => Ok(asked),
                }
            }
            Brought::Nothing => self.authenticate(None, parts).await,
        }
    }

    /// Whether what a browser adds by itself counts: not what another site's page sent to an exempt route. What it sent
    /// elsewhere is refused. Where there are such credentials in sight or out of it, as a proxy adds them, it takes a token if
    /// nothing says where the request comes from.
    fn own_site(&self, parts: &Parts, is_ambient: bool) -> Result<bool, Refusal> {
        let jar = self.jar(parts);
        let needs_token = self.needs_token(parts) || (is_ambient && cross_site::says_nothing(parts));
        let passes = if needs_token { self.has_token(&jar, parts) } else { self.passes(&jar, parts) };
        if !passes && !CsrfExempt::is_on(parts) {
            if needs_token {
                tracing::info!(
                    "an unsafe request with credentials that a browser adds, and without `Origin`, needs a token: in the header \
                     `X-CSRF-Token`, or in a form that the handler takes as `CsrfForm`"
                );
            }
            return Err(Refusal::new(Kind::CrossSite, parts));
        }
        Ok(passes)
    }

    /// Who brings these credentials, if there are any. Such a request has no session.
    async fn authenticate(&self, credentials: Option<AuthCredentials>, parts: &Parts) -> Result<&Asked, Refusal> {
        let principal = match credentials {
            None => None,
            Some(credentials) => {
                let origin = self.origin(parts);
                let found = self.users(parts)?.authenticate(credentials, &origin).await;
                Some(found.map_err(|error| self.refused(error, parts))?)
            }
        };
        let app = &self.inner.app;
        let failed = |error: Error| Refusal::failed(&error, parts);
        let came = Came::with(app.carrier(), None, parts).await.map_err(|error| failed(error.into()))?;
        let (session, _) = app.resume(came.backend.clone(), None).await.map_err(failed)?;
        Ok(self.inner.asked.get_or_init(|| Asked { session, principal, came, jar: None }))
    }

    pub(crate) fn refused(&self, error: AuthenticationError, parts: &Parts) -> Refusal {
        tracing::info!(reason = error.reason(), "a request's credentials are refused");
        let challenges = self.inner.backends.challenges(Some(&error));
        Refusal::unauthenticated(error, parts).challenging(challenges)
    }

    /// The address that limits count by. Without one there is no limit by source, and that is told once.
    pub(crate) fn source(&self, parts: &Parts) -> Option<IpAddr> {
        let proxies = self.inner.app.users().map(UserApp::trusted_proxies).unwrap_or_default();
        let source = source(self.inner.peer, &parts.headers, proxies);
        if source.is_none() {
            static WARNED: Once = Once::new();
            WARNED.call_once(|| {
                crate::report::failure(
                    "nothing is limited by source: serve with `into_make_service_with_connect_info::<SocketAddr>()`",
                );
            });
        }
        source
    }

    /// Where the request comes from.
    pub(crate) fn origin(&self, parts: &Parts) -> Origin {
        let origin = Origin::source(self.source(parts));
        match parts.headers.get(header::USER_AGENT) {
            Some(user_agent) => origin.with_user_agent(&String::from_utf8_lossy(user_agent.as_bytes())),
            None => origin,
        }
    }

    /// Whether it comes from a page of this site, by its `Origin`; nothing without one.
    #[cfg(feature = "web-axum-websocket")]
    pub(crate) fn is_from_here(&self, parts: &Parts) -> Option<bool> {
        cross_site::is_from_here(parts, self.inner.app.trusted_origins(), self.jar(parts).may_be_plain())
    }

    /// What the request is authenticated by, and whether a browser adds it by itself.
    #[cfg(feature = "web-axum-websocket")]
    pub(crate) fn brought(&self, parts: &Parts) -> Result<(Brought, Option<Credential>), Refusal> {
        let request = AuthenticationRequest::new(parts, self.inner.peer);
        let brought = self.inner.backends.find(&request).map_err(|error| self.refused(error, parts))?;
        let jar = self.jar(parts);
        let cookie = || jar.read(Which::Session, parts);
        let credential = match &brought {
            Brought::Credentials(it @ (AuthCredentials::Token { .. } | AuthCredentials::ApiKey { .. }), _) => {
                Some(Credential::Token(it.clone(), self.origin(parts)))
            }
            Brought::Session { .. } => cookie().and_then(|it| Credential::in_cookie(self.inner.app.carrier(), it)),
            Brought::Credentials(..) | Brought::Nothing => None,
        };
        Ok((brought, credential))
    }

    /// Refuses what another site's page sent, on exempt routes too. A form can begin a session without having one, so it
    /// needs a token wherever nothing says where it comes from.
    pub(crate) fn same_site(&self, parts: &Parts, is_form: bool) -> Result<(), Refusal> {
        let jar = self.jar(parts);
        let passes = match self.judge(&jar, parts) {
            Verdict::Passes if is_form && cross_site::says_nothing(parts) => self.has_token(&jar, parts),
            _ => self.passes(&jar, parts),
        };
        if passes { Ok(()) } else { Err(Refusal::new(Kind::CrossSite, parts)) }
    }

    /// Whether only a token can tell where the request comes from.
    pub(crate) fn needs_token(&self, parts: &Parts) -> bool {
        self.judge(&self.jar(parts), parts) == Verdict::NeedsToken
    }

    /// Takes notice of the token that stood in the request's form. If there is one in the header too, both must be good.
    pub(crate) fn note_form(&self, parts: &Parts, token: &str) {
        let jar = self.jar(parts);
        let is_good = || self.verify(&jar, parts, token) && self.header(&jar, parts).unwrap_or(true);
        self.inner.form.get_or_init(is_good);
    }

    fn judge(&self, jar: &Jar, parts: &Parts) -> Verdict {
        cross_site::judge(parts, self.inner.app.trusted_origins(), jar.may_be_plain())
    }

    fn passes(&self, jar: &Jar, parts: &Parts) -> bool {
        match self.judge(jar, parts) {
            Verdict::Passes => true,
            Verdict::Refused => false,
            Verdict::NeedsToken => self.has_token(jar, parts),
        }
    }

    fn has_token(&self, jar: &Jar, parts: &Parts) -> bool {
        match self.inner.form.get() {
            Some(is_good) => *is_good,
            None => self.header(jar, parts).unwrap_or(false),
        }
    }

    /// Whether the token in the header is good, if there is one. Of two none is.
    fn header(&self, jar: &Jar, parts: &Parts) -> Option<bool> {
        let token = || super::host::single(&parts.headers, &X_CSRF_TOKEN);
        let is_good = || token().is_some_and(|token| self.verify(jar, parts, token));
        parts.headers.contains_key(&X_CSRF_TOKEN).then(is_good)
    }

    fn verify(&self, jar: &Jar, parts: &Parts, token: &str) -> bool {
        self.inner.app.csrf().verify(self.inner.app.carrier(), jar, parts, token)
    }

    /// The cookies of a request.
    pub(crate) fn jar(&self, parts: &Parts) -> Jar {
        self.inner.app.cookies().jar(parts)
    }

    /// The same as [`RequestAuth::ask`] for a request that was judged by its form's token.
    pub(crate) async fn find(&self, parts: &Parts) -> Result<&Asked, Refusal> {
        self.look_up(Some(self.jar(parts)), parts).await
    }

    async fn look_up(&self, jar: Option<Jar>, parts: &Parts) -> Result<&Asked, Refusal> {
        if let Some(asked) = self.inner.asked.get() {
            return Ok(asked);
        }
        let failed = |error: Error| Refusal::failed(&error, parts);
        let came = Came::with(self.inner.app.carrier(), jar.as_ref(), parts).await;
        let mut came = came.map_err(|error| failed(error.into()))?;
        let (session, principal) =
            self.inner.app.resume(came.backend.clone(), came.key.clone()).await.map_err(failed)?;
        came.found = session.stored_verifier();
        // Of two who ask at the same moment, both get what the first one found.
        Ok(self.inner.asked.get_or_init(|| Asked { session, principal, came, jar }))
    }

    /// A token for forms and scripts of the page that this request asks for. The cookie that it may need is set with the answer.
    pub(crate) fn csrf_token(&self, parts: &Parts) -> String {
        let jar = self.jar(parts);
        let (csrf, carrier) = (self.inner.app.csrf(), self.inner.app.carrier());
        let (_, fresh) = self.inner.issued.get_or_init(|| (jar.clone(), CsrfTokens::fresh(carrier, &jar, parts)));
        csrf.issue(carrier, &jar, parts, fresh.as_deref())
    }

    /// Has the device keep what it is known by, with the answer to this request.
    pub(crate) fn remember_device(&self, jar: &Jar, token: &SecretString) {
        let seconds = i64::try_from(KnownDevices::LIFETIME.as_secs()).unwrap_or(i64::MAX);
        let cookie = || jar.write(Which::Device, Some((token.expose(), seconds)));
        self.inner.device.get_or_init(cookie);
    }

    /// Who is logged in, if anybody is.
    pub(crate) async fn visitor(&self, parts: &Parts) -> Result<Option<&Principal>, Refusal> {
        self.users(parts)?;
        Ok(self.ask(parts).await?.principal.as_ref())
    }

    /// Who is logged in; a refusal if nobody is.
    pub(crate) async fn principal(&self, parts: &Parts) -> Result<&Principal, Refusal> {
        match self.visitor(parts).await? {
            Some(principal) => Ok(principal),
            None => Err(self.log_in_first(parts)),
        }
    }

    /// 401, or the login page for people.
    pub(crate) fn log_in_first(&self, parts: &Parts) -> Refusal {
        match self.users(parts) {
            Ok(app) => {
                let refusal =
                    Refusal::new(Kind::Unauthenticated, parts).challenging(self.inner.backends.challenges(None));
                let sessions = self.inner.backends.has_sessions();
                if sessions { refusal.or_log_in(parts, app.login_url()) } else { refusal }
            }
            Err(misconfigured) => misconfigured,
        }
    }

    /// 403, saying so where only a token's scope is not enough; where a better login would help, 401, or the page for it.
    pub(crate) fn denied(&self, denied: PermissionDenied, parts: &Parts) -> Refusal {
        let (Some(step), Ok(app)) = (denied.step_up(), self.users(parts)) else {
            let request = AuthenticationRequest::new(parts, self.inner.peer);
            let missing = denied.missing_scope().and_then(|scope| self.inner.backends.widening(scope, &request));
            return Refusal::denied(denied, parts).challenging(missing.into_iter().collect());
        };
        tracing::info!(required = denied.required(), "a better login is required");
        let page = match step {
            StepUp::SecondFactor => "factors",
            StepUp::Reauthenticate { .. } => "reauthenticate",
        };
        // It stands beside the login page.
        let (folder, _) = app.login_url().rsplit_once('/').unwrap_or_default();
        let refusal = Refusal::new(Kind::StepUp(step), parts).challenging(self.inner.backends.stepping_up(step));
        let sessions = self.inner.backends.has_sessions();
        if sessions { refusal.or_log_in(parts, &format!("{folder}/{page}")) } else { refusal }
    }

    /// Whether the answer must wait for the session to be written.
    pub(super) fn must_save(&self, status: StatusCode) -> bool {
        let is_due = |asked: &Asked| asked.jar.is_some() && asked.session.is_modified();
        !status.is_server_error() && self.inner.asked.get().is_some_and(is_due)
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

    /// Sets the cookies that are new, and keeps the answer out of shared caches (ASVS 14.3.2).
    pub(super) fn write_headers(&self, headers: &mut HeaderMap) {
        let (asked, issued) = (self.inner.asked.get(), self.inner.issued.get());
        if let Some((jar, Some(fresh))) = issued {
            headers.append(header::SET_COOKIE, jar.write(Which::Csrf, Some((fresh, CSRF_SECONDS))));
        }
        if let Some(Asked { session, came, jar: Some(jar), .. }) = asked {
            let write = |value| jar.write(Which::Session, value);
            match came.change(session) {
                CookieChange::Stays => {}
                CookieChange::Removed => _ = headers.append(header::SET_COOKIE, write(None)),
                CookieChange::Set(value) => {
                    headers.append(header::SET_COOKIE, write(Some((&value, session.seconds_left()))));
                }
            }
        }
        if let Some(device) = self.inner.device.get() {
            headers.append(header::SET_COOKIE, device.clone());
        }
        if asked.is_some() || issued.is_some() {
            keep_private(headers);
        }
    }
}

fn keep_private(headers: &mut HeaderMap) {
    let names = |value: &HeaderValue, wanted: &str| {
        value.to_str().is_ok_and(|text| text.split(',').any(|part| part.trim().eq_ignore_ascii_case(wanted)))
    };
    if !headers.get_all(header::VARY).iter().any(|vary| names(vary, header::COOKIE.as_str())) {
        headers.append(header::VARY, HeaderValue::from_static("Cookie"));
    }
    let controls: Vec<_> = headers.get_all(header::CACHE_CONTROL).iter().collect();
    let is_private = |control: &HeaderValue| names(control, "private") || names(control, "no-store");
    if controls.is_empty() || !controls.into_iter().all(is_private) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
    }
}
