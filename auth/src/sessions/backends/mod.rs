//! One file for each technology.

mod memory;

pub use memory::InMemorySessionBackend;
