use std::collections::HashMap;
use std::fmt;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use super::watch::Watched;
use crate::BoxFuture;
use crate::audit::{AuditAction, AuditError, AuditEvent, AuditSink};
use crate::sessions::{Invalidated, Listening, SessionInvalidations};

/// Who is watched in this process, and the way to the others.
pub(crate) struct Endings {
    watched: Mutex<HashMap<[u8; 32], Weak<Watched>>>,
    others: Option<Arc<dyn SessionInvalidations>>,
    listening: OnceLock<Listening>,
}

impl Endings {
    /// Listens to the others from now on.
    pub(super) fn new(others: Option<Arc<dyn SessionInvalidations>>) -> Arc<Self> {
        let endings = Arc::new(Self { watched: Mutex::default(), others, listening: OnceLock::new() });
        if let Some(others) = &endings.others {
            let here = Arc::downgrade(&endings);
            let heard = move |what| {
                if let Some(here) = here.upgrade() {
                    here.hear(what);
                }
            };
            endings.listening.get_or_init(|| others.listen(Arc::new(heard)));
        }
        endings
    }

    /// Who watches the credential of this digest, or what `watch` makes.
    pub(super) fn join(&self, credential: [u8; 32], watch: impl FnOnce() -> Arc<Watched>) -> Arc<Watched> {
        let mut all = self.watched();
        if let Some(there) = all.get(&credential).and_then(Weak::upgrade).filter(|there| !there.is_over()) {
            return there;
        }
        let new = watch();
        all.insert(credential, Arc::downgrade(&new));
        new
    }

    /// Forgets who is not watched any more.
    pub(super) fn leave(&self, credential: &[u8; 32]) {
        let mut all = self.watched();
        if all.get(credential).is_some_and(|there| there.strong_count() == 0) {
            all.remove(credential);
        }
    }

    fn hear(&self, what: Invalidated) {
        for watched in self.watched().values().filter_map(Weak::upgrade) {
            watched.hear(what);
        }
    }

    /// No code panics while it holds the lock, so what a poisoned lock guards is whole.
    fn watched(&self) -> MutexGuard<'_, HashMap<[u8; 32], Weak<Watched>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionInvalidations for Endings {
    fn publish(&self, what: Invalidated) {
        self.hear(what);
        if let Some(others) = &self.others {
            others.publish(what);
        }
    }

    /// Nobody else listens: whoever is watched was entered.
    fn listen(&self, _: Arc<dyn Fn(Invalidated) + Send + Sync>) -> Listening {
        Listening::until_dropped(())
    }
}

/// Tokens and keys end in many ways, and the trail is told of each.
#[derive(Debug)]
pub(crate) struct TokensThatEnd(pub(super) Arc<Endings>);

impl AuditSink for TokensThatEnd {
    fn record<'a>(&'a self, event: &'a AuditEvent) -> BoxFuture<'a, Result<(), AuditError>> {
        use AuditAction::{ApiKeyRevoked, TokenReused, TokensRevoked};
        if let (ApiKeyRevoked { .. } | TokenReused { .. } | TokensRevoked { .. }, Some(user)) =
            (&event.action, &event.user)
        {
            self.0.publish(Invalidated::of_user(user));
        }
        Box::pin(ready(Ok(())))
    }
}

impl fmt::Debug for Endings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endings").field("others", &self.others).finish_non_exhaustive()
    }
}
