use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

mod logins;
mod state;

use self::state::{Changes, State};
use super::formats::Encoder;
use super::{
    Device, DynSessionBackend, Lifetime, Login, SaveIf, Saved, SessionBackend, SessionDigest, SessionError,
    SessionFormat, SessionKey, SessionLimit, SessionRecord, backend, user_sessions,
};
use crate::clock::{Clock, SystemClock};

/// One visitor's session: a dictionary, saved only when it was changed.
///
/// It is a handle: clones are the same session. What is set is written by [`Session::save`], which a web layer calls
/// at the end of a request. Two requests that change different keys both keep their change; of two that change the
/// same key, the later save wins. A session that was ended meanwhile is not brought back.
///
/// ```
/// # async fn example() -> Result<(), auth::sessions::SessionError> {
/// use auth::sessions::{InMemorySessionBackend, Session};
///
/// let store = std::sync::Arc::new(InMemorySessionBackend::new());
/// let session = Session::new(store.clone());
/// session.set("cart", vec![3, 5])?;
/// session.save().await?;
///
/// let key = session.key().expect("a saved session has a key");
/// let later = Session::open(store, key).await?;
/// assert_eq!(later.get::<Vec<i64>>("cart")?, Some(vec![3, 5]));
/// # Ok(())
/// # }
/// ```
pub struct Session<B: SessionBackend = DynSessionBackend> {
    inner: Arc<Inner<B>>,
}

struct Inner<B> {
    backend: B,
    clock: Arc<dyn Clock>,
    lifetime: Lifetime,
    limit: Option<SessionLimit>,
    state: Mutex<State>,
}

/// How often a save is tried again on top of others' changes. Each round one of the rivals succeeds.
const MOST_TRIES: usize = 256;

impl<B: SessionBackend> Session<B> {
    /// A new session, empty and not yet stored.
    pub fn new(backend: B) -> Self {
        Self::with(backend, Arc::new(SystemClock), Lifetime::default())
    }

    /// A new session that goes by this clock and lives that long.
    pub fn with(backend: B, clock: Arc<dyn Clock>, lifetime: Lifetime) -> Self {
        Self::within(backend, clock, lifetime, None)
    }

    /// The same, which saves a login only within the limit.
    pub(crate) fn within(backend: B, clock: Arc<dyn Clock>, lifetime: Lifetime, limit: Option<SessionLimit>) -> Self {
        Self { inner: Arc::new(Inner { backend, clock, lifetime, limit, state: Mutex::default() }) }
    }

    /// The session of that key. Where there is none, a new one with another key: what a visitor brings is never adopted.
    ///
    /// # Errors
    /// [`SessionError::Store`]
    pub async fn open(backend: B, key: SessionKey) -> Result<Self, SessionError> {
        let session = Self::new(backend);
        let now = session.inner.clock.now();
        session.load(key, now).await?;
        Ok(session)
    }

    /// Loads the record of that key, if there is one now, into this new session.
    pub(crate) async fn load(
        &self,
        key: SessionKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Arc<SessionRecord>>, SessionError> {
        let found = backend::find(&self.inner.backend, &key, now).await?;
        if let Some(record) = &found {
            let mut state = self.state();
            state.key = Some(key);
            state.record = Some(record.clone());
        }
        Ok(found)
    }

    /// The value under a key.
    ///
    /// # Errors
    /// [`SessionError::Value`] when it is no `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        let mut state = self.state();
        let Some(value) = state.items().get(key) else { return Ok(None) };
        match T::deserialize(value) {
            Ok(value) => Ok(Some(value)),
            Err(source) => Err(SessionError::Value { key: key.to_owned(), source }),
        }
    }

    /// Puts a value under a key.
    ///
    /// # Errors
    /// [`SessionError::Value`] when it cannot be written as JSON.
    pub fn set(&self, key: impl Into<String>, value: impl Serialize) -> Result<(), SessionError> {
        let key = key.into();
        match serde_json::to_value(value) {
            Ok(value) => self.change(key, Some(value)),
            Err(source) => return Err(SessionError::Value { key, source }),
        };
        Ok(())
    }

    /// Removes a key. Says whether it was there.
    pub fn delete(&self, key: &str) -> bool {
        self.contains_key(key) && self.change(key.to_owned(), None)
    }

    /// Whether there is a value under the key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.state().items().contains_key(key)
    }

    /// The keys.
    pub fn keys(&self) -> Vec<String> {
        self.state().items().keys().cloned().collect()
    }

    /// The values.
    pub fn values(&self) -> Vec<Value> {
        self.state().items().values().cloned().collect()
    }

    /// Keys and values.
    pub fn items(&self) -> Vec<(String, Value)> {
        self.state().items().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Removes every key. A login stays; [`Session::flush`] ends it too.
    pub fn clear(&self) {
        let mut state = self.state();
        state.items = Some(Map::new());
        state.changes.items.clear();
        state.changes.cleared = true;
        state.note_change();
    }

    /// Has it written in this format from now on; in [`Json`](super::Json), if nothing is said.
    pub fn set_format(&self, format: impl SessionFormat) {
        self.set_encoder(Encoder::of(format));
    }

    pub(crate) fn set_encoder(&self, encoder: Encoder) {
        self.state().encoder = encoder;
    }

    /// Has the session written at the next save although nothing was set.
    pub fn mark_modified(&self) {
        self.state().note_change();
    }

    /// Has the changes made so far not written, unless another follows.
    pub fn mark_unmodified(&self) {
        self.state().modified = false;
    }

    /// Whether the next save writes.
    pub fn is_modified(&self) -> bool {
        self.state().modified
    }

    /// Whether anything was read.
    pub fn is_accessed(&self) -> bool {
        self.state().accessed
    }

    /// The key, if the session has one: what the visitor's cookie holds.
    pub fn key(&self) -> Option<SessionKey> {
        self.state().key.clone()
    }

    /// The key; a new one, if the session has none yet.
    pub fn get_or_create_key(&self) -> SessionKey {
        self.state().key.get_or_insert_with(SessionKey::generate).clone()
    }

    /// A key that no session has: 256 random bits.
    pub fn generate_key() -> SessionKey {
        SessionKey::generate()
    }

    /// Who is logged in.
    pub fn login(&self) -> Option<Login> {
        let state = self.state();
        let stored = || state.record.as_ref().and_then(|record| record.login.clone());
        state.changes.login.clone().or_else(stored)
    }

    /// The device that it was made on, if that was noted.
    pub fn device(&self) -> Option<Device> {
        let state = self.state();
        let stored = || state.record.as_ref().and_then(|record| record.device.clone());
        state.changes.device.clone().or_else(stored)
    }

    /// Notes the device that it is made on. This alone does not have a session stored that holds nothing else.
    pub fn set_device(&self, device: Device) {
        let mut state = self.state();
        state.changes.device = Some(device);
        state.note_change();
    }

    /// Notes the device for the case that somebody logs in on it; until then it is no change.
    #[cfg_attr(not(feature = "__web"), expect(dead_code, reason = "only the web knows a request's device"))]
    pub(crate) fn suggest_device(&self, device: Device) {
        self.state().changes.device = Some(device);
    }

    /// Writes what was changed; without a change, nothing. A session that holds nothing is removed from the store.
    ///
    /// # Errors
    /// [`SessionError::Ended`] when the session was ended meanwhile: then nothing is written.
    pub async fn save(&self) -> Result<(), SessionError> {
        if !self.is_modified() {
            return Ok(());
        }
        for _ in 0..MOST_TRIES {
            let Draft { key, mut record, condition, generation } = self.draft()?;
            let id = key.digest();
            let empty = is_empty(&record);
            if empty && condition == SaveIf::Absent {
                self.state().forget();
                return Ok(());
            }
            if empty {
                // Expired is removed, and no concurrent change escapes.
                record.expires_at = record.created_at;
            }
            let record = Arc::new(record);
            match (self.write(&id, record.clone(), condition).await?, condition) {
                (Saved::Done, _) if empty => {
                    self.inner.backend.delete(&id).await?;
                    self.state().forget();
                    return Ok(());
                }
                (Saved::Done, _) => {
                    self.saved(key, record, generation);
                    return Ok(());
                }
                (Saved::Gone, _) => return Err(SessionError::Ended),
                // Somebody else has the key: take another.
                (Saved::Conflict, SaveIf::Absent) => self.state().key = None,
                (Saved::Conflict, SaveIf::Version(_)) => {
                    let newer = self.inner.backend.load_fresh(&id).await?.ok_or(SessionError::Ended)?;
                    self.state().rebase(newer)?;
                }
            }
        }
        Err(SessionError::Contended)
    }

    /// A login within the limit, anything else as it is.
    async fn write(
        &self,
        id: &SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> Result<Saved, SessionError> {
        match self.inner.limit {
            Some(limit) if self.state().changes.login.is_some() => {
                user_sessions::of(&self.inner.backend)?.save_within(id, record, condition, limit).await
            }
            _ => self.inner.backend.save(id, record, condition).await,
        }
    }

    /// Gives the session another key at once, and keeps what is in it. The old key is dead when this returns.
    ///
    /// # Errors
    /// [`SessionError::Ended`] when the session was ended meanwhile.
    pub async fn cycle_key(&self) -> Result<(), SessionError> {
        {
            let mut state = self.state();
            state.renew = true;
            state.note_change();
        }
        self.save().await
    }

    /// Ends the session at once: login and data are gone, and the key is dead. What is set afterwards starts a new one.
    ///
    /// # Errors
    /// [`SessionError::Store`]: then the session may still be alive, and the caller must say so.
    pub async fn flush(&self) -> Result<(), SessionError> {
        if let Some((id, _)) = self.stored() {
            self.inner.backend.delete(&id).await?;
        }
        self.forget();
        Ok(())
    }

    /// Nothing is stored, as far as this request knows.
    fn forget(&self) {
        let mut state = self.state();
        state.forget();
        state.modified = true;
    }

    /// Ends the session unless it was changed since it was loaded.
    pub(crate) async fn end_unchanged(&self) -> Result<(), SessionError> {
        if let Some((id, record)) = self.stored() {
            // Expired is removed, and no concurrent change escapes.
            let version = record.version.wrapping_add(1);
            let ended = SessionRecord { version, expires_at: record.created_at, ..SessionRecord::clone(&record) };
            let saved = self.inner.backend.save(&id, Arc::new(ended), SaveIf::Version(record.version)).await?;
            if saved == Saved::Done {
                self.inner.backend.delete(&id).await?;
            }
        }
        self.state().forget();
        Ok(())
    }

    /// Notes that the session was used, when that is due.
    pub(crate) async fn touch(&self, now: DateTime<Utc>) -> Result<(), SessionError> {
        let (id, seen_at, expires_at) = {
            let state = self.state();
            let (Some(key), Some(record)) = (&state.key, &state.record) else { return Ok(()) };
            if !self.inner.lifetime.is_touch_due(record, now) {
                return Ok(());
            }
            let (seen_at, expires_at) = self.inner.lifetime.use_at(record, now);
            (key.digest(), seen_at, expires_at)
        };
        self.inner.backend.touch(&id, seen_at, expires_at).await.map(drop)
    }

    /// The key, if a record stood under it when the session was last read or written.
    pub(crate) fn stored_key(&self) -> Option<SessionKey> {
        let state = self.state();
        state.record.as_ref().and(state.key.clone())
    }

    /// What tells that key from the session's others, without being one.
    #[cfg_attr(not(feature = "__web"), expect(dead_code, reason = "only the web sets cookies"))]
    pub(crate) fn stored_verifier(&self) -> Option<[u8; 32]> {
        self.state().record.as_ref().map(|record| record.verifier)
    }

    /// What its store knows it by, if it is stored.
    pub(crate) fn stored_digest(&self) -> Option<SessionDigest> {
        self.stored().map(|(digest, _)| digest)
    }

    /// How long the session lives at the most, in seconds: as long as its cookie.
    #[cfg_attr(not(feature = "__web"), expect(dead_code, reason = "only the web sets cookies"))]
    pub(crate) fn seconds_left(&self) -> i64 {
        let now = self.inner.clock.now();
        self.state().record.as_ref().map_or(0, |record| (record.ends_at - now).num_seconds())
    }

    /// The same with what is stored.
    pub(crate) fn stored(&self) -> Option<(SessionDigest, Arc<SessionRecord>)> {
        let state = self.state();
        Some((state.key.as_ref()?.digest(), state.record.clone()?))
    }

    fn change(&self, key: String, value: Option<Value>) -> bool {
        let mut state = self.state();
        match &value {
            Some(value) => state.items().insert(key.clone(), value.clone()),
            None => state.items().remove(&key),
        };
        state.changes.items.insert(key, value);
        state.note_change();
        true
    }

    /// The record to write, on top of the one last seen.
    fn draft(&self) -> Result<Draft, SessionError> {
        let now = self.inner.clock.now();
        let mut state = self.state();
        let mut key = state.key.get_or_insert_with(SessionKey::generate).clone();
        let begun = self.inner.lifetime.begin(now);
        let (mut record, condition) = match &state.record {
            None => (begun.clone(), SaveIf::Absent),
            Some(old) => {
                let (seen_at, expires_at) = self.inner.lifetime.use_at(old, now);
                let version = old.version.checked_add(1).ok_or(SessionError::Contended)?;
                let next = SessionRecord { version, seen_at, expires_at, ..SessionRecord::clone(old) };
                (next, SaveIf::Version(old.version))
            }
        };
        if state.renew {
            key = if state.record.is_some() { key.renewed() } else { SessionKey::generate() };
        }
        if state.changes.login.is_some() {
            // Who logs in begins a session, although what was in it stays.
            (record.created_at, record.expires_at, record.ends_at) =
                (begun.created_at, begun.expires_at, begun.ends_at);
            record.login.clone_from(&state.changes.login);
        }
        if state.changes.device.is_some() {
            record.device.clone_from(&state.changes.device);
        }
        record.verifier = key.verifier();
        let encoder = state.encoder;
        record.data = encoder.encode(state.items())?;
        Ok(Draft { key, record, condition, generation: state.generation })
    }

    fn saved(&self, key: SessionKey, record: Arc<SessionRecord>, generation: u64) {
        let mut state = self.state();
        state.key = Some(key);
        state.record = Some(record);
        if state.generation == generation {
            state.changes = Changes::default();
            state.modified = false;
            state.renew = false;
        }
    }

    /// No code panics while it holds the lock, so what a poisoned lock guards is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to be written under which key.
struct Draft {
    key: SessionKey,
    record: SessionRecord,
    condition: SaveIf,
    generation: u64,
}

fn is_empty(record: &SessionRecord) -> bool {
    record.login.is_none() && record.data.is_empty()
}

impl<B: SessionBackend> Clone for Session<B> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<B: SessionBackend> fmt::Debug for Session<B> {
    /// Shows what the session is, never what is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let id = state.key.as_ref().map(SessionKey::digest);
        f.debug_struct("Session").field("id", &id).field("modified", &state.modified).finish_non_exhaustive()
    }
}
