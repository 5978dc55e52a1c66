//! The forms for people. They work without scripts, under any prefix.

use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::request::Parts;

use super::csrf::CsrfToken;
#[cfg(feature = "mfa-webauthn")]
use super::passkey_pages;
use crate::accounts::Auth;
use crate::database::{Kind, Role};
use crate::users::UserModel;
use crate::web::page::{self, Escaped};
use crate::web::refusal::Refusal;
use crate::web::request::RequestAuth;

pub(super) const NEXT_FIELD: &str = "next";

pub(super) fn login<U: UserModel>(
    parts: &Parts,
    auth: &RequestAuth,
    next: Option<&str>,
    problem: Option<&str>,
) -> Response {
    let fields = format!("{}{}", username::<U>(), password("current-password"));
    let other = format!("<p><a href=\"{}\">Register</a></p>\n", Escaped(&with_next("register", next)));
    let providers = providers::<U>(parts, auth);
    let other = other + &providers.iter().map(|provider| by_provider(provider, next)).collect::<String>();
    #[cfg(feature = "mfa-webauthn")]
    let other = passkey_pages::login(parts, auth, next) + &other;
    let page = form(parts, auth, "Log in", &fields, &other, next, problem);
    #[cfg(feature = "mfa-webauthn")]
    let page = passkey_pages::allow_script(page, parts, auth);
    page
}

/// To one of them; it stands on pages beside the login page.
pub(super) fn by_provider(provider: &str, next: Option<&str>) -> String {
    let url = with_next(&format!("login/{provider}"), next);
    format!("<p><a href=\"{}\">Log in with {}</a></p>\n", Escaped(&url), Escaped(&label(provider)))
}

/// Other providers that people can log in by.
fn providers<U: UserModel>(parts: &Parts, auth: &RequestAuth) -> Vec<String> {
    let handle = auth.users(parts).ok().and_then(|app| app.handle().downcast_ref::<Auth<U>>());
    handle.map(|handle| handle.authentication().providers()).unwrap_or_default()
}

pub(super) fn register<U: UserModel>(
    parts: &Parts,
    auth: &RequestAuth,
    next: Option<&str>,
    problem: Option<&str>,
) -> Response {
    let mut fields = username::<U>();
    for column in U::COLUMNS.iter().filter(|column| column.editable && !column.is(Role::Username)) {
        let kind = match column.kind {
            Kind::Integer | Kind::BigInt => "number",
            Kind::Date => "date",
            _ if column.is(Role::Email) => "email",
            _ => "text",
        };
        let required = if column.nullable || column.kind == Kind::Text { "" } else { " required" };
        fields += &field(&label(column.name), column.name, kind, required);
    }
    fields += &password("new-password");
    let other = format!("<p><a href=\"{}\">Log in</a></p>", Escaped(&with_next("login", next)));
    form(parts, auth, "Register", &fields, &other, next, problem)
}

/// A path that keeps where the visitor wanted to go.
pub(super) fn with_next(path: &str, next: Option<&str>) -> String {
    match next {
        None => path.to_owned(),
        Some(next) => format!("{path}?next={}", crate::web::refusal::percent_encode(next)),
    }
}

pub(super) fn form(
    parts: &Parts,
    auth: &RequestAuth,
    title: &str,
    fields: &str,
    other: &str,
    next: Option<&str>,
    problem: Option<&str>,
) -> Response {
    let problem = problem.map(|text| format!("<p role=\"alert\">{}</p>\n", Escaped(text))).unwrap_or_default();
    let next = next_field(next);
    let token = CsrfToken::issue(auth, parts).hidden_field();
    let html = format!(
        "{problem}<form method=\"post\">\n{token}\n{next}{fields}<p><button>{}</button></p>\n</form>\n{other}",
        Escaped(title)
    );
    shown(title, &html)
}

/// Keeps in a form where the visitor wanted to go.
pub(super) fn next_field(next: Option<&str>) -> String {
    next.map(|next| hidden(NEXT_FIELD, next)).unwrap_or_default()
}

/// What was refused, with a way on.
pub(super) fn refused(refusal: Refusal, title: &str, way_on: &str, word: &str) -> Response {
    let (text, way_on) = (refusal.to_string(), Escaped(way_on));
    let html = format!("<p role=\"alert\">{}</p>\n<p><a href=\"{way_on}\">{word}</a></p>", Escaped(&text));
    let (status, mut headers, _) = refusal.into_response_parts();
    page::set_headers(&mut headers);
    (status, headers, page::page(title, &html)).into_response()
}

/// A page around this HTML.
pub(super) fn shown(title: &str, html: &str) -> Response {
    let mut headers = HeaderMap::new();
    page::set_headers(&mut headers);
    (headers, page::page(title, html)).into_response()
}

fn username<U: UserModel>() -> String {
    let name = U::get_username_field();
    let is_email = U::column_of(Role::Email).is_some_and(|column| column.is(Role::Username));
    let kind = if is_email { "email" } else { "text" };
    field(&label(name), name, kind, " autocomplete=\"username\" required autofocus")
}

pub(super) fn password(autocomplete: &str) -> String {
    field("Password", "password", "password", &format!(" autocomplete=\"{autocomplete}\" required"))
}

pub(super) fn field(label: &str, name: &str, kind: &str, more: &str) -> String {
    let (label, name) = (Escaped(label), Escaped(name));
    format!("<p><label>{label}<br><input name=\"{name}\" type=\"{kind}\"{more}></label></p>\n")
}

pub(super) fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", Escaped(value))
}

/// `pen_name` is "Pen name".
pub(super) fn label(column: &str) -> String {
    let words = column.replace('_', " ");
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
