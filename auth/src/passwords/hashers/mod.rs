//! One file for each algorithm. They read what is written in their encodings strictly: what is not exactly a hash
//! within the bounds never verifies, and no work is done for it.

/// Enters a hasher in the registry under everything that [`PasswordHash::algorithm`](super::PasswordHash::algorithm)
/// says of the hashes that it reads.
macro_rules! register {
    ($hasher:ty: $($prefix:literal),+) => { $(
        inventory::submit! {
            $crate::passwords::PasswordHasherEntry {
                prefix: $prefix,
                make: || Box::new(<$hasher>::default()),
                place: $crate::registry::Place::new(module_path!(), file!(), line!()),
            }
        }
    )+ };
}

mod argon2;
#[cfg(feature = "hasher-bcrypt")]
mod bcrypt;
mod encoding;
#[cfg(feature = "__hasher")]
mod params_error;
#[cfg(feature = "hasher-pbkdf2")]
mod pbkdf2;
#[cfg(feature = "hasher-scrypt")]
mod scrypt;

pub(crate) use argon2::keep_on_this_thread;
pub use argon2::{Argon2Hasher, Argon2Params, Argon2ParamsError};
#[cfg(feature = "hasher-bcrypt")]
pub use bcrypt::BcryptHasher;
#[cfg(feature = "__hasher")]
pub use params_error::HasherParamsError;
#[cfg(feature = "hasher-pbkdf2")]
pub use pbkdf2::Pbkdf2Hasher;
#[cfg(feature = "hasher-scrypt")]
pub use scrypt::{ScryptHasher, ScryptParams};
