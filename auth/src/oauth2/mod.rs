//! OAuth 2 and OpenID Connect, from both sides: `client` lets people log in by other providers, `provider` makes this
//! application one.
//!
//! An [`AuthProvider`] is whoever vouches for people. Those of `client` speak HTTP; one's own may do as they like.

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
