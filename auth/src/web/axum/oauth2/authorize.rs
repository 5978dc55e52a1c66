//! Where clients send people: they log in, agree or not, and are sent back.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::super::call::{Call, handle_of, see_other};
use super::consent_page::{self, DECISION_FIELD, USER_FIELD};
use super::{log_in, owner_of, refusal, said};
use crate::accounts::Auth;
use crate::oauth2::provider::{AuthorizationRequest, AuthorizationStep, RequestVerdict, ResourceOwner, paths};
use crate::users::UserModel;
use crate::web::page::{self, Escaped};
use crate::web::refusal::{Kind, Refusal};
use crate::web::request::RequestAuth;

/// When the person was sent to log in.
const LOGIN_AFTER: &str = "login_after";

type Parameters = Vec<(String, String)>;

/// What stands between a request and its answer.
struct Visit<'a, U: UserModel> {
    parts: &'a Parts,
    auth: &'a RequestAuth,
    handle: &'a Auth<U>,
    parameters: Parameters,
}

pub(super) async fn ask<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let (auth, handle) = handle_of::<U>(&parts)?;
    let query = parts.uri.query().unwrap_or_default();
    let parameters = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let visit = Visit { parts: &parts, auth: &auth, handle: &handle, parameters };
    let (request, owner) = match visit.begin().await? {
        Ok(begun) => begun,
        Err(response) => return Ok(response),
    };
    visit.answer(&request, &owner, None).await
}

pub(super) async fn decide<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let mut call = Call::<U>::read(request).await?;
    let decision = call.input.take(DECISION_FIELD);
    let user = call.input.take(USER_FIELD);
    let fields = std::mem::take(&mut call.input).rest().into_iter();
    let text = |(name, value)| match value {
        Value::String(text) => Some((name, text)),
        _ => None,
    };
    let parameters = fields.filter_map(text).collect();
    let visit = Visit { parts: &call.parts, auth: &call.auth, handle: &call.handle, parameters };
    let (request, owner) = match visit.begin().await? {
        Ok(begun) => begun,
        Err(response) => return Ok(response),
    };
    // Somebody else may have logged in since the page was shown.
    let decision = decision.filter(|_| user.as_ref() == Some(&owner.user_id));
    visit.answer(&request, &owner, Some(decision.as_deref().unwrap_or_default())).await
}

impl<U: UserModel> Visit<'_, U> {
    /// The request and who answers it; or where the person is sent at once.
    async fn begin(&self) -> Result<Result<(AuthorizationRequest, ResourceOwner), Response>, Refusal> {
        let provider = self.handle.oauth2();
        let read = provider.read_authorization_request(&self.parameters).await;
        let request = match read.map_err(|error| refusal(&error, self.parts))? {
            RequestVerdict::Accepted(request) => *request,
            RequestVerdict::Redirect(location) => return Ok(Err(self.leave(&location))),
            RequestVerdict::Untrusted { reason } => {
                return Err(Refusal::new(Kind::Bad(StatusCode::BAD_REQUEST, said(reason)), self.parts));
            }
        };
        let owner = owner_of(self.parts, self.auth, self.handle).await?;
        let step = provider.consider(&request, owner.as_ref()).await;
        match (step.map_err(|error| refusal(&error, self.parts))?, owner) {
            (AuthorizationStep::Redirect(location), _) => Ok(Err(self.leave(&location))),
            (AuthorizationStep::AskConsent | AuthorizationStep::Allowed, Some(owner)) => Ok(Ok((request, owner))),
            (AuthorizationStep::LogIn, _) | (_, None) => Ok(Err(self.log_in(&request)?)),
        }
    }

    /// To the login page and back here. Whoever comes back has logged in for this request.
    fn log_in(&self, request: &AuthorizationRequest) -> Result<Response, Refusal> {
        let after = self.handle.oauth2().login_after(request);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.parameters.iter().filter(|(name, _)| name != LOGIN_AFTER));
        query.append_pair(LOGIN_AFTER, &after);
        log_in(self.parts, self.handle, &format!("{}?{}", paths::AUTHORIZE, query.finish()))
    }

    async fn answer(
        &self,
        request: &AuthorizationRequest,
        owner: &ResourceOwner,
        decision: Option<&str>,
    ) -> Result<Response, Refusal> {
        let provider = self.handle.oauth2().from(&self.auth.origin(self.parts));
        let failed = |error| refusal(&error, self.parts);
        let location = match decision {
            Some("allow") => provider.allow(request, owner).await.map_err(failed)?,
            Some("deny") => provider.deny(request).map_err(failed)?,
            Some(_) => return Ok(self.page(request, owner)),
            None => match provider.consider(request, Some(owner)).await.map_err(failed)? {
                AuthorizationStep::Allowed => provider.allow(request, owner).await.map_err(failed)?,
                AuthorizationStep::Redirect(location) => location,
                AuthorizationStep::AskConsent | AuthorizationStep::LogIn => return Ok(self.page(request, owner)),
            },
        };
        Ok(if decision.is_some() { see_other(&location) } else { self.leave(&location) })
    }

    fn page(&self, request: &AuthorizationRequest, owner: &ResourceOwner) -> Response {
        let fields: Vec<_> = self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let asked = consent_page::Asked {
            application: &request.application,
            scope: &request.scope,
            owner,
            user_code: None,
            fields: &fields,
            leads_to: Some(&request.redirect_uri),
        };
        consent_page::show(self.parts, self.auth, self.handle.oauth2(), &asked)
    }

    /// Back to the client. Who comes from the login page is still sending its form, and a browser would not let a form lead to
    /// another site than the page said (`form-action`): so a page leads there.
    fn leave(&self, location: &str) -> Response {
        if !self.parameters.iter().any(|(name, _)| name == LOGIN_AFTER) {
            return see_other(location);
        }
        let target = Escaped(location);
        let html = format!(
            "<meta http-equiv=\"refresh\" content=\"0;url={target}\">\n<p><a href=\"{target}\">Continue</a></p>"
        );
        let mut headers = HeaderMap::new();
        page::set_headers(&mut headers);
        (headers, page::page("Logged in", &html)).into_response()
    }
}
