//! From the chain's beginning to its end, in batches, while others go on appending.

use chrono::{DateTime, Utc};

use super::chain::{AuditHead, AuditStoreError, ChainDamage, ChainReport};
use super::entry::{SEQ, read_row};
use super::{CHECKPOINT, DatabaseAuditSink, HEAD, Pin};
use crate::database::{AnyRow, DatabaseError, read};

/// What to look out for on the way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Goal {
    /// An entry that must be there.
    pub(super) noted: Option<AuditHead>,
    /// Entries before this moment are to be removed.
    pub(super) before: Option<DateTime<Utc>>,
}

#[derive(Debug)]
pub(super) struct Walked {
    pub(super) report: ChainReport,
    /// Where the walk began.
    pub(super) checkpoint: AuditHead,
    /// Whether the noted entry is there.
    pub(super) met: bool,
    /// After which entries to cut, batch by batch, so that only those before the moment go.
    pub(super) cuts: Vec<AuditHead>,
}

/// On the way.
struct Walk<'a> {
    sink: &'a DatabaseAuditSink,
    goal: Goal,
    last: AuditHead,
    entries: u64,
    met: bool,
    cuts: Vec<AuditHead>,
    /// All entries so far are to be removed.
    removing: bool,
}

impl DatabaseAuditSink {
    pub(super) async fn walk(&self, goal: Goal) -> Result<Walked, AuditStoreError> {
        loop {
            let pinned = self.pin(CHECKPOINT).await?;
            let checkpoint = match pinned {
                Pin::At(checkpoint) => checkpoint,
                Pin::Absent => AuditHead::NONE,
                Pin::Broken => {
                    let report = ChainReport::damaged(0, ChainDamage::Checkpoint);
                    return Ok(Walked { report, checkpoint: AuditHead::NONE, met: false, cuts: Vec::new() });
                }
            };
            let mut walk = Walk {
                sink: self,
                goal,
                last: checkpoint,
                entries: 0,
                met: goal.noted == Some(checkpoint),
                cuts: Vec::new(),
                removing: goal.before.is_some(),
            };
            let damage = walk.find_damage().await?;
            // What looks like damage is none where entries were pruned meanwhile.
            if damage.is_some() && self.pin(CHECKPOINT).await? != pinned {
                continue;
            }
            let Walk { last, entries, met, cuts, .. } = walk;
            let report = damage.unwrap_or(ChainReport::Intact { entries, pruned: checkpoint.seq, head: last });
            return Ok(Walked { report, checkpoint, met, cuts });
        }
    }
}

impl Walk<'_> {
    /// The damage, if there is any.
    async fn find_damage(&mut self) -> Result<Option<ChainReport>, DatabaseError> {
        let DatabaseAuditSink { database, statements, .. } = self.sink;
        if let Some(row) = database.fetch_first(statements.first_up_to.with([super::number(self.last.seq)])).await? {
            let seq = read::<i64>(&row, 0, SEQ)?.try_into().unwrap_or(0);
            return Ok(Some(ChainReport::damaged(seq, ChainDamage::Inserted)));
        }
        let mut looked_again = false;
        loop {
            let rows = database.fetch(statements.batch.with([super::number(self.last.seq)])).await?;
            if rows.is_empty() {
                match self.end().await? {
                    // Between the look at the entries and the one at the head, some may have come.
                    End::Further if !looked_again => looked_again = true,
                    End::Further => return Ok(Some(ChainReport::damaged(self.last.seq + 1, ChainDamage::CutOff))),
                    End::Other => return Ok(Some(ChainReport::damaged(self.last.seq, ChainDamage::Head))),
                    End::Here => return Ok(None),
                }
                continue;
            }
            looked_again = false;
            for row in &rows {
                if let Some(damage) = self.step(row).await? {
                    return Ok(Some(damage));
                }
            }
            if self.removing {
                self.cuts.push(self.last);
            }
        }
    }

    async fn step(&mut self, row: &AnyRow) -> Result<Option<ChainReport>, DatabaseError> {
        let expected = self.last.seq + 1;
        let seq = read::<i64>(row, 0, SEQ).ok().and_then(|seq| u64::try_from(seq).ok());
        let stored = read_row(row)
            .ok()
            .filter(|stored| seq == Some(expected) && self.sink.key.follows(&self.last, &stored.fields, &stored.mac));
        let (Some(stored), Ok(mac)) = (&stored, stored.as_ref().map_or(Ok([0; 32]), |s| s.mac.as_slice().try_into()))
        else {
            let head = self.sink.pin(HEAD).await?;
            return Ok(Some(match (seq, head) {
                (Some(seq), Pin::At(head)) if seq > head.seq => ChainReport::damaged(seq, ChainDamage::Inserted),
                (Some(seq), _) if seq > expected => ChainReport::damaged(expected, ChainDamage::Missing),
                _ => ChainReport::damaged(expected, ChainDamage::Changed),
            }));
        };
        if self.removing && self.goal.before.is_some_and(|before| stored.fields.at >= before.timestamp_micros()) {
            self.removing = false;
            // Unless a batch ended there.
            if self.entries > 0 && self.cuts.last() != Some(&self.last) {
                self.cuts.push(self.last);
            }
        }
        self.last = AuditHead { seq: expected, mac };
        self.entries += 1;
        self.met |= self.goal.noted == Some(self.last);
        Ok(None)
    }

    async fn end(&self) -> Result<End, DatabaseError> {
        Ok(match self.sink.pin(HEAD).await? {
            Pin::At(head) if head == self.last => End::Here,
            Pin::At(head) if head.seq > self.last.seq => End::Further,
            Pin::Absent if self.last == AuditHead::NONE => End::Here,
            _ => End::Other,
        })
    }
}

/// Where the chain ends, as is kept beside it.
enum End {
    Here,
    Further,
    Other,
}
