//! In a real browser: what people see, and passkeys that others wrote.
#![expect(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod passkeys;
mod site;
