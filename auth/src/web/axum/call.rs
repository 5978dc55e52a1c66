//! What every route here begins with, and what several end with.

use std::net::IpAddr;

use axum::extract::{Query, Request};
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::csrf::CSRF_FIELD;
use super::device::DeviceCookie;
use super::input::Input;
use super::pages;
use crate::access::{PermissionDenied, Principal};
use crate::accounts::{Auth, AuthResult};
use crate::sessions::{Device, SessionType};
use crate::users::UserModel;
use crate::web::is_safe_next;
use crate::web::refusal::{Kind, Refusal};
use crate::web::request::RequestAuth;

const OTHER_LAYER: &str = "the routes of one `Auth` stand under the layer of another";

/// The application whose layer the request came through.
pub(super) fn handle_of<U: UserModel>(parts: &Parts) -> Result<(RequestAuth, Auth<U>), Refusal> {
    let auth = RequestAuth::of(parts)?.clone();
    let handle = auth.users(parts)?.handle().downcast_ref::<Auth<U>>().cloned();
    let handle = handle.ok_or_else(|| Refusal::new(Kind::Misconfigured(OTHER_LAYER), parts))?;
    Ok((auth, handle))
}

/// What every route here begins with.
pub(super) struct Call<U: UserModel> {
    pub(super) parts: Parts,
    pub(super) auth: RequestAuth,
    pub(super) handle: Auth<U>,
    pub(super) input: Input,
}

impl<U: UserModel> Call<U> {
    /// Of a page of this site, or a program.
    pub(super) async fn read(request: Request) -> Result<Self, Refusal> {
        let mut call = Self::read_from_anywhere(request).await?;
        if let Some(token) = call.input.take(CSRF_FIELD) {
            call.auth.note_form(&call.parts, &token);
        }
        call.auth.same_site(&call.parts, call.input.is_form)?;
        Ok(call)
    }

    /// Of a user, by whatever the layer recognises: that is judged as it is where a handler asks who it is.
    pub(super) async fn read_of_user(request: Request) -> Result<(Self, Principal), Refusal> {
        let mut call = Self::read_from_anywhere(request).await?;
        if let Some(token) = call.input.take(CSRF_FIELD) {
            call.auth.note_form(&call.parts, &token);
        }
        let principal = call.auth.principal(&call.parts).await?.clone();
        Ok((call, principal))
    }

    /// Of whoever sent it: for what neither takes credentials that a browser adds by itself, nor gives it any.
    pub(super) async fn read_from_anywhere(request: Request) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let (auth, handle) = handle_of(&parts)?;
        let input = Input::read(&parts, body).await?;
        Ok(Self { parts, auth, handle, input })
    }

    pub(super) fn source(&self) -> Option<IpAddr> {
        self.auth.source(&self.parts)
    }

    /// Where the visitor wanted to go, as a field of the form says, or else the address, if that is on this site.
    pub(super) fn take_next(&mut self) -> Option<String> {
        let field = self.input.take(pages::NEXT_FIELD).filter(|next| is_safe_next(next));
        field.or_else(|| next_of(&self.parts))
    }

    /// What the request says of the device it comes from.
    pub(super) fn device(&self) -> Device {
        let mut device = Device::new(SessionType::Web);
        if let Some(ip) = self.source() {
            device = device.with_ip(ip);
        }
        match self.parts.headers.get(header::USER_AGENT) {
            Some(user_agent) => device.with_user_agent(&String::from_utf8_lossy(user_agent.as_bytes())),
            None => device,
        }
    }

    /// What whoever may not do this hears. People who may after a better login are sent to prove who they are, and then to that
    /// page: a form cannot be sent again by a redirect.
    pub(super) fn denied(&self, denied: PermissionDenied, page: &str) -> Response {
        if denied.step_up().is_some() && self.input.is_form {
            return see_other(&self.reauthenticate(page));
        }
        self.auth.denied(denied, &self.parts).into_response()
    }

    /// Where people prove again who they are, and then get there.
    pub(super) fn reauthenticate(&self, next: &str) -> String {
        pages::with_next(&self.handle.settings().0.beside_login("reauthenticate"), Some(next))
    }

    pub(super) fn bad(&self, status: StatusCode, text: impl Into<String>) -> Refusal {
        Refusal::new(Kind::Bad(status, text.into()), &self.parts)
    }
}

pub(super) fn logged_in<U: UserModel>(call: &Call<U>, result: &AuthResult<U>, next: Option<&str>) -> Response {
    let home = || call.handle.settings().0.home_url.as_str();
    DeviceCookie::of(&call.auth, &call.parts).remember(result);
    if call.input.is_form { see_other(next.unwrap_or_else(home)) } else { who(result.principal()) }
}

pub(super) fn who(principal: &Principal) -> Response {
    let permissions: Vec<&str> = principal.permissions().names().collect();
    let body = json!({
        "id": principal.id(),
        "username": principal.username(),
        "is_staff": principal.is_staff(),
        "is_superuser": principal.is_superuser(),
        "permissions": permissions,
    });
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response()
}

pub(super) fn next_of(parts: &Parts) -> Option<String> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).ok()?;
    let (_, next) = pairs.into_iter().find(|(name, _)| name == pages::NEXT_FIELD)?;
    is_safe_next(&next).then_some(next)
}

/// The form once more, with what was wrong.
pub(super) fn on_page(refusal: Refusal, page: impl FnOnce(&str) -> Response) -> Response {
    let mut response = page(&refusal.to_string());
    let (status, mut headers, _) = refusal.into_response_parts();
    *response.status_mut() = status;
    if let Some(wait) = headers.remove(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    response
}

pub(super) fn see_other(location: &str) -> Response {
    let mut headers = HeaderMap::new();
    let location = HeaderValue::try_from(location).unwrap_or(HeaderValue::from_static("/"));
    headers.insert(header::LOCATION, location);
    (StatusCode::SEE_OTHER, headers).into_response()
}
