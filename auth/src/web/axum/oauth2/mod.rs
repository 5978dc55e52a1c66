//! The endpoints of the OAuth 2 provider.

mod authorize;
mod client;
mod consent_page;
mod device;
mod endpoints;
mod logout;
mod userinfo;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use http::StatusCode;
use http::request::Parts;

use super::call::see_other;
use super::finish::finished;
use super::pages;
use crate::accounts::Auth;
use crate::oauth2::provider::oidc::{ClaimsSource, UserColumns};
use crate::oauth2::provider::{OAuth2Error, ResourceOwner, paths};
use crate::users::UserModel;
use crate::web::is_safe_next;
use crate::web::refusal::{Kind, Refusal};
use crate::web::request::RequestAuth;

impl<U: UserModel> Auth<U> {
    /// The endpoints of the OAuth 2 provider.
    ///
    /// | route | for | |
    /// | --- | --- | --- |
    /// | `GET /oauth2/authorize` | people, sent by a client | the page where they agree (RFC 6749 §4.1) |
    /// | `POST /oauth2/token` | clients | tokens (RFC 6749 §3.2) |
    /// | `POST /oauth2/revoke` | clients | ends them (RFC 7009) |
    /// | `POST /oauth2/introspect` | confidential clients | what a token is (RFC 7662) |
    /// | `POST /oauth2/device_authorization` | devices | a code to show (RFC 8628) |
    /// | `GET /oauth2/device` | people | where they type it |
    /// | `GET`, `POST /oauth2/userinfo` | clients, for a user | who that is (OpenID Connect Core §5.3) |
    /// | `GET`, `POST /oauth2/logout` | people, sent by a client | logs them out (OpenID Connect RP-Initiated Logout) |
    /// | `GET /oauth2/jwks` | | the public keys (RFC 7517) |
    /// | `GET /.well-known/openid-configuration` | | the metadata (OpenID Connect Discovery) |
    /// | `GET /.well-known/oauth-authorization-server` | | the same (RFC 8414) |
    ///
    /// Merge them into the router that has `auth.layer()` around it, at the root of the issuer's origin. The routes that clients'
    /// tokens open have a layer with [`BearerAuthentication`](crate::web::authentication::BearerAuthentication).
    ///
    /// # Security
    /// Only who is logged in by a session, in person, can agree. The pages may not be framed. What clients ask takes no cookie,
    /// so it needs no protection against other sites; other sites' scripts cannot read its answers.
    pub fn oauth2_routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        self.oauth2_routes_with_claims(UserColumns)
    }

    /// The same, with claims of one's own for the userinfo endpoint.
    pub fn oauth2_routes_with_claims<S: Clone + Send + Sync + 'static>(
        &self,
        claims: impl ClaimsSource<U>,
    ) -> Router<S> {
        let claims: Arc<dyn ClaimsSource<U>> = Arc::new(claims);
        let userinfo = move |request| userinfo::tell::<U>(request, claims);
        let router = Router::new()
            .route(paths::USERINFO, get(userinfo.clone()).post(userinfo))
            .route(paths::LOGOUT, get(logout::ask::<U>).post(logout::ask_again))
            .route(paths::CONFIRM_LOGOUT, post(logout::decide::<U>))
            .route(paths::JWKS, get(endpoints::jwks::<U>))
            .route(paths::OPENID, get(endpoints::metadata::<U>))
            .route(paths::AUTHORIZE, get(authorize::ask::<U>).post(authorize::decide::<U>))
            .route(paths::DEVICE, get(device::ask::<U>).post(device::decide::<U>))
            .route(paths::TOKEN, post(endpoints::token::<U>))
            .route(paths::REVOKE, post(endpoints::revoke::<U>))
            .route(paths::INTROSPECT, post(endpoints::introspect::<U>))
            .route(paths::DEVICE_AUTHORIZATION, post(endpoints::authorize_device::<U>))
            .route(paths::METADATA, get(endpoints::metadata::<U>));
        finished(router)
    }
}

/// Who can agree, if anybody who can is logged in.
async fn owner_of<U: UserModel>(
    parts: &Parts,
    auth: &RequestAuth,
    handle: &Auth<U>,
) -> Result<Option<ResourceOwner>, Refusal> {
    let Some(principal) = auth.visitor(parts).await? else { return Ok(None) };
    let session = &auth.find(parts).await?.session;
    Ok(handle.resource_owner(principal, session))
}

/// To the login page, and back.
fn log_in<U: UserModel>(parts: &Parts, handle: &Auth<U>, next: &str) -> Result<axum::response::Response, Refusal> {
    if !is_safe_next(next) {
        return Err(Refusal::new(Kind::Bad(StatusCode::URI_TOO_LONG, "The request is too long.".to_owned()), parts));
    }
    Ok(see_other(&pages::with_next(&handle.settings().0.login_url, Some(next))))
}

/// For a person.
fn refusal(error: &OAuth2Error, parts: &Parts) -> Refusal {
    match error {
        OAuth2Error::TooMany { wait } => Refusal::new(Kind::TooMany(*wait), parts),
        OAuth2Error::Refused { description, .. } => {
            Refusal::new(Kind::Bad(StatusCode::BAD_REQUEST, said(description)), parts)
        }
        other => Refusal::unavailable(other, parts),
    }
}

fn said(reason: &str) -> String {
    format!("The application that sent you here made a mistake: {reason}.")
}
