use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::BoxFuture;
use crate::accounts::{AuthBackend, AuthBackendError, Error, Verdict};
use crate::secret::SecretString;

/// Asks several auth backends, in their order, until one knows the name: a verdict other than [`Verdict::Next`] is final, a
/// refusal too, and so is a backend that cannot tell.
///
/// Backends can be added while the application runs. It is a backend itself.
#[derive(Default)]
pub struct CompositeAuthBackend {
    backends: RwLock<Vec<(String, Arc<dyn AuthBackend>)>>,
}

impl CompositeAuthBackend {
    /// Nobody can log in until a backend is added.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks this backend after the others. One of the same name makes way for it.
    pub fn add_backend(&self, name: impl Into<String>, backend: Arc<dyn AuthBackend>) {
        let name = name.into();
        // Nothing panics while it holds the lock.
        let mut backends = self.backends.write().unwrap_or_else(PoisonError::into_inner);
        match backends.iter_mut().find(|(known, _)| *known == name) {
            Some((_, place)) => *place = backend,
            None => backends.push((name, backend)),
        }
    }

    /// The names of the backends, in the order in which they are asked.
    pub fn names(&self) -> Vec<String> {
        self.now().into_iter().map(|(name, _)| name).collect()
    }

    /// Checks a name and a password.
    ///
    /// # Errors
    /// [`Error::Backend`] when one cannot tell; those after it are not asked.
    pub async fn check(&self, username: &str, password: &SecretString) -> Result<Verdict, Error> {
        for (name, backend) in self.now() {
            match backend.authenticate(username, password).await {
                Ok(Verdict::Next) => {}
                Ok(verdict) => return Ok(verdict),
                Err(source) => return Err(Error::Backend { name, source }),
            }
        }
        Ok(Verdict::Next)
    }

    fn now(&self) -> Vec<(String, Arc<dyn AuthBackend>)> {
        self.backends.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl AuthBackend for CompositeAuthBackend {
    fn authenticate<'a>(
        &'a self,
        username: &'a str,
        password: &'a SecretString,
    ) -> BoxFuture<'a, Result<Verdict, AuthBackendError>> {
        Box::pin(async move { Ok(self.check(username, password).await?) })
    }
}

impl fmt::Debug for CompositeAuthBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CompositeAuthBackend").field(&self.names()).finish()
    }
}
