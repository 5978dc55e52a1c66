//! Registering a passkey.

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::post;
use http::StatusCode;
use serde_json::json;

use super::{Change, private_json};
use crate::users::UserModel;
use crate::web::axum::pages::refused;
use crate::web::refusal::Refusal;

pub(super) fn routes<U: UserModel, S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/factors/passkeys/start", post(start::<U>))
        .route("/factors/passkeys/finish", post(finish::<U>))
}

async fn start<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let change = Change::<U>::read(request).await?;
    let begun = match change.allowed().await {
        Ok(allowed) => allowed.begin_passkey().await,
        Err(refused) => return Ok(refused),
    };
    Ok(begun.map_or_else(|error| change.refused(error), |asked| private_json(StatusCode::OK, &json!(asked))))
}

async fn finish<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let mut change = Change::<U>::read(request).await?;
    let (challenge, response) = change.call.passkey()?;
    let name = change.name("Passkey");
    let confirmed = match change.allowed().await {
        Ok(allowed) => allowed.confirm_passkey(&challenge, &response, &name).await,
        Err(refused) => return Ok(refused),
    };
    Ok(match confirmed {
        Ok(Some(factor)) => change.added(&factor),
        Ok(None) => {
            let text = "This passkey cannot be registered, or came too late. Begin anew.";
            let refusal = change.call.bad(StatusCode::UNPROCESSABLE_ENTITY, text);
            if !change.call.input.is_form {
                return Err(refusal);
            }
            refused(refusal, "Not added", &change.list(), "Begin anew")
        }
        Err(error) => change.refused(error),
    })
}
