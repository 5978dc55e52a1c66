//! The provider over real HTTP, against whoever does not keep to the rules.

mod applications;
mod codes;
mod consent;
mod devices;
mod endings;
mod introspection;
mod properties;
mod races;
mod rfc9700;
mod scopes;
mod site;
mod store;
mod withdrawn;

pub(crate) use site::{CALLBACK, Client, Flow, Site, confidential, hidden_fields, parameter};
