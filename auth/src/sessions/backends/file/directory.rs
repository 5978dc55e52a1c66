//! Blocking work on the directory.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use crate::sessions::{SessionDigest, SessionError, SessionRecord, encoding};

/// Locked by whoever writes in its folder. Never removed, or two could hold "the" lock.
const LOCK: &str = "lock";
/// Ends each file. It tells damage, not forgery: whoever can write the directory can write what they like.
const CHECKSUM: usize = 8;
/// What is being written. One for each folder, so that what a crash left is overwritten by the next write.
const NEW: &str = "new";

/// A private directory with 256 folders, by the digest's first byte.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// The folder where the next clean-up begins.
    cursor: AtomicU8,
}

/// A folder that nobody else writes in while this is held.
pub(super) struct Locked {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    pub(super) fn open(path: &Path) -> Result<Self, SessionError> {
        make_private(path, true)?;
        let path = path.canonicalize()?;
        check_private(&path)?;
        let directory = Self { path, cursor: AtomicU8::new(0) };
        for folder in 0..=u8::MAX {
            if directory.folder(folder).join(NEW).exists() {
                directory.lock(folder)?.remove(NEW)?;
            }
        }
        Ok(directory)
    }

    /// The record under that id, expired or not. Renaming is atomic, so no lock is needed to read.
    pub(super) fn read(&self, id: &SessionDigest) -> Result<Option<SessionRecord>, SessionError> {
        let Some(file) = absent_is_none(File::open(self.folder(first(id)).join(id.to_string())))? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        let most = u64::try_from(encoding::MAX_BYTES + CHECKSUM).unwrap_or(u64::MAX);
        file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        let record = unsealed(&bytes).and_then(encoding::decode);
        if record.is_none() {
            tracing::warn!(session = ?id, bytes = bytes.len(), "a damaged session counts as none");
        }
        Ok(record)
    }

    /// Waits until nobody else writes near that id.
    pub(super) fn lock_for(&self, id: &SessionDigest) -> Result<Locked, SessionError> {
        Ok(self.lock(first(id))?)
    }

    /// Removes at most `most` records that expired by now, and says how many.
    pub(super) fn sweep(&self, now: DateTime<Utc>, most: u64) -> Result<u64, SessionError> {
        let (mut removed, start) = (0, self.cursor.load(Ordering::Relaxed));
        for folder in (0..=u8::MAX).map(|step| start.wrapping_add(step)) {
            self.cursor.store(folder, Ordering::Relaxed);
            self.sweep_folder(folder, now, most, &mut removed)?;
            if removed >= most {
                break;
            }
        }
        Ok(removed)
    }

    fn sweep_folder(&self, folder: u8, now: DateTime<Utc>, most: u64, removed: &mut u64) -> io::Result<()> {
        let Some(entries) = absent_is_none(fs::read_dir(self.folder(folder)))? else { return Ok(()) };
        let mut locked = None;
        for entry in entries {
            let name = entry?.file_name();
            let Some(name) = name.to_str().filter(|name| *name != LOCK) else { continue };
            if *removed >= most {
                break;
            }
            let path = self.folder(folder).join(name);
            // What is being written now is in a folder that is locked: then it is gone when this looks again.
            if name != NEW && !is_expired(&path, now)? {
                continue;
            }
            let locked = match &mut locked {
                Some(locked) => locked,
                none => none.insert(self.lock(folder)?),
            };
            if name == NEW {
                locked.remove(NEW)?;
            } else if is_expired(&path, now)? && locked.remove(name)? {
                *removed += 1;
            }
        }
        Ok(())
    }

    fn lock(&self, folder: u8) -> io::Result<Locked> {
        let path = self.folder(folder);
        let lock = match open_private(&path.join(LOCK)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_private(&path, false)?;
                sync_directory(&self.path)?;
                open_private(&path.join(LOCK))
            }
            other => other,
        }?;
        lock.lock()?;
        Ok(Locked { path, _lock: lock })
    }

    pub(super) fn folder(&self, folder: u8) -> PathBuf {
        self.path.join(format!("{folder:02x}"))
    }
}

impl Locked {
    /// Puts the record in place of what was there: after a crash there is the old one or the new one, whole.
    pub(super) fn write(&self, id: &SessionDigest, record: &SessionRecord) -> Result<(), SessionError> {
        let mut bytes = encoding::encode(record)?;
        let checksum = checksum(&bytes);
        bytes.extend(checksum);
        let new = self.path.join(NEW);
        absent_is_none(fs::remove_file(&new))?;
        let mut file = private().create_new(true).open(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&new, self.path.join(id.to_string()))?;
        sync_directory(&self.path)?;
        Ok(())
    }

    /// Removes the record for good: no crash brings it back.
    pub(super) fn delete(&self, id: &SessionDigest) -> Result<(), SessionError> {
        if self.remove(&id.to_string())? {
            sync_directory(&self.path)?;
        }
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<bool> {
        Ok(absent_is_none(fs::remove_file(self.path.join(name)))?.is_some())
    }
}

impl From<io::Error> for SessionError {
    fn from(error: io::Error) -> Self {
        Self::Store(Box::new(error))
    }
}

fn first(id: &SessionDigest) -> u8 {
    id.as_bytes()[0]
}

/// The bytes in front of their checksum, if it fits.
fn unsealed(bytes: &[u8]) -> Option<&[u8]> {
    let (body, sum) = bytes.split_last_chunk()?;
    (checksum(body) == *sum).then_some(body)
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    digest.first_chunk().copied().unwrap_or_default()
}

/// A file that is too short to be a record expired long ago.
fn is_expired(path: &Path, now: DateTime<Utc>) -> io::Result<bool> {
    let Some(file) = absent_is_none(File::open(path))? else { return Ok(false) };
    let mut header = Vec::with_capacity(encoding::HEADER);
    file.take(encoding::HEADER as u64).read_to_end(&mut header)?;
    Ok(encoding::expires_at(&header).is_none_or(|expires_at| expires_at <= now))
}

pub(super) fn absent_is_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes a directory for this user alone, if there is none.
fn make_private(path: &Path, with_parents: bool) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(with_parents);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

fn open_private(path: &Path) -> io::Result<File> {
    private().create(true).truncate(false).open(path)
}

/// How files are made for this user alone.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Refuses a directory that somebody else can write in, or that is somebody else's.
#[cfg(unix)]
fn check_private(path: &Path) -> Result<(), SessionError> {
    use std::os::unix::fs::MetadataExt as _;
    let refuse = |why: &str| {
        let text = format!("the session directory `{}` {why}", path.display());
        Err(SessionError::Configuration(text))
    };
    let directory = fs::metadata(path)?;
    if !directory.is_dir() {
        return refuse("is no directory");
    }
    if directory.mode() & 0o022 != 0 {
        return refuse("can be written by others: `chmod 700` it");
    }
    // Whoever makes a file owns it, so this tells who this program runs as.
    if open_private(&path.join(LOCK))?.metadata()?.uid() != directory.uid() {
        return refuse("belongs to another user");
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_private(_: &Path) -> Result<(), SessionError> {
    Ok(())
}

/// Makes what was renamed or removed in it last.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}
