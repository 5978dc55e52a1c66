//! Where people type what a device shows (RFC 8628 §3.3).

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::request::Parts;

use super::super::call::{Call, handle_of};
use super::super::csrf::CsrfToken;
use super::consent_page::{self, Asked, DECISION_FIELD, USER_FIELD};
use super::{log_in, owner_of, refusal};
use crate::oauth2::provider::paths;
use crate::users::UserModel;
use crate::web::page::{self, Escaped};
use crate::web::refusal::Refusal;
use crate::web::request::RequestAuth;

const CODE_FIELD: &str = "user_code";

pub(super) async fn ask<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let (auth, handle) = handle_of::<U>(&parts)?;
    if owner_of(&parts, &auth, &handle).await?.is_none() {
        let next = parts.uri.path_and_query().map_or(paths::DEVICE, |target| target.as_str());
        return log_in(&parts, &handle, next);
    }
    let query = parts.uri.query().unwrap_or_default();
    let code = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == CODE_FIELD);
    let code = code.map(|(_, code)| code.into_owned()).unwrap_or_default();
    Ok(form(&parts, &auth, &code, None))
}

pub(super) async fn decide<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let mut call = Call::<U>::read(request).await?;
    let (parts, auth) = (&call.parts, &call.auth);
    let Some(owner) = owner_of(parts, auth, &call.handle).await? else {
        return log_in(parts, &call.handle, paths::DEVICE);
    };
    let code = call.input.take(CODE_FIELD).unwrap_or_default();
    let decision = call.input.take(DECISION_FIELD);
    let is_same_user = call.input.take(USER_FIELD).as_ref() == Some(&owner.user_id);
    let provider = call.handle.oauth2().from(&auth.origin(parts));
    let failed = |error| refusal(&error, parts);
    let Some(waiting) = provider.device_request(&owner, &code).await.map_err(failed)? else {
        return Ok(form(parts, auth, &code, Some("No device waits for this code.")));
    };
    let allows = match decision.as_deref().filter(|_| is_same_user) {
        Some("allow") => true,
        Some("deny") => false,
        _ => {
            let code = waiting.user_code.as_str();
            let fields = [(CODE_FIELD, code)];
            let (application, scope) = (&waiting.application, &waiting.scope);
            let user_code = Some(code);
            let asked = Asked { application, scope, owner: &owner, user_code, fields: &fields, leads_to: None };
            return Ok(consent_page::show(parts, auth, &provider, &asked));
        }
    };
    let answered = provider.answer_device(&waiting, &owner, allows).await.map_err(failed)?;
    Ok(message(match (answered, allows) {
        (false, _) => "The device does not wait any more.",
        (true, true) => "The device is connected. You can go back to it.",
        (true, false) => "The device is not connected.",
    }))
}

fn form(parts: &Parts, auth: &RequestAuth, code: &str, problem: Option<&str>) -> Response {
    let problem = problem.map(|text| format!("<p role=\"alert\">{}</p>\n", Escaped(text))).unwrap_or_default();
    let (token, code) = (CsrfToken::issue(auth, parts).hidden_field(), Escaped(code));
    let html = format!(
        "{problem}<form method=\"post\">\n{token}\n<p><label>The code that it shows<br>\
         <input name=\"{CODE_FIELD}\" value=\"{code}\" autocomplete=\"off\" required autofocus></label></p>\n\
         <p><button>Continue</button></p>\n</form>"
    );
    shown(page::page("Connect a device", &html))
}

fn message(text: &str) -> Response {
    shown(page::message("Connect a device", text, None))
}

fn shown(html: String) -> Response {
    let mut headers = HeaderMap::new();
    page::set_headers(&mut headers);
    (headers, html).into_response()
}
