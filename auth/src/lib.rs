//! Users, logins, sessions and permissions for web applications, declared in the source and checked by the compiler.
//!
//! ```no_run
//! use auth::prelude::*;
//! # #[cfg(all(feature = "database-sqlite", feature = "web-axum"))]
//! use axum::{Router, routing::post};
//!
//! mod permissions {
//!     auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
//! }
//!
//! #[derive(User, Clone)]
//! #[user(table = "author", username = email)]
//! struct Author {
//!     id: Uuid,
//!     email: String,
//!     password_hash: PasswordHash,
//!     last_login: Option<DateTime<Utc>>,
//!     is_active: bool,
//!     is_superuser: bool,
//!     groups: Vec<String>,
//!     user_permissions: Vec<String>,
//! }
//!
//! #[permission_required("blog.publish_post")]
//! async fn publish(user: CurrentUser<Author>) -> String {
//!     format!("published by {}", user.email)
//! }
//!
//! # #[cfg(all(feature = "database-sqlite", feature = "web-axum"))]
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let auth = Auth::<Author>::builder().database("sqlite:blog.db?mode=rwc").build().await?;
//! auth.migrate().await?;
//! let app: Router = auth
//!     .protected(Router::new().route("/publish", post(publish)))
//!     .merge(auth.routes())
//!     .layer(auth.layer());
//! # Ok(())
//! # }
//! # fn main() {}
//! ```
//!
//! # Where things are
//!
//! A module knows those above it in this table only, and none of its neighbours.
//!
//! | module | what |
//! | --- | --- |
//! | [`clock`], [`secret`], [`registry`], [`database`], [`cache`], [`records`], [`mail`] | time, secrets, what macros registered, how a struct becomes a row, bytes for a while, small records with an owner and an end, messages to people |
//! | [`permissions`](mod@permissions), [`passwords`], [`limits`], [`audit`] | declared names and sets of them; hashing and judging passwords; limits on tries; what happened |
//! | [`users`], [`sessions`], [`tokens`], [`mfa`] | users, groups and where they are kept; sessions and where they are kept; credentials that programs carry; second factors: authenticator apps, passkeys, recovery codes, sent codes |
//! | [`access`] | who may do what: [`Granted`], [`CurrentUser`], requirements, policies, permission classes |
//! | [`oauth2`] | logging in by GitHub, Google and OpenID Connect; this application as a provider of OAuth 2 and OpenID Connect |
//! | [`accounts`] | the [`Auth`] handle; every way in, logging in and out, registering, settings; no HTTP |
//! | `web` | credentials in requests, cookies, cross-site rules, refusals; the axum layer, extractors and routes |
//! | [`prelude`], `testing` | what almost every program names; conformance suites, a clock to set |
//!
//! # Features
//!
//! None is on by default.
//!
//! | feature | what it adds |
//! | --- | --- |
//! | `cache-memcached` | caches in memcached, and sessions in them |
//! | `cache-redis` | caches in Redis, and sessions in them |
//! | `database-sqlite` | users, groups, permissions and sessions in SQLite |
//! | `database-postgres` | the same in PostgreSQL |
//! | `database-mysql` | the same in MySQL and MariaDB |
//! | `database-tls` | TLS to PostgreSQL and MySQL |
//! | `password-strength` | a validator that estimates how many guesses a password takes (zxcvbn) |
//! | `redis-cluster` | a Redis may be a cluster, whatever is kept there |
//! | `redis-sentinel` | it may be one that sentinels watch over |
//! | `redis-tls` | TLS to any of them |
//! | `session-redis` | sessions in Redis |
//! | `session-messagepack` | sessions' data as MessagePack |
//! | `session-cbor` | sessions' data as CBOR (RFC 8949) |
//! | `session-compact` | sessions' data in a compact binary format, postcard's |
//! | `session-cookie` | sessions that travel whole in their cookie, encrypted |
//! | `session-compression` | compressed sessions, by all of the following |
//! | `session-compression-brotli` | sessions compressed by brotli |
//! | `session-compression-gzip` | sessions compressed by gzip |
//! | `session-compression-zstd` | sessions compressed by Zstandard (C code) |
//! | `session-file` | sessions in files of a private directory |
//! | `session-metrics` | metrics of sessions, with names as Prometheus has them |
//! | `session-replication` | copies of sessions in other backends |
//! | `web-axum` | the axum layer, extractors and routes |
//! | `web-axum-websocket` | WebSockets of axum that end with the login |
//! | `backend-ldap` | checks names and passwords in an LDAP directory |
//! | `config-toml` | settings from a TOML file |
//! | `danger-oauth2-implicit` | the provider's implicit grant, which RFC 9700 §2.1.2 advises against |
//! | `hasher-bcrypt` | checks what bcrypt hashed, also in Django's encodings |
//! | `hasher-pbkdf2` | checks what PBKDF2 hashed, also in Django's encodings |
//! | `hasher-scrypt` | checks what scrypt hashed, also in Django's encoding |
//! | `limit-redis` | limits on tries in Redis |
//! | `mail-smtp` | mail by SMTP |
//! | `mfa-codes` | codes by mail and as text messages as second factors |
//! | `mfa-totp` | codes of authenticator apps (RFC 6238) as second factors, with QR codes |
//! | `mfa-webauthn` | passkeys (WebAuthn) as second factors, and as the only one |
//! | `oauth2-client` | logins by GitHub, Google and any OpenID Connect provider |
//! | `oauth2-provider` | an OAuth 2 and OpenID Connect provider |
//! | `password-breach-file` | looks a new password up in a file of breached ones |
//! | `password-breach-http` | asks Have I Been Pwned whether a new password is known |
//! | `record-redis` | tokens, keys and tickets in Redis |
//! | `token-jwt` | signed tokens (RFC 7519) with rotating keys |
//! | `testing` | conformance suites for stores, a clock to set |

extern crate self as auth;

use std::pin::Pin;

#[doc(hidden)]
pub mod __private;
pub mod access;
pub mod accounts;
pub mod audit;
pub mod cache;
pub mod clock;
pub mod database;
pub mod limits;
pub mod mail;
pub mod mfa;
pub mod oauth2;
pub mod passwords;
pub mod permissions;
pub mod prelude;
pub mod records;
#[cfg(feature = "__redis")]
mod redis;
pub mod registry;
mod report;
#[cfg(feature = "__seal")]
mod seal;
pub mod secret;
pub mod sessions;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tokens;
pub mod users;
#[cfg(feature = "__web")]
pub mod web;

pub use access::{All, Any, CurrentUser, Granted, PermissionDenied, Policy, Principal};
pub use accounts::{Auth, Error};
pub use auth_macros::*;
pub use passwords::PasswordHash;

/// A boxed future, as the methods of object-safe traits return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
