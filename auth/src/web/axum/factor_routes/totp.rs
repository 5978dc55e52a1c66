//! Enrolling an authenticator app.

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::post;
use http::StatusCode;
use serde_json::json;

use super::{Change, pages, private_json};
use crate::users::UserModel;
use crate::web::refusal::Refusal;

pub(super) fn routes<U: UserModel, S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/factors/totp", post(begin::<U>)).route("/factors/totp/confirm", post(confirm::<U>))
}

async fn begin<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let change = Change::<U>::read(request).await?;
    let begun = match change.allowed().await {
        Ok(allowed) => allowed.begin_totp().await,
        Err(refused) => return Ok(refused),
    };
    let call = &change.call;
    Ok(match begun {
        Ok(enrolment) if call.input.is_form => pages::enrol_totp(&change, &enrolment),
        Ok(enrolment) => {
            let body = json!({
                "challenge": enrolment.challenge,
                "url": enrolment.url.expose(),
                "secret": enrolment.secret.expose(),
                "qr_svg": enrolment.qr_svg(),
                "expires_at": enrolment.expires_at,
            });
            private_json(StatusCode::OK, &body)
        }
        Err(error) => change.refused(error),
    })
}

async fn confirm<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let mut change = Change::<U>::read(request).await?;
    let (challenge, code) = change.challenge_and_code()?;
    let name = change.name("Authenticator app");
    let confirmed = match change.allowed().await {
        Ok(allowed) => allowed.confirm_totp(&challenge, &code, &name).await,
        Err(refused) => return Ok(refused),
    };
    Ok(change.confirmed(confirmed, &challenge, Some(&name)))
}
