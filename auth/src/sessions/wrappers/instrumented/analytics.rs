use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::sessions::SessionDigest;

/// What happened to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEvent {
    /// One was begun.
    Created {
        /// Which.
        id: SessionDigest,
        /// The bytes of its data.
        size: usize,
    },
    /// One was changed.
    Changed {
        /// Which.
        id: SessionDigest,
        /// The bytes of its data.
        size: usize,
    },
    /// One was asked for.
    Accessed {
        /// Which.
        id: SessionDigest,
        /// Whether it was there.
        found: bool,
        /// How long the backend took.
        latency: Duration,
    },
    /// One was ended.
    Deleted {
        /// Which.
        id: SessionDigest,
        /// Why.
        reason: DeletionReason,
    },
    /// Some of a user's were ended by name, or all of them.
    Revoked {
        /// How many.
        count: u64,
    },
    /// Some were found to have expired, by a clean-up.
    Expired {
        /// How many.
        count: u64,
    },
}

/// Why a session was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeletionReason {
    /// Somebody logged out.
    Ended,
    /// It held nothing any more.
    Emptied,
}

impl DeletionReason {
    /// As it stands in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Emptied => "emptied",
        }
    }
}

/// Hears what happens to sessions. Requests wait for it, so it should be quick.
///
/// # Security
/// Events name a session by its digest, which opens nothing. Session data are not in them.
pub trait SessionAnalytics: fmt::Debug + Send + Sync + 'static {
    /// Something happened.
    fn record(&self, event: &SessionEvent);
}

impl<T: SessionAnalytics + ?Sized> SessionAnalytics for Arc<T> {
    fn record(&self, event: &SessionEvent) {
        (**self).record(event);
    }
}

/// Writes events to the log, through `tracing`: accesses and changes at level `DEBUG`, beginnings and ends at `INFO`.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoggerAnalytics;

impl SessionAnalytics for LoggerAnalytics {
    fn record(&self, event: &SessionEvent) {
        match event {
            SessionEvent::Created { id, size } => tracing::info!(session = ?id, size, "a session was begun"),
            SessionEvent::Changed { id, size } => tracing::debug!(session = ?id, size, "a session was changed"),
            SessionEvent::Accessed { id, found, latency } => {
                tracing::debug!(session = ?id, found, ?latency, "a session was asked for");
            }
            SessionEvent::Deleted { id, reason } => {
                tracing::info!(session = ?id, reason = reason.as_str(), "a session was ended");
            }
            SessionEvent::Revoked { count } => tracing::info!(count, "a user's sessions were ended"),
            SessionEvent::Expired { count } => tracing::info!(count, "sessions have expired"),
        }
    }
}

/// Counts events through the `metrics` facade, under names as Prometheus has them:
///
/// | metric | kind | counts |
/// | --- | --- | --- |
/// | `session_created_total` | counter | sessions begun |
/// | `session_accessed_total` | counter | sessions asked for; label `found` |
/// | `session_access_latency_seconds` | histogram | how long the backend took to find them |
/// | `session_size_bytes` | histogram | data written |
/// | `session_deleted_total` | counter | sessions ended; label `reason`: `ended`, `emptied`, `revoked` |
/// | `session_expired_total` | counter | sessions removed by a clean-up |
///
/// The program installs a recorder, such as that of `metrics-exporter-prometheus`. No label names a session.
#[cfg(feature = "session-metrics")]
#[derive(Clone, Copy, Debug, Default)]
pub struct PrometheusAnalytics;

#[cfg(feature = "session-metrics")]
impl SessionAnalytics for PrometheusAnalytics {
    #[expect(clippy::cast_precision_loss, reason = "a session is smaller than 2^52 bytes")]
    fn record(&self, event: &SessionEvent) {
        match event {
            SessionEvent::Created { size, .. } => {
                metrics::counter!("session_created_total").increment(1);
                metrics::histogram!("session_size_bytes").record(*size as f64);
            }
            SessionEvent::Changed { size, .. } => metrics::histogram!("session_size_bytes").record(*size as f64),
            SessionEvent::Accessed { found, latency, .. } => {
                let found = if *found { "true" } else { "false" };
                metrics::counter!("session_accessed_total", "found" => found).increment(1);
                metrics::histogram!("session_access_latency_seconds").record(latency.as_secs_f64());
            }
            SessionEvent::Deleted { reason, .. } => {
                metrics::counter!("session_deleted_total", "reason" => reason.as_str()).increment(1);
            }
            SessionEvent::Revoked { count } => {
                metrics::counter!("session_deleted_total", "reason" => "revoked").increment(*count);
            }
            SessionEvent::Expired { count } => metrics::counter!("session_expired_total").increment(*count),
        }
    }
}
