//! Passwords: how they are hashed, checked, and kept from being weak.
//!
//! - [`PasswordHasher`] makes and checks hashes of one algorithm; [`Argon2Hasher`] is the preferred one.
//! - [`PasswordHashers`] chooses among all that are registered by what stands in front of a hash, and says when a
//!   password should be hashed anew.
//! - [`PepperedHasher`] mixes a secret into each password, that is not in the database.
//! - [`HashingService`] does that work beside the asynchronous executor, bounded in threads, memory and queue.
//! - [`PasswordConfig`] and [`PasswordValidator`] say which new passwords are accepted; a [`BreachList`] knows
//!   those that were stolen elsewhere.
//!
//! Another algorithm is another file in `hashers/`: implement the trait, register it under the name that
//! [`PasswordHash::algorithm`] finds in its hashes, and run `auth::password_hasher_suite!` on it.

mod breach;
mod config;
mod error;
mod hash;
mod hasher;
mod hashers;
#[expect(clippy::module_inception, reason = "the type it holds has the subject's name")]
mod passwords;
mod pepper;
mod service;
mod upgrade;
mod validators;

pub use self::passwords::Passwords;
#[cfg(feature = "password-breach-file")]
pub use breach::BreachFile;
pub use breach::BreachList;
#[cfg(feature = "password-breach-http")]
pub use breach::PwnedPasswords;
pub use config::{PasswordConfig, PasswordConfigError, PasswordContext};
pub use error::{InvalidPassword, PasswordError, PasswordProblem};
pub use hash::PasswordHash;
pub use hasher::{MAX_PASSWORD_BYTES, PasswordHasher, PasswordHasherEntry, within_bounds};
#[cfg(feature = "hasher-bcrypt")]
pub use hashers::BcryptHasher;
#[cfg(feature = "__hasher")]
pub use hashers::HasherParamsError;
#[cfg(feature = "hasher-pbkdf2")]
pub use hashers::Pbkdf2Hasher;
pub use hashers::{Argon2Hasher, Argon2Params, Argon2ParamsError};
#[cfg(feature = "hasher-scrypt")]
pub use hashers::{ScryptHasher, ScryptParams};
pub use pepper::{Pepper, PepperError, PepperedHasher};
pub use service::{HashingService, HashingServiceBuilder};
pub use upgrade::{PasswordHashers, Verification};
pub use validators::{
    CharacterClass, CommonPasswordValidator, CompositionValidator, ContextWordValidator, PasswordValidator,
    RepetitionValidator, UserAttributeSimilarityValidator,
};
#[cfg(feature = "password-strength")]
pub use validators::{PasswordStrength, PasswordStrengthValidator};
