//! The page where people agree to what a client asks for.

use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use http::request::Parts;

use super::super::csrf::CsrfToken;
use crate::oauth2::provider::{OAuth2Application, OAuth2Authentication, ResourceOwner, Scope, csp_source};
use crate::web::page::{self, Escaped};
use crate::web::request::RequestAuth;

pub(super) const DECISION_FIELD: &str = "decision";
pub(super) const USER_FIELD: &str = "consenting_user";

/// What a person is asked.
pub(super) struct Asked<'a> {
    pub(super) application: &'a OAuth2Application,
    pub(super) scope: &'a Scope,
    pub(super) owner: &'a ResourceOwner,
    /// What the device shows, where one waits for the answer.
    pub(super) user_code: Option<&'a str>,
    /// What comes back with the answer.
    pub(super) fields: &'a [(&'a str, &'a str)],
    /// Where the answer leads, if to another site.
    pub(super) leads_to: Option<&'a str>,
}

pub(super) fn show(parts: &Parts, auth: &RequestAuth, provider: &OAuth2Authentication, asked: &Asked<'_>) -> Response {
    let name = Escaped(&asked.application.name);
    let described = provider.describe(asked.scope).into_iter();
    let items: Vec<_> = described.map(|(_, description)| format!("<li>{}</li>\n", Escaped(description))).collect();
    let items = items.concat();
    let wish = if items.is_empty() {
        format!("<p>{name} wants to know that you are logged in here.</p>")
    } else {
        format!("<p>{name} asks to do this for you:</p>\n<ul>\n{items}</ul>")
    };
    let target = asked
        .leads_to
        .and_then(host)
        .map_or_else(String::new, |host| format!("<p>You will be sent to {}.</p>\n", Escaped(&host)));
    // Whoever was sent a link with somebody else's code finds out here (RFC 8628 §5.4).
    let device = asked.user_code.map_or_else(String::new, |code| {
        format!(
            "<p>Your device shows <strong>{}</strong>. Deny this if it shows another code, or if it is not in front of \
             you.</p>\n",
            Escaped(code)
        )
    });
    let user = (USER_FIELD, asked.owner.user_id.as_str());
    let fields: String = asked.fields.iter().copied().chain([user]).map(|(name, value)| hidden(name, value)).collect();
    let token = CsrfToken::issue(auth, parts).hidden_field();
    let html = format!(
        "{wish}\n{target}{device}<form method=\"post\">\n{token}\n{fields}\
         <p><button name=\"{DECISION_FIELD}\" value=\"allow\">Allow</button>\n\
         <button name=\"{DECISION_FIELD}\" value=\"deny\">Deny</button></p>\n</form>"
    );
    let mut headers = HeaderMap::new();
    page::set_headers(&mut headers);
    if let Some(policy) = asked.leads_to.and_then(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    (headers, page::page(&format!("Allow {}?", asked.application.name), &html)).into_response()
}

/// Where the answer leads, as people know it.
fn host(uri: &str) -> Option<String> {
    csp_source(uri).map(|source| source.trim_end_matches(':').to_owned())
}

/// The policy of every page, with which the form may also lead to the client: browsers hold redirects of a form to it.
pub(super) fn policy(uri: &str) -> Option<HeaderValue> {
    let source = csp_source(uri)?;
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self' {source}; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).ok()
}

pub(super) fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", Escaped(name), Escaped(value))
}
