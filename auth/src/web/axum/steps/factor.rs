//! The second step of a login.

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;

use super::pages::{self, Sent};
#[cfg(feature = "mfa-codes")]
use super::sent_codes;
use crate::accounts::{AuthenticationError, PendingLogin};
#[cfg(feature = "mfa-codes")]
use crate::mfa::FactorKind;
use crate::mfa::FactorProof;
use crate::users::UserModel;
use crate::web::axum::call::{Call, logged_in, next_of, on_page, see_other};
use crate::web::axum::input::SecondStep;
use crate::web::axum::pages::with_next;
use crate::web::refusal::Refusal;

const WRONG: &str = "That is not right, or was used before: an app shows the next code within half a minute.";

/// Where people go on with their login.
pub(in crate::web::axum) fn second_step<U: UserModel>(call: &Call<U>, next: Option<&str>) -> String {
    with_next(&format!("{}/factor", call.handle.settings().0.login_url), next)
}

pub(super) async fn page<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let call = Call::<U>::read_from_anywhere(request).await?;
    let next = next_of(&call.parts);
    Ok(match waiting(&call).await? {
        Some(pending) => pages::second_step(&call.parts, &call.auth, &pending, None, next.as_deref(), None),
        None => from_the_start(&call, next.as_deref()),
    })
}

pub(super) async fn go_on<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let mut call = Call::<U>::read(request).await?;
    let next = call.take_next();
    #[cfg_attr(
        not(feature = "mfa-codes"),
        expect(clippy::infallible_destructuring_match, reason = "with sent codes there is another step")
    )]
    let proof = match call.input.second_step(&call.parts)? {
        SecondStep::Proof(proof) => proof,
        #[cfg(feature = "mfa-codes")]
        SecondStep::SendCode(kind) => return send(&call, kind, next.as_deref()).await,
    };
    let session = &call.auth.find(&call.parts).await?.session;
    session.suggest_device(call.device());
    let outcome = call.handle.log_in_with_factor(session, &proof, &call.auth.origin(&call.parts)).await;
    if outcome.is_err() {
        session.mark_unmodified();
    }
    let refusal = match outcome {
        Ok(result) => return Ok(logged_in(&call, &result, next.as_deref())),
        Err(AuthenticationError::InvalidCredentials) => call.bad(StatusCode::UNAUTHORIZED, WRONG),
        Err(AuthenticationError::SessionExpired) => {
            call.bad(StatusCode::UNAUTHORIZED, "No login waits for a second factor here. Log in from the start.")
        }
        Err(error) => Refusal::unauthenticated(error, &call.parts),
    };
    if !call.input.is_form || !refusal.status().is_client_error() {
        return Err(refusal);
    }
    Ok(match waiting(&call).await? {
        Some(pending) => {
            let sent = match &proof {
                FactorProof::SentCode { challenge, .. } => Some(Sent { challenge, to: None }),
                _ => None,
            };
            let (parts, auth, next) = (&call.parts, &call.auth, next.as_deref());
            on_page(refusal, |text| pages::second_step(parts, auth, &pending, sent.as_ref(), next, Some(text)))
        }
        None => from_the_start(&call, next.as_deref()),
    })
}

/// Sends a code to the user who waits.
#[cfg(feature = "mfa-codes")]
async fn send<U: UserModel>(call: &Call<U>, kind: FactorKind, next: Option<&str>) -> Result<Response, Refusal> {
    let session = &call.auth.find(&call.parts).await?.session;
    let outcome = call.handle.send_code(session, kind, &call.auth.origin(&call.parts)).await;
    let sent = match outcome {
        Ok(outcome) => sent_codes::sent(outcome, &call.parts),
        Err(AuthenticationError::SessionExpired) if call.input.is_form => return Ok(from_the_start(call, next)),
        Err(error) => Err(Refusal::unauthenticated(error, &call.parts)),
    };
    let (Some(pending), true) = (waiting(call).await?, call.input.is_form) else {
        return sent.map(|sent| sent_codes::answer(&sent));
    };
    let page = |sent: Option<&Sent<'_>>, problem: Option<&str>| {
        pages::second_step(&call.parts, &call.auth, &pending, sent, next, problem)
    };
    match sent {
        Ok(sent) => Ok(page(Some(&Sent { challenge: &sent.challenge, to: Some(&sent.to) }), None)),
        Err(refusal) if refusal.status().is_client_error() => Ok(on_page(refusal, |text| page(None, Some(text)))),
        Err(refusal) => Err(refusal),
    }
}

/// The login that waits in this visitor's session.
pub(super) async fn waiting<U: UserModel>(call: &Call<U>) -> Result<Option<PendingLogin>, Refusal> {
    let session = &call.auth.find(&call.parts).await?.session;
    let pending = call.handle.pending_login(session).await;
    pending.map_err(|error| Refusal::unauthenticated(error, &call.parts))
}

fn from_the_start<U: UserModel>(call: &Call<U>, next: Option<&str>) -> Response {
    see_other(&with_next(&call.handle.settings().0.login_url, next))
}
