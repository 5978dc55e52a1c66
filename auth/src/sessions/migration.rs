use super::wrappers::MigratingSessionBackend;
use super::{ScanCursor, SessionBackend, SessionError, SessionScan};

/// Moves all live sessions from one backend to another while the application runs, batch by batch.
///
/// Every server keeps its sessions in a [`MigratingSessionBackend`] meanwhile. What was moved is not in the old store
/// any more, so a migration that stopped can begin anew, several can run at once, and one after the end finds nothing;
/// a cursor spares it what it has been through.
///
/// ```
/// # async fn example() -> Result<(), auth::sessions::SessionError> {
/// use auth::sessions::{InMemorySessionBackend, MigratingSessionBackend, SessionMigration};
///
/// let (old, new) = (InMemorySessionBackend::new(), InMemorySessionBackend::new());
/// let both = MigratingSessionBackend::new(old, new);
/// let mut migration = SessionMigration::new(&both)?;
/// while let Some(progress) = migration.next_batch().await? {
///     println!("{} sessions moved", progress.moved);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SessionMigration<'a, F, T> {
    backend: &'a MigratingSessionBackend<F, T>,
    batch: u32,
    ended: bool,
    progress: MigrationProgress,
}

/// How far a migration has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationProgress {
    /// How many sessions were moved so far.
    pub moved: u64,
    /// How many ended before they could be.
    pub skipped: u64,
    /// Where to go on, if it is stopped now. Nothing: that was all.
    pub cursor: Option<ScanCursor>,
}

impl<'a, F: SessionBackend, T: SessionBackend> SessionMigration<'a, F, T> {
    /// How many sessions a batch has, unless another number is set.
    pub const BATCH: u32 = 100;

    /// Moves what is in the old store.
    ///
    /// # Errors
    /// [`SessionError::Configuration`] when the old store cannot tell its sessions.
    pub fn new(backend: &'a MigratingSessionBackend<F, T>) -> Result<Self, SessionError> {
        let migration = Self { backend, batch: Self::BATCH, ended: false, progress: MigrationProgress::default() };
        migration.scan()?;
        Ok(migration)
    }

    /// The same, going on where another stopped.
    #[must_use]
    pub fn resume(mut self, after: ScanCursor) -> Self {
        self.progress.cursor = Some(after);
        self
    }

    /// The same with another size of batches.
    #[must_use]
    pub fn with_batch(self, sessions: u32) -> Self {
        Self { batch: sessions, ..self }
    }

    /// Moves the next batch. Nothing, when all have been moved.
    ///
    /// # Errors
    /// [`SessionError::Store`] when a store failed. The batch can be tried again.
    pub async fn next_batch(&mut self) -> Result<Option<MigrationProgress>, SessionError> {
        if self.ended {
            return Ok(None);
        }
        let page = self.scan()?.scan(self.progress.cursor.as_ref(), self.batch).await?;
        for (id, record) in page.sessions {
            let moved = self.backend.settle(&id, Some(record)).await?;
            *(if moved { &mut self.progress.moved } else { &mut self.progress.skipped }) += 1;
        }
        self.ended = page.next.is_none();
        self.progress.cursor = page.next;
        Ok(Some(self.progress.clone()))
    }

    fn scan(&self) -> Result<&'a dyn SessionScan, SessionError> {
        let unable = || SessionError::Configuration("the old session store cannot tell its sessions".to_owned());
        self.backend.from().scan().ok_or_else(unable)
    }
}
