//! Where a request says who makes it: one file for each kind of credentials.
//!
//! A layer has one or more [`AuthenticationBackend`]s. Each looks for its kind of credentials; whoever they name is
//! authenticated by the application's [`AuthenticationService`](crate::accounts::AuthenticationService), by the same rules for
//! all kinds.
//!
//! | backend | credentials | a browser adds them by itself |
//! | --- | --- | --- |
//! | [`SessionAuthentication`] | the session's cookie | yes |
//! | [`BearerAuthentication`] | `Authorization: Bearer` with an access token (RFC 6750) | no |
//! | [`ApiKeyAuthentication`] | `X-API-Key`, or `Authorization: ApiKey` | no |
//! | [`HttpBasicAuth`] | `Authorization: Basic` (RFC 7617) | yes |
//! | [`RemoteUserAuthentication`] | a header that a trusted proxy sets | yes |
//!
//! The rules:
//!
//! - Credentials that are there and wrong are refused, also where nobody has to be logged in; no other kind is tried then.
//! - Credentials of two kinds in one request are refused. A session's cookie is no second kind: a request with other
//!   credentials has no session, so nothing of the cookie is read or written.
//! - An `Authorization` header that no backend of the layer takes is refused if any of them takes that header.
//! - A token whose scope is not enough is told by the 403 of a guard what it lacks (RFC 6750 §3.1), where its user may do what was
//!   asked: `insufficient_scope` with the scope, or without one where the user has to do it in person. That is no case for RFC 9470:
//!   no login makes a token with a scope the user.
//! - What a browser adds by itself is held to the cross-site rules; a bearer token or an API key is not, since no page of
//!   another site can send it.

mod api_key;
mod basic;
mod bearer;
mod remote_user;
mod session;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;

pub use api_key::ApiKeyAuthentication;
pub use basic::HttpBasicAuth;
pub use bearer::BearerAuthentication;
pub use remote_user::RemoteUserAuthentication;
pub use session::SessionAuthentication;

use crate::access::StepUp;
use crate::accounts::{AuthCredentials, AuthenticationError};

/// A request that may hold credentials.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AuthenticationRequest<'a> {
    /// Its head.
    pub parts: &'a Parts,
    /// Who is connected: the client, or the last proxy before this server.
    pub peer: Option<IpAddr>,
}

impl<'a> AuthenticationRequest<'a> {
    /// A request that came over a connection from there.
    pub fn new(parts: &'a Parts, peer: Option<IpAddr>) -> Self {
        Self { parts, peer }
    }

    /// The value of the `Authorization` header, if it is of this scheme (RFC 9110 §11.4); the scheme's case does not matter.
    ///
    /// # Errors
    /// When the header is there twice, or is no text.
    pub fn authorization(&self, scheme: &str) -> Result<Option<&'a str>, AuthenticationError> {
        let Some(value) = single(&self.parts.headers, header::AUTHORIZATION.as_str())? else { return Ok(None) };
        let (found, rest) = value.split_once(' ').unwrap_or((value, ""));
        Ok(found.eq_ignore_ascii_case(scheme).then(|| rest.trim_start_matches(' ')))
    }
}

/// What a backend found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Found {
    /// Nothing of its kind.
    Nothing,
    /// Credentials, to be judged.
    Credentials(AuthCredentials),
    /// Nothing, and that ends the session which the request comes with.
    Missing,
}

/// Looks for one kind of credentials in a request. It finds; whether they are good is not its business.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an authentication backend",
    note = "implement `auth::web::authentication::AuthenticationBackend` for `{Self}`"
)]
pub trait AuthenticationBackend: fmt::Debug + Send + Sync + 'static {
    /// What is there.
    ///
    /// # Errors
    /// When something of its kind is there that cannot be credentials: the request is refused.
    fn find(&self, request: &AuthenticationRequest<'_>) -> Result<Found, AuthenticationError>;

    /// What a refused request is told of this kind: a `WWW-Authenticate` challenge (RFC 9110 §11.6.1). `refused` is the reason
    /// if credentials of this kind were refused.
    fn challenge(&self, refused: Option<&AuthenticationError>) -> Option<HeaderValue> {
        let _ = refused;
        None
    }

    /// Whether a browser adds such credentials by itself, so that a page of another site could make it send them.
    fn is_ambient(&self) -> bool {
        true
    }

    /// The scheme that it takes from the `Authorization` header, if it does.
    fn scheme(&self) -> Option<&'static str> {
        None
    }

    /// Whether it lets sessions be used.
    #[doc(hidden)]
    fn is_session(&self) -> bool {
        false
    }
}

/// The backends of a layer, in their order.
#[derive(Clone, Debug)]
pub(crate) struct Backends(Arc<[Arc<dyn AuthenticationBackend>]>);

/// What the backends of a layer make of a request.
#[derive(Debug)]
pub(crate) enum Brought {
    /// No credentials but, perhaps, a session's.
    Session {
        /// Whether it has to end.
        ends: bool,
    },
    /// Nothing, and sessions do not count here.
    Nothing,
    /// These, and whether a browser adds them by itself.
    Credentials(AuthCredentials, bool),
}

impl Backends {
    pub(crate) fn new(first: impl AuthenticationBackend) -> Self {
        Self(Arc::new([Arc::new(first)]))
    }

    pub(crate) fn and(&self, next: impl AuthenticationBackend) -> Self {
        Self(self.0.iter().cloned().chain([Arc::new(next) as Arc<dyn AuthenticationBackend>]).collect())
    }

    pub(crate) fn find(&self, request: &AuthenticationRequest<'_>) -> Result<Brought, AuthenticationError> {
        let mut found = None;
        let mut ends = false;
        for backend in &*self.0 {
            match backend.find(request)? {
                Found::Nothing => {}
                Found::Missing => ends = true,
                Found::Credentials(_) if found.is_some() => return Err(AuthenticationError::Mixed),
                Found::Credentials(credentials) => {
                    found = Some(Brought::Credentials(credentials, backend.is_ambient()));
                }
            }
        }
        if let Some(found) = found {
            return Ok(found);
        }
        if request.parts.headers.contains_key(header::AUTHORIZATION) && self.0.iter().any(|it| it.scheme().is_some()) {
            return Err(AuthenticationError::InvalidToken {
                reason: "a scheme of `Authorization` that is not taken here",
            });
        }
        Ok(if self.has_sessions() { Brought::Session { ends } } else { Brought::Nothing })
    }

    pub(crate) fn has_sessions(&self) -> bool {
        self.0.iter().any(|backend| backend.is_session())
    }

    /// What a refused request is told: the challenges of all backends.
    pub(crate) fn challenges(&self, refused: Option<&AuthenticationError>) -> Vec<HeaderValue> {
        self.0.iter().filter_map(|backend| backend.challenge(refused)).collect()
    }

    /// The same where only a better login is missing.
    pub(crate) fn stepping_up(&self, step: StepUp) -> Vec<HeaderValue> {
        let challenge = |backend: &Arc<dyn AuthenticationBackend>| match backend.scheme() {
            Some("Bearer") => Some(insufficient(step)),
            _ => backend.challenge(None),
        };
        self.0.iter().filter_map(challenge).collect()
    }

    /// The same where a token's scope is not enough (RFC 6750 §3.1); nothing where no token was brought.
    pub(crate) fn widening(&self, scope: &str, request: &AuthenticationRequest<'_>) -> Option<HeaderValue> {
        const ALONE: HeaderValue = HeaderValue::from_static("Bearer error=\"insufficient_scope\"");
        let Ok(Brought::Credentials(AuthCredentials::Token { .. }, _)) = self.find(request) else { return None };
        if scope.is_empty() {
            return Some(ALONE);
        }
        let text = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
        Some(HeaderValue::try_from(text).unwrap_or(ALONE))
    }
}

/// That a better login is required, as RFC 9470 has it.
fn insufficient(step: StepUp) -> HeaderValue {
    match step {
        StepUp::SecondFactor => HeaderValue::from_static(
            "Bearer error=\"insufficient_user_authentication\", error_description=\"A second factor is required\"",
        ),
        StepUp::Reauthenticate { seconds } => {
            let text = format!("Bearer error=\"insufficient_user_authentication\", max_age=\"{seconds}\"");
            HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("Bearer"))
        }
    }
}

/// The text of a header that must not be there twice.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, AuthenticationError> {
    let mut all = headers.get_all(name).iter();
    let Some(value) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(AuthenticationError::Malformed { reason: "a header with credentials is there twice" });
    }
    match value.to_str() {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(AuthenticationError::Malformed { reason: "a header with credentials is no text" }),
    }
}

/// A quoted string (RFC 9110 §5.6.4), or nothing if it cannot be one.
fn quoted(text: &str) -> Option<String> {
    let is_plain = text.bytes().all(|b| (b == b' ' || b.is_ascii_graphic()) && b != b'"' && b != b'\\');
    is_plain.then(|| format!("\"{text}\""))
}
