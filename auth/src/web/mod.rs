//! HTTP: cookies, cross-site rules and refusals for any framework, then one adapter for each.
//!
//! Everything here reads `http::request::Parts`; `axum/` (feature `web-axum`) turns it into extractors and routes.

mod app;
pub mod authentication;
mod came;
mod cookie;
mod cross_site;
mod csrf;
mod exempt;
mod host;
mod layer;
mod next;
mod page;
mod refusal;
mod request;
mod session_middleware;
mod source;

pub use exempt::{CsrfExempt, CsrfExemptService};
pub use layer::{AuthLayer, AuthService};
pub use next::is_safe_next;
pub use refusal::Refusal;
pub use session_middleware::SessionMiddleware;

#[cfg(feature = "web-axum")]
pub mod axum;
