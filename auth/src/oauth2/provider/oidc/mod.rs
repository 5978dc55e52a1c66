//! OpenID Connect on top of OAuth 2: who logged in, told to the client in a signed token, and at the userinfo endpoint.
//!
//! A client that asks for the scope `openid` gets an ID token (OpenID Connect Core §2); `profile` and `email` add what the userinfo
//! endpoint says of the user: by default [`UserColumns`]. With feature `web-axum`, `auth.oauth2_routes_with_claims(…)` says something
//! else, by a [`ClaimsSource`]:
//!
//! ```
//! use auth::oauth2::provider::Scope;
//! use auth::users::DefaultUser;
//! use serde_json::{Map, Value, json};
//!
//! fn claims(user: &DefaultUser, scope: &Scope) -> Map<String, Value> {
//!     let mut claims = Map::new();
//!     if scope.contains("email") {
//!         claims.insert("email".into(), user.email.clone().into());
//!         claims.insert("email_verified".into(), json!(true)); // only if this application has made sure
//!     }
//!     claims
//! }
//! // auth.oauth2_routes_with_claims(claims)
//! # let _: fn(&DefaultUser, &Scope) -> Map<String, Value> = claims;
//! ```
//!
//! An ID token is valid for ten minutes ([`OAuth2Config::id_token_lifetime`](super::OAuth2Config::id_token_lifetime)), says when
//! (`auth_time`) and how (`amr`) the user logged in, and repeats the client's `nonce`. It is signed by RS256, unless
//! [`OAuth2Config::id_token_algorithm`](super::OAuth2Config::id_token_algorithm) says otherwise, with keys that change every 30 days
//! ([`SigningKeys`](super::SigningKeys)) and are published at `/oauth2/jwks`.
//!
//! # Security
//!
//! An ID token says who somebody is, to one client; it opens nothing here. Whether a mail address is verified is never said by default:
//! clients find accounts by it.

mod claims;
mod id_token;
mod request;

pub(super) use claims::OPENID_SCOPES;
#[cfg(feature = "web-axum")]
pub(crate) use claims::userinfo;
pub use claims::{ClaimsSource, UserColumns};
pub(super) use id_token::ID_TOKEN_CLAIMS;
pub use id_token::{IdTokenHint, IdTokens, NewIdToken};
