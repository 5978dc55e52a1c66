//! Tokens of every kind. Tests that need a server are run with `--include-ignored`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod api_keys;
mod blacklist;
mod opaque;
mod records;
mod refresh;
mod service;
