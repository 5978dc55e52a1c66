//! Sessions that are watched.

mod analytics;

use std::sync::Arc;
use std::time::Instant;

#[cfg(feature = "session-metrics")]
pub use self::analytics::PrometheusAnalytics;
pub use self::analytics::{DeletionReason, LoggerAnalytics, SessionAnalytics, SessionEvent};
use crate::BoxFuture;
use crate::clock::{Clock, SystemClock};
use crate::sessions::{
    CleanupExpired, SaveIf, Saved, SessionBackend, SessionDigest, SessionError, SessionLimit, SessionRecord,
    UserSessions, user_sessions,
};

/// Tells [`SessionAnalytics`] what happens to a backend's sessions: what succeeded, once it has.
///
/// A backend does not say whether a session that is not there was ever there, so expired ones are counted where they
/// are removed: by [`CleanupExpired`]. Nor does it say which sessions made room for a login within a limit.
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

    async fn accessed(
        &self,
        id: &SessionDigest,
        load: impl Future<Output = Result<Option<Arc<SessionRecord>>, SessionError>>,
    ) -> Result<Option<Arc<SessionRecord>>, SessionError> {
        let start = Instant::now();
        let record = load.await?;
        let (found, latency) = (record.is_some(), start.elapsed());
        self.analytics.record(&SessionEvent::Accessed { id: *id, found, latency });
        Ok(record)
    }

    async fn saved(
        &self,
        id: &SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
        save: impl Future<Output = Result<Saved, SessionError>>,
    ) -> Result<Saved, SessionError> {
        let saved = save.await?;
        if saved == Saved::Done {
            let (id, size) = (*id, record.data.len());
            self.analytics.record(&match condition {
                SaveIf::Absent => SessionEvent::Created { id, size },
                // That is how a session is ended which holds nothing any more.
                SaveIf::Version(_) if record.expires_at <= self.clock.now() => {
                    SessionEvent::Deleted { id, reason: DeletionReason::Emptied }
                }
                SaveIf::Version(_) => SessionEvent::Changed { id, size },
            });
        }
        Ok(saved)
    }

    fn revoked(&self, count: u64) {
        if count > 0 {
            self.analytics.record(&SessionEvent::Revoked { count });
        }
    }
}

impl<B: SessionBackend> SessionBackend for InstrumentedSessionBackend<B> {
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(self.accessed(id, self.inner.load(id)))
    }

    fn load_fresh<'a>(
        &'a self,
        id: &'a SessionDigest,
    ) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(self.accessed(id, self.inner.load_fresh(id)))
    }

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(self.saved(id, record.clone(), condition, self.inner.save(id, record, condition)))
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

    pass_on!([inner] touch, exists, scan);
    user_sessions_as_inside!([inner]);
}

impl<B: SessionBackend> UserSessions for InstrumentedSessionBackend<B> {
    pass_users_on!([inner] sessions_of, count_of);

    fn delete_of<'a>(&'a self, user_id: &'a str, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move {
            let deleted = user_sessions::of(&self.inner)?.delete_of(user_id, id).await?;
            self.revoked(deleted.into());
            Ok(deleted)
        })
    }

    fn delete_all_of<'a>(
        &'a self,
        user_id: &'a str,
        except: Option<&'a SessionDigest>,
    ) -> BoxFuture<'a, Result<u64, SessionError>> {
        Box::pin(async move {
            let count = user_sessions::of(&self.inner)?.delete_all_of(user_id, except).await?;
            self.revoked(count);
            Ok(count)
        })
    }

    fn save_within<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
        limit: SessionLimit,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move {
            let save = user_sessions::of(&self.inner)?.save_within(id, record.clone(), condition, limit);
            self.saved(id, record, condition, save).await
        })
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
