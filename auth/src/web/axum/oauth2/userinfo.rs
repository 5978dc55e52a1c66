//! Who a client's user is (OpenID Connect Core §5.3, RFC 6750).

use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderMap, HeaderValue};
use http::{StatusCode, request};
use serde_json::{Map, Value};

use super::super::call::handle_of;
use super::client::Failure;
use crate::accounts::Auth;
use crate::oauth2::provider::OAuth2TokenVerdict;
use crate::oauth2::provider::oidc::{self, ClaimsSource};
use crate::users::UserModel;
use crate::web::host::single;
use crate::web::refusal::Refusal;

/// What is wrong with the token.
enum Denied {
    /// There is none.
    Missing,
    /// It does not count.
    Invalid,
    /// It does, and not for this.
    Scope,
}

pub(super) async fn tell<U: UserModel>(
    request: Request,
    claims: Arc<dyn ClaimsSource<U>>,
) -> Result<Response, Failure> {
    let (parts, _) = request.into_parts();
    let (_, handle) = handle_of::<U>(&parts)?;
    Ok(match claims_for(&parts, &handle, &*claims).await? {
        Ok(told) => ([(header::CACHE_CONTROL, "no-store")], axum::Json(told)).into_response(),
        Err(denied) => denied.into_response(),
    })
}

async fn claims_for<U: UserModel>(
    parts: &request::Parts,
    handle: &Auth<U>,
    claims: &dyn ClaimsSource<U>,
) -> Result<Result<Map<String, Value>, Denied>, Failure> {
    let Some(token) = bearer(&parts.headers) else { return Ok(Err(Denied::Missing)) };
    let OAuth2TokenVerdict::Accepted(token) = handle.oauth2().verify_token(token).await? else {
        return Ok(Err(Denied::Invalid));
    };
    // A client's own token is for no user, whatever its scope says.
    let Some(user_id) = &token.user_id else { return Ok(Err(Denied::Scope)) };
    if !token.scope.contains("openid") {
        return Ok(Err(Denied::Scope));
    }
    let failed = |error: &(dyn std::error::Error + 'static)| Refusal::unavailable(error, parts);
    let account = handle.users().find_by_id_text(user_id).await.map_err(|error| failed(&error))?;
    let Some(account) = account else { return Ok(Err(Denied::Invalid)) };
    let told = claims.claims(&account.user, &token.scope).await.map_err(|error| failed(&*error))?;
    Ok(Ok(oidc::userinfo(user_id, told)))
}

/// Of the header only: what stands in an address or a form is written down elsewhere (ASVS 14.2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = single(headers, &header::AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(token)
}

/// RFC 6750 §3.
impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let (status, challenge) = match self {
            Self::Missing => (StatusCode::UNAUTHORIZED, "Bearer realm=\"oauth2\""),
            Self::Invalid => (StatusCode::UNAUTHORIZED, "Bearer realm=\"oauth2\", error=\"invalid_token\""),
            Self::Scope => {
                (StatusCode::FORBIDDEN, "Bearer realm=\"oauth2\", error=\"insufficient_scope\", scope=\"openid\"")
            }
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        (status, headers).into_response()
    }
}
