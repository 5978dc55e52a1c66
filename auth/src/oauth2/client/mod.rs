//! Logging in by other providers: GitHub, Google, any that speaks OpenID Connect.
//!
//! 1. Register the application at the provider, as a web application. The redirect URI (callback URL) is
//!    `https://example.com/login/github/callback`, with your origin and the provider's name.
//! 2. Make the provider of the client id and the client secret that it gave you, and register it here.
//! 3. Merge `auth.provider_routes()` beside `auth.routes()`, and link to `/login/github`.
//!
//! ```
//! # #[cfg(feature = "web-axum")] mod example {
//! use auth::oauth2::client::{GitHub, Google, OpenIdConnect};
//! use auth::prelude::*;
//! use auth::secret::SecretString;
//! use auth::users::DefaultUser;
//! use axum::Router;
//!
//! async fn app(secrets: [SecretString; 3]) -> Result<Router, Box<dyn std::error::Error>> {
//!     let [github, google, staff] = secrets; // as you keep secrets: not in the source
//!     let auth = Auth::<DefaultUser>::builder().origin("https://example.com").build().await?;
//!     let service = auth.authentication();
//!     service.register_provider(GitHub::new("client-id", github)?);
//!     service.register_provider(Google::new("client-id", google)?);
//!     service.register_provider(OpenIdConnect::new("staff", "https://id.example.com", "client-id", staff)?);
//!     Ok(Router::new().merge(auth.routes()).merge(auth.provider_routes()).layer(auth.layer()))
//! }
//! # }
//! ```
//!
//! | provider | where it is registered | issuer | asked for |
//! | --- | --- | --- | --- |
//! | [`GitHub`] | Settings → Developer settings → OAuth Apps | `https://github.com/login/oauth` | `user:email` |
//! | [`Google`] | Google Cloud console → Credentials → OAuth client ID | `https://accounts.google.com` | `openid email profile` |
//! | [`OpenIdConnect`] | at the issuer, which has `/.well-known/openid-configuration` | as it calls itself, to the letter | `openid email profile` |
//!
//! Users stay users of this application: what they may do, and their second factors, are its own affair. Who becomes a user is said by
//! [`AuthBuilder::sign_up`](crate::accounts::AuthBuilder::sign_up). A provider of another kind is your own
//! [`AuthProvider`](super::AuthProvider).
//!
//! # What holds by default
//!
//! A login sends `state`, PKCE by `S256` and, where there is an ID token, `nonce`. What is fetched comes over TLS (but from a
//! loopback address, for development), within five seconds, without redirection, and has 1 MiB at the most. An issuer's metadata and
//! keys are kept for an hour. The provider's
//! access tokens are used to read the user's description, and not kept.
//!
//! # Errors
//!
//! [`AuthProviderError::Configuration`](super::AuthProviderError::Configuration) when a provider is made, for a name or an address that
//! cannot be. In a login: 400 for an answer that nobody waits for, 401 for one that proves nothing, 403 for somebody who gets no account, 409 where the name or the
//! address is somebody else's, 503 where the provider cannot be asked.
//!
//! # Security
//!
//! A client secret is a password of the application: keep it out of the source, and change it at the provider when it has become
//! known. ID tokens are validated as OpenID Connect Core §3.1.3.7 has it, answers of a wrong issuer are refused (RFC 9207).

// Another provider is another file here, over `fetch.rs` and `token_request.rs`, with a test against a fake of it.

mod discovery;
mod fetch;
mod github;
mod google;
mod id_token;
mod keys;
mod openid_connect;
mod token_request;

pub use github::GitHub;
pub use google::Google;
pub use openid_connect::OpenIdConnect;
pub use token_request::ClientAuth;
