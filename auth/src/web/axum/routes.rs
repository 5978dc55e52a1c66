use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{StatusCode, header};
use serde_json::json;

use super::call::{Call, logged_in, next_of, on_page, see_other, who};
use super::csrf::CsrfToken;
use super::device::DeviceCookie;
use super::pages;
use crate::access::Principal;
use crate::accounts::{Auth, AuthCredentials, AuthenticationError, Error, RegisterOutcome};
use crate::passwords::PasswordError;
use crate::users::{UserError, UserModel};
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
    /// Whoever is sent to one of the pages with `next`, in its address or as a field of its form, gets there after the last step. It is a
    /// path on this site ([`is_safe_next`](crate::web::is_safe_next)); anything else counts as nothing.
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
