//! Codes that are sent.

use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{StatusCode, header};
use serde_json::json;

use crate::mfa::{SendCodeOutcome, SentCode};
use crate::web::refusal::{Kind, Refusal};

/// The code that is on its way.
pub(in crate::web::axum) fn sent(outcome: SendCodeOutcome, parts: &Parts) -> Result<SentCode, Refusal> {
    match outcome {
        SendCodeOutcome::Sent(sent) => Ok(sent),
        SendCodeOutcome::Wait(wait) => Err(Refusal::new(Kind::TooMany(wait), parts)),
        SendCodeOutcome::NoFactor => {
            let text = "There is no such factor that a code could be sent to.".to_owned();
            Err(Refusal::new(Kind::Bad(StatusCode::UNPROCESSABLE_ENTITY, text), parts))
        }
    }
}

/// The same for programs.
pub(in crate::web::axum) fn answer(sent: &SentCode) -> Response {
    let body = json!({ "challenge": sent.challenge, "to": sent.to, "expires_at": sent.expires_at });
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response()
}
