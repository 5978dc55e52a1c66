//! Stores of users and sessions, on every database. Those that need a server are run with `--include-ignored`.

mod agreement;
mod migrations;
mod sessions;
mod users;
