//! Sessions of many tenants in one backend.

mod index;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use self::index::{Entry, Index};
use crate::BoxFuture;
use crate::clock::{Clock, SystemClock};
use crate::sessions::{CleanupExpired, SaveIf, Saved, SessionBackend, SessionDigest, SessionError, SessionRecord};

/// How often a change of the list is tried again after others changed it. Each round one of the rivals succeeds.
const MOST_TRIES: usize = 256;

/// One tenant's part of a backend: no other tenant's session is seen, changed or counted.
///
/// Beside the sessions it keeps a list of them in the same backend, which makes [`TenantSessionOperations`] and the
/// limit exact, whatever other programs do with the same tenant at the same time, and lets them survive a restart. A new
/// session costs two more writes, each as long as the list (48 bytes for a session); loading and saving costs none.
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
    inner: B,
    tenant: Arc<str>,
    pattern: Arc<str>,
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
    pub const MAX_LIMIT: usize = 16_384;

    /// This tenant's part of the backend.
    pub fn new(inner: B, tenant_id: impl Into<Arc<str>>) -> Self {
        let (tenant, clock) = (tenant_id.into(), Arc::new(SystemClock));
        Self { inner, tenant, pattern: Self::PATTERN.into(), limit: Self::MAX_LIMIT, clock }
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
        self.pattern = pattern.into();
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
        self.clock = clock;
        self
    }

    /// Whose sessions these are.
    pub fn tenant_id(&self) -> &str {
        &self.tenant
    }

    /// What the backend knows that session by.
    fn inside(&self, id: &SessionDigest) -> SessionDigest {
        self.digest(b"session", id.as_bytes())
    }

    fn digest(&self, kind: &[u8], id: &[u8]) -> SessionDigest {
        let mut hash = Sha256::new();
        for part in [b"auth tenant", kind, self.pattern.as_bytes(), self.tenant.as_bytes(), id] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        SessionDigest::from_bytes(hash.finalize().into())
    }

    async fn read_index(&self) -> Result<Index, SessionError> {
        Index::read(self.inner.load(&self.digest(b"index", b"")).await?.as_deref())
    }

    /// Says whether the list was still the one that was read.
    async fn write_index(&self, index: &Index) -> Result<bool, SessionError> {
        let (record, condition) = index.write(self.clock.now());
        let saved = self.inner.save(&self.digest(b"index", b""), record, condition).await?;
        Ok(saved == Saved::Done)
    }

    /// Puts a session into the list, in front of its being saved or after. Each is a write even where nothing changes:
    /// it fails the write of whoever is about to take the session out because it was not there.
    async fn enlist(&self, entry: Entry) -> Result<(), SessionError> {
        for _ in 0..MOST_TRIES {
            let mut index = self.read_index().await?;
            if let Some(at) = index.position(&entry.id) {
                index.entries[at].renew(&entry);
            } else {
                if index.entries.len() >= self.limit {
                    self.prune(&mut index).await?;
                }
                if index.entries.len() >= self.limit {
                    return Err(SessionError::LimitReached { max: self.limit });
                }
                index.entries.push(entry);
            }
            if self.write_index(&index).await? {
                return Ok(());
            }
        }
        Err(SessionError::Contended)
    }

    /// Takes those out of the list that are no sessions any more.
    async fn prune(&self, index: &mut Index) -> Result<(), SessionError> {
        let mut kept = Vec::with_capacity(index.entries.len());
        for entry in &index.entries {
            let stays = match entry.stays(self.clock.now()) {
                Some(stays) => stays,
                None => self.exists(&entry.id).await?,
            };
            if stays {
                kept.push(*entry);
            }
        }
        index.entries = kept;
        Ok(())
    }

    async fn strike(&self, id: &SessionDigest) -> Result<(), SessionError> {
        for _ in 0..MOST_TRIES {
            let mut index = self.read_index().await?;
            let Some(at) = index.position(id) else { return Ok(()) };
            // Somebody may have begun another one under the same id. If not yet, the write below fails theirs.
            if self.exists(id).await? {
                return Ok(());
            }
            index.entries.remove(at);
            if self.write_index(&index).await? {
                return Ok(());
            }
        }
        Err(SessionError::Contended)
    }

    async fn insert(&self, id: &SessionDigest, record: Arc<SessionRecord>) -> Result<Saved, SessionError> {
        let (inside, ends_at) = (self.inside(id), record.ends_at);
        if self.inner.exists(&inside).await? {
            return Ok(Saved::Conflict);
        }
        self.enlist(Entry::pending(*id, ends_at, self.clock.now())).await?;
        let saved = self.inner.save(&inside, record, SaveIf::Absent).await?;
        if saved == Saved::Done
            && let Err(error) = self.enlist(Entry::saved(*id, ends_at)).await
        {
            // Nobody was told of it yet.
            self.inner.delete(&inside).await?;
            return Err(error);
        }
        Ok(saved)
    }

    async fn remove(&self, id: &SessionDigest) -> Result<bool, SessionError> {
        let removed = self.inner.delete(&self.inside(id)).await?;
        if removed && let Err(error) = self.strike(id).await {
            // It is gone, and whoever looks at the list sees that.
            tracing::warn!(session = ?id, %error, "an ended session stays in its tenant's list");
        }
        Ok(removed)
    }
}

impl<B: SessionBackend> TenantSessionOperations for TenantSessionBackend<B> {
    fn list_sessions(&self) -> BoxFuture<'_, Result<Vec<SessionDigest>, SessionError>> {
        Box::pin(async move {
            let mut live = Vec::new();
            for entry in self.read_index().await?.entries {
                if self.exists(&entry.id).await? {
                    live.push(entry.id);
                }
            }
            Ok(live)
        })
    }

    fn count_sessions(&self) -> BoxFuture<'_, Result<usize, SessionError>> {
        Box::pin(async move { Ok(self.list_sessions().await?.len()) })
    }

    fn delete_all_sessions(&self) -> BoxFuture<'_, Result<usize, SessionError>> {
        Box::pin(async move {
            let mut ended = 0;
            for entry in self.read_index().await?.entries {
                ended += usize::from(self.inner.delete(&self.inside(&entry.id)).await?);
            }
            for _ in 0..MOST_TRIES {
                let mut index = self.read_index().await?;
                self.prune(&mut index).await?;
                if self.write_index(&index).await? {
                    return Ok(ended);
                }
            }
            Ok(ended)
        })
    }
}

impl<B: SessionBackend> SessionBackend for TenantSessionBackend<B> {
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(async move { self.inner.load(&self.inside(id)).await })
    }

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move {
            match condition {
                SaveIf::Absent => self.insert(id, record).await,
                SaveIf::Version(_) => self.inner.save(&self.inside(id), record, condition).await,
            }
        })
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
        Box::pin(self.remove(id))
    }

    fn exists<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move { self.inner.exists(&self.inside(id)).await })
    }
}

impl<B: CleanupExpired> CleanupExpired for TenantSessionBackend<B> {
    /// Of every tenant: what has expired is nobody's.
    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, SessionError>> {
        self.inner.cleanup_expired(batch)
    }
}

impl<B: fmt::Debug> fmt::Debug for TenantSessionBackend<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantSessionBackend")
            .field("tenant", &self.tenant)
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
