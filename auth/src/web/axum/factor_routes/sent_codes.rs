//! Addresses and numbers that codes are sent to.

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::post;
use http::StatusCode;

use super::{Change, pages};
use crate::accounts::FactorError;
use crate::mfa::{FactorKind, SendCodeOutcome};
use crate::users::UserModel;
use crate::web::axum::steps::sent_codes;
use crate::web::refusal::Refusal;

pub(super) fn routes<U: UserModel, S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/factors/mail-code", post(by_mail::<U>))
        .route("/factors/sms-code", post(by_sms::<U>))
        .route("/factors/sent-code/confirm", post(confirm::<U>))
}

async fn by_mail<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let mut change = Change::<U>::read(request).await?;
    let name = change.name("Mail");
    change.sends(FactorKind::MailCode)?;
    let outcome = match change.allowed().await {
        Ok(allowed) => allowed.begin_mail_code(&name).await,
        Err(refused) => return Ok(refused),
    };
    answer(&change, outcome)
}

async fn by_sms<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let mut change = Change::<U>::read(request).await?;
    let name = change.name("Phone");
    change.sends(FactorKind::SmsCode)?;
    let Some(number) = change.call.input.take("number") else {
        return Err(change.call.bad(StatusCode::UNPROCESSABLE_ENTITY, "Send `number` as a text: `+4912345678`."));
    };
    let outcome = match change.allowed().await {
        Ok(allowed) => allowed.begin_sms_code(&number, &name).await,
        Err(refused) => return Ok(refused),
    };
    answer(&change, outcome)
}

impl<U: UserModel> Change<U> {
    fn sends(&self, kind: FactorKind) -> Result<(), Refusal> {
        let sends = self.call.handle.mfa().sends(kind);
        sends.then_some(()).ok_or_else(|| self.call.bad(StatusCode::NOT_FOUND, "Such codes are not sent here."))
    }
}

fn answer<U: UserModel>(
    change: &Change<U>,
    outcome: Result<SendCodeOutcome, FactorError>,
) -> Result<Response, Refusal> {
    let call = &change.call;
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => return Ok(change.refused(error)),
    };
    let sent = sent_codes::sent(outcome, &call.parts)?;
    if !call.input.is_form {
        return Ok(sent_codes::answer(&sent));
    }
    Ok(pages::enter_code(change, &sent))
}

async fn confirm<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let mut change = Change::<U>::read(request).await?;
    let (challenge, code) = change.challenge_and_code()?;
    let confirmed = match change.allowed().await {
        Ok(allowed) => allowed.confirm_sent_code(&challenge, &code.into()).await,
        Err(refused) => return Ok(refused),
    };
    Ok(change.confirmed(confirmed, &challenge, None))
}
