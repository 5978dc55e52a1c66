//! Routes by which users change their own second factors.

#[cfg(any(feature = "mfa-codes", feature = "mfa-totp"))]
mod code;
#[cfg(any(feature = "mfa-codes", feature = "mfa-totp", feature = "mfa-webauthn"))]
mod enrol;
mod manage;
mod pages;
#[cfg(feature = "mfa-webauthn")]
mod passkeys;
#[cfg(feature = "mfa-codes")]
mod sent_codes;
#[cfg(feature = "mfa-totp")]
mod totp;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{StatusCode, header};
use serde_json::Value;

use super::call::{Call, see_other};
use super::finish::finished;
use super::pages::{refused, with_next};
use crate::access::Principal;
use crate::accounts::{Auth, Error, FactorChanges, FactorError};
use crate::mfa::MfaError;
use crate::secret::SecretString;
use crate::users::UserModel;
use crate::web::refusal::{Refusal, sentence};

impl<U: UserModel> Auth<U> {
    /// Routes by which users see and change their own second factors: JSON for programs, pages and plain forms for browsers.
    ///
    /// | route | what is sent | for programs |
    /// | --- | --- | --- |
    /// | `GET /factors` | | `factors`, each with `id`, `kind`, `name`, `created_at` and `last_used_at`, and `recovery_codes`: how many are left |
    /// | `POST /factors/totp` | | `challenge`, `url`, `secret`, `qr_svg` and `expires_at`: what an authenticator app reads |
    /// | `POST /factors/totp/confirm` | `challenge`, `code`, and perhaps `name` | 201: `factor`, and `recovery_codes` with the first one |
    /// | `POST /factors/passkeys/start` | | `challenge` and `publicKey`: what `navigator.credentials.create` is asked |
    /// | `POST /factors/passkeys/finish` | `challenge`, `response`, and perhaps `name` | 201: as for an authenticator app |
    /// | `POST /factors/mail-code` | perhaps `name` | `challenge`, `to` and `expires_at`: a code went to the user's mail address |
    /// | `POST /factors/sms-code` | `number`, and perhaps `name` | the same, to this phone |
    /// | `POST /factors/sent-code/confirm` | `challenge` and `code` | 201: as for an authenticator app |
    /// | `POST /factors/recovery-codes` | | `recovery_codes`: a new set |
    /// | `POST /factors/{id}/rename` | `name` | 204 |
    /// | `POST /factors/{id}/remove` | | 204 |
    ///
    /// Those of authenticator apps need the feature `mfa-totp`, those of passkeys `mfa-webauthn`, and those of sent codes
    /// `mfa-codes`, and that the application allows them. All want a login; changes want one of the last five minutes, and by two
    /// factors where the user has a second one: else programs get 401 with `step_up`, and people go to `/reauthenticate`, one of
    /// `auth.routes()`. Merge both into one router: the pages stand beside the login page.
    ///
    /// Where a guard sends somebody to `/factors?next=…`, the pages lead there after a factor is added.
    ///
    /// # Security
    /// A factor that is added or removed ends the user's other sessions and tokens ([`FactorChanges`]). Whoever acts for the
    /// user, with an API key or a token with scopes, sees and changes nothing.
    pub fn factor_routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let router = Router::new()
            .route("/factors", get(manage::list::<U>))
            .route("/factors/recovery-codes", post(manage::recovery_codes::<U>))
            .route("/factors/{id}/rename", post(manage::rename::<U>))
            .route("/factors/{id}/remove", post(manage::remove::<U>));
        #[cfg(feature = "mfa-totp")]
        let router = router.merge(totp::routes::<U, S>());
        #[cfg(feature = "mfa-webauthn")]
        let router = router.merge(passkeys::routes::<U, S>());
        #[cfg(feature = "mfa-codes")]
        let router = router.merge(sent_codes::routes::<U, S>());
        finished(router)
    }
}

/// A user's request to change their factors.
pub(super) struct Change<U: UserModel> {
    pub(super) call: Call<U>,
    principal: Principal,
    /// Where they wanted to go, and a factor is demanded.
    next: Option<String>,
}

impl<U: UserModel> Change<U> {
    pub(super) async fn read(request: Request) -> Result<Self, Refusal> {
        let (mut call, principal) = Call::<U>::read_of_user(request).await?;
        let next = call.take_next();
        Ok(Self { call, principal, next })
    }

    /// The proof that they may.
    pub(super) async fn allowed(&self) -> Result<FactorChanges<'_, U>, Response> {
        let Call { parts, auth, handle, .. } = &self.call;
        let session = &auth.find(parts).await.map_err(IntoResponse::into_response)?.session;
        let allowed = handle.change_factors(&self.principal, session, &auth.origin(parts)).await;
        allowed.map_err(|error| self.refused(error))
    }

    /// What the user hears of an error.
    pub(super) fn refused(&self, error: FactorError) -> Response {
        let bad = |status, error: MfaError| self.unchanged(self.call.bad(status, sentence(&error)));
        match error {
            FactorError::Denied(denied) => self.call.denied(denied, &self.list()),
            FactorError::Failed(Error::Mfa(error @ MfaError::Invalid(_))) => {
                bad(StatusCode::UNPROCESSABLE_ENTITY, error)
            }
            FactorError::Failed(Error::Mfa(error @ MfaError::TooMany { .. })) => bad(StatusCode::CONFLICT, error),
            FactorError::Failed(error) => Refusal::failed(&error, &self.call.parts).into_response(),
        }
    }

    /// The refusal, for people with the way back.
    pub(super) fn unchanged(&self, refusal: Refusal) -> Response {
        if !self.call.input.is_form {
            return refusal.into_response();
        }
        refused(refusal, "Not changed", &self.list(), "Back")
    }

    /// Back to the list for people, nothing for programs.
    pub(super) fn done(&self) -> Response {
        if !self.call.input.is_form {
            return StatusCode::NO_CONTENT.into_response();
        }
        see_other(&self.list())
    }

    /// Where the list stands, from which they go on.
    fn list(&self) -> String {
        with_next(&self.call.handle.settings().0.beside_login("factors"), self.next.as_deref())
    }
}

/// What is shown once.
fn exposed(codes: &[SecretString]) -> Value {
    codes.iter().map(SecretString::expose).collect()
}

fn private_json(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response()
}
