//! Logging in by other providers: GitHub, Google, any that speaks OpenID Connect.
//!
//! Each is an [`AuthProvider`](super::AuthProvider), made of what the provider gave the application when it was registered there:
//!
//! ```
//! use auth::oauth2::client::{GitHub, Google, OpenIdConnect};
//! # fn example() -> Result<(), auth::oauth2::AuthProviderError> {
//! # let secret = "s".to_owned();
//! let github = GitHub::new("client-id", secret.clone())?;
//! let google = Google::new("client-id", secret.clone())?;
//! let staff = OpenIdConnect::new("staff", "https://id.example.com", "client-id", secret)?.scopes(["openid", "email"]);
//! # Ok(())
//! # }
//! ```
//!
//! The address to be registered there is `https://example.com/login/github/callback`.
//!
//! A login sends `state`, PKCE by `S256` and, where there is an ID token, `nonce`. What is fetched comes over TLS (but from a
//! loopback address), within five seconds, without redirection, and has 1 MiB at the most.
//!
//! Another provider is another file here, over `fetch.rs` and `token_request.rs`, with a test against a fake of it.

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
