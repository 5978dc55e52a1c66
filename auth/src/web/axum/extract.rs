//! What a handler can take as an argument.

use std::marker::PhantomData;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use crate::access::generated::{Checked, Tested, UserTest};
use crate::access::{CurrentUser, Granted, Guarded, ObjectRequirement, PermissionDenied, Principal, Requirement};
use crate::accounts::{Auth, AuthenticationError, Error, FactorError};
use crate::audit::Origin;
use crate::mfa::MfaError;
#[cfg(feature = "oauth2-provider")]
use crate::oauth2::provider::OAuth2Error;
use crate::sessions::Session;
use crate::tokens::TokenError;
use crate::users::UserModel;
use crate::web::refusal::{Kind, Refusal};
use crate::web::request::RequestAuth;

pub(super) const OTHER_USER: &str = "a handler asks for another user type than the `Auth<…>` of its layer has";

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.into_response_parts().into_response()
    }
}

impl IntoResponse for PermissionDenied {
    /// 403 as problem+json. A guard in front of a handler answers people with a page; this is for functions.
    fn into_response(self) -> Response {
        let (parts, ()) = http::Request::new(()).into_parts();
        Refusal::denied(self, &parts).into_response()
    }
}

/// As problem+json: 401, 429 with `Retry-After`, 400 or 503. What is wrong with the credentials is in the log.
impl IntoResponse for AuthenticationError {
    fn into_response(self) -> Response {
        let (parts, ()) = http::Request::new(()).into_parts();
        Refusal::unauthenticated(self, &parts).into_response()
    }
}

/// 503 as problem+json, or 403 where there are as many sessions as there may be. What failed is in the log.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (parts, ()) = http::Request::new(()).into_parts();
        Refusal::failed(&self, &parts).into_response()
    }
}

/// 400 with the reason where what was asked for cannot be, else 503.
impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        let (parts, ()) = http::Request::new(()).into_parts();
        let refusal = match self {
            Self::Invalid(_) | Self::TooMany { .. } => {
                Refusal::new(Kind::Bad(StatusCode::BAD_REQUEST, self.to_string()), &parts)
            }
            other => Refusal::unavailable(&other, &parts),
        };
        refusal.into_response()
    }
}

/// 403, or 401 with `step_up` where a better login would help; 422 or 409 with the reason, where what was asked for cannot be; else
/// 503.
impl IntoResponse for FactorError {
    fn into_response(self) -> Response {
        let (parts, ()) = http::Request::new(()).into_parts();
        let bad = |status, text: String| Refusal::new(Kind::Bad(status, text), &parts);
        let refusal = match self {
            Self::Denied(denied) => match denied.step_up() {
                Some(step) => Refusal::new(Kind::StepUp(step), &parts),
                None => Refusal::denied(denied, &parts),
            },
            Self::Failed(Error::Mfa(error @ MfaError::Invalid(_))) => {
                bad(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
            }
            Self::Failed(Error::Mfa(error @ MfaError::TooMany { .. })) => bad(StatusCode::CONFLICT, error.to_string()),
            Self::Failed(error) => Refusal::failed(&error, &parts),
        };
        refusal.into_response()
    }
}

/// 400 with the reason where the answer is no, 429 with `Retry-After`, else 503. This is for the application's own pages; clients are
/// answered by the endpoints, as RFC 6749 §5.2 has it.
#[cfg(feature = "oauth2-provider")]
impl IntoResponse for OAuth2Error {
    fn into_response(self) -> Response {
        let (parts, ()) = http::Request::new(()).into_parts();
        let refusal = match self {
            Self::Refused { description, .. } => {
                Refusal::new(Kind::Bad(StatusCode::BAD_REQUEST, description.to_owned()), &parts)
            }
            Self::TooMany { wait } => Refusal::new(Kind::TooMany(wait), &parts),
            other => Refusal::unavailable(&other, &parts),
        };
        refusal.into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Ok(RequestAuth::of(parts)?.principal(parts).await?.clone())
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Principal {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Refusal> {
        Ok(RequestAuth::of(parts)?.visitor(parts).await?.cloned())
    }
}

impl<S: Sync, U: Send + Sync + 'static> FromRequestParts<S> for CurrentUser<U> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        typed(RequestAuth::of(parts)?.principal(parts).await?, parts)
    }
}

impl<S: Sync, U: Send + Sync + 'static> OptionalFromRequestParts<S> for CurrentUser<U> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Refusal> {
        match RequestAuth::of(parts)?.visitor(parts).await? {
            Some(principal) => typed(principal, parts).map(Some),
            None => Ok(None),
        }
    }
}

fn typed<U: Send + Sync + 'static>(principal: &Principal, parts: &Parts) -> Result<CurrentUser<U>, Refusal> {
    principal.downcast().ok_or_else(|| Refusal::new(Kind::Misconfigured(OTHER_USER), parts))
}

impl<S: Sync, R: Requirement> FromRequestParts<S> for Granted<R> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let auth = RequestAuth::of(parts)?;
        Self::check(auth.principal(parts).await?).map_err(|denied| auth.denied(denied, parts))
    }
}

/// The permission first, then the object, then its policy.
impl<S, R, T, const HIDDEN: bool> FromRequestParts<S> for Checked<R, T, HIDDEN>
where
    S: Send + Sync,
    T: FromRequestParts<S> + Guarded + Send,
    R: ObjectRequirement<T::User, T>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let asked = RequestAuth::of(parts).map_err(IntoResponse::into_response)?.clone();
        let denied = |denied, parts: &Parts| {
            if HIDDEN { Refusal::new(Kind::Hidden, parts) } else { asked.denied(denied, parts) }.into_response()
        };
        let principal = asked.principal(parts).await.map_err(IntoResponse::into_response)?;
        let user: CurrentUser<T::User> = typed(principal, parts).map_err(IntoResponse::into_response)?;
        Granted::<R>::check(&user).map_err(|no| asked.denied(no, parts).into_response())?;
        let object = T::from_request_parts(parts, state).await.map_err(|rejection| {
            let response = rejection.into_response();
            // To hide what is there, what is not there must look the same.
            let is_absent = HIDDEN && response.status() == StatusCode::NOT_FOUND;
            if is_absent { Refusal::new(Kind::Hidden, parts).into_response() } else { response }
        })?;
        match Granted::check_on(&user, &object) {
            Ok(granted) => Ok(Self(object, granted)),
            Err(no) => Err(denied(no, parts)),
        }
    }
}

impl<S: Sync, T: UserTest> FromRequestParts<S> for Tested<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let principal = RequestAuth::of(parts)?.principal(parts).await?;
        match T::passes(principal) {
            Some(true) => Ok(Self(PhantomData)),
            Some(false) => Err(Refusal::denied(PermissionDenied::named(T::NAME), parts)),
            None => Err(Refusal::new(Kind::Misconfigured(OTHER_USER), parts)),
        }
    }
}

/// The visitor's session; a new one, where there is none. It is saved when the handler has answered, unless with a 5xx.
impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Ok(RequestAuth::of(parts)?.ask(parts).await?.session.clone())
    }
}

/// Where the request comes from: for the limits and the trail of what a handler does.
impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Ok(RequestAuth::of(parts)?.origin(parts))
    }
}

/// The application's own handle, for handlers that log users in, grant and revoke.
impl<S: Sync, U: UserModel> FromRequestParts<S> for Auth<U> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let handle = RequestAuth::of(parts)?.users(parts)?.handle().downcast_ref::<Self>();
        handle.cloned().ok_or_else(|| Refusal::new(Kind::Misconfigured(OTHER_USER), parts))
    }
}
