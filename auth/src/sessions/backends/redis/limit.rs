//! A limit on a user's sessions, exact because an index takes no more entries than there may be sessions.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};

use super::index::{Noted, Standing};
use super::{RedisSessionBackend, lasts_until};
use crate::sessions::{SaveIf, Saved, SessionDigest, SessionError, SessionLimit, SessionRecord, WhenFull};

/// How often a login looks again when others are under way. One that broke off counts until its mark goes.
const PATIENCE: u32 = 100;
const PAUSE: Duration = Duration::from_millis(5);

/// Whose turn it is to log a user in.
#[derive(Default)]
pub(super) struct Turns {
    users: [Mutex<()>; 32],
    hasher: RandomState,
}

impl Turns {
    async fn of(&self, user: &str) -> MutexGuard<'_, ()> {
        // The remainder is smaller than the number of locks.
        let turn = self.hasher.hash_one(user) % 32;
        self.users[usize::try_from(turn).unwrap_or_default()].lock().await
    }
}

impl RedisSessionBackend {
    pub(super) async fn save_within_now(
        &self,
        id: &SessionDigest,
        record: &SessionRecord,
        condition: SaveIf,
        limit: SessionLimit,
    ) -> Result<Saved, SessionError> {
        let Some(user) = record.user_id().filter(|_| self.clock.now() < record.expires_at) else {
            return self.save_now(id, record, condition).await;
        };
        // Logins of one process wait here rather than all look again and again.
        let _turn = self.turns.of(user).await;
        let (user, mut looks) = (user.as_bytes(), 0);
        loop {
            let most = limit.others().saturating_add(1);
            let mark = match self.note(user, id, lasts_until(record), Some(most)).await? {
                Noted::Done(mark) => Some(mark),
                // Then it ends nobody's session either.
                Noted::Full(_) if !self.may_save(id, condition).await? => None,
                Noted::Full(mut others) => {
                    others.retain(|other| other.id != *id);
                    let look = |id| async move { self.standing(user, &id).await };
                    let others = self.confirm(user, others, look).await?;
                    let over = (others.standing.len() + others.under_way).saturating_sub(limit.others());
                    if others.gone == 0 && !self.make_room(user, others.standing, over, limit).await? {
                        looks += 1;
                        if others.under_way == 0 || looks > PATIENCE {
                            return Err(limit.reached());
                        }
                        tokio::time::sleep(PAUSE).await;
                    }
                    continue;
                }
            };
            if let Some(saved) = self.write(id, record, condition, mark).await? {
                return Ok(saved);
            }
        }
    }

    /// Ends so many of a user's sessions, those that began first, if that is what the limit says.
    async fn make_room(
        &self,
        user: &[u8],
        mut others: Vec<(SessionDigest, Standing)>,
        over: usize,
        limit: SessionLimit,
    ) -> Result<bool, SessionError> {
        if limit.when_full != WhenFull::EndOldest || others.is_empty() {
            return Ok(false);
        }
        others.sort_unstable_by_key(|(id, other)| (other.created_at, *id));
        for (id, _) in others.iter().take(over) {
            self.delete_now(id, Some(user)).await?;
        }
        Ok(true)
    }

    /// Whether the condition held a moment ago.
    async fn may_save(&self, id: &SessionDigest, condition: SaveIf) -> Result<bool, SessionError> {
        let stands = self.load_now(id).await?.map(|record| record.version);
        Ok(match condition {
            SaveIf::Absent => stands.is_none(),
            SaveIf::Version(version) => stands == Some(version),
        })
    }
}
