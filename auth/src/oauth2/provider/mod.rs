//! This application as an OAuth 2 authorization server (RFC 6749, by the rules of RFC 9700) and OpenID Connect provider: other
//! programs log people in by it, and act for them, as far as these allow.
//!
//! ```
//! # #[cfg(feature = "web-axum")] mod example {
//! use auth::oauth2::provider::{OAuth2Application, OAuth2Config, OAuth2Error};
//! use auth::prelude::*;
//! use auth::secret::SecretString;
//! use auth::users::DefaultUser;
//! use auth::web::authentication::BearerAuthentication;
//! use axum::Router;
//!
//! async fn app(pages: Router, api: Router) -> Result<Router, auth::Error> {
//!     let config = OAuth2Config::new("https://example.com").scope("blog.view_post", "Read your posts");
//!     let auth = Auth::<DefaultUser>::builder().oauth2(config).build().await?;
//!     let pages = pages.merge(auth.routes()).merge(auth.oauth2_routes()).layer(auth.layer()); // for people
//!     Ok(pages.merge(api.layer(auth.layer_by(BearerAuthentication)))) // for clients, with a token
//! }
//!
//! // Once for each program: gives the secret, which is shown now and never again.
//! async fn new_client(auth: &Auth<DefaultUser>) -> Result<Option<SecretString>, OAuth2Error> {
//!     let client = OAuth2Application::confidential("Photo prints")
//!         .client_id("prints")
//!         .redirect_uri("https://prints.example.org/callback")
//!         .scope("openid profile email blog.view_post");
//!     Ok(auth.oauth2().register_application(client).await?.client_secret)
//! }
//! # }
//! ```
//!
//! The client's developer needs three things: the issuer (`https://example.com`), the client id and the secret. The rest, any library
//! for OpenID Connect finds by the issuer.
//!
//! | a program that … | is registered with |
//! | --- | --- |
//! | runs on a server, and logs people in or acts for them | [`OAuth2Application::confidential`] and a redirect URI |
//! | runs in a browser, on a desktop or a telephone | [`OAuth2Application::public`] and a redirect URI: it cannot keep a secret, PKCE stands in for it |
//! | also acts while its user is away | the same with `.grant(GrantType::RefreshToken)` |
//! | has neither browser nor keyboard | [`GrantType::DeviceCode`]: people type a code at `/oauth2/device` |
//! | acts for itself, for no user | [`OAuth2Application::confidential`] with [`GrantType::ClientCredentials`] |
//! | belongs to the application itself | `.skip_consent()` |
//!
//! To show people what they allowed, and let them take it back, there are [`OAuth2Authentication::consents`] and
//! [`OAuth2Authentication::revoke_consent`]. `cargo run -p oauth2-provider` is a provider with both kinds of client.
//!
//! # What holds by default
//!
//! | | |
//! | --- | --- |
//! | authorization code | a minute, once, with PKCE by `S256`: demanded of every client |
//! | access token | ten minutes, signed (RFC 9068) or opaque; its grant is looked up whenever it is used |
//! | refresh token | once; 14 days without use, 90 days in all ([`AuthBuilder::tokens`](crate::accounts::AuthBuilder::tokens)) |
//! | device code | ten minutes |
//! | ID token | ten minutes; RS256, by keys that are made here and change every 30 days |
//! | consent | remembered for 366 days, for the scopes that were agreed to |
//! | clients' secrets | 256 random bits; two at a time, so that one can be changed |
//! | endpoints | under `/oauth2/`, and the metadata under `/.well-known/` |
//!
//! A scope with the name of a permission (`blog.view_post`) lets a client do that for its user, as long as the user may. Any other name
//! is the application's own affair: it reads it by [`OAuth2Authentication::verify_token`]. `openid`, `profile` and `email` say who the
//! user is ([`oidc`]).
//!
//! # What the application does
//!
//! - It is served at the root of the issuer's origin, by https.
//! - It keeps its [secret](crate::accounts::AuthBuilder::secret), by which tokens are signed and keys encrypted, and its
//!   [records](crate::accounts::AuthBuilder::records), where clients, grants and keys are.
//! - It decides who may register clients: there is no route for that.
//!
//! # Errors
//!
//! [`OAuth2Error`]. Clients hear what the standards have (`invalid_grant`, …); people, whose client is not known or names an address
//! that is not its own, see a page and are sent nowhere.
//!
//! # Security
//!
//! Redirect URIs are compared to the letter (RFC 9700 §2.1; the port of a loopback address may differ, RFC 8252 §7.3). Codes and refresh
//! tokens count once, and a second use ends all that came of the first (RFC 9700 §2.1.1, §4.14.2). A change of the password, of second
//! factors and of consent ends clients' tokens at their next request. The pages may not be framed (RFC 9700 §4.16). There is no implicit
//! grant (§2.1.2) without the feature `danger-oauth2-implicit`, and no grant that takes passwords (§2.4).

// `OAuth2Authentication` is the handle. A request by a browser is read and judged in `authorization.rs`, its code made in
// `code.rs`; a client says who it is in `client_auth.rs` and asks by one of `grants/`; what it was granted, and its access
// tokens, are in `token.rs`. What a person allowed is in `consent.rs`. What OpenID Connect adds is in `oidc`, the keys that
// sign ID tokens in `keys.rs`. All that must be remembered goes through `OAuth2TokenStore`.
//
// Another grant is another file in `grants/`, a variant of `GrantType` and a line in `grants/mod.rs`.

mod application;
mod authentication;
mod authorization;
mod client_auth;
mod code;
mod config;
mod consent;
mod error;
mod grants;
mod introspection;
mod keys;
mod metadata;
pub mod oidc;
mod redirect_uri;
mod revocation;
mod scope;
mod store;
mod token;

pub use application::{AccessTokenFormat, ClientType, GrantType, OAuth2Application, RegisteredApplication};
pub use authentication::OAuth2Authentication;
pub(crate) use authentication::Parts;
pub use authorization::{AuthorizationRequest, AuthorizationStep, Prompt, RequestVerdict, ResourceOwner, ResponseType};
pub use client_auth::ClientCredentials;
pub use config::OAuth2Config;
pub use consent::Consent;
pub use error::{OAuth2Error, OAuth2ErrorCode};
pub use grants::{DeviceAuthorization, DeviceRequest, TokenRequest};
pub use keys::{SigningKeyError, SigningKeys};
#[cfg(feature = "web-axum")]
pub(crate) use metadata::paths;
#[cfg(feature = "web-axum")]
pub(crate) use redirect_uri::csp_source;
pub use scope::{InvalidScope, Scope};
pub use store::{InMemoryOAuth2Store, OAuth2Record, OAuth2RecordKind, OAuth2TokenStore, RecordOAuth2Store};
pub use token::{OAuth2AccessToken, OAuth2Grant, OAuth2TokenVerdict, TokenResponse};
