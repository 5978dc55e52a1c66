//! OpenID Connect on top of OAuth 2: who logged in, told to the client in a signed token.

mod claims;
mod id_token;
mod request;

pub(super) use claims::OPENID_SCOPES;
#[cfg(feature = "web-axum")]
pub(crate) use claims::userinfo;
pub use claims::{ClaimsSource, UserColumns};
pub(super) use id_token::ID_TOKEN_CLAIMS;
pub use id_token::{IdTokenHint, IdTokens, NewIdToken};
