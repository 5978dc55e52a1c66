use std::fmt;
use std::sync::Arc;

use auth::BoxFuture;
use auth::sessions::{
    SaveIf, Saved, SessionBackend, SessionDigest, SessionError, SessionRecord, SessionScan, UserSessions,
};
use chrono::{DateTime, Utc};

/// A backend before whose calls something happens, or fails.
#[derive(Clone)]
pub struct Before<B> {
    /// The backend.
    pub inner: B,
    hook: Arc<dyn Fn(Call) -> BoxFuture<'static, Result<(), SessionError>> + Send + Sync>,
}

/// What is about to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are all")]
pub enum Call {
    /// `load`
    Load,
    /// `save`
    Save,
    /// `touch`
    Touch,
    /// `delete`
    Delete,
    /// `exists`
    Exists,
}

impl<B> Before<B> {
    /// Has this done before each call.
    pub fn new<F: Future<Output = Result<(), SessionError>> + Send + 'static>(
        inner: B,
        hook: impl Fn(Call) -> F + Send + Sync + 'static,
    ) -> Self {
        Self { inner, hook: Arc::new(move |call| Box::pin(hook(call))) }
    }
}

impl<B: SessionBackend> SessionBackend for Before<B> {
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(async move {
            (self.hook)(Call::Load).await?;
            self.inner.load(id).await
        })
    }

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move {
            (self.hook)(Call::Save).await?;
            self.inner.save(id, record, condition).await
        })
    }

    fn touch<'a>(
        &'a self,
        id: &'a SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move {
            (self.hook)(Call::Touch).await?;
            self.inner.touch(id, seen_at, expires_at).await
        })
    }

    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move {
            (self.hook)(Call::Delete).await?;
            self.inner.delete(id).await
        })
    }

    fn exists<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move {
            (self.hook)(Call::Exists).await?;
            self.inner.exists(id).await
        })
    }

    fn user_sessions(&self) -> Option<&dyn UserSessions> {
        self.inner.user_sessions()
    }

    fn scan(&self) -> Option<&dyn SessionScan> {
        self.inner.scan()
    }
}

impl<B: fmt::Debug> fmt::Debug for Before<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Before").field("inner", &self.inner).finish_non_exhaustive()
    }
}
