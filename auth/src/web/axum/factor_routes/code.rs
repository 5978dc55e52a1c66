//! Factors that are confirmed by a code.

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::{Change, pages};
use crate::accounts::{AddedFactor, FactorError};
use crate::users::UserModel;
use crate::web::axum::call::on_page;
use crate::web::refusal::Refusal;

impl<U: UserModel> Change<U> {
    pub(super) fn challenge_and_code(&mut self) -> Result<(String, String), Refusal> {
        let input = &mut self.call.input;
        let given = input.take("challenge").zip(input.take("code"));
        given.ok_or_else(|| self.call.bad(StatusCode::UNPROCESSABLE_ENTITY, "Send `challenge` and `code` as texts."))
    }

    /// The factor that is in force now, or the form once more.
    pub(super) fn confirmed(
        &self,
        outcome: Result<Option<AddedFactor>, FactorError>,
        challenge: &str,
        name: Option<&str>,
    ) -> Response {
        match outcome {
            Ok(Some(factor)) => self.added(&factor),
            Ok(None) => {
                let text = "The code is wrong, or came too late. Try again, or begin anew.";
                let refusal = self.call.bad(StatusCode::UNPROCESSABLE_ENTITY, text);
                if !self.call.input.is_form {
                    return refusal.into_response();
                }
                on_page(refusal, |text| pages::enter_code_again(self, challenge, name, text))
            }
            Err(error) => self.refused(error),
        }
    }
}
