//! JSON Web Tokens (RFC 7519) as RFC 8725 wants them: the key fixes the algorithm, what a token says of its own keys is
//! never heard, and there is one spelling of each token.
//!
//! A token goes through these steps, and ends at the first that refuses it: its length; the cache of tokens
//! that were verified before; three parts (`auth.rs`); the header, member by member (`header.rs`); the key
//! (`ring.rs`); the signature (`key.rs`); the claims, member by member (`members.rs`); what they say (`claims.rs`).
//! Nothing of the payload is read before its signature holds.
//!
//! Another algorithm is another variant of [`JwtAlgorithm`], and an arm wherever the compiler then asks for one.

mod algorithm;
mod auth;
mod cache;
mod claims;
mod error;
#[cfg(feature = "oauth2-client")]
mod foreign;
mod header;
mod jwks;
mod key;
mod members;
mod public;
mod refused;
mod ring;
mod settings;
mod unique;
#[cfg(test)]
mod vectors;

pub use algorithm::JwtAlgorithm;
pub use auth::{JwtAuth, JwtStatistics};
pub use claims::{Claims, NoExtra};
pub use error::JwtError;
pub use jwks::{Jwk, Jwks};
pub use key::JwtKey;
pub use refused::TokenRefused;
pub use ring::KeyRing;
