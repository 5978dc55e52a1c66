//! The pages on which users see and change their second factors.

use axum::response::Response;

use super::Change;
use crate::mfa::{Factor, FactorKind, MFAAuthentication};
use crate::secret::SecretString;
use crate::users::UserModel;
use crate::web::axum::csrf::CsrfToken;
#[cfg(any(feature = "mfa-codes", feature = "mfa-totp"))]
use crate::web::axum::pages::{field, hidden};
use crate::web::axum::pages::{next_field, shown};
#[cfg(feature = "mfa-webauthn")]
use crate::web::axum::passkey_pages;
use crate::web::page::Escaped;

/// All factors, with a form for each change.
pub(super) fn list<U: UserModel>(change: &Change<U>, factors: &[Factor], recovery_codes: usize) -> Response {
    let Change { call, principal, next } = change;
    let next = next.as_deref();
    let token = hidden_fields(change);
    let items: String = factors.iter().map(|factor| item(factor, &token)).collect();
    let on = next.map(|next| way_on(next, principal.is_multi_factor())).unwrap_or_default();
    let none = "<p>There is none yet: you log in by one step.</p>\n";
    let items = if items.is_empty() { none.to_owned() } else { format!("<ul>\n{items}</ul>\n") };
    let codes = if factors.is_empty() {
        String::new()
    } else {
        let left = format!("<p>Recovery codes left: {recovery_codes}</p>\n");
        left + &button("factors/recovery-codes", "Make new recovery codes", &token)
    };
    let additions = sent_codes(call.handle.mfa(), &token);
    #[cfg(feature = "mfa-totp")]
    let additions = additions + &button("factors/totp", "Add an authenticator app", &token);
    #[cfg(feature = "mfa-webauthn")]
    let additions = {
        let prove = call.reauthenticate(&change.list());
        additions + &passkey_pages::registration(&call.parts, &call.auth, next, &prove)
    };
    let page = shown("Second factors", &format!("{on}{items}{additions}{codes}"));
    #[cfg(feature = "mfa-webauthn")]
    let page = passkey_pages::allow_script(page, &call.parts, &call.auth);
    page
}

/// To what the user was sent here for.
fn way_on(next: &str, may_go: bool) -> String {
    if may_go {
        return format!("<p><a href=\"{}\">Go on</a></p>\n", Escaped(next));
    }
    "<p>The page that you asked for needs a second factor. Add one here, and you get there.</p>\n".to_owned()
}

/// The token, and where the user wants to go after that.
fn hidden_fields<U: UserModel>(change: &Change<U>) -> String {
    let token = CsrfToken::issue(&change.call.auth, &change.call.parts).hidden_field();
    format!("{token}\n{}", next_field(change.next.as_deref()))
}

/// What can be added of the codes that the application sends.
#[cfg(feature = "mfa-codes")]
fn sent_codes(mfa: &MFAAuthentication, token: &str) -> String {
    let mail = button("factors/mail-code", "Have codes sent to your mail address", token);
    let more = " autocomplete=\"tel\" placeholder=\"+4912345678\" required";
    let number = field("Your phone's number", "number", "tel", more);
    let phone = format!(
        "<form method=\"post\" action=\"factors/sms-code\">{token}{number}\
         <button>Have codes sent to your phone</button></form>\n"
    );
    let pieces = [(FactorKind::MailCode, mail), (FactorKind::SmsCode, phone)];
    pieces.into_iter().filter(|(kind, _)| mfa.sends(*kind)).map(|(_, piece)| piece).collect()
}

#[cfg(not(feature = "mfa-codes"))]
fn sent_codes(_: &MFAAuthentication, _: &str) -> String {
    String::new()
}

fn item(factor: &Factor, token: &str) -> String {
    let Factor { id, kind, name, created_at, last_used_at, .. } = factor;
    let (id, name) = (Escaped(id), Escaped(name));
    let used = last_used_at.map(|at| format!(", last used {}", at.format("%Y-%m-%d"))).unwrap_or_default();
    let remove = button(&format!("factors/{id}/remove"), "Remove", token);
    format!(
        "<li><b>{name}</b> ({}), since {}{used}\n\
         <form method=\"post\" action=\"factors/{id}/rename\">{token}\
         <label>Name <input name=\"name\" value=\"{name}\" maxlength=\"64\" required></label> <button>Rename</button></form>\n\
         {remove}</li>\n",
        title(*kind),
        created_at.format("%Y-%m-%d"),
    )
}

fn title(kind: FactorKind) -> &'static str {
    match kind {
        FactorKind::Totp => "authenticator app",
        FactorKind::Passkey => "passkey",
        FactorKind::RecoveryCodes => "recovery codes",
        FactorKind::MailCode => "codes by mail",
        FactorKind::SmsCode => "codes by text message",
    }
}

fn button(action: &str, text: &str, token: &str) -> String {
    format!("<form method=\"post\" action=\"{action}\">{token}<button>{text}</button></form>\n")
}

/// Recovery codes, once: those that came with a factor, or new ones.
pub(super) fn recovery_codes(codes: &[SecretString], added: Option<&Factor>, on: &str) -> Response {
    let why = match added {
        Some(Factor { name, .. }) => format!("<b>{}</b> is added, and asked for when you log in.", Escaped(name)),
        None => "These codes are new: those of before are void.".to_owned(),
    };
    let codes: Vec<_> = codes.iter().map(|code| Escaped(code.expose()).to_string()).collect();
    let codes = codes.join("</code></li>\n<li><code>");
    let html = format!(
        "<p>{why}</p>\n<p>Each of these codes logs you in once if you lose your other factors. Keep them in a safe place: they are \
         not shown again.</p>\n<ol>\n<li><code>{codes}</code></li>\n</ol>\n<p><a href=\"{}\">Done</a></p>",
        Escaped(on)
    );
    shown("Recovery codes", &html)
}

/// What an authenticator app reads, and the form for its first code.
#[cfg(feature = "mfa-totp")]
pub(super) fn enrol_totp<U: UserModel>(change: &Change<U>, enrolment: &crate::mfa::TotpEnrolment) -> Response {
    let svg = enrolment.qr_svg();
    // Within a page it has no XML declaration, and needs no source that a policy would allow.
    let svg = svg.find("<svg").map_or("", |start| &svg[start..]);
    let name = field("A name for it", "name", "text", " maxlength=\"64\"");
    let html = format!(
        "<p>Scan this with your app, or type: <code>{}</code></p>\n{svg}\n<p>Is the app on this device? <a href=\"{}\">Open it</a>.</p>\n\
         <p>Then type the code that it shows.</p>\n{}<p><a href=\"{}\">Back</a></p>",
        Escaped(enrolment.secret.expose()),
        Escaped(enrolment.url.expose()),
        code_form(change, &enrolment.challenge, "totp/confirm", &name),
        Escaped(&change.list()),
    );
    shown("Add an authenticator app", &html)
}

/// The form for a code that was sent.
#[cfg(feature = "mfa-codes")]
pub(super) fn enter_code<U: UserModel>(change: &Change<U>, sent: &crate::mfa::SentCode) -> Response {
    let form = code_form(change, &sent.challenge, "sent-code/confirm", "");
    let back = format!("<p><a href=\"{}\">Back</a></p>", Escaped(&change.list()));
    shown("Enter the code", &format!("<p>A code went to {}.</p>\n{form}{back}", Escaped(&sent.to)))
}

/// A form for a code once more.
#[cfg(any(feature = "mfa-codes", feature = "mfa-totp"))]
pub(super) fn enter_code_again<U: UserModel>(
    change: &Change<U>,
    challenge: &str,
    name: Option<&str>,
    problem: &str,
) -> Response {
    let name = name.map(|name| hidden("name", name)).unwrap_or_default();
    let html = format!(
        "<p role=\"alert\">{}</p>\n{}<p><a href=\"{}\">Begin anew</a></p>",
        Escaped(problem),
        code_form(change, challenge, "confirm", &name),
        Escaped(&change.list()),
    );
    shown("Enter the code", &html)
}

#[cfg(any(feature = "mfa-codes", feature = "mfa-totp"))]
fn code_form<U: UserModel>(change: &Change<U>, challenge: &str, action: &str, more: &str) -> String {
    let token = hidden_fields(change);
    let code = " inputmode=\"numeric\" autocomplete=\"one-time-code\" required autofocus";
    format!(
        "<form method=\"post\" action=\"{action}\">\n{token}\n{}{}{more}<p><button>Confirm</button></p>\n</form>\n",
        hidden("challenge", challenge),
        field("The code", "code", "text", code),
    )
}
