//! Output of workloads: an append-only file each, bounded, that can be read from its end and followed.
//!
//! When the file passes its bound its content moves to `NAME.log.1` and it begins anew, in place, since the process
//! keeps writing to it; lines written in that instant can be lost. So two files of about the bound are kept.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Most bytes that [`tail`] reads from the end of each file.
const TAIL_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Most bytes that [`Follow::next`] returns at once.
const FOLLOW_BYTES_MAX: u64 = 64 * 1024;
const FOLLOW_POLL: Duration = Duration::from_millis(100);

/// Opens a log to append to it; only its owner can read it.
pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// Begins the log anew when it has more than `bytes_max`.
pub(super) fn bound(path: &Path, bytes_max: u64) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() > bytes_max => {
            fs::copy(path, before(path))?;
            OpenOptions::new().write(true).open(path)?.set_len(0)
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn before(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    PathBuf::from(name)
}

/// The last `lines_max` lines of a log, from the file before it too when this one is short. A log that does not exist
/// has no lines. Bytes that are not UTF-8 are replaced; at most 4 MiB of each file are looked at.
///
/// # Errors
/// When a file is there but can't be read.
pub fn tail(path: &Path, lines_max: usize) -> io::Result<Vec<String>> {
    Follow::after_tail(path.to_owned(), lines_max).map(|(lines, _)| lines)
}

/// The last lines of one file, and the offset up to which it was read.
fn last_lines(path: &Path, lines_max: usize) -> io::Result<(Vec<String>, u64)> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        opened => opened?,
    };
    let start = file.metadata()?.len().saturating_sub(TAIL_BYTES_MAX);
    file.seek(SeekFrom::Start(start))?;
    let mut content = Vec::new();
    file.take(TAIL_BYTES_MAX).read_to_end(&mut content)?;
    let text = String::from_utf8_lossy(&content);
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.len().saturating_sub(lines_max);
    let lines = lines[first..].iter().map(|line| (*line).to_owned()).collect();
    Ok((lines, start + content.len() as u64))
}

/// Follows a log, also when it begins anew.
#[derive(Debug)]
pub struct Follow {
    path: PathBuf,
    offset: u64,
}

impl Follow {
    /// The last `lines_max` lines as [`tail`] gives them, and what follows exactly after them. The file may come to be
    /// later.
    ///
    /// # Errors
    /// When a file is there but can't be read.
    pub fn after_tail(path: PathBuf, lines_max: usize) -> io::Result<(Vec<String>, Follow)> {
        let (mut lines, offset) = last_lines(&path, lines_max)?;
        if lines.len() < lines_max {
            let (mut older, _) = last_lines(&before(&path), lines_max - lines.len())?;
            older.append(&mut lines);
            lines = older;
        }
        Ok((lines, Follow { path, offset }))
    }

    /// Waits for the next bytes: at least one, at most 64 KiB. Cancelling it loses nothing.
    ///
    /// # Errors
    /// When the file is there but can't be read.
    pub async fn next(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let bytes = self.read()?;
            if !bytes.is_empty() {
                return Ok(bytes);
            }
            tokio::time::sleep(FOLLOW_POLL).await;
        }
    }

    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            opened => opened?,
        };
        if file.metadata()?.len() < self.offset {
            self.offset = 0;
        }
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        file.take(FOLLOW_BYTES_MAX).read_to_end(&mut bytes)?;
        self.offset += bytes.len() as u64;
        Ok(bytes)
    }
}
