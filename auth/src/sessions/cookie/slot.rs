//! One request's session, as a backend that holds at most this one.

use std::fmt;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::CookieSessionBackend;
use crate::BoxFuture;
use crate::sessions::{SaveIf, Saved, SessionBackend, SessionDigest, SessionError, SessionKey, SessionRecord};

/// What a request's cookie held, and what the answer's will hold.
pub(crate) struct Slot {
    carrier: CookieSessionBackend,
    /// The most bytes of the cookie's value.
    max: usize,
    state: Mutex<State>,
}

struct State {
    record: Option<Arc<SessionRecord>>,
    /// Whether the visitor's cookie says something else.
    changed: bool,
}

impl Slot {
    pub(super) fn new(carrier: CookieSessionBackend, max: usize, record: Option<SessionRecord>) -> Self {
        Self { carrier, max, state: Mutex::new(State { record: record.map(Arc::new), changed: false }) }
    }

    /// Whether the answer's cookie is another one than the request's.
    pub(crate) fn has_changed(&self) -> bool {
        self.state().changed
    }

    /// The value of the answer's cookie, where the session has that key.
    pub(crate) fn cookie(&self, key: &SessionKey) -> Option<String> {
        // It was sealed before, so it fits.
        self.state().record.as_ref().and_then(|record| self.carrier.seal(key, record, self.max).ok())
    }

    async fn save_now(
        &self,
        id: &SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> Result<Saved, SessionError> {
        let held = self.state().record.clone();
        match (&held, condition) {
            (None, SaveIf::Absent) => {}
            (Some(held), SaveIf::Version(version)) if held.version == version => {}
            (None, SaveIf::Version(_)) => return Ok(Saved::Gone),
            (Some(_), _) => return Ok(Saved::Conflict),
        }
        // Any key is as long as any other.
        self.carrier.seal(&SessionKey::generate(), &record, self.max)?;
        if let Some(held) = held.filter(|held| held.verifier != record.verifier) {
            self.carrier.end(id, &held, held.version).await?;
        }
        *self.state() = State { record: Some(record), changed: true };
        Ok(Saved::Done)
    }

    async fn delete_now(&self, id: &SessionDigest) -> Result<bool, SessionError> {
        let Some(held) = self.state().record.clone() else { return Ok(false) };
        self.carrier.end(id, &held, u64::MAX).await?;
        *self.state() = State { record: None, changed: true };
        Ok(true)
    }

    /// No code panics while it holds the lock, so what a poisoned lock guards is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionBackend for Slot {
    fn load<'a>(&'a self, _: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(ready(Ok(self.state().record.clone())))
    }

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(self.save_now(id, record, condition))
    }

    fn touch<'a>(
        &'a self,
        _: &'a SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<bool, SessionError>> {
        let mut state = self.state();
        let State { record, changed } = &mut *state;
        let touched = record.as_mut().map(Arc::make_mut).map(|record| {
            (record.seen_at, record.expires_at, *changed) = (seen_at, expires_at, true);
        });
        Box::pin(ready(Ok(touched.is_some())))
    }

    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(self.delete_now(id))
    }

    fn exists<'a>(&'a self, _: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(ready(Ok(self.state().record.is_some())))
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("carrier", &self.carrier).finish_non_exhaustive()
    }
}
