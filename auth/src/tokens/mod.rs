//! Tokens: credentials that programs carry instead of a session's cookie.
//!
//! With the feature `token-jwt`, `TokenService` issues pairs of an access token and a refresh token, and `JwtAuth` signs
//! and verifies JSON Web Tokens (RFC 7519). Without it there are what needs no signature: [`ApiKeys`], refresh tokens
//! ([`TokenRotationManager`]) and the list of what was revoked ([`TokenBlacklist`]). All of them keep what they must
//! remember in a [`RecordStore`](crate::records::RecordStore): in memory, in a database or in Redis.
//!
//! No kind of token passes for another: each has its own prefix or type, its own key, and its own records.

mod api_keys;
mod blacklist;
mod error;
#[cfg(feature = "token-jwt")]
mod jwt;
mod opaque;
mod refresh;
#[cfg(feature = "token-jwt")]
mod service;

pub use api_keys::{ApiKey, ApiKeyRefused, ApiKeyVerdict, ApiKeys};
pub use blacklist::{BlacklistReason, BlacklistStatistics, InMemoryBlacklist, RecordBlacklist, TokenBlacklist};
pub use error::TokenError;
#[cfg(feature = "token-jwt")]
pub use jwt::{
    Claims, Jwk, Jwks, JwtAlgorithm, JwtAuth, JwtError, JwtKey, JwtStatistics, KeyRing, NoExtra, TokenRefused,
};
pub use opaque::{OpaqueToken, TokenPrefix};
pub use refresh::{
    InMemoryRefreshStore, RecordRefreshStore, RefreshFamily, RefreshGrant, RefreshRefused, RefreshToken,
    RefreshTokenStore, RotatedToken, Rotation, TokenLogin, TokenRotationManager,
};
#[cfg(feature = "token-jwt")]
pub use service::{
    AccessRefused, AccessToken, AccessVerdict, RefreshDenied, Refreshed, TokenPair, TokenScope, TokenService,
    TokenSubjects,
};
