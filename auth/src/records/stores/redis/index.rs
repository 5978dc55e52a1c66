//! An owner's index: which records may be theirs. `scripts.rs` says what stands in it.

use super::encoding::MARK;
use super::{RedisRecordStore, left};
use crate::records::fit::is_owner;
use crate::records::stores::memory::MOST_OWNED;
use crate::records::{Record, RecordError, RecordKind};
use crate::redis::each;
use crate::secret;

/// For how long a record that was noted, and is not there, may still be inserted, in milliseconds. No call takes as long.
const GRACE: i64 = 30_000;

/// What an index says of a record.
#[derive(Clone, Copy)]
struct Member<'a> {
    mark: &'a str,
    id: &'a str,
}

impl<'a> Member<'a> {
    fn read(member: &'a str) -> Option<Self> {
        let (mark, id) = member.split_at_checked(MARK)?;
        Some(Self { mark, id })
    }

    /// Whether its record should be there by now.
    fn is_old(self, now: i64) -> bool {
        let noted = self.mark.get(..16).and_then(|noted| u64::from_str_radix(noted, 16).ok());
        noted.is_none_or(|noted| noted.cast_signed().saturating_add(GRACE) < now)
    }
}

/// A mark that no other insertion has.
pub(super) fn mark(now: i64) -> String {
    format!("{now:016x}{:016x}", u64::from_be_bytes(secret::random()))
}

impl RedisRecordStore {
    /// No record stands there: the kind of one is followed by a colon.
    fn index(&self, kind: RecordKind, owner: &str) -> String {
        format!("{}{}@{owner}", self.prefix, kind.name())
    }

    /// Notes that this record of the owner's is about to be written, and lasts until then at the most.
    pub(super) async fn note(
        &self,
        kind: RecordKind,
        owner: &str,
        mark: &str,
        id: &str,
        until: i64,
    ) -> Result<(), RecordError> {
        let now = self.now();
        let until = until.max(now.saturating_add(GRACE));
        let call = self.scripts.note.of(self.index(kind, owner)).arg(now).arg(format!("{mark}{id}"));
        Ok(self.connection.run::<()>(call.arg(until).arg(left(now, until))).await?)
    }

    /// Takes members out, whose records were removed or never written.
    ///
    /// It comes after what was asked for, and changes nothing of that: a member that is left is a hint that no record
    /// confirms.
    pub(super) async fn forget(&self, kind: RecordKind, owner: &str, members: &[String]) {
        if members.is_empty() {
            return;
        }
        let mut command = redis::cmd("ZREM");
        command.arg(self.index(kind, owner)).arg(members);
        // It may be said twice: no record comes back with its mark.
        if let Err(error) = self.connection.read::<u64>(&command).await {
            tracing::debug!(%error, "the index of an owner's records could not be put in order");
        }
    }

    async fn members(&self, kind: RecordKind, owner: &str) -> Result<Vec<String>, RecordError> {
        if !is_owner(owner) {
            return Ok(Vec::new());
        }
        let mut command = redis::cmd("ZRANGEBYSCORE");
        command.arg(self.index(kind, owner)).arg(format!("({}", self.now())).arg("+inf");
        Ok(self.connection.read(&command).await?)
    }

    pub(super) async fn owned_now(&self, kind: RecordKind, owner: &str) -> Result<Vec<(String, Record)>, RecordError> {
        let texts = self.members(kind, owner).await?;
        let mut members: Vec<_> = texts.iter().filter_map(|text| Member::read(text)).collect();
        members.sort_unstable_by_key(|member| member.id);
        let (mut theirs, mut dead, now) = (Vec::new(), Vec::new(), self.now());
        for members in members.chunks(MOST_OWNED) {
            let found = each(members, |member| self.load(kind, member.id)).await?;
            for (member, found) in members.iter().zip(found) {
                match found.filter(|found| found.mark == member.mark) {
                    Some(found) if self.is_alive(&found.record) => theirs.push((member.id.to_owned(), found.record)),
                    None if member.is_old(now) => dead.push(format!("{}{}", member.mark, member.id)),
                    _ => {}
                }
            }
            if theirs.len() >= MOST_OWNED {
                break;
            }
        }
        self.forget(kind, owner, &dead).await;
        theirs.truncate(MOST_OWNED);
        Ok(theirs)
    }

    pub(super) async fn delete_owned_now(&self, kind: RecordKind, owner: &str) -> Result<u64, RecordError> {
        let texts = self.members(kind, owner).await?;
        let members: Vec<_> = texts.iter().filter_map(|text| Member::read(text)).collect();
        let mut deleted = 0;
        // In parts, so that what does not end in time has less to do when it is asked again.
        for members in members.chunks(MOST_OWNED) {
            let taken = each(members, |member| self.take_marked(kind, member.id, Some(member.mark))).await?;
            let now = self.now();
            let over = members.iter().zip(&taken).filter(|(member, taken)| taken.is_some() || member.is_old(now));
            let over: Vec<_> = over.map(|(member, _)| format!("{}{}", member.mark, member.id)).collect();
            self.forget(kind, owner, &over).await;
            deleted += taken.iter().flatten().filter(|taken| self.is_alive(&taken.record)).count() as u64;
        }
        Ok(deleted)
    }
}
