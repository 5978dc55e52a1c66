//! The pages of the steps.

use axum::extract::Query;
use axum::response::Response;
use http::request::Parts;

use crate::access::Principal;
use crate::accounts::PendingLogin;
use crate::mfa::FactorKind;
use crate::web::axum::pages::{NEXT_FIELD, by_provider, field, form, hidden, password, shown};
#[cfg(feature = "mfa-webauthn")]
use crate::web::axum::passkey_pages;
use crate::web::page::Escaped;
use crate::web::refusal::percent_encode;
use crate::web::request::RequestAuth;

/// A code that was sent.
pub(super) struct Sent<'a> {
    pub(super) challenge: &'a str,
    /// Where to, in a form that tells it to its owner only.
    pub(super) to: Option<&'a str>,
}

/// Asks for one of the factors that the login waits for, and names the others.
pub(super) fn second_step(
    parts: &Parts,
    auth: &RequestAuth,
    pending: &PendingLogin,
    sent: Option<&Sent<'_>>,
    next: Option<&str>,
    problem: Option<&str>,
) -> Response {
    let asked = chosen(parts, &pending.factors);
    let fields = asked.and_then(|factor| fields(factor, sent)).unwrap_or_default();
    let others = pending.factors.iter().filter(|factor| Some(**factor) != asked);
    let other: String = others.filter_map(|factor| Some(link(*factor, title(*factor)?, next))).collect();
    #[cfg(feature = "mfa-webauthn")]
    if asked == Some(FactorKind::Passkey) {
        let html = passkey_pages::second_step(parts, auth, next, problem) + &other;
        return passkey_pages::allow_script(shown("Use a passkey", &html), parts, auth);
    }
    form(parts, auth, heading(asked, sent), &fields, &other, next, problem)
}

/// What is to be done, on the page's button too.
fn heading(asked: Option<FactorKind>, sent: Option<&Sent<'_>>) -> &'static str {
    match (asked, sent) {
        (Some(factor @ (FactorKind::MailCode | FactorKind::SmsCode)), None) => title(factor).unwrap_or("Go on"),
        _ => "Enter the code",
    }
}

/// By what somebody can prove again who they are.
pub(super) struct Ways {
    pub(super) password: bool,
    /// The providers of the accounts that are linked.
    pub(super) providers: Vec<String>,
}

/// Asks whoever is logged in for their password, if they have one, or to log in again in the other ways.
pub(super) fn reauthenticate(
    parts: &Parts,
    auth: &RequestAuth,
    principal: &Principal,
    ways: &Ways,
    next: Option<&str>,
    problem: Option<&str>,
) -> Response {
    const TITLE: &str = "Confirm that it is you";
    let who = format!("<p>You are logged in as <b>{}</b>.</p>\n", Escaped(principal.username()));
    let other: String = ways.providers.iter().map(|provider| by_provider(provider, next)).collect();
    #[cfg(feature = "mfa-webauthn")]
    let other = passkey_pages::login(parts, auth, next) + &other;
    let page = if ways.password {
        form(parts, auth, TITLE, &(who + &password("current-password")), &other, next, problem)
    } else {
        shown(TITLE, &(who + &other))
    };
    #[cfg(feature = "mfa-webauthn")]
    let page = passkey_pages::allow_script(page, parts, auth);
    page
}

/// The factor that the address names, if the login waits for it; else the first that can be asked for here.
fn chosen(parts: &Parts, factors: &[FactorKind]) -> Option<FactorKind> {
    let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map(|Query(pairs)| pairs).unwrap_or_default();
    let named = query.iter().find(|(name, _)| name == "factor").map(|(_, name)| name.as_str());
    let named = factors.iter().find(|factor| Some(factor.name()) == named);
    named.or_else(|| factors.iter().find(|factor| title(**factor).is_some())).copied()
}

/// What is filled in for a factor, where that is a code. Before one is sent, nothing is but its kind.
fn fields(factor: FactorKind, sent: Option<&Sent<'_>>) -> Option<String> {
    const DIGITS: &str = " inputmode=\"numeric\" autocomplete=\"one-time-code\" required autofocus";
    const WORDS: &str = " autocomplete=\"off\" autocapitalize=\"none\" spellcheck=\"false\" required autofocus";
    let fields = match (factor, sent) {
        (FactorKind::Totp, _) => field("Code of your authenticator app", "code", "text", DIGITS),
        (FactorKind::RecoveryCodes, _) => field("Recovery code", "code", "text", WORDS),
        (FactorKind::MailCode | FactorKind::SmsCode, Some(Sent { challenge, to })) => {
            let to = to.map(|to| format!("<p>A code went to {}.</p>\n", Escaped(to))).unwrap_or_default();
            to + &hidden("challenge", challenge) + &field("The code", "code", "text", DIGITS)
        }
        (FactorKind::MailCode | FactorKind::SmsCode, None) => String::new(),
        (FactorKind::Passkey, _) => return None,
    };
    Some(hidden("factor", factor.name()) + &fields)
}

fn title(factor: FactorKind) -> Option<&'static str> {
    match factor {
        FactorKind::Totp => Some("Use an authenticator app"),
        FactorKind::RecoveryCodes => Some("Use a recovery code"),
        FactorKind::Passkey if cfg!(feature = "mfa-webauthn") => Some("Use a passkey"),
        FactorKind::MailCode if cfg!(feature = "mfa-codes") => Some("Have a code sent by mail"),
        FactorKind::SmsCode if cfg!(feature = "mfa-codes") => Some("Have a code sent as a text message"),
        FactorKind::MailCode | FactorKind::SmsCode | FactorKind::Passkey => None,
    }
}

fn link(factor: FactorKind, title: &str, next: Option<&str>) -> String {
    let next = next.map(|next| format!("&{NEXT_FIELD}={}", percent_encode(next))).unwrap_or_default();
    let address = format!("?factor={}{next}", factor.name());
    format!("<p><a href=\"{}\">{title}</a></p>\n", Escaped(&address))
}
