//! The forms by which the browser uses a passkey. They are hidden until their script runs.

use axum::response::Response;
use http::header::{self, HeaderValue};
use http::request::Parts;

use super::pages::{field, hidden, next_field};
use crate::mfa::FactorKind;
use crate::web::page::Escaped;
use crate::web::request::{RequestAuth, UserApp};

/// What the script of such a form does: asks what is to be signed, has the browser sign it, and sends the form.
struct Form<'a> {
    /// The method of `navigator.credentials`.
    kind: &'a str,
    start: &'a str,
    finish: &'a str,
    fields: &'a str,
    label: &'a str,
}

/// For the login page.
pub(super) fn login(parts: &Parts, auth: &RequestAuth, next: Option<&str>) -> String {
    let (start, finish) = ("login/passkey/start", "login/passkey/finish");
    let (fields, label) = (next_field(next), "Log in with a passkey");
    html(&Form { kind: "get", start, finish, fields: &fields, label }, parts, auth)
}

/// For the page of a login's second step.
pub(super) fn second_step(parts: &Parts, auth: &RequestAuth, next: Option<&str>, problem: Option<&str>) -> String {
    let problem = problem.map(|text| format!("<p role=\"alert\">{}</p>\n", Escaped(text))).unwrap_or_default();
    let (start, finish) = ("login/factor/passkey/start", "login/factor");
    let fields = next_field(next) + &hidden("factor", FactorKind::Passkey.name());
    let needs = "<noscript><p>A passkey needs scripts.</p></noscript>\n";
    problem + needs + &html(&Form { kind: "get", start, finish, fields: &fields, label: "Use a passkey" }, parts, auth)
}

/// For the list of factors.
pub(super) fn registration(parts: &Parts, auth: &RequestAuth, next: Option<&str>) -> String {
    let (start, finish) = ("factors/passkeys/start", "factors/passkeys/finish");
    let fields = next_field(next) + &field("A name for the passkey", "name", "text", " maxlength=\"64\"");
    html(&Form { kind: "create", start, finish, fields: &fields, label: "Add a passkey" }, parts, auth)
}

/// Nothing, where the site has no origin that passkeys can be bound to. There is no token in it: browsers that have passkeys say
/// where a request comes from.
fn html(form: &Form<'_>, parts: &Parts, auth: &RequestAuth) -> String {
    let Some(app) = app(parts, auth) else { return String::new() };
    // They all stand beside the login page.
    let (folder, _) = app.login_url().rsplit_once('/').unwrap_or_default();
    let (folder, Form { kind, start, finish, fields, label }) = (Escaped(folder), form);
    format!(
        "<form hidden method=\"post\" action=\"{folder}/{finish}\" data-passkey=\"{kind}\" data-start=\"{folder}/{start}\">\n\
         {fields}<input type=\"hidden\" name=\"challenge\"><input type=\"hidden\" name=\"response\">\n\
         <p><button>{label}</button></p>\n<p role=\"alert\"></p>\n</form>\n\
         <script src=\"{folder}/passkeys.js\" defer></script>\n"
    )
}

/// The application, if it has passkeys.
fn app<'a>(parts: &Parts, auth: &'a RequestAuth) -> Option<&'a dyn UserApp> {
    auth.users(parts).ok().filter(|app| app.has_passkeys())
}

/// Lets a page with such a form run the script, which asks this site.
pub(super) fn allow_script(mut response: Response, parts: &Parts, auth: &RequestAuth) -> Response {
    const POLICY: HeaderValue = HeaderValue::from_static(
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'",
    );
    if app(parts, auth).is_none() {
        return response;
    }
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response
}
