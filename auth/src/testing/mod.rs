//! Conformance suites: every implementation of a trait passes the same tests, ours and a third party's.

pub mod limit_store;
pub mod password_hasher;
