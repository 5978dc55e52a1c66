//! Lists of users' sessions for backends that have none.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::list::{Entry, MAX_LENGTH, SessionList, is_list};
use crate::BoxFuture;
use crate::clock::{Clock, SystemClock};
use crate::sessions::{
    CleanupExpired, SaveIf, Saved, ScanCursor, ScanPage, SessionBackend, SessionDigest, SessionError, SessionLimit,
    SessionRecord, SessionScan, UserSession, UserSessions, WhenFull,
};

/// Keeps a list of each user's sessions beside them, for backends that cannot tell them: files, caches, one's own. Around
/// one that can, it adds nothing.
///
/// The list is a record of the backend, and as lasting as the sessions. A login costs two more writes, each as long as
/// the list (48 bytes for a session), any other change and the end of a session one more read. A user has 16,384 sessions
/// at the most.
///
/// ```
/// # #[cfg(feature = "session-file")]
/// # async fn example() -> Result<(), auth::sessions::SessionError> {
/// use auth::sessions::{FileSessionBackend, ListedSessionBackend, SessionManager};
///
/// let files = ListedSessionBackend::new(FileSessionBackend::open("/var/lib/blog/sessions").await?);
/// let manager = SessionManager::new(std::sync::Arc::new(files))?;
/// # Ok(())
/// # }
/// ```
///
/// # Security
/// If the backend loses a list, as a cache may, the sessions that were in it live on until they expire, but are neither
/// listed nor counted, and ending all of a user's sessions does not end them. A list that is damaged lets no login in.
#[derive(Clone)]
pub struct ListedSessionBackend<B> {
    inner: B,
    clock: Arc<dyn Clock>,
}

impl<B: SessionBackend> ListedSessionBackend<B> {
    /// Lists in front of this backend.
    pub fn new(inner: B) -> Self {
        Self { inner, clock: Arc::new(SystemClock) }
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

    pub(super) fn inner_mut(&mut self) -> &mut B {
        &mut self.inner
    }

    /// Whether the backend inside can tell a user's sessions by itself.
    fn can_tell(&self) -> bool {
        self.inner.user_sessions().is_some()
    }

    fn of<'a>(&'a self, user_id: &'a str) -> ListOf<'a, B> {
        ListOf { backend: self, user_id }
    }

    async fn save_as(
        &self,
        id: &SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
        limit: Option<SessionLimit>,
    ) -> Result<Saved, SessionError> {
        let held = self.inner.load_fresh(id).await?;
        match (&held, condition) {
            (Some(_), SaveIf::Absent) => return Ok(Saved::Conflict),
            (None, SaveIf::Version(_)) => return Ok(Saved::Gone),
            (Some(held), SaveIf::Version(version)) if held.version != version => return Ok(Saved::Conflict),
            _ => {}
        }
        let before = held.as_ref().and_then(|held| held.user_id());
        let is_listed =
            |user_id| Some(user_id) == before && held.as_ref().is_some_and(|held| held.ends_at == record.ends_at);
        let saved = match record.user_id() {
            Some(user_id) if limit.is_some() || !is_listed(user_id) => {
                self.log_in(user_id, id, record.clone(), condition, limit).await?
            }
            _ => self.inner.save(id, record.clone(), condition).await?,
        };
        if saved == Saved::Done
            && let Some(user_id) = before.filter(|before| Some(*before) != record.user_id())
        {
            self.struck(user_id, id).await;
        }
        Ok(saved)
    }

    /// Saves a record in which somebody is logged in newly.
    async fn log_in(
        &self,
        user_id: &str,
        id: &SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
        limit: Option<SessionLimit>,
    ) -> Result<Saved, SessionError> {
        let (list, ends_at) = (self.of(user_id), record.ends_at);
        let most = limit.map_or(MAX_LENGTH, |limit| limit.others().saturating_add(1));
        let when_full = limit.map_or(WhenFull::Refuse, |limit| limit.when_full);
        list.enlist(Entry::pending(*id, ends_at, self.clock.now()), most, when_full).await?;
        let saved = self.inner.save(id, record, condition).await?;
        if saved != Saved::Done {
            self.struck(user_id, id).await;
        } else if !list.confirm(Entry::saved(*id, ends_at)).await? {
            // It took so long that it made room for another one.
            self.end(user_id, id).await?;
        }
        Ok(saved)
    }

    /// Ends a session, if it is this user's, whatever is changed in it meanwhile.
    async fn end(&self, user_id: &str, id: &SessionDigest) -> Result<bool, SessionError> {
        while let Some(held) = self.inner.load_fresh(id).await?.filter(|held| held.user_id() == Some(user_id)) {
            // Expired is removed, if it is still this user's.
            let version = held.version.wrapping_add(1);
            let ended = SessionRecord { version, expires_at: held.created_at, ..(*held).clone() };
            if self.inner.save(id, Arc::new(ended), SaveIf::Version(held.version)).await? == Saved::Done {
                self.inner.delete(id).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes a session out of a list. If that fails, whoever looks at the list sees that there is no such session.
    async fn struck(&self, user_id: &str, id: &SessionDigest) {
        if let Err(error) = self.of(user_id).strike(id).await {
            tracing::warn!(session = ?id, %error, "an ended session stays in its user's list");
        }
    }

    async fn sessions_now(&self, user_id: &str) -> Result<Vec<UserSession>, SessionError> {
        let mut sessions = Vec::new();
        for id in self.of(user_id).listed().await? {
            let held = self.inner.load_fresh(&id).await?;
            sessions.extend(held.filter(|held| held.user_id() == Some(user_id)).map(|held| UserSession::new(id, held)));
        }
        UserSession::sort(&mut sessions);
        Ok(sessions)
    }
}

/// The list of one user.
struct ListOf<'a, B> {
    backend: &'a ListedSessionBackend<B>,
    user_id: &'a str,
}

impl<B: SessionBackend> SessionList for ListOf<'_, B> {
    type Store = B;

    fn store(&self) -> &B {
        &self.backend.inner
    }

    /// No key leads there.
    fn place(&self) -> SessionDigest {
        let hash = Sha256::new().chain_update(b"auth: sessions of: ").chain_update(self.user_id);
        SessionDigest::from_bytes(hash.finalize().into())
    }

    fn now(&self) -> DateTime<Utc> {
        self.backend.clock.now()
    }

    async fn has(&self, id: &SessionDigest) -> Result<bool, SessionError> {
        let held = self.store().load_fresh(id).await?;
        Ok(held.is_some_and(|held| held.user_id() == Some(self.user_id)))
    }

    async fn end(&self, id: &SessionDigest) -> Result<(), SessionError> {
        self.backend.end(self.user_id, id).await.map(drop)
    }
}

impl<B: SessionBackend> SessionBackend for ListedSessionBackend<B> {
    pass_on!([inner] load, load_fresh, touch, exists);

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move {
            // A visitor's session stands in no list.
            if self.can_tell() || (record.login.is_none() && condition == SaveIf::Absent) {
                return self.inner.save(id, record, condition).await;
            }
            self.save_as(id, record, condition, None).await
        })
    }

    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        if self.can_tell() {
            return self.inner.delete(id);
        }
        Box::pin(async move {
            let held = self.inner.load_fresh(id).await?;
            let deleted = self.inner.delete(id).await?;
            if let Some(user_id) = held.as_ref().and_then(|held| held.user_id()) {
                self.struck(user_id, id).await;
            }
            Ok(deleted)
        })
    }

    fn user_sessions(&self) -> Option<&dyn UserSessions> {
        Some(self)
    }

    fn scan(&self) -> Option<&dyn SessionScan> {
        self.inner.scan().map(|_| self as &dyn SessionScan)
    }
}

impl<B: SessionBackend> SessionScan for ListedSessionBackend<B> {
    fn scan<'a>(&'a self, after: Option<&'a ScanCursor>, batch: u32) -> BoxFuture<'a, Result<ScanPage, SessionError>> {
        Box::pin(async move {
            let Some(inner) = self.inner.scan() else { return Ok(ScanPage::default()) };
            let mut page = inner.scan(after, batch).await?;
            page.sessions.retain(|(_, record)| !is_list(record));
            Ok(page)
        })
    }
}

impl<B: SessionBackend> UserSessions for ListedSessionBackend<B> {
    fn sessions_of<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Vec<UserSession>, SessionError>> {
        match self.inner.user_sessions() {
            Some(users) => users.sessions_of(user_id),
            None => Box::pin(self.sessions_now(user_id)),
        }
    }

    fn count_of<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<u64, SessionError>> {
        match self.inner.user_sessions() {
            Some(users) => users.count_of(user_id),
            None => Box::pin(async move { Ok(self.sessions_now(user_id).await?.len() as u64) }),
        }
    }

    fn delete_of<'a>(&'a self, user_id: &'a str, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        if let Some(users) = self.inner.user_sessions() {
            return users.delete_of(user_id, id);
        }
        Box::pin(async move {
            let ended = self.end(user_id, id).await?;
            self.struck(user_id, id).await;
            Ok(ended)
        })
    }

    fn delete_all_of<'a>(
        &'a self,
        user_id: &'a str,
        except: Option<&'a SessionDigest>,
    ) -> BoxFuture<'a, Result<u64, SessionError>> {
        if let Some(users) = self.inner.user_sessions() {
            return users.delete_all_of(user_id, except);
        }
        Box::pin(async move {
            let (list, mut ended) = (self.of(user_id), 0);
            for id in list.listed().await?.iter().filter(|id| Some(*id) != except) {
                ended += u64::from(self.end(user_id, id).await?);
            }
            list.tidy().await?;
            Ok(ended)
        })
    }

    fn save_within<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
        limit: SessionLimit,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        match self.inner.user_sessions() {
            Some(users) => users.save_within(id, record, condition, limit),
            None => Box::pin(self.save_as(id, record, condition, Some(limit))),
        }
    }
}

impl<B: SessionBackend + CleanupExpired> CleanupExpired for ListedSessionBackend<B> {
    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, SessionError>> {
        self.inner.cleanup_expired(batch)
    }
}

impl<B: fmt::Debug> fmt::Debug for ListedSessionBackend<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListedSessionBackend").field("inner", &self.inner).finish_non_exhaustive()
    }
}
