//! Where clients send people to log out (OpenID Connect RP-Initiated Logout 1.0).

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_SECURITY_POLICY;
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use super::super::call::{Call, handle_of, see_other};
use super::super::csrf::CsrfToken;
use super::consent_page::{hidden, policy};
use super::refusal;
use crate::accounts::Auth;
use crate::oauth2::provider::oidc::{IdTokenHint, IdTokens};
use crate::oauth2::provider::paths;
use crate::users::UserModel;
use crate::web::page;
use crate::web::refusal::{Kind, Refusal};
use crate::web::request::RequestAuth;

/// The longest form that is read, in bytes.
const LIMIT: usize = 16 * 1024;
const CLIENT: &str = "client_id";
const RETURN: &str = "post_logout_redirect_uri";
const STATE: &str = "state";

/// What a client wants, as far as it may.
struct Wish {
    hint: Option<IdTokenHint>,
    client_id: Option<String>,
    /// One that the client registered.
    return_to: Option<String>,
    state: Option<String>,
}

/// From a page of the client. Whoever holds an ID token of this very login is believed that the person wants it; otherwise the person
/// is asked, because any page can lead here.
pub(super) async fn ask<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let (auth, handle) = handle_of::<U>(&parts)?;
    let query = parts.uri.query().unwrap_or_default();
    let parameters: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let wish = Wish::read(&parameters, &handle, &parts).await?;
    let Some(principal) = auth.visitor(&parts).await? else { return Ok(wish.leave()) };
    let session = &auth.find(&parts).await?.session;
    let sid = session.stored_digest().map(|digest| IdTokens::sid(&digest.to_string()));
    let is_theirs = |hint: &IdTokenHint| hint.user_id == principal.id() && hint.sid.is_some() && hint.sid == sid;
    if wish.hint.as_ref().is_some_and(is_theirs) {
        return wish.log_out(&parts, &auth, &handle).await;
    }
    Ok(wish.page(&parts, &auth))
}

/// From a form of the client, to which browsers add no cookie: they do when they are sent on.
pub(super) async fn ask_again(request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let form = read(body, &parts).await?;
    Ok(see_other(&format!(
        "{}?{}",
        paths::LOGOUT,
        form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
    )))
}

async fn read(body: Body, parts: &Parts) -> Result<Vec<(String, String)>, Refusal> {
    let too_long = |_| bad("the form is longer than 16 KiB", parts);
    let bytes = to_bytes(body, LIMIT).await.map_err(too_long)?;
    Ok(form_urlencoded::parse(&bytes).into_owned().collect())
}

/// From the page here.
pub(super) async fn decide<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let mut call = Call::<U>::read(request).await?;
    let fields = [CLIENT, RETURN, STATE].map(|name| (name.to_owned(), call.input.take(name)));
    let parameters: Vec<_> = fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let wish = Wish::read(&parameters, &call.handle, &call.parts).await?;
    wish.log_out(&call.parts, &call.auth, &call.handle).await
}

impl Wish {
    async fn read<U: UserModel>(
        parameters: &[(String, String)],
        handle: &Auth<U>,
        parts: &Parts,
    ) -> Result<Self, Refusal> {
        let one = |name: &str| {
            let mut found = parameters.iter().filter(|(known, value)| known == name && !value.is_empty());
            let first = found.next().map(|(_, value)| value.clone());
            if found.next().is_some() { Err(bad("a parameter is there twice", parts)) } else { Ok(first) }
        };
        let (mut client_id, wanted, state) = (one(CLIENT)?, one(RETURN)?, one(STATE)?);
        let provider = handle.oauth2();
        let hint = match one("id_token_hint")? {
            None => None,
            Some(hint) => {
                let read = provider.id_tokens().hint(&hint).await.map_err(|error| refusal(&error.into(), parts))?;
                Some(read.ok_or_else(|| bad("`id_token_hint` is no ID token of this provider", parts))?)
            }
        };
        if let Some(hint) = &hint {
            if client_id.as_ref().is_some_and(|client_id| *client_id != hint.client_id) {
                return Err(bad("`id_token_hint` was issued to another client", parts));
            }
            client_id = Some(hint.client_id.clone());
        }
        let application = match &client_id {
            Some(client_id) => provider.application(client_id).await.map_err(|error| refusal(&error, parts))?,
            None => None,
        };
        let is_registered = |uri: &String| {
            application.as_ref().is_some_and(|application| application.post_logout_redirect_uris.contains(uri))
        };
        if wanted.as_ref().is_some_and(|uri| !is_registered(uri)) {
            return Err(bad("the client has not registered this `post_logout_redirect_uri`", parts));
        }
        Ok(Self { hint, client_id, return_to: wanted, state })
    }

    async fn log_out<U: UserModel>(
        &self,
        parts: &Parts,
        auth: &RequestAuth,
        handle: &Auth<U>,
    ) -> Result<Response, Refusal> {
        let session = &auth.find(parts).await?.session;
        let logged_out = handle.log_out_from(session, &auth.origin(parts)).await;
        logged_out.map_err(|error| Refusal::unavailable(&error, parts))?;
        Ok(self.leave())
    }

    /// Nobody is logged in any more.
    fn leave(&self) -> Response {
        let Some(uri) = &self.return_to else { return shown("Logged out", "<p>You are logged out.</p>", None) };
        let Some(state) = &self.state else { return see_other(uri) };
        let query = form_urlencoded::Serializer::new(String::new()).append_pair(STATE, state).finish();
        see_other(&format!("{uri}{}{query}", if uri.contains('?') { '&' } else { '?' }))
    }

    fn page(&self, parts: &Parts, auth: &RequestAuth) -> Response {
        let fields = [(CLIENT, &self.client_id), (RETURN, &self.return_to), (STATE, &self.state)];
        let fields = fields.into_iter().filter_map(|(name, value)| Some(hidden(name, value.as_ref()?)));
        let (fields, token) = (fields.collect::<String>(), CsrfToken::issue(auth, parts).hidden_field());
        let html = format!(
            "<p>Do you want to log out here too?</p>\n<form method=\"post\" action=\"{}\">\n{token}\n{fields}\
             <p><button>Log out</button></p>\n</form>",
            paths::CONFIRM_LOGOUT
        );
        shown("Log out?", &html, self.return_to.as_deref())
    }
}

fn shown(title: &str, html: &str, leads_to: Option<&str>) -> Response {
    let mut headers = HeaderMap::new();
    page::set_headers(&mut headers);
    if let Some(policy) = leads_to.and_then(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    (headers, page::page(title, html)).into_response()
}

fn bad(reason: &str, parts: &Parts) -> Refusal {
    Refusal::new(Kind::Bad(StatusCode::BAD_REQUEST, super::said(reason)), parts)
}
