//! Sessions in files.

mod directory;
mod scan;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use self::directory::Directory;
use crate::BoxFuture;
use crate::clock::{Clock, SystemClock};
use crate::registry::{Context, Place, Url};
use crate::sessions::{
    CleanupExpired, DynSessionBackend, ListedSessionBackend, SaveIf, Saved, SessionBackend, SessionBackendEntry,
    SessionDigest, SessionError, SessionRecord, SessionScan,
};

/// Keeps each session in a file of a private directory, for programs on one machine that have no database.
///
/// The address is `file:` and the directory's path: `file:/var/lib/blog/sessions`. Nothing in it is decoded. It puts a
/// [`ListedSessionBackend`] around this, which can tell a user's sessions. Any number
/// of programs and threads of the machine share a directory; changes are made under a file lock. Expired records are removed when somebody asks for them, the rest by [`CleanupExpired`].
/// The work is done on threads for blocking work, so a tokio runtime must be running.
///
/// # Durability
/// A login or logout that succeeded outlives a crash of the program and of the machine, a power cut included, if the disk
/// keeps what it says it has: a record is replaced by renaming a whole one over it, and both the file and its directory
/// are synced before the answer. So a crash leaves the old record or the new one, and a removed one stays removed.
///
/// # Security
/// Files are named by the digest of the session key: whoever reads the directory cannot take over a session. It is made
/// with mode 0700, its files with 0600; a directory that others can write, or that belongs to somebody else, is refused.
/// Where there are no Unix permissions, whoever sets up the directory must see to it. Network file systems whose locks
/// do not hold between machines are no place for it.
#[derive(Clone)]
pub struct FileSessionBackend {
    directory: Arc<Directory>,
    clock: Arc<dyn Clock>,
}

impl FileSessionBackend {
    /// The sessions in this directory, which is made if it is not there.
    ///
    /// # Errors
    /// [`SessionError::Configuration`] when others can write in it or own it, [`SessionError::Store`] when it cannot be
    /// made.
    pub async fn open(directory: impl Into<PathBuf>) -> Result<Self, SessionError> {
        let path = directory.into();
        let directory = blocking(move || Directory::open(&path)).await?;
        Ok(Self { directory: Arc::new(directory), clock: Arc::new(SystemClock) })
    }

    /// The same, going by this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Does something in the directory, beside the runtime.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files) -> Result<T, SessionError> + Send + 'static,
    ) -> Result<T, SessionError> {
        let files = Files { directory: self.directory.clone(), clock: self.clock.clone() };
        blocking(move || work(&files)).await
    }
}

/// What goes to the other thread.
struct Files {
    directory: Arc<Directory>,
    clock: Arc<dyn Clock>,
}

impl Files {
    fn live(&self, id: &SessionDigest) -> Result<Option<SessionRecord>, SessionError> {
        let record = self.directory.read(id)?;
        Ok(record.filter(|record| self.is_alive(record)))
    }

    fn is_alive(&self, record: &SessionRecord) -> bool {
        self.clock.now() < record.expires_at
    }

    fn load(&self, id: &SessionDigest) -> Result<Option<SessionRecord>, SessionError> {
        let Some(record) = self.directory.read(id)? else { return Ok(None) };
        if self.is_alive(&record) {
            return Ok(Some(record));
        }
        let locked = self.directory.lock_for(id)?;
        // Somebody may have begun a new one meanwhile.
        let again = self.directory.read(id)?;
        if again.as_ref().is_some_and(|record| !self.is_alive(record)) {
            locked.delete(id)?;
            return Ok(None);
        }
        Ok(again)
    }

    fn save(&self, id: &SessionDigest, record: &SessionRecord, condition: SaveIf) -> Result<Saved, SessionError> {
        let locked = self.directory.lock_for(id)?;
        let held = self.live(id)?.map(|held| held.version);
        let refused = match (held, condition) {
            (None, SaveIf::Version(_)) => Some(Saved::Gone),
            (Some(held), SaveIf::Version(version)) if held == version => None,
            (Some(_), _) => Some(Saved::Conflict),
            (None, SaveIf::Absent) => None,
        };
        if let Some(refused) = refused {
            return Ok(refused);
        }
        locked.write(id, record)?;
        Ok(Saved::Done)
    }

    fn touch(&self, id: &SessionDigest, seen_at: DateTime<Utc>, until: DateTime<Utc>) -> Result<bool, SessionError> {
        let locked = self.directory.lock_for(id)?;
        let Some(mut record) = self.live(id)? else { return Ok(false) };
        (record.seen_at, record.expires_at) = (seen_at, until);
        locked.write(id, &record)?;
        Ok(true)
    }

    fn delete(&self, id: &SessionDigest) -> Result<bool, SessionError> {
        let locked = self.directory.lock_for(id)?;
        let live = self.live(id)?;
        locked.delete(id)?;
        Ok(live.is_some())
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SessionError> + Send + 'static,
) -> Result<T, SessionError> {
    tokio::task::spawn_blocking(work).await.map_err(SessionError::store)?
}

impl fmt::Debug for FileSessionBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSessionBackend").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl SessionBackend for FileSessionBackend {
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        let id = *id;
        Box::pin(async move { Ok(self.run(move |files| files.load(&id)).await?.map(Arc::new)) })
    }

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        let id = *id;
        Box::pin(self.run(move |files| files.save(&id, &record, condition)))
    }

    fn touch<'a>(
        &'a self,
        id: &'a SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<bool, SessionError>> {
        let id = *id;
        Box::pin(self.run(move |files| files.touch(&id, seen_at, expires_at)))
    }

    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        let id = *id;
        Box::pin(self.run(move |files| files.delete(&id)))
    }

    fn exists<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        let id = *id;
        Box::pin(self.run(move |files| Ok(files.live(&id)?.is_some())))
    }

    fn scan(&self) -> Option<&dyn SessionScan> {
        Some(self)
    }
}

impl CleanupExpired for FileSessionBackend {
    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, SessionError>> {
        Box::pin(self.run(move |files| files.directory.sweep(files.clock.now(), u64::from(batch))))
    }
}

inventory::submit! {
    SessionBackendEntry { scheme: "file", connect, place: Place::new(module_path!(), file!(), line!()) }
}

fn connect<'a>(url: &'a Url, context: &'a Context) -> BoxFuture<'a, Result<DynSessionBackend, SessionError>> {
    Box::pin(async move {
        let path = path(url.expose())?;
        let backend = FileSessionBackend::open(path).await?.with_clock(context.clock.clone());
        Ok(Arc::new(ListedSessionBackend::new(backend).with_clock(context.clock.clone())) as DynSessionBackend)
    })
}

/// `file:path` and `file:///path`; another machine's files are not ours.
fn path(address: &str) -> Result<PathBuf, SessionError> {
    let path = address.split_once(':').map_or("", |(_, path)| path);
    let path = path.strip_prefix("//").filter(|path| path.starts_with('/') || path.is_empty()).unwrap_or(path);
    if path.is_empty() || path.starts_with("//") {
        let rule = "a session directory's address is `file:` and the path of a directory on this machine";
        return Err(SessionError::Configuration(rule.to_owned()));
    }
    Ok(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_directory() {
        for (address, expected) in [
            ("file:/a/b", Some("/a/b")),
            ("file:///a/b", Some("/a/b")),
            ("file:a/b", Some("a/b")),
            ("file:", None),
            ("file://", None),
            ("file://host/a", None),
        ] {
            assert_eq!(path(address).ok(), expected.map(PathBuf::from), "{address}");
        }
    }
}
