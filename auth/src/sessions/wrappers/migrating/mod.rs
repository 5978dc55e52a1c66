//! Sessions on their way from one backend to another.

mod mark;
mod users;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use self::mark::Held;
use crate::BoxFuture;
use crate::sessions::{
    CleanupExpired, SaveIf, Saved, SessionBackend, SessionDigest, SessionError, SessionLimit, SessionRecord,
    UserSessions, user_sessions,
};

/// How often a session's move is tried again after others changed it. Each round one of the rivals succeeds.
const MOST_TRIES: usize = 256;

/// Two backends as one, while sessions move from the first to the second: nobody is logged out, and logout is final.
///
/// New sessions go to the new store. A session in the old one is read there, and moves when it is changed, used, or
/// met by [`SessionMigration`](crate::sessions::SessionMigration), with its expiry and its version. When that has come
/// to the end, the old store is empty and the application can be started with the new one alone.
///
/// Each step is one conditional save, so a program or a store may stop anywhere: nothing is lost, nothing that ended
/// comes back, and whoever is next goes on. From the middle of its move on a session is as durable as the new store.
///
/// Every server must have this in place before the first session moves, and until the last has: one that knows the old
/// store only takes moved sessions for ended, and what it changes may be lost. Put memory around this, not inside: both
/// stores are always asked themselves, which makes two reads of most. What keeps lists of sessions in a store
/// ([`TenantSessionBackend`](crate::sessions::TenantSessionBackend)) goes around this, too, so that they move along.
#[derive(Clone)]
pub struct MigratingSessionBackend<F, T> {
    from: F,
    to: T,
}

impl<F: SessionBackend, T: SessionBackend> MigratingSessionBackend<F, T> {
    /// Sessions move from one to the other.
    pub fn new(from: F, to: T) -> Self {
        Self { from, to }
    }

    /// The old store.
    pub fn from(&self) -> &F {
        &self.from
    }

    /// The new store.
    pub fn to(&self) -> &T {
        &self.to
    }

    async fn here(&self, id: &SessionDigest) -> Result<Option<Held>, SessionError> {
        Ok(self.from.load_fresh(id).await?.and_then(Held::of))
    }

    async fn there(&self, id: &SessionDigest) -> Result<Option<Held>, SessionError> {
        Ok(self.to.load_fresh(id).await?.and_then(Held::of))
    }

    /// The old store is asked first: a session that leaves it meanwhile is found in the new one.
    async fn find(&self, id: &SessionDigest) -> Result<Option<Arc<SessionRecord>>, SessionError> {
        let here = self.here(id).await?;
        if let Some(Held::Session(record)) = here {
            return Ok(Some(record));
        }
        Ok(match (here, self.there(id).await?) {
            (_, Some(Held::Session(record))) => Some(record),
            (Some(Held::Moved(record, place)), Some(Held::Place(found))) if found == place => Some(record),
            _ => None,
        })
    }

    /// Moves the session out of the old store, if it is there; says whether the new one has it now. `known` is what the
    /// old store had a moment ago.
    pub(crate) async fn settle(
        &self,
        id: &SessionDigest,
        known: Option<Arc<SessionRecord>>,
    ) -> Result<bool, SessionError> {
        let mut known = known.and_then(Held::of);
        for _ in 0..MOST_TRIES {
            let here = match known.take() {
                None => self.here(id).await?,
                known => known,
            };
            match here {
                Some(Held::Session(record)) => self.send(id, &record).await?,
                Some(Held::Moved(record, place)) => self.arrive(id, record, place).await?,
                None | Some(Held::Place(_)) => return Ok(matches!(self.there(id).await?, Some(Held::Session(_)))),
            }
        }
        Err(SessionError::Contended)
    }

    async fn send(&self, id: &SessionDigest, record: &Arc<SessionRecord>) -> Result<(), SessionError> {
        let own = mark::place(record);
        let place = match self.to.save(id, Arc::new(own.clone()), SaveIf::Absent).await? {
            Saved::Done => own.version,
            _ => match self.there(id).await? {
                Some(Held::Place(place)) => place,
                // It arrived meanwhile: nothing was known of that here.
                Some(Held::Session(_)) => return self.from.delete(id).await.map(drop),
                _ => return Ok(()),
            },
        };
        match self.from.save(id, mark::moved(record, place), SaveIf::Version(record.version)).await? {
            Saved::Done => self.arrive(id, record.clone(), place).await,
            // Somebody else may have moved it to this place.
            Saved::Conflict => Ok(()),
            // It ended, or is there by now; then it has another version.
            Saved::Gone => {
                let condition = SaveIf::Version(own.version);
                self.to.save(id, mark::no_place(own), condition).await.map(drop)
            }
        }
    }

    /// Whatever the answer, the new store decides by now: it has the session, or had it and it ended.
    async fn arrive(&self, id: &SessionDigest, record: Arc<SessionRecord>, place: u64) -> Result<(), SessionError> {
        let _: Saved = self.to.save(id, mark::arrived(record), SaveIf::Version(place)).await?;
        self.from.delete(id).await.map(drop)
    }

    /// Saves a session in the new store.
    async fn put(
        &self,
        id: &SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
        limit: Option<SessionLimit>,
    ) -> Result<Saved, SessionError> {
        let record = mark::arrived(record);
        match limit {
            Some(limit) => user_sessions::of(&self.to)?.save_within(id, record, condition, limit).await,
            None => self.to.save(id, record, condition).await,
        }
    }

    async fn begin(
        &self,
        id: &SessionDigest,
        record: Arc<SessionRecord>,
        limit: Option<SessionLimit>,
    ) -> Result<Saved, SessionError> {
        for _ in 0..MOST_TRIES {
            if self.settle(id, None).await? {
                return Ok(Saved::Conflict);
            }
            if self.put(id, record.clone(), SaveIf::Absent, limit).await? == Saved::Done {
                return Ok(Saved::Done);
            }
            // Of a session that ended on its way.
            if let Some(Held::Place(place)) = self.there(id).await?
                && self.put(id, record.clone(), SaveIf::Version(place), limit).await? == Saved::Done
            {
                return Ok(Saved::Done);
            }
        }
        Err(SessionError::Contended)
    }

    async fn save_now(
        &self,
        id: &SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
        limit: Option<SessionLimit>,
    ) -> Result<Saved, SessionError> {
        match condition {
            SaveIf::Absent => self.begin(id, record, limit).await,
            SaveIf::Version(_) if !self.settle(id, None).await? => Ok(Saved::Gone),
            SaveIf::Version(_) => match self.put(id, record, condition, limit).await? {
                // It ended meanwhile.
                Saved::Conflict if !matches!(self.there(id).await?, Some(Held::Session(_))) => Ok(Saved::Gone),
                saved => Ok(saved),
            },
        }
    }
}

impl<F: SessionBackend, T: SessionBackend> SessionBackend for MigratingSessionBackend<F, T> {
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(self.find(id))
    }

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(self.save_now(id, record, condition, None))
    }

    fn touch<'a>(
        &'a self,
        id: &'a SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move { Ok(self.settle(id, None).await? && self.to.touch(id, seen_at, expires_at).await?) })
    }

    /// In the old store first, so that no move that has begun comes to its end.
    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move {
            let here = self.from.delete(id).await?;
            let there = matches!(self.there(id).await?, Some(Held::Session(_)));
            let deleted = self.to.delete(id).await?;
            Ok(here || (there && deleted))
        })
    }

    fn exists<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move { Ok(self.find(id).await?.is_some()) })
    }

    fn user_sessions(&self) -> Option<&dyn UserSessions> {
        self.from.user_sessions().and(self.to.user_sessions()).map(|_| self as &dyn UserSessions)
    }
}

impl<F: CleanupExpired, T: CleanupExpired> CleanupExpired for MigratingSessionBackend<F, T> {
    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, SessionError>> {
        Box::pin(async move {
            let here = self.from.cleanup_expired(batch).await?;
            let left = u64::from(batch).saturating_sub(here);
            Ok(here + self.to.cleanup_expired(u32::try_from(left).unwrap_or(batch)).await?)
        })
    }
}

impl<F: fmt::Debug, T: fmt::Debug> fmt::Debug for MigratingSessionBackend<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MigratingSessionBackend").field("from", &self.from).field("to", &self.to).finish()
    }
}
