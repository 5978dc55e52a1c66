use std::sync::Arc;

use super::{
    HashingService, InvalidPassword, PasswordConfig, PasswordContext, PasswordError, PasswordHash, PasswordHashers,
    Verification,
};
use crate::secret::SecretString;

/// Everything about passwords that serves requests: which hashers, where the work is done, which passwords are too weak.
#[derive(Clone, Debug)]
pub struct Passwords {
    hashers: Arc<PasswordHashers>,
    service: HashingService,
    config: Arc<PasswordConfig>,
}

impl Passwords {
    /// Hashes with these, on the threads that the whole process shares, and accepts what [`PasswordConfig`] does by default.
    pub fn new(hashers: PasswordHashers) -> Self {
        Self {
            hashers: Arc::new(hashers),
            service: HashingService::shared(),
            config: Arc::new(PasswordConfig::default()),
        }
    }

    /// Accepts new passwords by these rules.
    #[must_use]
    pub fn with_config(self, config: PasswordConfig) -> Self {
        Self { config: Arc::new(config), ..self }
    }

    /// Hashes on threads of its own.
    #[must_use]
    pub fn with_service(self, service: HashingService) -> Self {
        Self { service, ..self }
    }

    /// Where the work is done.
    pub fn service(&self) -> &HashingService {
        &self.service
    }

    /// Says everything that is wrong with a new password.
    ///
    /// # Errors
    /// [`InvalidPassword`]
    pub fn validate(&self, password: &str, context: &PasswordContext<'_>) -> Result<(), InvalidPassword> {
        self.config.validate(password, context)
    }

    /// Hashes a new password. It is not judged; see [`Passwords::validate`].
    ///
    /// # Errors
    /// As for [`HashingService::hash`].
    pub async fn hash(&self, password: &SecretString) -> Result<PasswordHash, PasswordError> {
        self.service.hash(&self.hashers, password.clone()).await
    }

    /// Checks a password against what is stored for an account.
    ///
    /// # Errors
    /// As for [`HashingService::verify`].
    pub async fn verify(&self, password: &SecretString, hash: &PasswordHash) -> Result<Verification, PasswordError> {
        self.service.verify(&self.hashers, password.clone(), hash.clone()).await
    }

    /// Does the work of a wrong password, for an account that does not exist or may not log in.
    ///
    /// # Errors
    /// As for [`HashingService::verify_nobody`].
    pub async fn verify_nobody(&self, password: &SecretString) -> Result<Verification, PasswordError> {
        self.service.verify_nobody(&self.hashers, password.clone()).await
    }
}
