use std::fs::{self, DirBuilder, File, OpenOptions};
use std::future::ready;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::{Mail, MailError, Mailer, SmsSender, TextMessage};
use crate::BoxFuture;

/// Writes messages to files of a private directory instead of sending them: `….eml` for a mail, `….sms` for a text message, in the
/// order of their names. For development: codes stand there, and nothing is ever removed.
///
/// A file is there whole or not at all.
#[derive(Clone, Debug)]
pub struct FileMailer {
    directory: PathBuf,
}

impl FileMailer {
    /// Writes into this directory, which is made if there is none.
    ///
    /// # Errors
    /// When it cannot be made, or others than its owner can read it.
    pub fn new(directory: impl AsRef<Path>) -> io::Result<Self> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&directory)?;
        let directory = directory.as_ref().canonicalize()?;
        check_private(&directory)?;
        Ok(Self { directory })
    }

    /// Small files, for development: not worth a thread.
    fn write(&self, ending: &str, message: &str) -> Result<(), MailError> {
        // Version 7: in the order of time.
        let name = Uuid::now_v7();
        let (draft, path) =
            (self.directory.join(format!("{name}.new")), self.directory.join(format!("{name}.{ending}")));
        let written = private_file(&draft).and_then(|mut file| file.write_all(message.as_bytes()));
        if let Err(error) = written.and_then(|()| fs::rename(&draft, path)) {
            // What could not be written is no message; why stands in the error.
            drop(fs::remove_file(&draft));
            return Err(error.into());
        }
        Ok(())
    }
}

impl Mailer for FileMailer {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        let Mail { to, subject, text } = mail;
        let message = format!("To: {to}\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n{text}\n");
        Box::pin(ready(mail.check().map_err(MailError::from).and_then(|()| self.write("eml", &message))))
    }
}

impl SmsSender for FileMailer {
    fn send<'a>(&'a self, message: &'a TextMessage) -> BoxFuture<'a, Result<(), MailError>> {
        let text = format!("To: {}\n\n{}\n", message.to, message.text);
        Box::pin(ready(message.check().map_err(MailError::from).and_then(|()| self.write("sms", &text))))
    }
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn check_private(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    if fs::metadata(directory)?.mode() & 0o077 != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "others can read the directory: `chmod 700` it"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_private(_: &Path) -> io::Result<()> {
    Ok(())
}
