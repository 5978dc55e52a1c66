//! One file for each algorithm.

mod argon2;

pub(crate) use argon2::keep_on_this_thread;
pub use argon2::{Argon2Hasher, Argon2Params, Argon2ParamsError};
