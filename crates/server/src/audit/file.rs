//! The file of an audit log, which is followed by another before it grows too large.
//!
//! The file that is written has always the same name. A file that was moved or taken away by someone else is opened anew, so
//! that any tool may take files away.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::writer::Sink;

#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    max_bytes: u64,
    keep: u32,
    open: Option<Open>,
    /// It could not be put aside, and that was told.
    is_stuck: bool,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Device and inode.
    identity: (u64, u64),
    /// Whole lines, in bytes.
    length: u64,
    /// A pipe or a device has no length and is not replaced.
    is_plain: bool,
}

impl LogFile {
    pub(super) fn open(path: &Path, max_bytes: u64, keep: u32) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), max_bytes, keep, open: Some(Open::at(path)?), is_stuck: false })
    }

    /// The file of this name that has room for `more` bytes.
    fn with_room(&mut self, more: u64) -> io::Result<&mut Open> {
        let found = fs::metadata(&self.path).ok().map(|found| (found.dev(), found.ino()));
        let is_same = self.open.as_ref().is_some_and(|open| Some(open.identity) == found);
        if !is_same {
            self.open = None;
        }
        let is_full = |open: &Open| open.is_plain && open.length > 0 && open.length + more > self.max_bytes;
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::at(&self.path)?,
        };
        if is_full(&open) {
            match self.put_aside() {
                Ok(()) => self.is_stuck = false,
                // Better a file that is too large than lines that are lost.
                Err(error) if !self.is_stuck => {
                    tracing::warn!(%error, "the audit log can't be put aside and grows beyond its size");
                    self.is_stuck = true;
                }
                Err(_) => {}
            }
            open = Open::at(&self.path)?;
        }
        Ok(self.open.insert(open))
    }

    /// Gives every file the next number. The oldest is gone.
    fn put_aside(&self) -> io::Result<()> {
        for number in (0..self.keep).rev() {
            match fs::rename(self.numbered(number), self.numbered(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if self.keep == 0 { fs::remove_file(&self.path) } else { Ok(()) }
    }

    fn numbered(&self, number: u32) -> PathBuf {
        if number == 0 {
            return self.path.clone();
        }
        let mut name = OsString::from(&self.path);
        name.push(format!(".{number}"));
        name.into()
    }
}

impl Open {
    fn at(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let found = file.metadata()?;
        let mut open = Self {
            identity: (found.dev(), found.ino()),
            length: found.len(),
            is_plain: found.file_type().is_file(),
            file,
        };
        open.begin_on_a_line(path)?;
        Ok(open)
    }

    /// A service that was killed may have left half a line.
    fn begin_on_a_line(&mut self, path: &Path) -> io::Result<()> {
        use std::os::unix::fs::FileExt as _;
        if !self.is_plain || self.length == 0 {
            return Ok(());
        }
        let mut last = [0];
        File::open(path)?.read_exact_at(&mut last, self.length - 1)?;
        if last != *b"\n" {
            self.file.write_all(b"\n")?;
            self.length += 1;
        }
        Ok(())
    }
}

impl Sink for LogFile {
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let open = self.with_room(lines.len() as u64)?;
        let written = open.file.write_all(lines);
        if written.is_ok() {
            open.length += lines.len() as u64;
        } else if let Some(open) = self.open.take().filter(|open| open.is_plain) {
            // Of a full disk: half of a line would spoil the next one.
            let _ = open.file.set_len(open.length);
        }
        written
    }
}
