//! Passwords: how they are hashed, checked, and kept from being weak.

mod error;
mod hash;
mod hasher;
mod hashers;

pub use error::PasswordError;
pub use hash::PasswordHash;
pub use hasher::{PasswordHasher, PasswordHasherEntry};
pub use hashers::Argon2Hasher;
