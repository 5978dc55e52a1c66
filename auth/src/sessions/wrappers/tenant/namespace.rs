use std::sync::Arc;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use crate::BoxFuture;
use crate::sessions::{CleanupExpired, SaveIf, Saved, SessionBackend, SessionDigest, SessionError, SessionRecord};

/// A backend in which every id is another one: that of a tenant.
#[derive(Clone, Debug)]
pub(super) struct Namespace<B> {
    pub(super) inner: B,
    pub(super) tenant: Arc<str>,
    pub(super) pattern: Arc<str>,
}

impl<B> Namespace<B> {
    /// What the backend knows that session by.
    fn inside(&self, id: &SessionDigest) -> SessionDigest {
        self.digest(b"session", id.as_bytes())
    }

    /// What the backend knows the list of the tenant's sessions by.
    pub(super) fn list(&self) -> SessionDigest {
        self.digest(b"index", b"")
    }

    fn digest(&self, kind: &[u8], id: &[u8]) -> SessionDigest {
        let mut hash = Sha256::new();
        for part in [b"auth tenant", kind, self.pattern.as_bytes(), self.tenant.as_bytes(), id] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        SessionDigest::from_bytes(hash.finalize().into())
    }
}

impl<B: SessionBackend> SessionBackend for Namespace<B> {
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(async move { self.inner.load(&self.inside(id)).await })
    }

    fn load_fresh<'a>(
        &'a self,
        id: &'a SessionDigest,
    ) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(async move { self.inner.load_fresh(&self.inside(id)).await })
    }

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move { self.inner.save(&self.inside(id), record, condition).await })
    }

    fn touch<'a>(
        &'a self,
        id: &'a SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move { self.inner.touch(&self.inside(id), seen_at, expires_at).await })
    }

    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move { self.inner.delete(&self.inside(id)).await })
    }

    fn exists<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move { self.inner.exists(&self.inside(id)).await })
    }
}

impl<B: CleanupExpired> CleanupExpired for Namespace<B> {
    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, SessionError>> {
        self.inner.cleanup_expired(batch)
    }
}
