//! Lists of sessions, kept as records beside the sessions: changed by replace-if-version, so exact, and as lasting as
//! what they list.

mod index;

use chrono::{DateTime, Utc};

use self::index::Index;
pub(super) use self::index::{Entry, is_list};
use crate::sessions::{Saved, SessionBackend, SessionDigest, SessionError, WhenFull};

/// How often a change of a list is tried again after others changed it. Each round one of the rivals succeeds.
const MOST_TRIES: usize = 256;
/// The most sessions in a list.
pub(super) const MAX_LENGTH: usize = 16_384;

/// One list of sessions in a backend.
///
/// A session is enlisted before it is saved and confirmed after, so that whoever looks at the list sees every session
/// that somebody was told of. One that is listed and not there is found out by looking.
pub(super) trait SessionList: Sync {
    /// Where the list is kept.
    type Store: SessionBackend;

    /// That backend.
    fn store(&self) -> &Self::Store;

    /// What that backend knows the list by.
    fn place(&self) -> SessionDigest;

    /// The moment that it is.
    fn now(&self) -> DateTime<Utc>;

    /// Whether there is such a session, and it belongs into the list.
    fn has(&self, id: &SessionDigest) -> impl Future<Output = Result<bool, SessionError>> + Send;

    /// Ends a session that belongs into the list, if there is one.
    fn end(&self, id: &SessionDigest) -> impl Future<Output = Result<(), SessionError>> + Send;

    /// What stands in the list, the oldest first.
    async fn listed(&self) -> Result<Vec<SessionDigest>, SessionError> {
        Ok(self.read().await?.entries.iter().map(|entry| entry.id).collect())
    }

    /// Puts a session into a list that is no longer than `most` then, before the session is saved. Those that
    /// make room end before they are taken out: whoever stops between leaves none that lives and is not listed.
    ///
    /// It is a write even where nothing changes: it fails the write of whoever is about to take the session out because
    /// it was not there.
    async fn enlist(&self, entry: Entry, most: usize, when_full: WhenFull) -> Result<(), SessionError> {
        let most = most.min(MAX_LENGTH);
        for _ in 0..MOST_TRIES {
            let mut index = self.read().await?;
            let others = index.put(entry);
            if others >= most {
                self.prune(&mut index, &entry.id).await?;
            }
            let over = (index.entries.len()).saturating_sub(most);
            if over > 0 && when_full == WhenFull::Refuse {
                return Err(SessionError::LimitReached { max: most });
            }
            let oldest: Vec<_> = index.entries.drain(..over).collect();
            for entry in &oldest {
                self.end(&entry.id).await?;
            }
            if self.write(&index).await? {
                // One that was on its way ends by itself, unless it was saved before this and then given up.
                for entry in oldest.iter().filter(|entry| entry.is_pending(self.now())) {
                    self.end(&entry.id).await?;
                }
                return Ok(());
            }
        }
        Err(SessionError::Contended)
    }

    /// Notes that a session was saved. Says whether it is still in the list.
    async fn confirm(&self, entry: Entry) -> Result<bool, SessionError> {
        for _ in 0..MOST_TRIES {
            let mut index = self.read().await?;
            let Some(at) = index.position(&entry.id) else { return Ok(false) };
            index.entries[at].renew(&entry);
            if self.write(&index).await? {
                return Ok(true);
            }
        }
        Err(SessionError::Contended)
    }

    /// Takes a session out that is not there any more.
    async fn strike(&self, id: &SessionDigest) -> Result<(), SessionError> {
        for _ in 0..MOST_TRIES {
            let mut index = self.read().await?;
            let Some(at) = index.position(id) else { return Ok(()) };
            // Somebody may have begun another one under the same id. If not yet, the write below fails theirs.
            if self.has(id).await? {
                return Ok(());
            }
            index.entries.remove(at);
            if self.write(&index).await? {
                return Ok(());
            }
        }
        Err(SessionError::Contended)
    }

    /// Takes everything out that is not there any more, as far as nobody hinders it.
    async fn tidy(&self) -> Result<(), SessionError> {
        for _ in 0..MOST_TRIES {
            let mut index = self.read().await?;
            let nobody = SessionDigest::from_bytes([0; 32]);
            self.prune(&mut index, &nobody).await?;
            if self.write(&index).await? {
                break;
            }
        }
        Ok(())
    }

    /// Takes those out that are no sessions any more, but for one.
    async fn prune(&self, index: &mut Index, but: &SessionDigest) -> Result<(), SessionError> {
        let mut kept = Vec::with_capacity(index.entries.len());
        for entry in &index.entries {
            let stays = match entry.stays(self.now()) {
                _ if entry.id == *but => true,
                Some(stays) => stays,
                None => self.has(&entry.id).await?,
            };
            if stays {
                kept.push(*entry);
            }
        }
        index.entries = kept;
        Ok(())
    }

    async fn read(&self) -> Result<Index, SessionError> {
        Index::read(self.store().load_fresh(&self.place()).await?.as_deref())
    }

    /// Says whether the list was still the one that was read.
    async fn write(&self, index: &Index) -> Result<bool, SessionError> {
        let (record, condition) = index.write(self.now());
        Ok(self.store().save(&self.place(), record, condition).await? == Saved::Done)
    }
}
