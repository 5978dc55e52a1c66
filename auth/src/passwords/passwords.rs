use std::sync::Arc;

use super::{
    BreachList, HashingService, InvalidPassword, PasswordConfig, PasswordContext, PasswordError, PasswordHash,
    PasswordHashers, PasswordProblem, Verification,
};
use crate::secret::SecretString;

/// Everything about passwords that serves requests: which hashers, where the work is done, which passwords are too weak.
#[derive(Clone, Debug)]
pub struct Passwords {
    hashers: Arc<PasswordHashers>,
    service: HashingService,
    config: Arc<PasswordConfig>,
    breach_list: Option<Arc<dyn BreachList>>,
    accepts_unchecked: bool,
}

impl Passwords {
    /// Hashes with these, on the threads that the whole process shares, and accepts what [`PasswordConfig`] does by default.
    pub fn new(hashers: PasswordHashers) -> Self {
        Self {
            hashers: Arc::new(hashers),
            service: HashingService::shared(),
            config: Arc::new(PasswordConfig::default()),
            breach_list: None,
            accepts_unchecked: false,
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

    /// Refuses new passwords that are on this list, and every new password while the list cannot be asked (ASVS 6.2.12,
    /// 16.5.3).
    #[must_use]
    pub fn with_breach_list(self, list: impl BreachList) -> Self {
        Self { breach_list: Some(Arc::new(list)), ..self }
    }

    /// Accepts new passwords while the list of breached ones cannot be asked; each is logged as an error.
    ///
    /// # Security
    /// Whoever can keep the list from answering can set a breached password.
    #[must_use]
    pub fn accept_when_breach_list_fails(self) -> Self {
        Self { accepts_unchecked: true, ..self }
    }

    /// Says everything that is wrong with a new password: by the rules, and by the list of breached ones. The list is
    /// not asked about a password that is too long.
    ///
    /// # Errors
    /// [`PasswordError::BreachList`] when only the list could say that something is wrong, and cannot be asked. A
    /// password that is not accepted is no error but the inner [`InvalidPassword`].
    pub async fn validate(
        &self,
        password: &SecretString,
        context: &PasswordContext<'_>,
    ) -> Result<Result<(), InvalidPassword>, PasswordError> {
        let found = self.config.validate(password.expose(), context);
        let Some(list) = &self.breach_list else { return Ok(found) };
        if self.config.too_long(password.expose()).is_some() {
            return Ok(found);
        }
        match list.contains(password).await {
            Ok(false) => Ok(found),
            Ok(true) => {
                let mut problems = found.err().map(|invalid| invalid.problems).unwrap_or_default();
                problems.push(breached());
                Ok(Err(InvalidPassword { problems }))
            }
            Err(error) if found.is_err() || self.accepts_unchecked => {
                crate::report::failed("the list of breached passwords cannot be asked", &error);
                Ok(found)
            }
            Err(error) => Err(error),
        }
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

fn breached() -> PasswordProblem {
    let message = "This password is known from a theft of data elsewhere. Choose another one.";
    PasswordProblem::new("password_breached", message)
}
