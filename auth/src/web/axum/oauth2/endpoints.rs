//! What clients ask, without anybody's browser.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::client::{ClientCall, Failure, answer};
use crate::accounts::Auth;
use crate::oauth2::provider::{OAuth2Error, OAuth2ErrorCode, TokenRequest, TokenResponse};
use crate::users::UserModel;

pub(super) async fn token<U: UserModel>(request: Request) -> Result<Response, Failure> {
    let call = ClientCall::read::<U>(request).await?;
    let request = TokenRequest::read(&call.form)?;
    let response = call.provider.token(&call.application, &request).await?;
    Ok(answer(&body(&response)))
}

/// As RFC 6749 §5.1 has it.
fn body(response: &TokenResponse) -> Value {
    let mut body = json!({
        "access_token": response.access_token.expose(),
        "token_type": "Bearer",
        "expires_in": response.expires_in,
        "scope": response.scope.to_string(),
    });
    let more = [("refresh_token", &response.refresh_token), ("id_token", &response.id_token)];
    for (name, token) in more {
        if let Some(token) = token {
            body[name] = token.expose().into();
        }
    }
    body
}

pub(super) async fn revoke<U: UserModel>(request: Request) -> Result<Response, Failure> {
    let call = ClientCall::read::<U>(request).await?;
    call.provider.revoke_token(&call.application, asked(&call)?).await?;
    Ok(StatusCode::OK.into_response())
}

pub(super) async fn introspect<U: UserModel>(request: Request) -> Result<Response, Failure> {
    let call = ClientCall::read::<U>(request).await?;
    let token = asked(&call)?;
    Ok(answer(&call.provider.introspect(&call.application, token).await?))
}

fn asked(call: &ClientCall) -> Result<&str, Failure> {
    let missing = || OAuth2Error::refused(OAuth2ErrorCode::InvalidRequest, "there is no `token`");
    call.one("token")?.ok_or_else(|| missing().into())
}

pub(super) async fn authorize_device<U: UserModel>(request: Request) -> Result<Response, Failure> {
    let call = ClientCall::read::<U>(request).await?;
    let device = call.provider.authorize_device(&call.application, call.one("scope")?, &call.origin).await?;
    Ok(answer(&json!({
        "device_code": device.device_code.expose(),
        "user_code": device.user_code,
        "verification_uri": device.verification_uri,
        "verification_uri_complete": device.verification_uri_complete,
        "expires_in": device.expires_in,
        "interval": device.interval,
    })))
}

/// Published a day before they sign, so others may keep them for an hour.
pub(super) async fn jwks<U: UserModel>(auth: Auth<U>) -> Result<Response, Failure> {
    let provider = auth.oauth2();
    let ring = provider.id_tokens().keys().ring().await.map_err(OAuth2Error::from)?;
    let mut keys = ring.jwks();
    keys.extend(provider.jwt().keys().jwks());
    Ok(public(axum::Json(keys)))
}

pub(super) async fn metadata<U: UserModel>(auth: Auth<U>) -> Result<Response, Failure> {
    Ok(public(axum::Json(auth.oauth2().metadata()?)))
}

/// The same for everybody.
fn public(body: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, "public, max-age=3600")], body).into_response()
}
