//! The secret that a SQLite application makes for itself, in a private file beside its database.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::Error;
use crate::secret::SecretKey;

/// Reads the secret beside the database of that file, or makes it. Of several programs that start at once, one makes it.
pub(super) fn beside(database: &Path) -> Result<SecretKey, Error> {
    let mut path = database.as_os_str().to_owned();
    path.push(".secret");
    let path = PathBuf::from(path);
    let failed = |source| Error::SecretFile { path: path.display().to_string(), source };
    if !fs::exists(&path).map_err(failed)? {
        make(&path).map_err(failed)?;
        tracing::warn!(
            "no secret is set: one was made in {}; set AUTH_SECRET where more than one machine serves",
            path.display()
        );
    }
    let mut text = String::new();
    File::open(&path)
        .and_then(|file| check_private(&file).map(|()| file))
        .and_then(|file| file.take(4096).read_to_string(&mut text))
        .map_err(failed)?;
    Ok(SecretKey::new(text.trim_end())?)
}

/// Whole or not at all: a reader never sees half a secret.
fn make(path: &Path) -> io::Result<()> {
    let text = SecretKey::random_text();
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let made = match written.and_then(|()| fs::hard_link(&draft, path)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && fs::exists(path)? => Ok(()),
        other => other,
    };
    fs::remove_file(&draft).and(made)
}

#[cfg(unix)]
pub(super) fn check_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    if file.metadata()?.mode() & 0o077 != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "others can read it: `chmod 600` it"));
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn check_private(_: &File) -> io::Result<()> {
    Ok(())
}
