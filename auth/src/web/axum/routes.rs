use std::net::IpAddr;

use axum::Router;
use axum::extract::{Query, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::csrf::{CSRF_FIELD, CsrfToken};
use super::device::DeviceCookie;
use super::input::Input;
use super::pages;
use crate::access::{PermissionDenied, Principal};
use crate::accounts::{Auth, AuthCredentials, AuthResult, AuthenticationError, Error, RegisterOutcome};
use crate::passwords::PasswordError;
use crate::sessions::{Device, SessionType};
use crate::users::{UserError, UserModel};
use crate::web::is_safe_next;
use crate::web::refusal::{Kind, Refusal};
use crate::web::request::RequestAuth;

impl<U: UserModel> Auth<U> {
    /// Routes to register, log in and out: JSON for programs, plain forms for browsers.
    ///
    /// | route | for programs | for people |
    /// | --- | --- | --- |
    /// | `POST /register` | name and password, and the `editable` columns: 201 | a form at `GET /register` |
    /// | `POST /login` | name and password: 200 and the session's cookie | a form at `GET /login` |
    /// | `POST /login/factor` | `factor` and `code`, where a second factor is required | a form at `GET /login/factor` |
    /// | `POST /login/passkey/start`, `…/finish` | a login by a passkey alone, with feature `mfa-webauthn` | a button at `GET /login` |
    /// | `POST /reauthenticate` | the password of whoever is logged in: 200 | a form at `GET /reauthenticate` |
    /// | `POST /logout` | 204 | back to the start |
    /// | `GET /me` | who is logged in, and what they hold | |
    /// | `GET /csrf` | a token for the header `X-CSRF-Token` | |
    ///
    /// The name stands under `username`, or under the user's own field for it (`email`). Merge them into the router
    /// that has `auth.layer()` around it. Under another prefix than the root, also say `login_url` to the builder.
    ///
    /// A login sets two cookies: the session's, and one (`session-device`, for 180 days) by which the device is known at its next
    /// login, so that others' guesses at the account do not keep it out ([`KnownDevices`](crate::limits::KnownDevices)). A handler of
    /// one's own that logs users in takes a [`DeviceCookie`] for it.
    ///
    /// Where the user has second factors, a right password is answered with 401 and, as problem+json, the kinds to go on by:
    /// `"factors": ["totp", "recovery_codes"]`; people get to the page for it. Nobody is logged in before `POST /login/factor`
    /// (`{"factor": "totp", "code": "123456"}`) in the same session; there is time for five tries in ten minutes. Where codes are sent
    /// (`mail_code`, `sms_code`), one that is left away is sent, and the answer has its `challenge`, which comes back with it. A new proof of
    /// who one is, for what asks for a [recent login](crate::recent_login), takes the same steps.
    ///
    /// With feature `mfa-webauthn`, and an origin that passkeys can be bound to ([`AuthBuilder::origin`](crate::accounts::AuthBuilder::origin)),
    /// `POST /login/passkey/start` gives `challenge` and `publicKey`, what `navigator.credentials.get` is asked, and `POST
    /// /login/passkey/finish` takes `challenge` and `response`, what the credential's `toJSON` gives. In the second step it is
    /// `POST /login/factor/passkey/start`, and `{"factor": "passkey", …}`. The pages do it by a script, `GET /passkeys.js`.
    ///
    /// # Security
    /// A registration tells whether a name is taken; it cannot be otherwise before addresses are verified by mail.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        Router::new()
            .route("/register", get(register_page::<U>).post(register::<U>))
            .route("/login", get(login_page::<U>).post(log_in::<U>))
            .route("/logout", post(log_out::<U>))
            .route("/me", get(me))
            .route("/csrf", get(csrf))
            .merge(super::steps::routes::<U, S>())
    }
}

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

async fn register<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let mut call = Call::<U>::read(request).await?;
    let (username, password) = call.input.credentials(&call.parts, U::get_username_field())?;
    let is_form = call.input.is_form;
    let next = call.take_next();
    let extra = std::mem::take(&mut call.input).rest().into_iter().collect();
    let origin = call.auth.origin(&call.parts);
    let refusal = match call.handle.register(&username, password.expose(), extra, &origin).await {
        Ok(RegisterOutcome::Registered(_)) if is_form => {
            return Ok(see_other(&pages::with_next(&call.handle.settings().0.login_url, next.as_deref())));
        }
        Ok(RegisterOutcome::Registered(user)) => {
            let body = json!({ "id": user.id(), "username": user.username() });
            return Ok((StatusCode::CREATED, axum::Json(body)).into_response());
        }
        Ok(RegisterOutcome::TooMany(wait)) => Refusal::new(Kind::TooMany(wait), &call.parts),
        Err(Error::User(error)) => refused(&call, error),
        Err(error) => Refusal::unavailable(&error, &call.parts),
    };
    if is_form && refusal.status().is_client_error() {
        let again = |text: &str| pages::register::<U>(&call.parts, &call.auth, next.as_deref(), Some(text));
        return Ok(on_page(refusal, again));
    }
    Err(refusal)
}

fn refused<U: UserModel>(call: &Call<U>, error: UserError) -> Refusal {
    match error {
        UserError::AlreadyExists { column } => {
            call.bad(StatusCode::CONFLICT, format!("Another user has this {column}."))
        }
        UserError::WeakPassword(problems) => call.bad(StatusCode::UNPROCESSABLE_ENTITY, problems.to_string()),
        UserError::UnknownColumn(_) => {
            call.bad(StatusCode::UNPROCESSABLE_ENTITY, "There is a field that nobody may set here.")
        }
        UserError::Invalid(error) => {
            call.bad(StatusCode::UNPROCESSABLE_ENTITY, format!("{} {}.", pages::label(error.column), error.source))
        }
        UserError::Password(PasswordError::TooLong { max }) => {
            call.bad(StatusCode::UNPROCESSABLE_ENTITY, format!("The password is longer than {max} bytes."))
        }
        other => Refusal::unavailable(&other, &call.parts),
    }
}

async fn log_in<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let mut call = Call::<U>::read(request).await?;
    let (username, password) = call.input.credentials(&call.parts, U::get_username_field())?;
    let next = call.take_next();
    let session = &call.auth.find(&call.parts).await?.session;
    session.suggest_device(call.device());
    let device = DeviceCookie::of(&call.auth, &call.parts);
    let credentials = device.add_to(AuthCredentials::password(username, password));
    let outcome = call.handle.log_in(session, credentials, &call.auth.origin(&call.parts)).await;
    if outcome.is_err() {
        // A login that is answered with a refusal is none: nothing of it is written at the end of the request.
        session.mark_unmodified();
    }
    let refusal = match outcome {
        Ok(result) => return Ok(logged_in(&call, &result, next.as_deref())),
        Err(AuthenticationError::SecondFactorRequired(_)) if call.input.is_form => {
            return Ok(see_other(&super::steps::second_step(&call, next.as_deref())));
        }
        Err(AuthenticationError::InvalidCredentials) => {
            call.bad(StatusCode::UNAUTHORIZED, "The name or the password is wrong.")
        }
        Err(error) => Refusal::unauthenticated(error, &call.parts),
    };
    if call.input.is_form && refusal.status().is_client_error() {
        let again = |text: &str| pages::login::<U>(&call.parts, &call.auth, next.as_deref(), Some(text));
        return Ok(on_page(refusal, again));
    }
    Err(refusal)
}

pub(super) fn logged_in<U: UserModel>(call: &Call<U>, result: &AuthResult<U>, next: Option<&str>) -> Response {
    let home = || call.handle.settings().0.home_url.as_str();
    DeviceCookie::of(&call.auth, &call.parts).remember(result);
    if call.input.is_form { see_other(next.unwrap_or_else(home)) } else { who(result.principal()) }
}

async fn log_out<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let call = Call::<U>::read(request).await?;
    let session = &call.auth.find(&call.parts).await?.session;
    let origin = call.auth.origin(&call.parts);
    let logged_out = call.handle.log_out_from(session, &origin).await;
    logged_out.map_err(|error| Refusal::unavailable(&error, &call.parts))?;
    if call.input.is_form {
        return Ok(see_other(&call.handle.settings().0.home_url));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn me(principal: Principal) -> Response {
    who(&principal)
}

fn who(principal: &Principal) -> Response {
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

async fn csrf(token: CsrfToken) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(json!({ "csrf_token": token.as_str() }))).into_response()
}

async fn login_page<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    Ok(pages::login::<U>(&parts, RequestAuth::of(&parts)?, next_of(&parts).as_deref(), None))
}

async fn register_page<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    Ok(pages::register::<U>(&parts, RequestAuth::of(&parts)?, next_of(&parts).as_deref(), None))
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
