//! axum: extractors, the checks around routers, and the routes.

mod csrf;
mod extract;
mod input;
mod pages;
mod protect;
mod routes;

pub use csrf::{CsrfForm, CsrfToken};
pub use protect::{RequireLayer, RequireService};
