//! Tokens of every kind. Tests that need a server are run with `--include-ignored`.

#![expect(clippy::unwrap_used, reason = "a test panics when something is wrong")]

use auth_tests::{forge, records};

mod api_keys;
mod blacklist;
mod hostile;
mod interop;
mod jwt;
mod keys;
mod log;
mod opaque;
mod refresh;
mod service;
