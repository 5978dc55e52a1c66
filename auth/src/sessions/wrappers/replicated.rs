//! Copies of sessions in other backends.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Semaphore, mpsc};

use crate::BoxFuture;
use crate::sessions::{
    CleanupExpired, DynSessionBackend, SaveIf, Saved, SessionBackend, SessionDigest, SessionError, SessionLimit,
    SessionRecord, UserSession, UserSessions, user_sessions,
};

/// How many copies may be under way at once. Above that, a change waits.
const MOST_COPIES: u32 = 256;
/// How often a copy follows changes made meanwhile, before that is left to whoever made them.
const MOST_ROUNDS: usize = 64;

/// How many replicas must have a change before it counts as made.
pub trait ReplicationStrategy: fmt::Debug + Send + Sync + 'static {
    /// The number, of so many replicas.
    fn acknowledgements(&self, replicas: usize) -> usize;
}

/// A change is made when the primary has it; replicas follow.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncReplication;

/// A change is made when every replica has it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SyncReplication;

/// A change is made when so many replicas have it; the others follow.
#[derive(Clone, Copy, Debug)]
pub struct AcknowledgedReplication(pub usize);

impl ReplicationStrategy for AsyncReplication {
    fn acknowledgements(&self, _: usize) -> usize {
        0
    }
}

impl ReplicationStrategy for SyncReplication {
    fn acknowledgements(&self, replicas: usize) -> usize {
        replicas
    }
}

impl ReplicationStrategy for AcknowledgedReplication {
    fn acknowledgements(&self, _: usize) -> usize {
        self.0
    }
}

/// Copies every change from a primary backend to others, so that one of them can take its place.
///
/// The primary alone answers and decides: replicas are written, never read for a visitor. A copy brings the replica to
/// what the primary has *then*, and looks again afterwards, so changes that overtake each other end the same everywhere.
/// It is tried three times, 50 and 100 milliseconds apart, unless other numbers are set. Copies run as tokio tasks, at
/// most 256 at once. A [`LayeredSessionBackend`](crate::sessions::LayeredSessionBackend) belongs around this rather than
/// into it: as a primary it may have a replica follow another process's change only with the next one.
///
/// # When the primary dies
/// Every call fails: nobody fails over by themselves. Start the programs with a replica as their backend. It knows what
/// it was told:
///
/// - With [`SyncReplication`] nothing is lost that succeeded, whichever replica takes over.
/// - With [`AcknowledgedReplication`]`(n)` the same is true of at least `n` of them for each change, not always the same
///   ones.
/// - With [`AsyncReplication`] the changes that were not copied yet are lost: who had just logged in is logged out, and
///   who had just logged out is logged in again.
///
/// # When a replica dies
/// The primary goes on answering, and has every change.
///
/// - With [`SyncReplication`] every change fails and says so, after all tries and as many time-outs of the replica. A
///   logout that failed is one on the primary; done again when the replica is back, it is one there too.
/// - With [`AcknowledgedReplication`]`(n)` nothing is noticed as long as `n` others are there.
/// - With [`AsyncReplication`] nothing is noticed, unless 256 copies wait for the replica: then changes wait as well.
///
/// When it is back, the next change of a session brings that session up to date there. What ended while it was away has
/// no next change and stays in it until it expires.
///
/// # Security
/// No ended session is served as long as the primary is there. A replica that takes over without having been told of a
/// logout serves that session until it expires. Where that is too long, empty the replica before it takes over.
///
/// # Errors
/// When fewer replicas than the strategy asks for have a change, [`SessionError::Store`], although the primary has it:
/// what was meant to end has ended there.
#[derive(Clone)]
pub struct ReplicatedSessionBackend<B> {
    inner: Arc<Inner<B>>,
}

struct Inner<B> {
    primary: B,
    replicas: Vec<DynSessionBackend>,
    strategy: Box<dyn ReplicationStrategy>,
    tries: NonZeroU32,
    pause: Duration,
    copies: Arc<Semaphore>,
}

impl<B: SessionBackend> ReplicatedSessionBackend<B> {
    /// Copies the primary's sessions to these replicas: stores of their own, which nobody else writes.
    ///
    /// # Errors
    /// [`SessionError::Configuration`] when the strategy asks for more replicas than there are.
    pub fn new(
        primary: B,
        replicas: impl IntoIterator<Item = DynSessionBackend>,
        strategy: impl ReplicationStrategy,
    ) -> Result<Self, SessionError> {
        let tries = NonZeroU32::MIN.saturating_add(2);
        Self::build(primary, replicas.into_iter().collect(), Box::new(strategy), tries, Duration::from_millis(50))
    }

    /// The same with so many tries of each copy, and this pause before the second; each later pause is twice as long.
    ///
    /// # Errors
    /// As [`ReplicatedSessionBackend::new`].
    pub fn with_retries(
        primary: B,
        replicas: impl IntoIterator<Item = DynSessionBackend>,
        strategy: impl ReplicationStrategy,
        (tries, pause): (NonZeroU32, Duration),
    ) -> Result<Self, SessionError> {
        Self::build(primary, replicas.into_iter().collect(), Box::new(strategy), tries, pause)
    }

    fn build(
        primary: B,
        replicas: Vec<DynSessionBackend>,
        strategy: Box<dyn ReplicationStrategy>,
        tries: NonZeroU32,
        pause: Duration,
    ) -> Result<Self, SessionError> {
        if strategy.acknowledgements(replicas.len()) > replicas.len() {
            let rule = "more replicas are to acknowledge a session's change than there are";
            return Err(SessionError::Configuration(rule.to_owned()));
        }
        let copies = Arc::new(Semaphore::new(MOST_COPIES as usize));
        Ok(Self { inner: Arc::new(Inner { primary, replicas, strategy, tries, pause, copies }) })
    }

    /// The backend that answers.
    pub fn primary(&self) -> &B {
        &self.inner.primary
    }

    /// Waits for the copies under way, before the program ends.
    pub async fn settle(&self) {
        _ = self.inner.copies.acquire_many(MOST_COPIES).await;
    }

    async fn replicate_all(&self, sessions: Vec<UserSession>) -> Result<(), SessionError> {
        let mut result = Ok(());
        for session in sessions {
            result = result.and(self.replicate(session.id).await);
        }
        result
    }

    /// Copies what the primary has under that id to the replicas, and waits for as many as the strategy asks for.
    async fn replicate(&self, id: SessionDigest) -> Result<(), SessionError> {
        let needed = self.inner.strategy.acknowledgements(self.inner.replicas.len());
        let (sender, mut results) = mpsc::unbounded_channel();
        for replica in &self.inner.replicas {
            let permit = self.inner.copies.clone().acquire_owned().await.map_err(SessionError::store)?;
            let (inner, replica, sender) = (self.inner.clone(), replica.clone(), sender.clone());
            tokio::spawn(async move {
                let result = inner.copy_with_retries(&*replica, &id).await;
                if let Err(error) = &result {
                    tracing::error!(session = ?id, %error, "a session's change did not reach a replica");
                }
                // Nobody may be waiting any more.
                _ = sender.send(result);
                drop(permit);
            });
        }
        drop(sender);
        let (mut acknowledged, mut failure) = (0, None);
        while acknowledged < needed {
            match results.recv().await {
                Some(Ok(())) => acknowledged += 1,
                Some(Err(error)) => failure = Some(error),
                None => return Err(failure.unwrap_or_else(|| SessionError::store("a replica's copy was given up"))),
            }
        }
        Ok(())
    }
}

impl<B: SessionBackend> Inner<B> {
    async fn copy_with_retries(&self, replica: &dyn SessionBackend, id: &SessionDigest) -> Result<(), SessionError> {
        let (mut pause, mut tries) = (self.pause, 1);
        loop {
            match self.copy(replica, id).await {
                Ok(()) => return Ok(()),
                Err(error) if tries >= self.tries.get() => return Err(error),
                Err(_) => tokio::time::sleep(pause).await,
            }
            (pause, tries) = (pause.saturating_mul(2), tries + 1);
        }
    }

    /// Makes the replica the same as the primary. Whoever writes last looks last, and mends what it overtook.
    async fn copy(&self, replica: &dyn SessionBackend, id: &SessionDigest) -> Result<(), SessionError> {
        for _ in 0..MOST_ROUNDS {
            let source = self.primary.load_fresh(id).await?;
            let held = replica.load_fresh(id).await?;
            if source == held {
                return Ok(());
            }
            match (source, held) {
                (None, _) => _ = replica.delete(id).await?,
                (Some(source), None) => _ = replica.save(id, source, SaveIf::Absent).await?,
                (Some(source), Some(held)) => _ = replica.save(id, source, SaveIf::Version(held.version)).await?,
            }
        }
        Err(SessionError::Contended)
    }
}

impl<B: SessionBackend> SessionBackend for ReplicatedSessionBackend<B> {
    pass_on!([inner.primary] load, load_fresh, exists, scan);
    user_sessions_as_inside!([inner.primary]);

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move {
            let saved = self.inner.primary.save(id, record, condition).await?;
            if saved == Saved::Done {
                self.replicate(*id).await?;
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
        Box::pin(async move {
            let touched = self.inner.primary.touch(id, seen_at, expires_at).await?;
            if touched {
                self.replicate(*id).await?;
            }
            Ok(touched)
        })
    }

    /// Replicas are told even if the primary has no such session: an earlier removal may not have reached them.
    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move {
            let deleted = self.inner.primary.delete(id).await?;
            self.replicate(*id).await?;
            Ok(deleted)
        })
    }
}

impl<B: SessionBackend> UserSessions for ReplicatedSessionBackend<B> {
    pass_users_on!([inner.primary] sessions_of, count_of);

    fn delete_of<'a>(&'a self, user_id: &'a str, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move {
            let deleted = user_sessions::of(&self.inner.primary)?.delete_of(user_id, id).await?;
            self.replicate(*id).await?;
            Ok(deleted)
        })
    }

    fn delete_all_of<'a>(
        &'a self,
        user_id: &'a str,
        except: Option<&'a SessionDigest>,
    ) -> BoxFuture<'a, Result<u64, SessionError>> {
        Box::pin(async move {
            let users = user_sessions::of(&self.inner.primary)?;
            let before = users.sessions_of(user_id).await?;
            let deleted = users.delete_all_of(user_id, except).await?;
            self.replicate_all(before).await?;
            Ok(deleted)
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
            let users = user_sessions::of(&self.inner.primary)?;
            let before = match record.user_id() {
                Some(user_id) => users.sessions_of(user_id).await?,
                None => Vec::new(),
            };
            let saved = users.save_within(id, record, condition, limit).await?;
            if saved == Saved::Done {
                self.replicate(*id).await?;
                // Some of them may have made room.
                self.replicate_all(before).await?;
            }
            Ok(saved)
        })
    }
}

impl<B: SessionBackend + CleanupExpired> CleanupExpired for ReplicatedSessionBackend<B> {
    /// Of the primary; replicas are cleaned up each by itself.
    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, SessionError>> {
        self.inner.primary.cleanup_expired(batch)
    }
}

impl<B: fmt::Debug> fmt::Debug for ReplicatedSessionBackend<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { primary, replicas, strategy, .. } = &*self.inner;
        f.debug_struct("ReplicatedSessionBackend")
            .field("primary", primary)
            .field("replicas", replicas)
            .field("strategy", strategy)
            .finish_non_exhaustive()
    }
}
