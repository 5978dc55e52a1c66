//! Sessions of many tenants in one backend.

mod namespace;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use self::namespace::Namespace;
use super::ListedSessionBackend;
use super::list::{Entry, MAX_LENGTH, SessionList};
use crate::BoxFuture;
use crate::clock::{Clock, SystemClock};
use crate::sessions::{
    CleanupExpired, SaveIf, Saved, SessionBackend, SessionDigest, SessionError, SessionLimit, SessionRecord,
    UserSessions, WhenFull,
};

/// One tenant's part of a backend: no other tenant's session is seen, changed or counted.
///
/// Beside the sessions it keeps a list of them in the same backend, which makes [`TenantSessionOperations`] and the
/// limit exact, whatever other programs do with the same tenant at the same time, and lets them survive a restart. A new
/// session costs two more writes, each as long as the list (48 bytes for a session), and so does a login, which is also
/// put into a list of its user's sessions as by [`ListedSessionBackend`]; loading costs none.
///
/// ```
/// # async fn example() -> Result<(), auth::sessions::SessionError> {
/// use std::sync::Arc;
///
/// use auth::sessions::{InMemorySessionBackend, Session, TenantSessionBackend, TenantSessionOperations as _};
///
/// let store = Arc::new(InMemorySessionBackend::new());
/// let acme = TenantSessionBackend::new(store.clone(), "acme").with_limit(1000);
/// let session = Session::new(acme.clone());
/// session.set("cart", 3)?;
/// session.save().await?;
///
/// assert_eq!(acme.count_sessions().await?, 1);
/// assert_eq!(TenantSessionBackend::new(store, "other").count_sessions().await?, 0);
/// # Ok(())
/// # }
/// ```
///
/// # Security
/// A session stands under SHA-256 of the pattern, the tenant's id and the session's digest, each with its length before
/// it: whatever the ids are, two tenants never share one. That a request is the tenant's whose backend it is given is
/// for the application to see to. If the store loses a list, the sessions that were in it live on until they expire, but
/// are neither listed nor counted; a list that is damaged lets no new session in.
#[derive(Clone)]
pub struct TenantSessionBackend<B> {
    users: ListedSessionBackend<Namespace<B>>,
    limit: usize,
    clock: Arc<dyn Clock>,
}

/// What can be done with all sessions of a tenant.
pub trait TenantSessionOperations: SessionBackend {
    /// The tenant's live sessions, the oldest first.
    fn list_sessions(&self) -> BoxFuture<'_, Result<Vec<SessionDigest>, SessionError>>;

    /// How many live sessions the tenant has.
    fn count_sessions(&self) -> BoxFuture<'_, Result<usize, SessionError>>;

    /// Ends every session that the tenant has when this is called, and says how many there were.
    fn delete_all_sessions(&self) -> BoxFuture<'_, Result<usize, SessionError>>;
}

impl<B: SessionBackend> TenantSessionBackend<B> {
    /// How sessions are named, unless another pattern is set.
    pub const PATTERN: &'static str = "tenant:{tenant_id}:session:{session_id}";
    /// The most sessions that a tenant can have.
    pub const MAX_LIMIT: usize = MAX_LENGTH;

    /// This tenant's part of the backend.
    pub fn new(inner: B, tenant_id: impl Into<Arc<str>>) -> Self {
        let names = Namespace { inner, tenant: tenant_id.into(), pattern: Self::PATTERN.into() };
        Self { users: ListedSessionBackend::new(names), limit: Self::MAX_LIMIT, clock: Arc::new(SystemClock) }
    }

    /// Another pattern, which is another namespace: programs that share a backend can have one each.
    ///
    /// # Errors
    /// [`SessionError::Configuration`] unless `{tenant_id}` and `{session_id}` stand in it, once each.
    pub fn with_pattern(mut self, pattern: &str) -> Result<Self, SessionError> {
        if ["{tenant_id}", "{session_id}"].iter().any(|id| pattern.matches(id).count() != 1) {
            let rule = "`{tenant_id}` and `{session_id}` stand in a tenant's pattern, once each";
            return Err(SessionError::Configuration(rule.to_owned()));
        }
        self.users.inner_mut().pattern = pattern.into();
        Ok(self)
    }

    /// The most live sessions that the tenant may have: one more is refused with [`SessionError::LimitReached`].
    ///
    /// Where programs set different limits, each goes by its own.
    #[must_use]
    pub fn with_limit(mut self, sessions: usize) -> Self {
        self.limit = sessions.min(Self::MAX_LIMIT);
        self
    }

    /// The same, going by this clock: the one that the backend goes by.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.users = self.users.with_clock(clock.clone());
        self.clock = clock;
        self
    }

    /// Whose sessions these are.
    pub fn tenant_id(&self) -> &str {
        &self.users.inner().tenant
    }

    async fn save_by(
        &self,
        id: &SessionDigest,
        record: &SessionRecord,
        condition: SaveIf,
        save: impl Future<Output = Result<Saved, SessionError>>,
    ) -> Result<Saved, SessionError> {
        let ends_at = record.ends_at;
        let most = match condition {
            SaveIf::Absent if self.exists(id).await? => return Ok(Saved::Conflict),
            SaveIf::Absent => self.limit,
            // It is one of those there are.
            SaveIf::Version(version) if self.moves_end(id, record, version).await? => Self::MAX_LIMIT,
            SaveIf::Version(_) => return save.await,
        };
        self.enlist(Entry::pending(*id, ends_at, self.clock.now()), most, WhenFull::Refuse).await?;
        let saved = save.await;
        match saved {
            Ok(Saved::Done) if !self.confirm(Entry::saved(*id, ends_at)).await? => {
                // It took longer than a session may take on its way into the list, and nobody was told of it yet.
                self.users.delete(id).await?;
                match condition {
                    SaveIf::Absent => Err(SessionError::LimitReached { max: self.limit }),
                    SaveIf::Version(_) => Ok(Saved::Gone),
                }
            }
            Ok(Saved::Done) => saved,
            _ => {
                self.struck(id).await;
                saved
            }
        }
    }

    /// Whether that is a login in the session that is there, which then ends at another moment than the list says.
    async fn moves_end(&self, id: &SessionDigest, record: &SessionRecord, version: u64) -> Result<bool, SessionError> {
        if record.login.is_none() {
            return Ok(false);
        }
        let held = self.users.load_fresh(id).await?;
        Ok(held.is_some_and(|held| held.version == version && held.ends_at != record.ends_at))
    }

    /// Takes a session out of the list. If that fails, whoever looks at the list sees that there is no such session.
    async fn struck(&self, id: &SessionDigest) {
        if let Err(error) = self.strike(id).await {
            tracing::warn!(session = ?id, %error, "an ended session stays in its tenant's list");
        }
    }

    async fn live(&self) -> Result<Vec<SessionDigest>, SessionError> {
        let mut live = Vec::new();
        for id in self.listed().await? {
            if self.exists(&id).await? {
                live.push(id);
            }
        }
        Ok(live)
    }
}

impl<B: SessionBackend> SessionList for TenantSessionBackend<B> {
    type Store = B;

    fn store(&self) -> &B {
        &self.users.inner().inner
    }

    fn place(&self) -> SessionDigest {
        self.users.inner().list()
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    async fn has(&self, id: &SessionDigest) -> Result<bool, SessionError> {
        self.users.exists(id).await
    }

    async fn end(&self, id: &SessionDigest) -> Result<(), SessionError> {
        self.users.delete(id).await.map(drop)
    }
}

impl<B: SessionBackend> TenantSessionOperations for TenantSessionBackend<B> {
    fn list_sessions(&self) -> BoxFuture<'_, Result<Vec<SessionDigest>, SessionError>> {
        Box::pin(self.live())
    }

    fn count_sessions(&self) -> BoxFuture<'_, Result<usize, SessionError>> {
        Box::pin(async move { Ok(self.live().await?.len()) })
    }

    fn delete_all_sessions(&self) -> BoxFuture<'_, Result<usize, SessionError>> {
        Box::pin(async move {
            let mut ended = 0;
            for id in self.listed().await? {
                ended += usize::from(self.users.delete(&id).await?);
            }
            self.tidy().await?;
            Ok(ended)
        })
    }
}

impl<B: SessionBackend> SessionBackend for TenantSessionBackend<B> {
    pass_on!([users] load, load_fresh, touch, exists);

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move {
            let save = self.users.save(id, record.clone(), condition);
            self.save_by(id, &record, condition, save).await
        })
    }

    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move {
            let deleted = self.users.delete(id).await?;
            if deleted {
                self.struck(id).await;
            }
            Ok(deleted)
        })
    }

    fn user_sessions(&self) -> Option<&dyn UserSessions> {
        Some(self)
    }
}

/// Users are the tenant's own: another tenant's user of the same key is somebody else.
impl<B: SessionBackend> UserSessions for TenantSessionBackend<B> {
    pass_users_on!([users] sessions_of, count_of, delete_of, delete_all_of);

    fn save_within<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
        limit: SessionLimit,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move {
            let save = self.users.save_within(id, record.clone(), condition, limit);
            self.save_by(id, &record, condition, save).await
        })
    }
}

impl<B: SessionBackend + CleanupExpired> CleanupExpired for TenantSessionBackend<B> {
    /// Of every tenant: what has expired is nobody's.
    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, SessionError>> {
        self.users.cleanup_expired(batch)
    }
}

impl<B: fmt::Debug> fmt::Debug for TenantSessionBackend<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantSessionBackend").field("users", &self.users).finish_non_exhaustive()
    }
}
