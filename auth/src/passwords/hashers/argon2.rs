use argon2::password_hash::phc;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};

use crate::passwords::{PasswordError, PasswordHash, PasswordHasher};

/// Argon2id with OWASP's first choice of parameters: 19 MiB, 2 passes, 1 lane.
#[derive(Clone, Debug, Default)]
pub struct Argon2Hasher {
    _private: (),
}

impl PasswordHasher for Argon2Hasher {
    fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError> {
        let hash: phc::PasswordHash = Argon2::default()
            .hash_password(password.as_bytes())
            .map_err(|e| PasswordError::Hasher(Box::new(e)))?;
        Ok(PasswordHash::new(hash.to_string()))
    }

    fn verify(&self, password: &str, hash: &PasswordHash) -> Result<bool, PasswordError> {
        let Ok(parsed) = phc::PasswordHash::new(hash.expose()) else { return Ok(false) };
        Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
    }

    fn needs_rehash(&self, hash: &PasswordHash) -> bool {
        hash.algorithm() != "argon2id"
    }
}
