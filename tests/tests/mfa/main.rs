//! Second factors. Tests that need a server or a program are run with `--include-ignored`.

#![expect(clippy::unwrap_used, reason = "a test panics when something is wrong")]

use auth_tests::records;

mod changes;
mod factors;
mod failures;
mod fixture;
mod interop;
mod passkey_logins;
mod passkeys;
mod properties;
mod qr;
mod recovery_codes;
mod sent_code_logins;
mod sent_codes;
mod together;
mod totp;
