//! `micro [FILTER] [--quick]` prints one Markdown table per figure.
//!
//! To add a contestant, add one `.add("name", || ...)` line to the figure's
//! module; it is then timed in alternation with its rivals.

mod cookie;
mod jwt;
mod password;
mod permissions {
    include!(concat!(env!("OUT_DIR"), "/permissions.rs"));
}
mod perms;
mod session;
mod totp;

// A contestant built beside one that asks for serde_json's `preserve_order` gets
// it too, and is measured at twice its size. Build one member at a time.
const _: () = assert!(size_of::<serde_json::Value>() == 32, "build with -p, see README.md");

fn main() {
    let bench = timing::Bench::from_args();
    perms::run(&bench);
    jwt::run(&bench);
    session::run(&bench);
    cookie::run(&bench);
    totp::run(&bench);
    password::run(&bench);
}
