//! Sessions that are watched.

mod analytics;

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};

#[cfg(feature = "session-metrics")]
pub use self::analytics::PrometheusAnalytics;
pub use self::analytics::{DeletionReason, LoggerAnalytics, SessionAnalytics, SessionEvent};
use crate::BoxFuture;
use crate::clock::{Clock, SystemClock};
use crate::sessions::{CleanupExpired, SaveIf, Saved, SessionBackend, SessionDigest, SessionError, SessionRecord};

/// Tells [`SessionAnalytics`] what happens to a backend's sessions: what succeeded, once it has.
///
/// A backend does not say whether a session that is not there was ever there, so expired ones are counted where they
/// are removed: by [`CleanupExpired`].
#[derive(Clone, Debug)]
pub struct InstrumentedSessionBackend<B> {
    inner: B,
    analytics: Arc<dyn SessionAnalytics>,
    clock: Arc<dyn Clock>,
}

impl<B: SessionBackend> InstrumentedSessionBackend<B> {
    /// Watches this backend.
    pub fn new(inner: B, analytics: impl SessionAnalytics) -> Self {
        Self { inner, analytics: Arc::new(analytics), clock: Arc::new(SystemClock) }
    }

    /// The same, going by this clock: the one that the backend goes by.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The backend inside.
    pub fn inner(&self) -> &B {
        &self.inner
    }
}

impl<B: SessionBackend> SessionBackend for InstrumentedSessionBackend<B> {
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(async move {
            let start = Instant::now();
            let record = self.inner.load(id).await?;
            let (found, latency) = (record.is_some(), start.elapsed());
            self.analytics.record(&SessionEvent::Accessed { id: *id, found, latency });
            Ok(record)
        })
    }

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move {
            let (size, expires_at) = (record.data.len(), record.expires_at);
            let saved = self.inner.save(id, record, condition).await?;
            if saved == Saved::Done {
                let id = *id;
                self.analytics.record(&match condition {
                    SaveIf::Absent => SessionEvent::Created { id, size },
                    // An expired record is how a session is ended that goes on under another key.
                    SaveIf::Version(_) if expires_at <= self.clock.now() => {
                        SessionEvent::Deleted { id, reason: DeletionReason::KeyChanged }
                    }
                    SaveIf::Version(_) => SessionEvent::Changed { id, size },
                });
            }
            Ok(saved)
        })
    }

    fn touch<'a>(
        &'a self,
        id: &'a SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<bool, SessionError>> {
        self.inner.touch(id, seen_at, expires_at)
    }

    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move {
            let deleted = self.inner.delete(id).await?;
            if deleted {
                self.analytics.record(&SessionEvent::Deleted { id: *id, reason: DeletionReason::Ended });
            }
            Ok(deleted)
        })
    }

    fn exists<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        self.inner.exists(id)
    }
}

impl<B: CleanupExpired> CleanupExpired for InstrumentedSessionBackend<B> {
    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, SessionError>> {
        Box::pin(async move {
            let count = self.inner.cleanup_expired(batch).await?;
            if count > 0 {
                self.analytics.record(&SessionEvent::Expired { count });
            }
            Ok(count)
        })
    }
}
