//! axum: extractors, the checks around routers, and the routes.

mod extract;
mod input;
mod pages;
mod protect;
mod routes;

pub use protect::{RequireLayer, RequireService};
