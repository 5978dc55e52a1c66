//! One file for each store.

mod memory;

pub use memory::InMemoryLimitStore;
