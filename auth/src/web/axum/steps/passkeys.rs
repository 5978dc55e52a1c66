//! Passkeys: as the second step of a login, and as the only one.

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{StatusCode, header};

use super::factor::waiting;
use crate::accounts::AuthenticationError;
use crate::mfa::PasskeyChallenge;
use crate::users::UserModel;
use crate::web::axum::call::{Call, logged_in};
use crate::web::axum::pages::{self, with_next};
use crate::web::refusal::Refusal;

pub(super) fn routes<U: UserModel, S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/login/factor/passkey/start", post(start_second_step::<U>))
        .route("/login/passkey/start", post(start::<U>))
        .route("/login/passkey/finish", post(finish::<U>))
        .route("/passkeys.js", get(script))
}

async fn start_second_step<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let call = Call::<U>::read(request).await?;
    let Some(pending) = waiting(&call).await? else {
        return Err(Refusal::unauthenticated(AuthenticationError::SessionExpired, &call.parts));
    };
    match call.handle.mfa().start_passkey_authentication(&pending.user_id, &pending.id).await {
        Ok(Some(asked)) => Ok(answer(asked)),
        Ok(None) => Err(call.bad(StatusCode::UNPROCESSABLE_ENTITY, "There is no passkey.")),
        Err(error) => Err(Refusal::unavailable(&error, &call.parts)),
    }
}

async fn start<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let call = Call::<U>::read(request).await?;
    let session = &call.auth.find(&call.parts).await?.session;
    let asked = call.handle.start_passkey_login(session, &call.auth.origin(&call.parts)).await;
    asked.map(answer).map_err(|error| Refusal::unauthenticated(error, &call.parts))
}

async fn finish<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let mut call = Call::<U>::read(request).await?;
    let (challenge, response) = call.passkey()?;
    let next = call.take_next();
    let session = &call.auth.find(&call.parts).await?.session;
    session.suggest_device(call.device());
    let origin = call.auth.origin(&call.parts);
    let outcome = call.handle.log_in_with_passkey(session, &challenge, &response, &origin).await;
    if outcome.is_err() {
        session.mark_unmodified();
    }
    let refusal = match outcome {
        Ok(result) => return Ok(logged_in(&call, &result, next.as_deref())),
        Err(AuthenticationError::InvalidCredentials) => {
            call.bad(StatusCode::UNAUTHORIZED, "This passkey does not log in here.")
        }
        Err(error) => Refusal::unauthenticated(error, &call.parts),
    };
    if call.input.is_form && refusal.status().is_client_error() {
        let login = with_next(&call.handle.settings().0.login_url, next.as_deref());
        return Ok(pages::refused(refusal, "Not logged in", &login, "Log in"));
    }
    Err(refusal)
}

impl<U: UserModel> Call<U> {
    /// What a passkey answers: to what, and the answer as JSON.
    pub(in crate::web::axum) fn passkey(&mut self) -> Result<(String, String), Refusal> {
        let answer = self.input.take("challenge").zip(self.input.take_json("response"));
        answer.ok_or_else(|| {
            let text = "Send `challenge` as a text, and `response` as the credential's `toJSON` gives it.";
            self.bad(StatusCode::UNPROCESSABLE_ENTITY, text)
        })
    }
}

fn answer(asked: PasskeyChallenge) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(asked)).into_response()
}

async fn script() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, include_str!("../passkeys.js")).into_response()
}
