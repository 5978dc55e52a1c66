//! Messages to people. Tests that need another program are run with `--include-ignored`.

#![expect(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod development;
mod hostile;
mod notices;
mod smtp;
