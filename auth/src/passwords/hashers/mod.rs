//! One file for each algorithm.

mod argon2;

pub use argon2::Argon2Hasher;
