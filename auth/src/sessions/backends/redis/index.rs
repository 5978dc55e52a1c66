//! A user's index: which sessions may be theirs. `scripts.rs` says what stands in it.

use std::collections::HashSet;

use chrono::TimeDelta;

use super::{RedisSessionBackend, left};
use crate::redis::each;
use crate::secret;
use crate::sessions::{SessionDigest, SessionError};

/// For how long a session that was noted, and is not there, may still be saved. No call takes as long.
const GRACE: TimeDelta = TimeDelta::seconds(30);

/// In the place of a mark: all marks count.
pub(super) const NONE: &str = "";
/// None does: the record was removed, and nobody makes a session under an id that was used.
pub(super) const ALL: &str = "*";

/// A live record of a user, as far as an index needs to know it.
#[derive(Clone, Copy)]
pub(super) struct Standing {
    pub(super) created_at: i64,
    lasts_until: i64,
}

/// What an index says of a session.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) id: SessionDigest,
    /// Somebody is about to save it.
    is_marked: bool,
}

impl Entry {
    fn read(members: &[String]) -> Vec<Self> {
        let marked: HashSet<_> = members.iter().filter_map(|member| member.strip_prefix('?')?.get(..64)).collect();
        let ids = members.iter().filter_map(|member| Some((SessionDigest::parse(member)?, member.as_str())));
        ids.map(|(id, member)| Self { id, is_marked: marked.contains(member) }).collect()
    }
}

/// What became of noting an entry.
pub(super) enum Noted {
    /// It stands, with this mark.
    Done(String),
    /// There are too many already: these.
    Full(Vec<Entry>),
}

impl RedisSessionBackend {
    /// What the keys of indexes begin with. A digest has no `u`, so no record stands there.
    fn index(&self, user: &[u8]) -> Vec<u8> {
        [self.prefix.as_bytes(), b"user:", user].concat()
    }

    /// Notes that this session of the user's is about to be saved, and lasts until then at the most.
    pub(super) async fn note(
        &self,
        user: &[u8],
        id: &SessionDigest,
        lasts_until: i64,
        max: Option<usize>,
    ) -> Result<Noted, SessionError> {
        let (now, id) = (self.clock.now(), id.to_string());
        let mark = format!("?{id}{:016x}", u64::from_be_bytes(secret::random()));
        let given_up = (now + GRACE).timestamp_micros();
        let lifetime = left(now, lasts_until.max(given_up));
        let call = self.scripts.note.of(self.index(user)).arg(now.timestamp_micros()).arg(id).arg(lasts_until);
        let call = call.arg(&mark).arg(given_up).arg(lifetime).arg(max);
        let members: Vec<String> = self.connection.run(call).await?;
        Ok(if members.is_empty() { Noted::Done(mark) } else { Noted::Full(Entry::read(&members)) })
    }

    /// Takes entries out, but those that somebody marked. One mark does not count.
    ///
    /// It comes after what was asked for, and changes nothing of that: an entry that is left is a hint that no record
    /// confirms.
    pub(super) async fn leave(&self, user: &[u8], ids: &[SessionDigest], mark: &str) {
        if let Err(error) = self.try_leave(user, ids, mark).await {
            tracing::warn!(%error, "the index of a user's sessions could not be put in order");
        }
    }

    async fn try_leave(&self, user: &[u8], ids: &[SessionDigest], mark: &str) -> Result<(), SessionError> {
        let now = self.clock.now().timestamp_micros();
        let ids: Vec<_> = ids.iter().map(SessionDigest::to_string).collect();
        let call = self.scripts.leave.of(self.index(user)).arg(now).arg(mark).arg(ids);
        let out: Vec<String> = self.connection.run(call).await?;
        let out: Vec<_> = out.iter().filter_map(|id| SessionDigest::parse(id)).collect();
        // A record may have been saved just before its entry was taken out.
        each(&out, |id| async move {
            if let Some(standing) = self.standing(user, &id).await? {
                self.note(user, &id, standing.lasts_until, None).await?;
            }
            Ok::<_, SessionError>(())
        })
        .await?;
        Ok(())
    }

    /// Takes a mark back: the record stands. One that is left goes by itself.
    pub(super) async fn unmark(&self, user: &[u8], mark: &str) {
        let mut command = redis::cmd("ZREM");
        command.arg(self.index(user)).arg(mark);
        if let Err(error) = self.connection.read::<u64>(&command).await {
            tracing::debug!(%error, "a mark is left in the index of a user's sessions");
        }
    }

    /// The entries: sessions that may be the user's.
    pub(super) async fn entries(&self, user: &[u8]) -> Result<Vec<Entry>, SessionError> {
        let mut command = redis::cmd("ZRANGEBYSCORE");
        command.arg(self.index(user)).arg(format!("({}", self.clock.now().timestamp_micros())).arg("+inf");
        let members: Vec<String> = self.connection.read(&command).await?;
        Ok(Entry::read(&members))
    }

    /// The live record under this id, if it is this user's.
    pub(super) async fn standing(&self, user: &[u8], id: &SessionDigest) -> Result<Option<Standing>, SessionError> {
        let call = self.scripts.whose.of(self.key(id)).arg(self.clock.now().timestamp_micros());
        let (whose, created_at, lasts_until): (Option<Vec<u8>>, _, _) = self.connection.run(call).await?;
        Ok((whose.as_deref() == Some(user)).then_some(Standing { created_at, lasts_until }))
    }

    /// Which of these entries a live record confirms, with what `look` finds. Of the others, those that nobody had marked
    /// before we looked are taken out.
    pub(super) async fn confirm<T, L: Future<Output = Result<Option<T>, SessionError>>>(
        &self,
        user: &[u8],
        entries: Vec<Entry>,
        look: impl Fn(SessionDigest) -> L,
    ) -> Result<Confirmed<T>, SessionError> {
        let ids: Vec<_> = entries.iter().map(|entry| entry.id).collect();
        let found = each(&ids, look).await?;
        let (mut standing, mut absent, mut under_way) = (Vec::new(), Vec::new(), 0);
        for (entry, found) in entries.into_iter().zip(found) {
            match found {
                Some(found) => standing.push((entry.id, found)),
                None if entry.is_marked => under_way += 1,
                None => absent.push(entry.id),
            }
        }
        if !absent.is_empty() {
            self.leave(user, &absent, NONE).await;
        }
        Ok(Confirmed { standing, under_way, gone: absent.len() })
    }
}

/// What there is to a user's index.
pub(super) struct Confirmed<T> {
    pub(super) standing: Vec<(SessionDigest, T)>,
    /// How many are about to be saved.
    pub(super) under_way: usize,
    /// How many are no more.
    pub(super) gone: usize,
}
