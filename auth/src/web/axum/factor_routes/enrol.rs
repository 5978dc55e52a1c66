//! How a factor is added that its owner has proved.

use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use super::{Change, exposed, pages, private_json};
use crate::accounts::AddedFactor;
use crate::users::UserModel;
use crate::web::axum::call::see_other;

impl<U: UserModel> Change<U> {
    /// What its owner calls it, or that.
    pub(super) fn name(&mut self, otherwise: &str) -> String {
        let name = self.call.input.take("name").filter(|name| !name.trim().is_empty());
        name.unwrap_or_else(|| otherwise.to_owned())
    }

    /// The recovery codes that came with it, or where the user wanted to go, or the list.
    pub(super) fn added(&self, added: &AddedFactor) -> Response {
        let AddedFactor { factor, recovery_codes } = added;
        let on = self.next.clone().unwrap_or_else(|| self.list());
        let mut body = json!({ "factor": factor });
        match recovery_codes {
            Some(codes) if self.call.input.is_form => return pages::recovery_codes(codes, Some(factor), &on),
            None if self.call.input.is_form => return see_other(&on),
            Some(codes) => body["recovery_codes"] = exposed(codes),
            None => {}
        }
        private_json(StatusCode::CREATED, &body)
    }
}
