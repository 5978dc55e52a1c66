//! Limits on tries, on clocks that stand until they are set.

#![expect(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod addresses;
mod arithmetic;
mod devices;
mod logins;
mod outages;
mod stores;
mod storm;
