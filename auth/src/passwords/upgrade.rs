use std::fmt;
use std::sync::{Arc, OnceLock};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use zeroize::Zeroizing;

use super::{PasswordError, PasswordHash, PasswordHasher, PasswordHasherEntry};
use crate::{registry, secret};

/// What checking a password found.
#[must_use = "a wrong password is an answer, not an error"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verification {
    /// It is another password, or the account has none.
    Wrong,
    /// It is the password.
    Correct,
    /// It is the password, and its hash is of another algorithm or weaker than new ones: hash it again now, while the
    /// password is at hand, and store that as a re-hash, which ends no session.
    CorrectButRehash,
}

impl Verification {
    /// Whether it is the password.
    pub fn is_correct(self) -> bool {
        matches!(self, Self::Correct | Self::CorrectButRehash)
    }
}

/// The preferred hasher for new passwords, and every registered one to check what was stored before.
///
/// Which one checks is told by [`PasswordHash::algorithm`]. A hash of an algorithm that nobody registered never
/// verifies; that is logged.
///
/// Work here is blocking; whatever serves requests goes through [`HashingService`](super::HashingService).
///
/// # Security
/// Whatever stands in an account's password column, a wrong password costs no less than under the preferred hasher:
/// what an older hash lacks is made up for with [`PasswordHasher::harden_runtime`], and where there is no hash to
/// check, a decoy is checked. A hash that costs *more* than the preferred one still takes longer; prefer parameters
/// at least as strong as those in the store.
#[derive(Clone)]
pub struct PasswordHashers {
    preferred: Arc<dyn PasswordHasher>,
    others: Vec<(&'static str, Arc<dyn PasswordHasher>)>,
    decoy: OnceLock<PasswordHash>,
}

impl PasswordHashers {
    /// New passwords are hashed by `preferred`; those of every [`PasswordHasherEntry`] are checked.
    ///
    /// The first check also makes the decoy; `AuthBuilder::build` has that done at start-up.
    pub fn new(preferred: impl PasswordHasher) -> Self {
        let others = registry::entries::<PasswordHasherEntry>()
            .into_iter()
            .map(|entry| (entry.prefix, Arc::from((entry.make)())))
            .collect();
        Self { preferred: Arc::new(preferred), others, decoy: OnceLock::new() }
    }

    /// Also checks hashes of this algorithm with this hasher: one that needs settings and so cannot register itself.
    /// It comes before a registered one of that name.
    pub fn with(mut self, algorithm: &'static str, hasher: impl PasswordHasher) -> Self {
        self.others.insert(0, (algorithm, Arc::new(hasher)));
        self
    }

    /// Hashes a new password with the preferred hasher.
    ///
    /// # Errors
    /// As for [`PasswordHasher::hash`].
    pub fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError> {
        self.preferred.hash(password)
    }

    /// Checks a password against what is stored for an account, with the same work for every wrong one.
    ///
    /// # Errors
    /// As for [`PasswordHasher::verify`].
    pub fn verify(&self, password: &str, hash: &PasswordHash) -> Result<Verification, PasswordError> {
        let Some(is_right) = self.check(password, hash)? else { return self.verify_nobody(password) };
        if !is_right {
            self.preferred.harden_runtime(password, hash)?;
            return Ok(Verification::Wrong);
        }
        Ok(if self.preferred.needs_rehash(hash) { Verification::CorrectButRehash } else { Verification::Correct })
    }

    /// Does the work of a wrong password: for an account that does not exist, or that may not log in.
    ///
    /// # Errors
    /// As for [`PasswordHasher::verify`].
    pub fn verify_nobody(&self, password: &str) -> Result<Verification, PasswordError> {
        // The answer does not matter, and is not given: nobody may log in as nobody.
        self.preferred.verify(password, self.decoy()?)?;
        Ok(Verification::Wrong)
    }

    /// Whether the hash is of another algorithm, or weaker, than what the preferred hasher makes now.
    pub fn needs_rehash(&self, hash: &PasswordHash) -> bool {
        self.preferred.needs_rehash(hash)
    }

    /// Whether the password made the hash, without the work that a wrong one lacks; nothing if no hasher is for it.
    pub(super) fn check(&self, password: &str, hash: &PasswordHash) -> Result<Option<bool>, PasswordError> {
        if !hash.is_usable() {
            return Ok(None);
        }
        let Some(hasher) = self.hasher_of(hash)? else {
            // The name comes from the store and may be anything, a plain password too: it is not logged.
            tracing::warn!("a stored password hash is of an algorithm that is not registered");
            return Ok(None);
        };
        hasher.verify(password, hash).map(Some)
    }

    /// The one for new passwords.
    pub(super) fn preferred(&self) -> &dyn PasswordHasher {
        &*self.preferred
    }

    /// Whether there is a hasher for it.
    pub(super) fn reads(&self, hash: &PasswordHash) -> bool {
        self.hasher_of(hash).is_ok_and(|hasher| hasher.is_some())
    }

    fn hasher_of(&self, hash: &PasswordHash) -> Result<Option<&dyn PasswordHasher>, PasswordError> {
        let algorithm = hash.algorithm();
        if algorithm == self.decoy()?.algorithm() {
            return Ok(Some(&*self.preferred));
        }
        let other = self.others.iter().find(|(name, _)| *name == algorithm).map(|(_, hasher)| &**hasher);
        Ok(other.or_else(|| self.preferred.reads(hash).then_some(&*self.preferred)))
    }

    /// The hash of a password that nobody knows.
    fn decoy(&self) -> Result<&PasswordHash, PasswordError> {
        if self.decoy.get().is_none() {
            let nobodys = Zeroizing::new(Base64UrlUnpadded::encode_string(&secret::random::<32>()));
            let made = self.preferred.hash(&nobodys)?;
            // Of two who make one at once, the first one's counts.
            drop(self.decoy.set(made));
        }
        Ok(self.decoy.get().expect("it was set above"))
    }
}

impl fmt::Debug for PasswordHashers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let others: Vec<_> = self.others.iter().map(|(name, _)| name).collect();
        f.debug_struct("PasswordHashers")
            .field("preferred", &self.preferred)
            .field("others", &others)
            .finish_non_exhaustive()
    }
}
