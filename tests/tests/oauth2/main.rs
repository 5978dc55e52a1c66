//! OAuth 2 and OpenID Connect, from both sides. Tests that need a server are run with `--include-ignored`.

#![expect(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod clients;
#[path = "../tokens/forge.rs"]
#[expect(dead_code, reason = "tests of tokens forge more")]
mod forge;
mod interop;
#[path = "../tokens/log.rs"]
mod log;
mod oidc;
mod provider;
#[path = "../tokens/records.rs"]
mod records;

pub(crate) mod permissions {
    auth::permissions! { blog { model Post; } }
}
