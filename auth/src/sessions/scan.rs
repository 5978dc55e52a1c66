use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::{SessionDigest, SessionError, SessionRecord};
use crate::BoxFuture;

/// A store that can tell all its live sessions, a batch at a time: to move them to another, or to count them.
///
/// It is no work for a request: it reads the whole store. [`SessionBackend::scan`](super::SessionBackend::scan) gives it
/// for a backend of unknown type. Memcached and the like cannot tell what they hold, nor can a Redis cluster.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot tell all its sessions",
    note = "implement `auth::sessions::SessionScan` for `{Self}`, or keep sessions in memory, files, a database or Redis"
)]
pub trait SessionScan: Send + Sync {
    /// The next live sessions, from the beginning or after a cursor that this store gave.
    ///
    /// A session that is alive during the whole scan is met: once, in Redis at least once. One that begins or ends
    /// meanwhile may be met. A page has about `batch` sessions at the most, and may have none although more follow.
    ///
    /// # Errors
    /// [`SessionError::Configuration`] when the cursor is none of this store's.
    fn scan<'a>(&'a self, after: Option<&'a ScanCursor>, batch: u32) -> BoxFuture<'a, Result<ScanPage, SessionError>>;
}

/// Some of a store's sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScanPage {
    /// The sessions, each with what the store knows it by.
    pub sessions: Vec<(SessionDigest, Arc<SessionRecord>)>,
    /// Where to go on; nothing, when that was all.
    pub next: Option<ScanCursor>,
}

impl ScanPage {
    /// A page.
    pub fn new(sessions: Vec<(SessionDigest, Arc<SessionRecord>)>, next: Option<ScanCursor>) -> Self {
        Self { sessions, next }
    }

    /// A page of a scan in the order of digests: what was found after the cursor, cut to a batch.
    pub(super) fn of(mut found: Vec<(SessionDigest, Arc<SessionRecord>)>, batch: u32, more: bool) -> Self {
        let batch = usize::try_from(batch).unwrap_or(usize::MAX).max(1);
        let more = more || found.len() > batch;
        found.truncate(batch);
        let next = found.last().filter(|_| more).map(|(id, _)| ScanCursor::after(id));
        Self { sessions: found, next }
    }
}

/// How far a scan has come. It is text, to be kept and gone on with, also by another process; Redis's is of no use once
/// the server was restarted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ScanCursor(String);

impl ScanCursor {
    /// The cursor that a store reads as this.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What the store reads.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The cursor of a scan in the order of digests.
    pub(super) fn after(id: &SessionDigest) -> Self {
        Self(id.to_string())
    }

    /// The digest after which such a scan goes on.
    pub(super) fn digest(&self) -> Result<SessionDigest, SessionError> {
        SessionDigest::parse(&self.0).ok_or_else(Self::unknown)
    }

    pub(super) fn unknown() -> SessionError {
        SessionError::Configuration("the cursor is none of this session store's".to_owned())
    }
}

impl fmt::Display for ScanCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ScanCursor {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(text))
    }
}
