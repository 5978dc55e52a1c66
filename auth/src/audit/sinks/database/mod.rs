mod chain;
mod entry;
mod statements;
mod walk;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_query::Value as Bound;
use tokio::sync::Mutex;

use self::chain::ChainKey;
pub use self::chain::{AuditHead, AuditStoreError, ChainDamage, ChainReport, ParseHeadError};
pub use self::entry::{AuditEntry, AuditFilter};
use self::entry::{Fields, read_row, values};
use self::statements::Statements;
pub(crate) use self::statements::audit_tables;
use self::walk::{Goal, Walked};
use crate::BoxFuture;
use crate::audit::{AuditError, AuditEvent, AuditSink};
use crate::database::{
    AnyRow, Attempts, ColumnError, Database, DatabaseError, Migration, Transaction, is_storable, read,
};
use crate::secret::SecretKey;

/// What is kept of the chain's end, and the row that appends wait for.
const HEAD: &str = "head";
/// What is kept of its beginning, after a part was removed on purpose.
const CHECKPOINT: &str = "checkpoint";

/// As long as a statement may take, whatever waits before it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Keeps events in a database, each one chained to the one before: the tables `auth_audit` and `auth_audit_head`.
///
/// ```
/// # #[cfg(feature = "database-sqlite")]
/// # async fn example(secret: auth::secret::SecretKey) -> Result<(), Box<dyn std::error::Error>> {
/// use auth::audit::{Audit, AuditFilter, DatabaseAuditSink};
/// use auth::database::Database;
///
/// let trail = DatabaseAuditSink::new(Database::connect("sqlite:blog.db?mode=rwc").await?, &secret);
/// trail.create_tables().await?;
/// let audit = Audit::new().with_sink(trail.clone());
///
/// println!("{:?}", trail.verify().await?);
/// println!("note this elsewhere: {}", trail.head().await?);
/// for entry in trail.entries(&AuditFilter::new().user("7").action("login")).await? {
///     println!("{} {:?}", entry.at, entry.source);
/// }
/// # Ok(())
/// # }
/// ```
///
/// Entries are numbered from 1 without a gap, in the order in which they were written; those of several servers wait for
/// one another in the database. An event that was not written within five seconds is reported as lost. Whoever ends the
/// request meanwhile does not end the writing.
///
/// # Security
/// An entry's MAC (HMAC-SHA256 by a key made of the application's secret) covers the MAC before it, its number and all of
/// its fields; the number and MAC of the last entry are kept under a MAC of their own. So whoever can write to the database,
/// and does not have the secret, can neither change, exchange, insert nor remove entries without [`verify`](Self::verify)
/// finding it (ASVS 16.4.2). What was tampered with is neither appended to nor pruned: that is reported with every event,
/// until somebody has looked at the tables, moved them away (`ALTER TABLE … RENAME`) and made new ones.
///
/// What `verify` alone cannot find: an *older state of both tables* put back together, as from a backup, or both emptied. A
/// [`head`](Self::head) noted elsewhere finds that, with [`verify_since`](Self::verify_since). Nothing finds what whoever has the
/// secret makes, an older secret that still [verifies](SecretKey::with_fallback) included: after a secret has leaked,
/// verify, note the head, and begin new tables with the new one. And that an entry is genuine says that the program wrote
/// it, not that it is true, nor that every event was written: what was lost stands in the program's log.
#[derive(Clone)]
pub struct DatabaseAuditSink {
    database: Database,
    key: ChainKey,
    statements: Arc<Statements>,
    /// One connection of this process waits for the head, not all of the pool.
    turn: Arc<Mutex<()>>,
}

/// A row of `auth_audit_head`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pin {
    Absent,
    At(AuditHead),
    Broken,
}

impl DatabaseAuditSink {
    /// The events in this database. `auth::accounts::migrate` makes the tables, or [`DatabaseAuditSink::create_tables`].
    pub fn new(database: Database, secret: &SecretKey) -> Self {
        let statements = Arc::new(Statements::new(&database));
        Self { database, key: ChainKey::new(secret), statements, turn: Arc::default() }
    }

    /// Makes the tables, if they are not there.
    ///
    /// # Errors
    /// [`AuditStoreError::Store`]
    pub async fn create_tables(&self) -> Result<(), AuditStoreError> {
        let mut migration = Migration::begin(&self.database).await?;
        for table in audit_tables() {
            migration.table(&table).await?;
        }
        migration.finish().await?;
        Ok(())
    }

    /// Looks at every entry, in batches; others may be written meanwhile. Tells of the first damage.
    ///
    /// # Errors
    /// [`AuditStoreError::Store`] when the database fails. That the chain is damaged is an answer, not an error.
    pub async fn verify(&self) -> Result<ChainReport, AuditStoreError> {
        Ok(self.walk(Goal::default()).await?.report)
    }

    /// The same, and whether the chain still holds the entry that was its [head](Self::head) once. If it does not, an older
    /// state was put back, or another one: [`ChainDamage::RolledBack`].
    ///
    /// # Errors
    /// [`AuditStoreError::Store`]
    pub async fn verify_since(&self, noted: &AuditHead) -> Result<ChainReport, AuditStoreError> {
        let Walked { report, met, .. } = self.walk(Goal { noted: Some(*noted), ..Goal::default() }).await?;
        Ok(match report {
            ChainReport::Intact { pruned, .. } if noted.seq < pruned => ChainReport::Forgotten { pruned },
            ChainReport::Intact { .. } if !met => ChainReport::damaged(noted.seq, ChainDamage::RolledBack),
            report => report,
        })
    }

    /// The last entry, to be noted elsewhere. Asks for it only; it is worth as much as a [`verify`](Self::verify) beside it.
    ///
    /// # Errors
    /// [`AuditStoreError::Damaged`], [`AuditStoreError::Store`]
    pub async fn head(&self) -> Result<AuditHead, AuditStoreError> {
        let mut looked_again = false;
        loop {
            match self.pin(HEAD).await? {
                Pin::At(head) => return Ok(head),
                Pin::Absent if !self.has_entries().await? => return Ok(AuditHead::NONE),
                // Somebody has just begun the chain.
                Pin::Absent if !looked_again => looked_again = true,
                Pin::Absent | Pin::Broken => return Err(no_head()),
            }
        }
    }

    /// Removes the entries from the first up to the last one before which all are older than that moment. Says how many.
    ///
    /// The number and MAC of the last one removed are kept, under a MAC, so that the rest still verifies. The chain is
    /// verified first, and all of it: whoever can write to the database cannot have this remove the traces.
    ///
    /// # Errors
    /// [`AuditStoreError::Damaged`]: then nothing is removed. [`AuditStoreError::Store`]: then some may be.
    pub async fn prune(&self, before: DateTime<Utc>) -> Result<u64, AuditStoreError> {
        // The future of a caller need not have the room of all this.
        let walked = Box::pin(self.walk(Goal { before: Some(before), ..Goal::default() })).await?;
        if !walked.report.is_intact() {
            return Err(AuditStoreError::Damaged(walked.report));
        }
        let (mut removed, mut checkpoint) = (0, walked.checkpoint);
        for cut in walked.cuts {
            let mut attempts = Attempts::begin();
            removed += loop {
                match Box::pin(self.database.in_time(self.cut(checkpoint, cut))).await {
                    Err(AuditStoreError::Store(error)) if error.is_contention() && attempts.pause().await => {}
                    result => break result?,
                }
            };
            checkpoint = cut;
        }
        Ok(removed)
    }

    /// The entries that meet the filter, the last first. Damaged ones are left out and logged.
    ///
    /// # Errors
    /// [`AuditStoreError::Store`]
    pub async fn entries(&self, filter: &AuditFilter) -> Result<Vec<AuditEntry>, AuditStoreError> {
        // No text with a NUL is kept, and PostgreSQL does not even compare with one.
        if [&filter.user, &filter.actor, &filter.action].into_iter().flatten().any(|text| !is_storable(text)) {
            return Ok(Vec::new());
        }
        let rows = self.database.fetch(statements::find(&self.database, filter)).await?;
        let entry = |row: &AnyRow| match read_row(row).and_then(AuditEntry::try_from) {
            Ok(entry) => Some(entry),
            Err(error) => {
                tracing::warn!(%error, "a damaged audit entry is left out");
                None
            }
        };
        Ok(rows.iter().filter_map(entry).collect())
    }

    /// In its turn, within a time; once more where others were in the way.
    async fn append(self, event: AuditEvent) -> Result<(), AuditStoreError> {
        let in_turn = async {
            let _turn = self.turn.lock().await;
            let mut attempts = Attempts::begin();
            loop {
                match self.append_once(&event).await {
                    Err(AuditStoreError::Store(error)) if is_in_the_way(&error) && attempts.pause().await => {}
                    result => return result,
                }
            }
        };
        tokio::time::timeout(PATIENCE, in_turn).await.unwrap_or(Err(AuditStoreError::TimedOut))
    }

    async fn append_once(&self, event: &AuditEvent) -> Result<(), AuditStoreError> {
        let fields = Fields::from(event);
        let mut transaction = self.database.begin().await?;
        let head = self.lock(&mut transaction).await?;
        let next = self.key.next(&head, &fields);
        transaction.execute(self.statements.insert.with(values(&next, fields))).await?;
        self.set_pin(&mut transaction, HEAD, &next).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The last entry; nobody else appends or prunes until the transaction ends. Of two that begin a chain at once, one
    /// finds the other's first entry in its way, and begins anew.
    async fn lock(&self, transaction: &mut Transaction) -> Result<AuditHead, AuditStoreError> {
        let mut looked_again = false;
        loop {
            let rows = transaction.fetch(self.statements.lock.with([HEAD.into()])).await?;
            match self.pinned(HEAD, rows.first()) {
                Pin::At(head) => return Ok(head),
                Pin::Absent if !self.has_entries_within(transaction).await? => return Ok(AuditHead::NONE),
                // Somebody else has just begun the chain.
                Pin::Absent if !looked_again => looked_again = true,
                // What stands there now must not become genuine by what is written after it.
                Pin::Absent | Pin::Broken => return Err(no_head()),
            }
        }
    }

    async fn set_pin(
        &self,
        transaction: &mut Transaction,
        name: &'static str,
        pin: &AuditHead,
    ) -> Result<(), DatabaseError> {
        let seal = self.key.seal(name, pin).to_vec();
        let row: [Bound; 4] = [number(pin.seq), pin.mac.to_vec().into(), seal.into(), name.into()];
        if transaction.execute(self.statements.move_pin.with(row.clone())).await?.rows == 0 {
            transaction.execute(self.statements.insert_pin.with(row)).await?;
        }
        Ok(())
    }

    async fn pin(&self, name: &'static str) -> Result<Pin, DatabaseError> {
        let row = self.database.fetch_first(self.statements.pin.with([name.into()])).await?;
        Ok(self.pinned(name, row.as_ref()))
    }

    fn pinned(&self, name: &'static str, row: Option<&AnyRow>) -> Pin {
        let Some(row) = row else { return Pin::Absent };
        let read = || -> Result<_, ColumnError> {
            let (seq, mac) = (read::<i64>(row, 0, "seq")?, read::<Vec<u8>>(row, 1, "mac")?);
            Ok((seq, mac, read::<Vec<u8>>(row, 2, "seal")?))
        };
        let Ok((seq, mac, seal)) = read() else { return Pin::Broken };
        let (Ok(seq), Ok(mac)) = (seq.try_into(), mac.try_into()) else { return Pin::Broken };
        let pin = AuditHead { seq, mac };
        if self.key.is_seal(name, &pin, &seal) { Pin::At(pin) } else { Pin::Broken }
    }

    async fn has_entries(&self) -> Result<bool, DatabaseError> {
        let first = self.statements.first_up_to.with([i64::MAX.into()]);
        Ok(self.database.fetch_first(first).await?.is_some())
    }

    async fn has_entries_within(&self, transaction: &mut Transaction) -> Result<bool, DatabaseError> {
        let first = self.statements.first_up_to.with([i64::MAX.into()]);
        Ok(!transaction.fetch(first).await?.is_empty())
    }

    /// Removes the entries up to that one, if the chain still begins there.
    async fn cut(&self, checkpoint: AuditHead, cut: AuditHead) -> Result<u64, AuditStoreError> {
        let mut transaction = self.database.begin().await?;
        self.lock(&mut transaction).await?;
        let rows = transaction.fetch(self.statements.pin.with([CHECKPOINT.into()])).await?;
        let found = match self.pinned(CHECKPOINT, rows.first()) {
            Pin::At(found) => found,
            Pin::Absent => AuditHead::NONE,
            Pin::Broken => {
                return Err(AuditStoreError::Damaged(ChainReport::damaged(0, ChainDamage::Checkpoint)));
            }
        };
        if found != checkpoint {
            // Somebody else prunes, and has verified what goes.
            return Ok(0);
        }
        self.set_pin(&mut transaction, CHECKPOINT, &cut).await?;
        let removed = transaction.execute(self.statements.delete_up_to.with([number(cut.seq)])).await?.rows;
        transaction.commit().await?;
        Ok(removed)
    }
}

/// Whether the same may pass when tried again: a lock that was not got, or a chain that two began at once.
fn is_in_the_way(error: &DatabaseError) -> bool {
    error.is_contention() || error.unique_violation().is_some()
}

fn no_head() -> AuditStoreError {
    AuditStoreError::Damaged(ChainReport::damaged(0, ChainDamage::Head))
}

/// Numbers come from the database, or follow one that does.
fn number(seq: u64) -> Bound {
    i64::try_from(seq).unwrap_or(i64::MAX).into()
}

impl fmt::Debug for DatabaseAuditSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseAuditSink").finish_non_exhaustive()
    }
}

impl AuditSink for DatabaseAuditSink {
    fn record<'a>(&'a self, event: &'a AuditEvent) -> BoxFuture<'a, Result<(), AuditError>> {
        // In a task of its own: whoever hangs up in the middle of a request must not keep it out of the trail.
        let written = tokio::spawn(self.clone().append(event.clone()));
        Box::pin(async move { Ok(written.await??) })
    }
}
