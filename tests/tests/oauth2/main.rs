//! OAuth 2 and OpenID Connect, from both sides. Tests that need a server are run with `--include-ignored`.

#![expect(clippy::unwrap_used, reason = "a test panics when something is wrong")]

use auth_tests::{forge, records};

mod clients;
mod interop;
#[path = "../tokens/log.rs"]
mod log;
mod oidc;
mod provider;

pub(crate) mod permissions {
    auth::permissions! { blog { model Post; } }
}
