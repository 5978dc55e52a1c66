use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header;
use http::request::Parts;
use serde_json::json;

use crate::access::PermissionDenied;
use crate::accounts::TICKET_SECONDS;
use crate::secret::SecretString;
use crate::web::authentication::Brought;
use crate::web::refusal::Refusal;
use crate::web::request::RequestAuth;

/// A ticket for one WebSocket, for whoever is logged in, in a session: what [`Auth::socket_ticket`](crate::Auth::socket_ticket)
/// makes, as an argument of a handler. 401 for strangers, 403 for whoever is known by something else than a session: a program
/// that has a token sends it with the upgrade, or as the first message.
///
/// As an answer it is JSON, `{"ticket": "…", "expires_in": 30}`.
///
/// ```
/// # use auth::users::DefaultUser;
/// use auth::web::axum::SocketTicket;
/// use axum::{Router, routing::post};
///
/// let app: Router = Router::new().route("/chat/ticket", post(|ticket: SocketTicket| async { ticket }));
/// ```
///
/// # Security
/// A route that gives one takes `POST`, so that it is held to the cross-site rules.
#[derive(Clone, Debug)]
pub struct SocketTicket(SecretString);

impl SocketTicket {
    /// Its text, for `?ticket=…`.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl<S: Sync> FromRequestParts<S> for SocketTicket {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let auth = RequestAuth::of(parts)?;
        auth.principal(parts).await?;
        let (brought, _) = auth.brought(parts)?;
        if !matches!(brought, Brought::Session { .. }) {
            return Err(Refusal::denied(PermissionDenied::named("a login in a session"), parts));
        }
        let session = &auth.ask(parts).await?.session;
        let made = auth.users(parts)?.socket_ticket(session).await.map_err(|error| Refusal::failed(&error, parts))?;
        made.map(Self).ok_or_else(|| auth.log_in_first(parts))
    }
}

impl IntoResponse for SocketTicket {
    fn into_response(self) -> Response {
        let body = json!({ "ticket": self.expose(), "expires_in": TICKET_SECONDS });
        ([(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response()
    }
}
