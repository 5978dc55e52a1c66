//! Proving again who one is.

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;

use super::{pages, second_step};
use crate::access::{PermissionDenied, Principal};
use crate::accounts::{AuthCredentials, AuthenticationError, Error};
use crate::users::UserModel;
use crate::web::axum::call::{Call, logged_in, next_of, on_page, see_other};
use crate::web::axum::device::DeviceCookie;
use crate::web::refusal::Refusal;

pub(super) async fn page<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let call = Call::<U>::read_from_anywhere(request).await?;
    let (principal, ways) = (in_session(&call).await?, ways(&call).await?);
    Ok(pages::reauthenticate(&call.parts, &call.auth, principal, &ways, next_of(&call.parts).as_deref(), None))
}

/// By what whoever is logged in can prove it again.
async fn ways<U: UserModel>(call: &Call<U>) -> Result<pages::Ways, Refusal> {
    let id = in_session(call).await?.id();
    let failed = |error: Error| Refusal::failed(&error, &call.parts);
    let account = call.handle.users().find_by_id_text(id).await.map_err(|error| failed(error.into()))?;
    let linked = call.handle.identities(id).await.map_err(failed)?;
    let known = call.handle.authentication().providers();
    let mut providers: Vec<_> = linked.into_iter().map(|it| it.provider).filter(|it| known.contains(it)).collect();
    providers.sort_unstable();
    providers.dedup();
    Ok(pages::Ways { password: account.is_some_and(|it| it.user.password_hash().is_usable()), providers })
}

pub(super) async fn prove<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let mut call = Call::<U>::read(request).await?;
    let next = call.take_next();
    let password = call.input.take("password");
    let principal = in_session(&call).await?;
    let Some(password) = password else {
        return Err(call.bad(StatusCode::UNPROCESSABLE_ENTITY, "Send `password` as a text."));
    };
    let session = &call.auth.find(&call.parts).await?.session;
    let device = DeviceCookie::of(&call.auth, &call.parts);
    let credentials = device.add_to(AuthCredentials::password(principal.username(), password));
    let outcome = call.handle.reauthenticate(session, credentials, &call.auth.origin(&call.parts)).await;
    if outcome.is_err() {
        session.mark_unmodified();
    }
    let refusal = match outcome {
        Ok(result) => return Ok(logged_in(&call, &result, next.as_deref())),
        Err(AuthenticationError::SecondFactorRequired(_)) if call.input.is_form => {
            return Ok(see_other(&second_step(&call, next.as_deref())));
        }
        Err(AuthenticationError::InvalidCredentials) => call.bad(StatusCode::UNAUTHORIZED, "The password is wrong."),
        Err(error) => Refusal::unauthenticated(error, &call.parts),
    };
    if call.input.is_form && refusal.status().is_client_error() {
        let ways = ways(&call).await?;
        let again =
            |text: &str| pages::reauthenticate(&call.parts, &call.auth, principal, &ways, next.as_deref(), Some(text));
        return Ok(on_page(refusal, again));
    }
    Err(refusal)
}

/// Whoever is logged in, in a session: what is brought with every request cannot be proved anew.
async fn in_session<U: UserModel>(call: &Call<U>) -> Result<&Principal, Refusal> {
    let principal = call.auth.principal(&call.parts).await?;
    let login = call.auth.find(&call.parts).await?.session.login();
    if login.is_some_and(|login| login.user_id == principal.id()) {
        return Ok(principal);
    }
    Err(Refusal::denied(PermissionDenied::named("a login in a session"), &call.parts))
}
