//! Requests of clients: a form, and who sent it; answered in JSON (RFC 6749 §3.2, §5).

use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::super::call::handle_of;
use super::super::input::{FORM, content_type};
use crate::audit::Origin;
use crate::limits::Decision;
use crate::oauth2::provider::{
    ClientCredentials, OAuth2Application, OAuth2Authentication, OAuth2Error, OAuth2ErrorCode,
};
use crate::report;
use crate::users::UserModel;
use crate::web::refusal::Refusal;

/// The longest body that is read, in bytes.
const LIMIT: usize = 64 * 1024;

/// A client's request.
pub(super) struct ClientCall {
    pub(super) provider: OAuth2Authentication,
    pub(super) application: OAuth2Application,
    pub(super) origin: Origin,
    pub(super) form: Vec<(String, String)>,
}

/// Why it is not answered as it wants.
pub(super) enum Failure {
    OAuth2(OAuth2Error),
    Refusal(Refusal),
}

impl From<OAuth2Error> for Failure {
    fn from(error: OAuth2Error) -> Self {
        Self::OAuth2(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

fn invalid(description: &'static str) -> Failure {
    OAuth2Error::refused(OAuth2ErrorCode::InvalidRequest, description).into()
}

impl ClientCall {
    pub(super) async fn read<U: UserModel>(request: Request) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let (auth, handle) = handle_of::<U>(&parts)?;
        if content_type(&parts) != FORM {
            return Err(invalid("send a form"));
        }
        let bytes = to_bytes(body, LIMIT).await.map_err(|_| invalid("the body is longer than 64 KiB"))?;
        let form: Vec<(String, String)> = form_urlencoded::parse(&bytes).into_owned().collect();
        let mut authorizations = parts.headers.get_all(header::AUTHORIZATION).iter();
        let authorization = authorizations.next().map(HeaderValue::to_str).transpose();
        let (Ok(authorization), None) = (authorization, authorizations.next()) else {
            return Err(invalid("`Authorization` is there twice, or no text"));
        };
        let credentials =
            ClientCredentials::read(authorization, one(&form, "client_id")?, one(&form, "client_secret")?)?;
        let origin = auth.origin(&parts);
        let provider = handle.oauth2().from(&origin);
        let application = provider.authenticate_client(&credentials, &origin).await?;
        Ok(Self { provider, application, origin, form })
    }

    /// A parameter that is there once.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Failure> {
        one(&self.form, name)
    }
}

fn one<'a>(form: &'a [(String, String)], name: &str) -> Result<Option<&'a str>, Failure> {
    let mut found = form.iter().filter(|(known, _)| known == name);
    let first = found.next().map(|(_, value)| value.as_str()).filter(|value| !value.is_empty());
    if found.next().is_some() { Err(invalid("a parameter is there twice")) } else { Ok(first) }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let error = match self {
            Self::Refusal(refusal) => return refusal.into_response(),
            Self::OAuth2(error) => error,
        };
        let mut headers = HeaderMap::new();
        let (status, code) = match &error {
            OAuth2Error::Refused { code: OAuth2ErrorCode::InvalidClient, .. } => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"oauth2\""));
                (StatusCode::UNAUTHORIZED, OAuth2ErrorCode::InvalidClient)
            }
            OAuth2Error::Refused { code, .. } => (StatusCode::BAD_REQUEST, *code),
            OAuth2Error::TooMany { wait } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(Decision::retry_after(*wait).max(1)));
                (StatusCode::TOO_MANY_REQUESTS, OAuth2ErrorCode::TemporarilyUnavailable)
            }
            OAuth2Error::Configuration(_) => (StatusCode::INTERNAL_SERVER_ERROR, OAuth2ErrorCode::ServerError),
            _ => (StatusCode::SERVICE_UNAVAILABLE, OAuth2ErrorCode::TemporarilyUnavailable),
        };
        let description = match &error {
            OAuth2Error::Refused { description, .. } => {
                tracing::info!(error = code.as_str(), description, "a client is refused");
                description
            }
            OAuth2Error::TooMany { .. } => "there were too many tries",
            other => {
                report::failed("a client is refused because what it may have cannot be told", other);
                "this cannot be answered right now"
            }
        };
        let body = json!({ "error": code.as_str(), "error_description": description });
        (status, headers, answer(&body)).into_response()
    }
}

/// Kept by nobody on the way (RFC 6749 §5.1).
pub(super) fn answer(body: &Value) -> Response {
    ([(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], axum::Json(body)).into_response()
}
