//! axum: extractors, the checks around routers, and the routes.
//!
//! A handler takes as an argument, in any order, each also as an `Option` where there may be none:
//!
//! | argument | what it is | refused with |
//! | --- | --- | --- |
//! | [`CurrentUser<U>`](crate::CurrentUser), [`Principal`](crate::access::Principal) | who is logged in | 401, or the login page |
//! | [`Granted<P>`](crate::Granted) | the proof that they may | 403 |
//! | [`Session`](crate::sessions::Session) | the visitor's session | |
//! | [`Auth<U>`](crate::Auth) | the application | |
//! | [`Origin`](crate::audit::Origin) | where the request comes from | |
//! | [`DeviceCookie`] | what the device is known by, for logins of one's own | |
//! | [`CsrfToken`], [`CsrfForm<T>`](CsrfForm) | a token for a form of one's own, and the form | 403 |
//!
//! Routes and pages that are ready, to be merged into the router that has `auth.layer()` around it:
//!
//! | method of [`Auth`](crate::Auth) | what it adds | feature |
//! | --- | --- | --- |
//! | `routes()` | `/register`, `/login` and its second step, `/reauthenticate`, `/logout`, `/me` | |
//! | `factor_routes()` | `/factors`, where people change their second factors | `mfa-…` for each kind |
//! | `provider_routes()` | `/login/{provider}`, its callback, `/link/{provider}` and `/identities` | `oauth2-client`, or a provider of your own |
//! | `oauth2_routes()` | `/oauth2/…` and `/.well-known/…`: this application as a provider | `oauth2-provider` |
//! | `token_routes()` | `/token`, for programs that log in by themselves | `token-jwt` |
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), auth::Error> {
//! use auth::prelude::*;
//! use auth::users::DefaultUser;
//! use axum::Router;
//! use axum::routing::get;
//!
//! #[mfa_required]
//! async fn payroll(user: CurrentUser<DefaultUser>) -> String {
//!     format!("the payroll of {}", user.username)
//! }
//!
//! let auth = Auth::<DefaultUser>::builder().origin("http://localhost:8000").build().await?;
//! let app: Router = Router::new()
//!     .route("/payroll", get(payroll))
//!     .merge(auth.routes())
//!     .merge(auth.factor_routes())
//!     .layer(auth.layer());
//! # let _ = app;
//! # Ok(())
//! # }
//! ```
//!
//! With feature `web-axum-websocket` also `AuthUpgrade<U>`, a WebSocket that closes when its login ends, and `SocketTicket`.
//!
//! Whoever asks who it is, or for the session, in an unsafe request (`POST`, …) has it judged by the cross-site rules first. A handler
//! that asks for none of them, and stands behind no guard, answers everybody.

mod call;
mod csrf;
mod device;
mod extract;
mod factor_routes;
mod finish;
mod identity_routes;
mod input;
#[cfg(feature = "oauth2-provider")]
mod oauth2;
mod pages;
#[cfg(feature = "mfa-webauthn")]
mod passkey_pages;
mod protect;
mod provider_routes;
mod routes;
mod steps;
#[cfg(feature = "token-jwt")]
mod token_routes;
#[cfg(feature = "web-axum-websocket")]
mod websocket;

pub use csrf::{CsrfForm, CsrfToken};
pub use device::DeviceCookie;
pub use protect::{RequireLayer, RequireService};
#[cfg(feature = "web-axum-websocket")]
pub use websocket::{AuthSocket, AuthUpgrade, LOGIN_ENDED, SocketClosed, SocketTicket};
