//! Tokens for pages of one's own, and forms that bring them back.

use std::fmt;

use axum::Form;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::StatusCode;
use http::header;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::input::{FORM, content_type};
use crate::web::page::Escaped;
use crate::web::refusal::{Kind, Refusal};
use crate::web::request::RequestAuth;

/// The field that carries the token.
pub(super) const CSRF_FIELD: &str = "csrf_token";

/// A token for the page that a handler is about to write: the page's forms send it back as the field `csrf_token`, its
/// scripts as the header `X-CSRF-Token`.
///
/// Browsers of the last years say where a request comes from, and need none; older ones do. It is bound to the session,
/// so that one of before a login is void after it, and where there is none to a random cookie, which is then set with the
/// answer. It looks different each time. The answer is kept out of shared caches. An answer that begins the session or
/// logs somebody in voids the token in it: write the page at the next request.
///
/// ```
/// use auth::web::axum::{CsrfForm, CsrfToken};
/// use axum::response::Html;
///
/// async fn page(token: CsrfToken) -> Html<String> {
///     Html(format!("<form method=\"post\">{}<input name=\"text\"></form>", token.hidden_field()))
/// }
///
/// #[derive(serde::Deserialize)]
/// struct Comment {
///     text: String,
/// }
///
/// async fn comment(CsrfForm(comment): CsrfForm<Comment>) -> String {
///     comment.text
/// }
/// ```
pub struct CsrfToken(String);

impl CsrfToken {
    pub(super) fn issue(auth: &RequestAuth, parts: &Parts) -> Self {
        Self(auth.csrf_token(parts))
    }

    /// The token's text: letters, digits, `-` and `_`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The token as a field for a form, in HTML.
    pub fn hidden_field(&self) -> String {
        format!("<input type=\"hidden\" name=\"{CSRF_FIELD}\" value=\"{}\">", Escaped(&self.0))
    }
}

impl fmt::Display for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfToken(…)")
    }
}

impl<S: Sync> FromRequestParts<S> for CsrfToken {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Ok(Self::issue(RequestAuth::of(parts)?, parts))
    }
}

/// A form that a page of this site sent: `Form` of axum, after the cross-site rules, and without the field `csrf_token`.
///
/// A request that comes from elsewhere, or needs a token and brings none that is good, is refused with 403. A token in the
/// header counts as well; if there are two, both must be good. The body may be as long as axum's `DefaultBodyLimit`, 2 MB
/// if nothing is said. Forms with files (`multipart/form-data`) are refused with 415: they bring their token in the header.
///
/// A guard in front of the handler decides before the body is read, where the token may stand. So that old browsers can
/// send forms to a guarded route too, put it into `auth.protected(…)` or behind `auth.require(…)`, which read it first.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a pattern in a handler's arguments")]
pub struct CsrfForm<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for CsrfForm<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let auth = RequestAuth::of(&parts)?;
        if content_type(&parts) != FORM {
            return Err(bad(&parts, StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send a form."));
        }
        if !auth.needs_token(&parts) {
            // What is refused in any case is not read.
            auth.same_site(&parts, false)?;
        }
        let bytes = read(&parts, body).await?;
        note_token(auth, &parts, &bytes)?;
        auth.same_site(&parts, true)?;
        let others = form_urlencoded::parse(&bytes).filter(|(name, _)| name != CSRF_FIELD);
        let rest = form_urlencoded::Serializer::new(String::new()).extend_pairs(others).finish();
        let request = Request::post("/").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.body(Body::from(rest)).expect("these headers are well-formed");
        let form = Form::from_request(request, &()).await;
        let Form(value) = form.map_err(|error| bad(&parts, error.status(), &error.body_text()))?;
        Ok(Self(value))
    }
}

/// Takes notice of the token in a form before the body is handed on, where nothing but a token can tell.
pub(super) async fn read_token(request: Request) -> Result<Request, Refusal> {
    let (parts, body) = request.into_parts();
    let auth = RequestAuth::of(&parts)?;
    if content_type(&parts) != FORM || !auth.needs_token(&parts) {
        return Ok(Request::from_parts(parts, body));
    }
    let bytes = read(&parts, body).await?;
    note_token(auth, &parts, &bytes)?;
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

async fn read(parts: &Parts, body: Body) -> Result<Bytes, Refusal> {
    let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await;
    bytes.map_err(|error| bad(parts, error.status(), "The form cannot be read: it is too long, or was cut off."))
}

fn note_token(auth: &RequestAuth, parts: &Parts, form: &[u8]) -> Result<(), Refusal> {
    let mut tokens = form_urlencoded::parse(form).filter_map(|(name, value)| (name == CSRF_FIELD).then_some(value));
    let Some(token) = tokens.next() else { return Ok(()) };
    if tokens.next().is_some() {
        return Err(bad(parts, StatusCode::BAD_REQUEST, "A field of the form is there twice."));
    }
    auth.note_form(parts, &token);
    Ok(())
}

fn bad(parts: &Parts, status: StatusCode, text: &str) -> Refusal {
    Refusal::new(Kind::Bad(status, text.to_owned()), parts)
}
