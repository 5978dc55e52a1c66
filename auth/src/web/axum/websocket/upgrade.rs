use std::fmt;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::request::Parts;
use tokio::sync::OwnedSemaphorePermit;

use super::super::extract::OTHER_USER;
use super::first_message::{self, FirstMessage};
use super::pump;
use super::socket::AuthSocket;
use crate::access::CurrentUser;
use crate::accounts::{Auth, AuthenticationError, Credential, Held};
use crate::audit::Origin;
use crate::secret::SecretString;
use crate::users::UserModel;
use crate::web::authentication::Brought;
use crate::web::refusal::{Kind, Refusal};
use crate::web::request::RequestAuth;

/// A WebSocket to be opened for somebody: the argument of a handler under `auth.layer()`.
///
/// Who it is, is known by the first of these that is there:
///
/// 1. a ticket in the address, `?ticket=…`, which [`SocketTicket`](super::SocketTicket) gives;
/// 2. what the layer takes of the request: the session's cookie, a bearer token, an API key;
/// 3. the first message, which must come within ten seconds: `{"user_id": "…", "session_token": "…"}` with a session's key, an
///    access token or a ticket. The token decides; the id is only compared. Anything else closes the socket with 4401.
///
/// What is there and wrong is refused, and nothing else is tried. Put the route beside `auth.protected(…)`, not in it, where
/// tickets or first messages are to be taken: the check around a protected router knows neither.
///
/// ```
/// use auth::web::axum::{AuthSocket, AuthUpgrade};
/// # use auth::users::DefaultUser as Author;
/// use axum::response::Response;
/// use axum::{Router, routing::any};
///
/// async fn echo(upgrade: AuthUpgrade<Author>) -> Response {
///     upgrade.on_upgrade(|mut socket: AuthSocket<Author>| async move {
///         while let Some(message) = socket.recv().await {
///             if socket.send(message).await.is_err() {
///                 break;
///             }
///         }
///     })
/// }
///
/// # fn example(auth: auth::Auth<Author>) -> Router {
/// Router::new().route("/echo", any(echo)).layer(auth.layer())
/// # }
/// ```
///
/// # Security
/// Browsers let any page open a socket to any site, with its cookies, and the same-origin policy does not hold for what comes
/// back (cross-site WebSocket hijacking). So an `Origin` must be this site's, or one that [`AuthBuilder::origin`] names, whatever
/// the credentials are; and without one nothing counts that a browser adds by itself (RFC 6455 §10.2, ASVS 4.4.2).
///
/// The handler of a route with a guard is checked when the socket is opened; what the user holds later [`AuthSocket::user`]
/// tells. Messages have 64 KiB at the most, unless something else is said.
///
/// [`AuthBuilder::origin`]: crate::accounts::AuthBuilder::origin
#[must_use = "a socket is opened by `on_upgrade`, whose answer the handler returns"]
pub struct AuthUpgrade<U: UserModel> {
    upgrade: WebSocketUpgrade,
    auth: Auth<U>,
    who: Who,
    origin: Origin,
    first_message: Duration,
    max_message: usize,
}

/// Who opens it.
enum Who {
    Known(Credential, Held),
    /// Nobody knows yet. There are not too many of them.
    Stranger(OwnedSemaphorePermit),
}

impl<U: UserModel> AuthUpgrade<U> {
    /// The most bytes of a message, unless something else is said.
    pub const MAX_MESSAGE: usize = 64 << 10;
    /// How long one may take to say who one is.
    pub const FIRST_MESSAGE: Duration = Duration::from_secs(10);

    /// Who opens it, unless that comes with the first message.
    pub fn user(&self) -> Option<CurrentUser<U>> {
        match &self.who {
            Who::Known(_, held) => held.principal.downcast(),
            Who::Stranger(_) => None,
        }
    }

    /// Messages, and frames, of so many bytes at the most. A longer one closes the socket.
    pub fn max_message_size(self, bytes: usize) -> Self {
        Self { max_message: bytes, ..self }
    }

    /// The first message must come within that time; ten seconds at the most.
    pub fn first_message_within(self, time: Duration) -> Self {
        Self { first_message: time.min(Self::FIRST_MESSAGE), ..self }
    }

    /// The subprotocols that are spoken here, the best first (RFC 6455 §1.9).
    pub fn protocols(mut self, protocols: &[&'static str]) -> Self {
        self.upgrade = self.upgrade.protocols(protocols.iter().copied());
        self
    }

    /// Opens the socket; once it is open, and it is known whose it is, the callback has it. The handler returns what this gives.
    pub fn on_upgrade<C, F>(self, callback: C) -> Response
    where
        C: FnOnce(AuthSocket<U>) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let Self { upgrade, auth, who, origin, first_message, max_message } = self;
        // A first message holds a token, however small the messages are that follow.
        let most = max_message.max(if matches!(who, Who::Stranger(_)) { first_message::LONGEST } else { 0 });
        upgrade.max_message_size(most).max_frame_size(most).on_upgrade(move |mut socket| async move {
            let (credential, held) = match who {
                Who::Known(credential, held) => (credential, held),
                Who::Stranger(permit) => {
                    let known = FirstMessage::wait_for(&mut socket, first_message, &auth, &origin).await;
                    drop(permit);
                    match known {
                        Ok(known) => known,
                        Err(close) => return pump::close(socket, close).await,
                    }
                }
            };
            callback(AuthSocket::open(socket, auth.watch(credential, held), max_message)).await;
        })
    }
}

impl<S: Send + Sync, U: UserModel> FromRequestParts<S> for AuthUpgrade<U> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let request = RequestAuth::of(parts)?.clone();
        let auth = request.users(parts)?.handle().downcast_ref::<Auth<U>>().cloned();
        let auth = auth.ok_or_else(|| Refusal::new(Kind::Misconfigured(OTHER_USER), parts))?;
        let upgrade = WebSocketUpgrade::from_request_parts(parts, state).await.map_err(|rejection| {
            let text = rejection.body_text();
            Refusal::new(Kind::Bad(rejection.into_response().status(), text), parts)
        })?;
        let comes_from_here = request.is_from_here(parts);
        if comes_from_here == Some(false) {
            return Err(Refusal::new(Kind::CrossSite, parts));
        }
        let who = match ticket(parts)? {
            Some(ticket) => by_ticket(&auth, &request, &ticket, parts).await?,
            None => by_request(&auth, &request, comes_from_here, parts).await?,
        };
        let (first_message, max_message) = (Self::FIRST_MESSAGE, Self::MAX_MESSAGE);
        Ok(Self { upgrade, auth, who, origin: request.origin(parts), first_message, max_message })
    }
}

/// A ticket counts alone: not beside other credentials, and a cookie is not looked at.
async fn by_ticket<U: UserModel>(
    auth: &Auth<U>,
    request: &RequestAuth,
    ticket: &SecretString,
    parts: &Parts,
) -> Result<Who, Refusal> {
    if matches!(request.brought(parts)?.0, Brought::Credentials(..)) {
        return Err(request.refused(AuthenticationError::Mixed, parts));
    }
    match auth.take_ticket(ticket).await {
        Ok(Some((credential, held))) => Ok(Who::Known(credential, held)),
        Ok(None) => Err(request.refused(AuthenticationError::InvalidToken { reason: "a ticket that is none" }, parts)),
        Err(error) => Err(Refusal::failed(&error, parts)),
    }
}

async fn by_request<U: UserModel>(
    auth: &Auth<U>,
    request: &RequestAuth,
    comes_from_here: Option<bool>,
    parts: &Parts,
) -> Result<Who, Refusal> {
    let Some(principal) = request.visitor(parts).await? else {
        let permit = auth.live().strangers().clone().try_acquire_owned();
        return permit.map(Who::Stranger).map_err(|_| Refusal::new(Kind::TooMany(Duration::from_secs(1)), parts));
    };
    let (brought, credential) = request.brought(parts)?;
    let is_ambient = !matches!(brought, Brought::Credentials(_, false));
    if is_ambient && comes_from_here.is_none() {
        return Err(Refusal::new(Kind::CrossSite, parts));
    }
    let credential = match (brought, credential) {
        (_, Some(credential)) => credential,
        (Brought::Credentials(..), None) => auth.lasting(principal),
        (Brought::Session { .. } | Brought::Nothing, None) => return Err(request.log_in_first(parts)),
    };
    match auth.check(&credential, false).await {
        Ok(Some(held)) => Ok(Who::Known(credential, held)),
        Ok(None) => Err(request.log_in_first(parts)),
        Err(error) => Err(Refusal::failed(&error, parts)),
    }
}

/// The ticket in the address, if there is one; two are none.
fn ticket(parts: &Parts) -> Result<Option<SecretString>, Refusal> {
    let query = parts.uri.query().unwrap_or_default();
    let mut tickets = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "ticket");
    let ticket = tickets.next().map(|(_, ticket)| SecretString::from(ticket.into_owned()));
    if tickets.next().is_some() {
        return Err(Refusal::new(Kind::Bad(StatusCode::BAD_REQUEST, "Send one ticket.".to_owned()), parts));
    }
    Ok(ticket)
}

impl<U: UserModel> fmt::Debug for AuthUpgrade<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthUpgrade")
            .field("user", &self.user().map(|user| user.principal().clone()))
            .finish_non_exhaustive()
    }
}
