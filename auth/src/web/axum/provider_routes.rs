use axum::Router;
use axum::extract::{FromRequestParts as _, Path, Query, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::header::{HeaderMap, HeaderName};
use http::request::Parts;
use http::{StatusCode, header};
use serde_json::json;

use super::call::{Call, next_of, see_other};
use super::finish::finished;
use super::identity_routes::{self, list_of};
use super::pages;
use crate::accounts::{Auth, AuthCredentials, AuthenticationError, BegunFlow, Error, FlowPurpose, LinkOutcome};
use crate::oauth2::AuthorizationResponse;
use crate::report;
use crate::users::UserModel;
use crate::web::is_safe_next;
use crate::web::page::{self, Escaped};
use crate::web::refusal::{Kind, Refusal};

impl<U: UserModel> Auth<U> {
    /// Routes to log in by other providers ([`AuthProvider`](crate::oauth2::AuthProvider)), and to link and unlink accounts there.
    ///
    /// | route | |
    /// | --- | --- |
    /// | `GET /login/{provider}?next=` | begins a login: to the provider |
    /// | `GET /login/{provider}/callback` | where the provider sends the browser back to: logs in, or links |
    /// | `GET /identities` | `identities`, the user's linked accounts, each with `id`, `provider`, `issuer`, `username`, `email` and `linked_at`, and `providers`: where others can be; for people a page |
    /// | `POST /link/{provider}` | begins to link; `next` may be given. Programs get `location`, where the browser is to be sent |
    /// | `POST /identities/{id}/unlink` | 204, or the list for people; 409 for the last way in of whoever has no password |
    ///
    /// To link and to unlink take a login of the last five minutes: else programs get 401 with `step_up`, and people go to
    /// `/reauthenticate`, one of `auth.routes()`. Whoever acts for the user, with an API key or a token with scopes, does neither, and
    /// sees nothing.
    ///
    /// Merge them into the router that has `auth.layer()` around it, and say to the builder what the site's
    /// [`origin`](crate::accounts::AuthBuilder::origin) is: `{origin}/login/{provider}/callback` is what is registered at the provider.
    /// Under a prefix it stands beside the login page, as `login_url` says. Where a second factor is required, people go on at
    /// `/login/factor`.
    ///
    /// While developing, give the application and the provider different host names (`localhost` and `127.0.0.1`, say): cookies do not
    /// tell ports apart, and of two sites on one host the one's session takes the other's place.
    ///
    /// # Security
    /// To begin a login changes nothing of a user, so it may be a link; but where another site's page sent the browser, a page is
    /// shown first. What comes back counts once, within ten minutes, in the browser that began it: nobody is logged in as somebody
    /// else by a link to the callback (OWASP, login CSRF). The session's cookie must come along from the provider's site:
    /// `SameSite=Lax`, as it is if nothing is said.
    pub fn provider_routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        finished(
            Router::new()
                .route("/login/{provider}", get(begin::<U>))
                .route("/login/{provider}/callback", get(callback::<U>))
                .route("/link/{provider}", post(link::<U>))
                .merge(identity_routes::routes::<U, S>()),
        )
    }
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The most bytes of a code, and of what else comes back.
const MAX_ANSWER: usize = 4096;

/// The request, and the provider that its path names, if there is such a one.
async fn called<U: UserModel>(request: Request) -> Result<(Call<U>, String), Refusal> {
    let (mut parts, body) = request.into_parts();
    let path = Path::<String>::from_request_parts(&mut parts, &()).await;
    let call = Call::<U>::read(Request::from_parts(parts, body)).await?;
    match path {
        Ok(Path(name)) if call.handle.authentication().providers().contains(&name) => Ok((call, name)),
        _ => Err(Refusal::new(Kind::Hidden, &call.parts)),
    }
}

async fn begin<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let (call, provider) = called::<U>(request).await?;
    let next = next_of(&call.parts);
    if call.parts.headers.get(&SEC_FETCH_SITE).is_some_and(|site| site == "cross-site") {
        return Ok(go_on(&provider, &pages::with_next(&provider, next.as_deref()), false));
    }
    let session = &call.auth.find(&call.parts).await?.session;
    let begun = call.handle.begin_login(session, &provider, next.as_deref(), &call.auth.origin(&call.parts)).await;
    if begun.is_err() {
        session.mark_unmodified();
    }
    match begun {
        Ok(url) => Ok(see_other(&url)),
        Err(error) => {
            let refusal = Refusal::unauthenticated(error, &call.parts);
            if refusal.wants_page() { Ok(not_logged_in(&call, refusal, next.as_deref())) } else { Err(refusal) }
        }
    }
}

async fn link<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let (mut call, provider) = called::<U>(request).await?;
    let next = call.take_next();
    let principal = call.auth.principal(&call.parts).await?;
    let asked = call.auth.find(&call.parts).await?;
    let origin = call.auth.origin(&call.parts);
    let begun = call.handle.begin_link(&asked.session, principal, &provider, next.as_deref(), &origin).await;
    match begun.map_err(|error| Refusal::unauthenticated(error, &call.parts))? {
        Err(denied) => Ok(call.denied(denied, &list_of(&call, next.as_deref()))),
        // Not a redirection: the policy of the page that sent the form may not let it lead to another site.
        Ok(url) if call.input.is_form => Ok(go_on(&provider, &url, true)),
        Ok(url) => Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(json!({ "location": url }))).into_response()),
    }
}

/// What stands in the query of a callback.
#[derive(Default)]
struct Answered {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Answered {
    /// Nothing, if it cannot be read, or a parameter is there twice (RFC 6749 §3.1).
    fn read(parts: &Parts) -> Option<Self> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).ok()?;
        let mut answered = Self::default();
        for (name, value) in pairs {
            let slot = match &*name {
                "state" => &mut answered.state,
                "code" => &mut answered.code,
                "iss" => &mut answered.iss,
                "error" => &mut answered.error,
                "error_description" => &mut answered.error_description,
                _ => continue,
            };
            if slot.is_some() || value.len() > MAX_ANSWER {
                return None;
            }
            *slot = Some(value);
        }
        Some(answered)
    }
}

async fn callback<U: UserModel>(request: Request) -> Result<Response, Refusal> {
    let (call, provider) = called::<U>(request).await?;
    let answered = Answered::read(&call.parts).unwrap_or_default();
    let session = &call.auth.find(&call.parts).await?.session;
    let unavailable = |error: Error| Refusal::unavailable(&error, &call.parts);
    let begun = match &answered.state {
        Some(state) => call.handle.take_flow(session, &provider, state).await.map_err(unavailable)?,
        None => None,
    };
    // A handler of the application's own may have begun it.
    let begun = begun.map(|begun| BegunFlow { next: begun.next.filter(|next| is_safe_next(next)), ..begun });
    let Some(begun) = begun else {
        let text = "This was not begun in this browser, or too long ago, or it is done already. Begin again.";
        return refused(&call, call.bad(StatusCode::BAD_REQUEST, text), None);
    };
    let Some(code) = answered.code.filter(|_| answered.error.is_none()) else {
        let said = |text: Option<String>| text.as_deref().map(report::said).unwrap_or_default();
        let text = if answered.error.as_deref() == Some("access_denied") {
            tracing::info!(provider, "a login by a provider is not allowed there");
            "You did not allow it there."
        } else {
            let (error, description) = (said(answered.error), said(answered.error_description));
            report::failure(&format!(
                "the provider `{provider}` sends a browser back without a code: {error} {description}"
            ));
            "The other site could not do it."
        };
        return refused(&call, call.bad(StatusCode::BAD_REQUEST, text), Some(&begun));
    };
    let mut response = AuthorizationResponse::new(code);
    if let Some(iss) = answered.iss {
        response = response.with_iss(iss);
    }
    match &begun.purpose {
        FlowPurpose::LogIn => log_in(&call, begun, response).await,
        FlowPurpose::Link { .. } => linked(&call, &begun, &response).await,
    }
}

async fn log_in<U: UserModel>(
    call: &Call<U>,
    begun: BegunFlow,
    response: AuthorizationResponse,
) -> Result<Response, Refusal> {
    let session = &call.auth.find(&call.parts).await?.session;
    session.suggest_device(call.device());
    let credentials = AuthCredentials::oauth(begun.flow.clone(), response);
    let next = || begun.next.as_deref();
    match call.handle.log_in(session, credentials, &call.auth.origin(&call.parts)).await {
        Ok(_) => Ok(see_other(next().unwrap_or(&call.handle.settings().0.home_url))),
        Err(AuthenticationError::SecondFactorRequired(_)) => Ok(see_other(&super::steps::second_step(call, next()))),
        Err(error) => {
            session.mark_unmodified();
            refused(call, why(call, error), Some(&begun))
        }
    }
}

async fn linked<U: UserModel>(
    call: &Call<U>,
    begun: &BegunFlow,
    response: &AuthorizationResponse,
) -> Result<Response, Refusal> {
    let Some(principal) = call.auth.visitor(&call.parts).await? else {
        return refused(call, why(call, AuthenticationError::SessionExpired), Some(begun));
    };
    let origin = call.auth.origin(&call.parts);
    match call.handle.link_identity(principal, begun, response, &origin).await {
        Ok(LinkOutcome::Linked(_) | LinkOutcome::AlreadyLinked) => {
            Ok(see_other(begun.next.as_deref().unwrap_or(&call.handle.settings().0.home_url)))
        }
        Ok(LinkOutcome::BelongsToAnother) => {
            let text = "This account belongs to another user here.";
            refused(call, call.bad(StatusCode::CONFLICT, text), Some(begun))
        }
        Err(error) => refused(call, why(call, error), Some(begun)),
    }
}

fn why<U: UserModel>(call: &Call<U>, error: AuthenticationError) -> Refusal {
    match error {
        AuthenticationError::AccountExists => {
            let text =
                "Somebody has this name or address here. If it is you, log in as always, and link the two accounts.";
            call.bad(StatusCode::CONFLICT, text)
        }
        AuthenticationError::InvalidToken { .. } => {
            let text = "What came back from the other site does not tell who you are. Begin again.";
            call.bad(StatusCode::UNAUTHORIZED, text)
        }
        AuthenticationError::NoAccount => call.bad(StatusCode::FORBIDDEN, "There is no account for you here."),
        other => Refusal::unauthenticated(other, &call.parts),
    }
}

/// People get a page with a way back.
fn refused<U: UserModel>(call: &Call<U>, refusal: Refusal, begun: Option<&BegunFlow>) -> Result<Response, Refusal> {
    if !refusal.wants_page() {
        return Err(refusal);
    }
    let next = begun.and_then(|begun| begun.next.as_deref());
    Ok(match begun.map(|begun| &begun.purpose) {
        Some(FlowPurpose::Link { .. }) => {
            pages::refused(refusal, "Not linked", next.unwrap_or(&call.handle.settings().0.home_url), "Back")
        }
        _ => not_logged_in(call, refusal, next),
    })
}

fn not_logged_in<U: UserModel>(call: &Call<U>, refusal: Refusal, next: Option<&str>) -> Response {
    let login = pages::with_next(&call.handle.settings().0.login_url, next);
    pages::refused(refusal, "Not logged in", &login, "Log in")
}

/// A page with one link, which is followed by itself if it may be.
fn go_on(provider: &str, url: &str, by_itself: bool) -> Response {
    let (provider, url) = (Escaped(provider), Escaped(url));
    let refresh =
        if by_itself { format!("<meta http-equiv=\"refresh\" content=\"0;url={url}\">\n") } else { String::new() };
    let html = format!("{refresh}<p><a href=\"{url}\">Go on to {provider}</a></p>");
    let mut headers = HeaderMap::new();
    page::set_headers(&mut headers);
    (headers, page::page("Log in", &html)).into_response()
}
