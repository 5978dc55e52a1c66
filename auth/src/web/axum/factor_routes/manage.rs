//! The list of factors, and what can be done with each of them.

use axum::extract::{Path, Request};
use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use super::{Change, exposed, pages, private_json};
use crate::access::PermissionDenied;
use crate::accounts::Error;
use crate::users::UserModel;
use crate::web::axum::call::see_other;
use crate::web::refusal::{Refusal, wants_page};

pub(super) async fn list<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let change = Change::<U>::read(request).await?;
    let Change { call, principal, .. } = &change;
    if principal.is_delegated() {
        return Err(Refusal::denied(PermissionDenied::named("a login in person"), &call.parts));
    }
    let (mfa, user_id) = (call.handle.mfa(), principal.id());
    let failed = |error| Refusal::failed(&Error::Mfa(error), &call.parts);
    let factors = mfa.factors(user_id).await.map_err(failed)?;
    let left = mfa.remaining_recovery_codes(user_id).await.map_err(failed)?;
    if !wants_page(&call.parts.headers) {
        return Ok(private_json(StatusCode::OK, &json!({ "factors": factors, "recovery_codes": left })));
    }
    // Who has a second factor and did not use it would be refused whatever they do here.
    if !principal.is_multi_factor() && !mfa.required(user_id).await.map_err(failed)?.is_empty() {
        return Ok(see_other(&call.reauthenticate(change.next.as_deref().unwrap_or(&change.list()))));
    }
    Ok(pages::list(&change, &factors, left))
}

pub(super) async fn recovery_codes<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let change = Change::<U>::read(request).await?;
    let made = match change.allowed().await {
        Ok(allowed) => allowed.generate_recovery_codes().await,
        Err(refused) => return Ok(refused),
    };
    Ok(match made {
        Ok(codes) if change.call.input.is_form => pages::recovery_codes(&codes, None, &change.list()),
        Ok(codes) => private_json(StatusCode::OK, &json!({ "recovery_codes": exposed(&codes) })),
        Err(error) => change.refused(error),
    })
}

pub(super) async fn rename<U: UserModel>(Path(id): Path<String>, request: Request) -> Result<Response, Refusal> {
    let mut change = Change::<U>::read(request).await?;
    let Some(name) = change.call.input.take("name") else {
        return Err(change.call.bad(StatusCode::UNPROCESSABLE_ENTITY, "Send `name` as a text."));
    };
    let renamed = match change.allowed().await {
        Ok(allowed) => allowed.rename(&id, &name).await,
        Err(refused) => return Ok(refused),
    };
    Ok(renamed.map_or_else(|error| change.refused(error), |found| answer(&change, found)))
}

pub(super) async fn remove<U: UserModel>(Path(id): Path<String>, request: Request) -> Result<Response, Refusal> {
    let change = Change::<U>::read(request).await?;
    let removed = match change.allowed().await {
        Ok(allowed) => allowed.remove(&id).await,
        Err(refused) => return Ok(refused),
    };
    Ok(removed.map_or_else(|error| change.refused(error), |found| answer(&change, found)))
}

fn answer<U: UserModel>(change: &Change<U>, found: bool) -> Response {
    if found {
        return change.done();
    }
    change.unchanged(change.call.bad(StatusCode::NOT_FOUND, "You have no such factor."))
}
