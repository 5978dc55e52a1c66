//! Second factors. Tests that need a server or a program are run with `--include-ignored`.

#![expect(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod changes;
mod factors;
mod failures;
mod fixture;
mod interop;
mod passkey_logins;
mod passkeys;
mod properties;
mod qr;
#[path = "../tokens/records.rs"]
#[expect(unused_imports, unused_macros, reason = "the tests of tokens need more of it")]
mod records;
mod recovery_codes;
mod sent_code_logins;
mod sent_codes;
mod together;
mod totp;
