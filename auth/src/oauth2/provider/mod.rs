//! This application as an authorization server (RFC 6749), by the rules of RFC 9700, and OpenID provider.
//!
//! [`OAuth2Authentication`] is the handle. A request by a browser is read and judged in `authorization.rs`, its code made in
//! `code.rs`; a client says who it is in `client_auth.rs` and asks by one of `grants/`; what it was granted, and its access
//! tokens, are in `token.rs`. What a person allowed is in `consent.rs`. What OpenID Connect adds is in [`oidc`], the keys that
//! sign ID tokens in `keys.rs`. All that must be remembered goes through [`OAuth2TokenStore`].
//!
//! Another grant is another file in `grants/`, a variant of [`GrantType`] and a line in `grants/mod.rs`.

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
