//! Tokens of every kind. Tests that need a server are run with `--include-ignored`.

#![expect(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod api_keys;
mod blacklist;
mod forge;
mod hostile;
mod interop;
mod jwt;
mod keys;
mod log;
mod opaque;
mod records;
mod refresh;
mod service;
