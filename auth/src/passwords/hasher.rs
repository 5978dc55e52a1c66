use std::fmt;

use super::{PasswordError, PasswordHash};
use crate::registry::{Entry, Place};

/// Makes and checks password hashes of one algorithm.
///
/// To add one: implement this and `Default`, write `#[password_hasher("prefix")]` on the type, where the prefix is
/// what [`PasswordHash::algorithm`] says of its hashes, and run `auth::password_hasher_suite!` on it.
///
/// Work is heavy and blocking; whatever serves requests goes through the hashing service.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a password hasher",
    note = "implement `auth::passwords::PasswordHasher` for `{Self}`"
)]
pub trait PasswordHasher: fmt::Debug + Send + Sync + 'static {
    /// Hashes a password with a new random salt.
    ///
    /// # Errors
    /// [`PasswordError::TooLong`] before any work, [`PasswordError::Hasher`] when the algorithm fails.
    fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError>;

    /// Whether the password made this hash. A damaged, foreign or empty hash never verifies, and parameters are
    /// bounded before any work is done with them.
    ///
    /// # Errors
    /// [`PasswordError`] when the check could not be made.
    fn verify(&self, password: &str, hash: &PasswordHash) -> Result<bool, PasswordError>;

    /// Whether the hash is of another algorithm, or weaker than what [`PasswordHasher::hash`] makes now.
    fn needs_rehash(&self, hash: &PasswordHash) -> bool;

    /// Whether it also checks this hash, which no registered hasher is for: one that wraps others checks theirs.
    fn reads(&self, hash: &PasswordHash) -> bool {
        let _ = hash;
        false
    }

    /// Does the work that is missing between having checked this hash and making a new one, so that a wrong password
    /// costs the same whatever hash an account still has (Django's name for it). A hash that is damaged or of another
    /// algorithm counts as no work.
    ///
    /// The default makes a new hash if the stored one needs one, and throws it away. A hasher that can tell how much
    /// is missing does less.
    ///
    /// # Errors
    /// As for [`PasswordHasher::hash`].
    fn harden_runtime(&self, password: &str, hash: &PasswordHash) -> Result<(), PasswordError> {
        if self.needs_rehash(hash) { self.hash(password).map(drop) } else { Ok(()) }
    }
}

/// The longest password that is hashed, in bytes of UTF-8. A longer one is refused before any work, never cut (ASVS
/// 6.2.8 and 6.2.9, which ask for at least 64 characters: here 1024 of any script fit).
pub const MAX_PASSWORD_BYTES: usize = 4096;

/// What every hasher asks first.
///
/// # Errors
/// [`PasswordError::TooLong`] above [`MAX_PASSWORD_BYTES`].
pub fn within_bounds(password: &str) -> Result<(), PasswordError> {
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(PasswordError::TooLong { max: MAX_PASSWORD_BYTES });
    }
    Ok(())
}

/// A password hasher in the registry.
#[derive(Debug)]
pub struct PasswordHasherEntry {
    /// What [`PasswordHash::algorithm`] says of its hashes.
    pub prefix: &'static str,
    /// Makes one.
    pub make: fn() -> Box<dyn PasswordHasher>,
    /// Where it was declared.
    pub place: Place,
}

inventory::collect!(PasswordHasherEntry);

impl Entry for PasswordHasherEntry {
    const KIND: &'static str = "password hasher";

    fn name(&self) -> &'static str {
        self.prefix
    }

    fn place(&self) -> Place {
        self.place
    }
}
