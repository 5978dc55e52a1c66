//! HTTP: cookies, cross-site rules and refusals for any framework, then one adapter for each.
//!
//! Everything here reads `http::request::Parts`; `axum/` (feature `web-axum`) turns it into extractors and routes.

mod app;
mod cookie;
mod cross_site;
mod host;
mod layer;
mod next;
mod page;
mod refusal;
mod request;
mod source;

pub use layer::{AuthLayer, AuthService};
pub use next::is_safe_next;
pub use refusal::Refusal;

pub(crate) use cookie::is_cookie_name;

#[cfg(feature = "web-axum")]
pub mod axum;
