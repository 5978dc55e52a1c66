use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode, Uri};

use super::page;
use crate::access::{PermissionDenied, StepUp};
use crate::accounts::AuthenticationError;
use crate::mfa::FactorKind;
use crate::sessions::SessionError;
use crate::{accounts, report};

/// Why a request is refused, and how to say so to whoever made it.
///
/// Programs get `application/problem+json` (RFC 9457), people a page, or the login page where a login is all that is
/// missing. The answer says what kind of refusal it is and no more; the reason is in the log.
#[derive(Debug)]
pub struct Refusal {
    kind: Kind,
    wants_page: bool,
    /// Where to log in, for a person who asked for a page.
    log_in_at: Option<String>,
    /// Where that is for a person who sent something.
    way_on: Option<String>,
    /// How one can be authenticated here (RFC 9110 §11.6.1).
    challenges: Vec<HeaderValue>,
}

/// What is the matter.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum Kind {
    /// Nobody is logged in.
    Unauthenticated,
    /// Somebody is, and may not.
    Denied(Box<PermissionDenied>),
    /// Somebody is, and may after a better login.
    StepUp(StepUp),
    /// Somebody has proved the first factor, and goes on by one of these.
    SecondFactor(Vec<FactorKind>),
    /// There is such an object, and it is not for this user: the same answer as where there is none.
    Hidden,
    /// A page of another site made the request, or it lacks its token.
    CrossSite,
    /// Whether it is allowed cannot be told: a store failed.
    Unavailable,
    /// There are as many sessions as there may be.
    Full,
    /// Too many tries.
    TooMany(Duration),
    /// The request cannot be read; the text says what is wrong with it.
    Bad(StatusCode, String),
    /// The program is put together wrong: there is no layer, or the user's type is another.
    Misconfigured(&'static str),
}

impl Refusal {
    pub(crate) fn new(kind: Kind, parts: &Parts) -> Self {
        Self { kind, wants_page: wants_page(&parts.headers), log_in_at: None, way_on: None, challenges: Vec::new() }
    }

    pub(crate) fn denied(denied: PermissionDenied, parts: &Parts) -> Self {
        Self::new(Kind::Denied(Box::new(denied)), parts)
    }

    /// The same, sending people to the login page, or to one where they make it better, and back. What they sent is not sent again
    /// by that: then they find a link.
    pub(crate) fn or_log_in(mut self, parts: &Parts, login_url: &str) -> Self {
        if !self.wants_page {
            return self;
        }
        if matches!(parts.method, Method::GET | Method::HEAD) {
            let next = asked_for(parts).path_and_query().map_or("/", |target| target.as_str());
            self.log_in_at = Some(format!("{login_url}?next={}", percent_encode(next)));
        } else {
            self.way_on = Some(login_url.to_owned());
        }
        self
    }

    /// The same, saying how one can be authenticated.
    pub(crate) fn challenging(self, challenges: Vec<HeaderValue>) -> Self {
        Self { challenges, ..self }
    }

    /// There was no room for a session, or a store failed.
    pub(crate) fn failed(error: &accounts::Error, parts: &Parts) -> Self {
        match error {
            accounts::Error::Session(error) => Self::no_session(error, parts),
            other => Self::unavailable(other, parts),
        }
    }

    /// Whoever was to be authenticated is not.
    pub(crate) fn unauthenticated(error: AuthenticationError, parts: &Parts) -> Self {
        let kind = match error {
            AuthenticationError::Unavailable(error) => return Self::failed(&error, parts),
            AuthenticationError::TooMany { wait } => Kind::TooMany(wait),
            AuthenticationError::SecondFactorRequired(first) => Kind::SecondFactor(first.factors().to_vec()),
            AuthenticationError::Malformed { .. } | AuthenticationError::Mixed => {
                Kind::Bad(StatusCode::BAD_REQUEST, sentence(&error))
            }
            other => Kind::Bad(StatusCode::UNAUTHORIZED, sentence(&other)),
        };
        Self::new(kind, parts)
    }

    /// The same for an error of the session store.
    pub(crate) fn no_session(error: &SessionError, parts: &Parts) -> Self {
        match error {
            SessionError::LimitReached { .. } => Self::new(Kind::Full, parts),
            other => Self::unavailable(other, parts),
        }
    }

    /// A store failed; the log says how.
    pub(crate) fn unavailable(error: &(dyn Error + 'static), parts: &Parts) -> Self {
        report::failed("a request is refused because whether it is allowed cannot be told", error);
        Self::new(Kind::Unavailable, parts)
    }

    /// Whether a person is to read it.
    #[cfg(feature = "web-axum")]
    pub(crate) fn wants_page(&self) -> bool {
        self.wants_page
    }

    /// The HTTP status of the answer.
    pub fn status(&self) -> StatusCode {
        match &self.kind {
            Kind::Unauthenticated | Kind::StepUp(_) if self.log_in_at.is_some() => StatusCode::SEE_OTHER,
            Kind::Unauthenticated | Kind::StepUp(_) | Kind::SecondFactor(_) => StatusCode::UNAUTHORIZED,
            Kind::Denied(_) | Kind::CrossSite | Kind::Full => StatusCode::FORBIDDEN,
            Kind::Hidden => StatusCode::NOT_FOUND,
            Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Kind::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Kind::Bad(status, _) => *status,
            Kind::Misconfigured(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The whole answer.
    pub fn into_response_parts(self) -> (StatusCode, HeaderMap, String) {
        let status = self.status();
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match &self.kind {
            Kind::Denied(denied) => tracing::info!(required = denied.required(), "permission denied"),
            Kind::CrossSite => tracing::warn!("a cross-site request is refused"),
            Kind::Full => tracing::warn!("a session is refused: there are as many as there may be"),
            Kind::Misconfigured(reason) => report::failure(reason),
            Kind::Unavailable => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"))),
            Kind::TooMany(wait) => {
                let seconds = crate::limits::Decision::retry_after(*wait).max(1);
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            _ => {}
        }
        if status == StatusCode::UNAUTHORIZED || matches!(self.kind, Kind::Denied(_)) {
            for challenge in &self.challenges {
                headers.append(header::WWW_AUTHENTICATE, challenge.clone());
            }
        }
        if status == StatusCode::UNAUTHORIZED && self.challenges.is_empty() {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Cookie realm=\"login\""));
        }
        if let Some(location) = &self.log_in_at {
            headers.insert(header::LOCATION, HeaderValue::try_from(location).unwrap_or(HeaderValue::from_static("/")));
            return (status, headers, String::new());
        }
        let detail = self.to_string();
        if self.wants_page {
            page::set_headers(&mut headers);
            let title = status.canonical_reason().unwrap_or("Refused");
            return (status, headers, page::message(title, &detail, self.way_on.as_deref()));
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let mut problem = serde_json::json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or("Refused"),
            "status": status.as_u16(),
            "detail": detail,
        });
        match &self.kind {
            Kind::StepUp(StepUp::SecondFactor) => problem["step_up"] = "second_factor".into(),
            Kind::StepUp(StepUp::Reauthenticate { seconds }) => {
                problem["step_up"] = "reauthenticate".into();
                problem["max_age"] = (*seconds).into();
            }
            Kind::SecondFactor(factors) => {
                problem["factors"] = factors.iter().map(|factor| factor.name()).collect();
            }
            _ => {}
        }
        (status, headers, problem.to_string())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.kind {
            Kind::Unauthenticated => "Log in first.",
            Kind::Denied(_) => "You do not have the permission for this.",
            Kind::StepUp(StepUp::SecondFactor) => "This needs a login with a second factor.",
            Kind::StepUp(StepUp::Reauthenticate { .. }) => "Prove again who you are, then try again.",
            Kind::SecondFactor(_) => "A second factor is required.",
            Kind::Hidden => "There is nothing here.",
            Kind::CrossSite => "This request did not come from a page of this site.",
            Kind::Unavailable => "This cannot be answered right now. Try again in a moment.",
            Kind::Full => "There are too many sessions already. Log out somewhere else first.",
            Kind::TooMany(_) => "Too many tries. Wait a while and try again.",
            Kind::Bad(_, detail) => detail,
            Kind::Misconfigured(_) => "Something is wrong on our side.",
        })
    }
}

impl Error for Refusal {}

/// What the browser asked for: a router takes the prefix off that another is nested under.
#[cfg(feature = "web-axum")]
fn asked_for(parts: &Parts) -> &Uri {
    parts.extensions.get::<::axum::extract::OriginalUri>().map_or(&parts.uri, |original| &original.0)
}

#[cfg(not(feature = "web-axum"))]
fn asked_for(parts: &Parts) -> &Uri {
    &parts.uri
}

/// An error's text as a sentence of its own.
pub(crate) fn sentence(error: &dyn Error) -> String {
    let text = error.to_string();
    let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
    format!("{}{rest}.", first.to_uppercase())
}

/// Whether a person asks with a browser: it says that it takes HTML. `*/*` is what programs say.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).iter().any(|accept| {
        let mut kinds = accept.as_bytes().split(|b| *b == b',');
        kinds.any(|kind| kind.trim_ascii().to_ascii_lowercase().starts_with(b"text/html"))
    })
}

/// A text as it may stand in a query (RFC 3986 §3.4).
pub(crate) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let hex = b"0123456789ABCDEF";
            encoded.push('%');
            encoded.push(char::from(hex[usize::from(byte >> 4)]));
            encoded.push(char::from(hex[usize::from(byte & 15)]));
        }
    }
    encoded
}
