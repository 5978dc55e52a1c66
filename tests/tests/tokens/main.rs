//! Tokens.

#![expect(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod forge;
mod hostile;
mod interop;
mod jwt;
mod keys;
