//! Routes by which users see the accounts at other providers that are linked to theirs, and unlink them.

use axum::Router;
use axum::extract::{Path, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::call::{Call, see_other};
use super::csrf::CsrfToken;
use super::pages::{self, label, next_field, shown, with_next};
use crate::access::{PermissionDenied, Principal};
use crate::accounts::{LinkedIdentity, UnlinkOutcome};
use crate::users::UserModel;
use crate::web::page::Escaped;
use crate::web::refusal::{Refusal, wants_page};

pub(super) fn routes<U: UserModel, S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/identities", get(list::<U>)).route("/identities/{id}/unlink", post(unlink::<U>))
}

async fn read<U: UserModel>(request: Request) -> Result<(Call<U>, Principal, Option<String>), Refusal> {
    let (mut call, principal) = Call::<U>::read_of_user(request).await?;
    let next = call.take_next();
    Ok((call, principal, next))
}

/// Where the list stands, which keeps where its reader wanted to go.
pub(super) fn list_of<U: UserModel>(call: &Call<U>, next: Option<&str>) -> String {
    with_next(&call.handle.settings().0.beside_login("identities"), next)
}

async fn list<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let (call, principal, next) = read::<U>(request).await?;
    if principal.is_delegated() {
        return Err(Refusal::denied(PermissionDenied::named("a login in person"), &call.parts));
    }
    let linked = call.handle.identities(principal.id()).await;
    let linked = linked.map_err(|error| Refusal::failed(&error, &call.parts))?;
    if wants_page(&call.parts.headers) {
        return Ok(page(&call, &linked, next.as_deref()));
    }
    let linked: Vec<_> = linked.iter().map(told).collect();
    let body = json!({ "identities": linked, "providers": call.handle.authentication().providers() });
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response())
}

/// What its owner knows it by. The subject is for whoever asks the provider.
fn told(identity: &LinkedIdentity) -> Value {
    let LinkedIdentity { id, provider, issuer, email, username, linked_at, .. } = identity;
    json!({
        "id": id,
        "provider": provider,
        "issuer": issuer,
        "username": username,
        "email": email,
        "linked_at": linked_at,
    })
}

async fn unlink<U: UserModel>(Path(id): Path<String>, request: Request) -> Result<Response, Refusal> {
    let (call, principal, next) = read::<U>(request).await?;
    let list = list_of(&call, next.as_deref());
    let (session, origin) = (&call.auth.find(&call.parts).await?.session, call.auth.origin(&call.parts));
    let outcome = call.handle.unlink_identity(session, &principal, &id, &origin).await;
    let refusal = match outcome.map_err(|error| Refusal::failed(&error, &call.parts))? {
        Err(denied) => return Ok(call.denied(denied, &list)),
        Ok(UnlinkOutcome::Unlinked(_)) if call.input.is_form => return Ok(see_other(&list)),
        Ok(UnlinkOutcome::Unlinked(_)) => return Ok(StatusCode::NO_CONTENT.into_response()),
        Ok(UnlinkOutcome::NotFound) => call.bad(StatusCode::NOT_FOUND, "You have linked no such account."),
        Ok(UnlinkOutcome::LastWayIn) => {
            let text = "You would not get in any more: set a password, or link another account first.";
            call.bad(StatusCode::CONFLICT, text)
        }
    };
    if call.input.is_form { Ok(pages::refused(refusal, "Not unlinked", &list, "Back")) } else { Err(refusal) }
}

/// All that are linked, and where others can be.
fn page<U: UserModel>(call: &Call<U>, linked: &[LinkedIdentity], next: Option<&str>) -> Response {
    let token = CsrfToken::issue(&call.auth, &call.parts).hidden_field();
    let items: String = linked.iter().map(|identity| item(identity, &format!("{token}{}", next_field(next)))).collect();
    let items =
        if items.is_empty() { "<p>There is none yet.</p>\n".to_owned() } else { format!("<ul>\n{items}</ul>\n") };
    let list = list_of(call, None);
    let providers = call.handle.authentication().providers();
    let link = |provider: &String| {
        format!(
            "<form method=\"post\" action=\"link/{}\">{token}{}<button>Link an account at {}</button></form>\n",
            Escaped(provider),
            next_field(Some(next.unwrap_or(&list))),
            Escaped(&label(provider)),
        )
    };
    let links: String = providers.iter().map(link).collect();
    let on = next.map(|next| format!("<p><a href=\"{}\">Go on</a></p>\n", Escaped(next))).unwrap_or_default();
    shown("Linked accounts", &format!("<p>With these accounts elsewhere you can log in here.</p>\n{items}{links}{on}"))
}

fn item(identity: &LinkedIdentity, fields: &str) -> String {
    let LinkedIdentity { id, provider, username, email, linked_at, .. } = identity;
    let name = username.as_ref().or(email.as_ref()).map(|name| format!(" as {}", Escaped(name))).unwrap_or_default();
    format!(
        "<li><b>{}</b>{name}, since {}\n\
         <form method=\"post\" action=\"identities/{}/unlink\">{fields}<button>Unlink</button></form></li>\n",
        Escaped(&label(provider)),
        linked_at.format("%Y-%m-%d"),
        Escaped(id),
    )
}
