//! OAuth 2 and OpenID Connect, from both sides.
//!
//! | to … | feature | begin at |
//! | --- | --- | --- |
//! | let people log in by GitHub, Google, or any OpenID Connect issuer | `oauth2-client` | `auth::oauth2::client` |
//! | let other programs log people in, or act for them, by this application | `oauth2-provider` | `auth::oauth2::provider` |
//! | let people log in by something else | | your own [`AuthProvider`] |
//!
//! Whoever vouches for people is an [`AuthProvider`]: it says where the browser is sent, and whose account it is that came back. This
//! one knows everybody as Ada; the framework does the rest:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::future::ready;
//!
//! use auth::BoxFuture;
//! use auth::accounts::AuthCredentials;
//! use auth::audit::Origin;
//! use auth::oauth2::{AuthProvider, AuthProviderError, AuthorizationFlow, AuthorizationResponse, OAuthUserInfo};
//! use auth::prelude::*;
//! use auth::users::DefaultUser;
//!
//! #[derive(Debug)]
//! struct Forge;
//!
//! impl AuthProvider for Forge {
//!     fn name(&self) -> &str {
//!         "forge"
//!     }
//!
//!     fn get_auth_url<'a>(&'a self, flow: &'a AuthorizationFlow) -> BoxFuture<'a, Result<String, AuthProviderError>> {
//!         let (state, challenge) = (flow.state(), flow.code_verifier().challenge());
//!         let url = format!("https://forge.example/authorize?state={state}&code_challenge={}", challenge.as_str());
//!         Box::pin(ready(Ok(url)))
//!     }
//!
//!     fn exchange_code<'a>(
//!         &'a self,
//!         response: &'a AuthorizationResponse,
//!         flow: &'a AuthorizationFlow,
//!     ) -> BoxFuture<'a, Result<OAuthUserInfo, AuthProviderError>> {
//!         // Ask the provider here, with `response.code()` and `flow.code_verifier()`.
//!         # let _ = (response, flow);
//!         Box::pin(ready(Ok(OAuthUserInfo::new("https://forge.example", "4711").with_username("ada"))))
//!     }
//! }
//!
//! let auth = Auth::<DefaultUser>::builder().origin("https://example.com").build().await?;
//! auth.authentication().register_provider(Forge);
//!
//! // What the routes of `auth.provider_routes()` do: `/login/forge` …
//! let (session, origin) = (auth.new_session(), Origin::unknown());
//! let url = auth.begin_login(&session, "forge", None, &origin).await?;
//! # let state = url.split(['=', '&']).nth(1).ok_or("no state")?;
//! // … and, when the browser comes back to `/login/forge/callback?state=…&code=…`:
//! let begun = auth.take_flow(&session, "forge", state).await?.ok_or("not begun in this browser")?;
//! let credentials = AuthCredentials::oauth(begun.flow, AuthorizationResponse::new("code"));
//! let login = auth.log_in(&session, credentials, &origin).await?;
//! assert_eq!(login.principal().username(), "ada"); // a new user
//! # Ok(())
//! # }
//! ```
//!
//! # What holds by default
//!
//! A login by a provider has ten minutes, counts once, and ends in the browser that began it. Whoever comes for the first time becomes
//! a user without a password ([`SignUp::by_default`](crate::accounts::SignUp::by_default)); where somebody has the name or the address
//! already, nobody is logged in. A user's second factor is asked for all the same.
//!
//! # Security
//!
//! - An account there is known by issuer and subject, and belongs to one user here or to nobody. It is never joined to a user by a name
//!   or an address, which can be somebody else's tomorrow (OpenID Connect Core §5.7). Who has an account here links the other while
//!   logged in ([`Auth::begin_link`](crate::Auth::begin_link)).
//! - `state` ties the answer to the browser (RFC 6749 §10.12), PKCE ties the code to this application (RFC 7636, RFC 9700 §2.1.1), and
//!   each provider has a callback of its own (RFC 9700 §4.4).

mod auth_provider;
#[cfg(feature = "oauth2-client")]
pub mod client;
mod flow;
mod pkce;
#[cfg(feature = "oauth2-provider")]
pub mod provider;
mod user_info;

pub(crate) use auth_provider::is_name;
pub use auth_provider::{AuthProvider, AuthProviderError};
pub use flow::{AuthorizationFlow, AuthorizationResponse};
pub use pkce::{CodeChallenge, CodeVerifier, InvalidPkce};
pub use user_info::OAuthUserInfo;
