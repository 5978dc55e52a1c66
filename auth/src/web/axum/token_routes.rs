use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{StatusCode, header};
use serde_json::json;

use super::call::Call;
use super::input::SecondStep;
#[cfg(feature = "mfa-codes")]
use super::steps::sent_codes;
use crate::accounts::{Auth, AuthCredentials, AuthenticationError, PendingLogin};
use crate::secret::SecretString;
use crate::tokens::TokenPair;
use crate::users::UserModel;
use crate::web::refusal::Refusal;

impl<U: UserModel> Auth<U> {
    /// Routes for programs that log in with tokens instead of a session's cookie.
    ///
    /// | route | | |
    /// | --- | --- | --- |
    /// | `POST /token` | name and password, and perhaps `scope`: names of permissions with spaces between them | a pair of tokens |
    /// | `POST /token` | `mfa_token`, `factor` and `code`, and perhaps `scope`: the second step of a login | a pair of tokens |
    /// | `POST /token/refresh` | `refresh_token` | the next pair; the token is used up |
    /// | `POST /token/revoke` | `token`, of either kind | 204; the login has ended |
    /// | `GET /.well-known/jwks.json` | | the public keys, where tokens are signed with private ones |
    ///
    /// What is sent is JSON or a form; a pair is `access_token`, `token_type`, `expires_in`, `refresh_token` and `scope` (RFC 6749
    /// §5.1). Merge them into a router under `auth.layer()` or another layer of it; the routes that take the tokens have a layer
    /// with [`BearerAuthentication`](crate::web::authentication::BearerAuthentication).
    ///
    /// Where the user has second factors, a right password is answered with 403, `error` (`mfa_required`), `mfa_token` and `factors`,
    /// the names of kinds to go on by: `["totp", "recovery_codes"]`. The `mfa_token` is good for five tries in ten minutes, and for
    /// nothing else. Where codes are sent (`mail_code`, `sms_code`), one that is left away is sent, and the answer has its
    /// `challenge`, which comes back with it. A `scope` is said with the step that gives the tokens.
    ///
    /// # Security
    /// No cookie is read or set, so no page of another site can have a browser do more here than the page could do itself.
    pub fn token_routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        Router::new()
            .route("/token", post(issue::<U>))
            .route("/token/refresh", post(refresh::<U>))
            .route("/token/revoke", post(revoke::<U>))
            .route("/.well-known/jwks.json", get(jwks::<U>))
    }
}

async fn issue<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let mut call = Call::<U>::read_from_anywhere(request).await?;
    let mfa_token = call.input.take_optional(&call.parts, "mfa_token")?.map(SecretString::from);
    let step = match mfa_token {
        Some(token) => Step::Second(token, call.input.second_step(&call.parts)?),
        None => Step::First(call.input.credentials(&call.parts, U::get_username_field())?),
    };
    // Tokens for everything are no answer to a scope that cannot be read.
    let scope = call.input.take_optional(&call.parts, "scope")?;
    if !scope.as_deref().is_none_or(is_scope) {
        let text = "`scope` has names of permissions with spaces between them, 4096 letters at the most.";
        return Err(call.bad(StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    // For its warning, where sources are not told.
    let _source = call.source();
    let (service, origin) = (call.handle.authentication(), call.auth.origin(&call.parts));
    let authenticated = match step {
        Step::First((username, password)) => {
            service.authenticate(AuthCredentials::password(username, password), &origin).await
        }
        Step::Second(token, SecondStep::Proof(proof)) => service.complete(&token, &proof, &origin).await,
        #[cfg(feature = "mfa-codes")]
        Step::Second(token, SecondStep::SendCode(kind)) => {
            let outcome = service.send_code(&token, kind, &origin).await;
            let outcome = outcome.map_err(|error| Refusal::unauthenticated(error, &call.parts))?;
            return sent_codes::sent(outcome, &call.parts).map(|sent| sent_codes::answer(&sent));
        }
    };
    let issued = match authenticated {
        Ok(mut result) => call.handle.issue_tokens(&mut result, None, scope.as_deref()).await,
        Err(AuthenticationError::SecondFactorRequired(first)) => {
            let held = service.hold(&first).await;
            return held.map(|held| go_on(&held)).map_err(|error| Refusal::unauthenticated(error, &call.parts));
        }
        Err(error) => Err(error),
    };
    issued.map(|pair| answer(&pair)).map_err(|error| Refusal::unauthenticated(error, &call.parts))
}

/// What a login with tokens has come to.
enum Step {
    First((String, SecretString)),
    Second(SecretString, SecondStep),
}

/// What a program goes on by.
fn go_on(held: &PendingLogin) -> Response {
    let body = json!({
        "error": "mfa_required",
        "error_description": "A second factor is required.",
        "mfa_token": held.token.as_ref().map(SecretString::expose),
        "factors": held.factors.iter().map(|factor| factor.name()).collect::<Vec<_>>(),
    });
    (StatusCode::FORBIDDEN, [(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response()
}

async fn refresh<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let mut call = Call::<U>::read_from_anywhere(request).await?;
    let token = call.input.take("refresh_token").ok_or_else(|| missing(&call, "refresh_token"))?;
    let refreshed = call.handle.refresh(&token.into(), None, &call.auth.origin(&call.parts)).await;
    refreshed.map(|pair| answer(&pair)).map_err(|error| Refusal::unauthenticated(error, &call.parts))
}

async fn revoke<U: UserModel>(request: Request) -> Result<StatusCode, Refusal> {
    let mut call = Call::<U>::read_from_anywhere(request).await?;
    let token = call.input.take("token").ok_or_else(|| missing(&call, "token"))?;
    // What is no token of ours needs no logout (RFC 7009 §2.2).
    match call.handle.tokens_from(&call.auth.origin(&call.parts)).revoke(&token).await {
        Ok(_) => Ok(StatusCode::NO_CONTENT),
        Err(error) => Err(Refusal::unavailable(&error, &call.parts)),
    }
}

async fn jwks<U: UserModel>(auth: Auth<U>) -> Response {
    axum::Json(auth.tokens().jwt().keys().jwks()).into_response()
}

/// Of the characters that a scope has (RFC 6749 §3.3), and no longer than one that is kept.
fn is_scope(text: &str) -> bool {
    text.len() <= 4096 && text.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b'"' && b != b'\\')
}

fn missing<U: UserModel>(call: &Call<U>, field: &str) -> Refusal {
    call.bad(StatusCode::UNPROCESSABLE_ENTITY, format!("Send `{field}` as a text."))
}

fn answer(pair: &TokenPair) -> Response {
    let mut body = json!({
        "access_token": pair.access_token.expose(),
        "token_type": pair.token_type,
        "expires_in": pair.expires_in,
        "refresh_token": pair.refresh_token.expose(),
    });
    if let Some(scope) = &pair.scope {
        body["scope"] = scope.as_str().into();
    }
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response()
}
