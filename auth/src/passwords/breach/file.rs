use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, Read as _, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::BreachList;
use super::digest::{DIGITS, digits, parse, unanswered};
use crate::BoxFuture;
use crate::passwords::PasswordError;
use crate::secret::SecretString;

/// Looks passwords up in a local file in the format of Have I Been Pwned: lines `SHA1:COUNT`, sorted by the digest.
/// Its downloader (<https://github.com/HaveIBeenPwned/PwnedPasswordsDownloader>) writes such a file.
///
/// The file may be of any size and is never loaded: a question reads some forty places of it, on a thread where that
/// may take time. It is opened for each question, so a newer one can be moved into its place at any time.
///
/// A line that is not of that format is an error, not an answer. Digits may be capitals or not, lines may end as on
/// Windows, and a count of zero means that the password is not on the list.
///
/// # Security
/// A file that is not sorted does not answer rightly. That is not seen but in the first and the last line, which are
/// looked at when it is opened.
#[derive(Clone, Debug)]
pub struct BreachFile {
    path: PathBuf,
}

/// A digest, a colon, a count, the end of a line.
const LONGEST_LINE: usize = DIGITS + 1 + 20 + 2;

impl BreachFile {
    /// The file at this path.
    ///
    /// # Errors
    /// [`PasswordError::BreachList`] when it cannot be read, is empty, or its first and last lines are not of that
    /// format and in their order.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, PasswordError> {
        let path = path.into();
        Lines::open(&path).and_then(|mut lines| lines.check()).map_err(|error| failed(&path, &error))?;
        Ok(Self { path })
    }
}

impl BreachList for BreachFile {
    fn contains<'a>(&'a self, password: &'a SecretString) -> BoxFuture<'a, Result<bool, PasswordError>> {
        let (path, wanted) = (self.path.clone(), digits(password.expose()));
        Box::pin(async move {
            let look = move || {
                let found = Lines::open(&path).and_then(|mut lines| lines.contain(&wanted));
                found.map_err(|error| failed(&path, &error))
            };
            tokio::task::spawn_blocking(look).await.map_err(unanswered)?
        })
    }
}

fn failed(path: &Path, error: &io::Error) -> PasswordError {
    unanswered(format!("{}: {error}", path.display()))
}

struct Lines<F> {
    file: F,
    length: u64,
}

struct Line {
    digits: [u8; DIGITS],
    count: u64,
    /// Where the next one starts.
    end: u64,
}

impl Lines<File> {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { file, length })
    }
}

impl<F: io::Read + Seek> Lines<F> {
    fn check(&mut self) -> io::Result<()> {
        let first = self.next_from(0)?.ok_or_else(|| invalid("the file is empty"))?;
        let mut last = first.digits;
        // One of the places where a line could start that is the last.
        let mut at = self.length.saturating_sub(LONGEST_LINE as u64).max(first.end);
        while let Some(line) = self.next_from(at)? {
            (last, at) = (line.digits, line.end);
        }
        if last < first.digits { Err(invalid("the file is not sorted by digest")) } else { Ok(()) }
    }

    /// Halves the part of the file in which the line could start.
    fn contain(&mut self, wanted: &Zeroizing<String>) -> io::Result<bool> {
        let (mut low, mut high) = (0, self.length);
        if high == 0 {
            return Err(invalid("the file is empty"));
        }
        while low < high {
            let middle = low + (high - low) / 2;
            let Some(line) = self.next_from(middle)? else {
                high = middle;
                continue;
            };
            match wanted.as_bytes().cmp(&line.digits[..]) {
                Ordering::Equal => return Ok(line.count > 0),
                // Also if this line starts behind the part: then none starts between the middle and the end of it.
                Ordering::Less => high = middle,
                Ordering::Greater => low = line.end,
            }
        }
        Ok(false)
    }

    /// The first line that starts at this place or behind it.
    fn next_from(&mut self, at: u64) -> io::Result<Option<Line>> {
        // One that starts here has the end of another one before it.
        let from = at.saturating_sub(1);
        self.file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::with_capacity(2 * LONGEST_LINE);
        self.file.by_ref().take(2 * LONGEST_LINE as u64).read_to_end(&mut bytes)?;
        let is_end = bytes.len() < 2 * LONGEST_LINE;
        let newline = |bytes: &[u8]| bytes.iter().position(|byte| *byte == b'\n');
        let start = match newline(&bytes) {
            _ if at == 0 => 0,
            Some(place) => place + 1,
            None if is_end => return Ok(None),
            None => return Err(invalid("a line is too long")),
        };
        let rest = &bytes[start..];
        if rest.is_empty() && is_end {
            return Ok(None);
        }
        let (line, end) = match newline(rest) {
            Some(place) => (&rest[..place], start + place + 1),
            None if is_end => (rest, bytes.len()),
            None => return Err(invalid("a line is too long")),
        };
        let (digits, count) = parse(line).ok_or_else(|| invalid("a line is not `SHA1:COUNT`"))?;
        Ok(Some(Line { digits, count, end: from + end as u64 }))
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
