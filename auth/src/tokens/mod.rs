//! Tokens: credentials that programs carry instead of a session's cookie.
//!
//! With the feature `token-jwt`, `JwtAuth` signs and verifies JSON Web Tokens (RFC 7519).

#[cfg(feature = "token-jwt")]
mod jwt;

#[cfg(feature = "token-jwt")]
pub use jwt::{
    Claims, Jwk, Jwks, JwtAlgorithm, JwtAuth, JwtError, JwtKey, JwtStatistics, KeyRing, NoExtra, TokenRefused,
};
