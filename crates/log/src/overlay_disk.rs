//! A directory that is only read: what is written to it stays in memory and is gone with it.
//!
//! For those who look at a data directory, damaged ones above all: a log and a store open on it as they do on the
//! directory itself, with all that an open writes, and not one byte of the directory changes.
//!
//! What always holds: files are opened for reading alone; reads show what was written over what lies there. Memory
//! follows what is written. It refuses to lock a directory that another process uses.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::disk::{DirLock, Disk, DiskFile, LockError};
use crate::real_disk::LOCK_FILE;

/// What is written is kept in pieces of this size.
const PIECE_BYTES: u64 = 4096;

/// A directory that is only read.
#[derive(Debug)]
pub struct OverlayDisk {
    path: PathBuf,
    names: Mutex<BTreeMap<String, Arc<OverlayFile>>>,
    /// The lock, for as long as someone holds it.
    held: Mutex<Weak<File>>,
}

impl OverlayDisk {
    /// Opens an existing directory and all files in it.
    ///
    /// # Errors
    /// The system's, such as that there is no such directory or that a file may not be read.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref().canonicalize()?;
        let disk = Self { path, names: Mutex::default(), held: Mutex::default() };
        disk.look_again()?;
        Ok(disk)
    }

    /// Opens the files that are there now. What was written is forgotten.
    ///
    /// # Errors
    /// As [`OverlayDisk::open`].
    pub fn look_again(&self) -> io::Result<()> {
        let mut names = BTreeMap::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if entry.file_type()?.is_file() && name != LOCK_FILE {
                match File::open(entry.path()) {
                    Ok(file) => drop(names.insert(name, Arc::new(OverlayFile::over(file)?))),
                    // Whoever uses the directory has just renamed or removed it.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        *self.names() = names;
        Ok(())
    }

    fn names(&self) -> MutexGuard<'_, BTreeMap<String, Arc<OverlayFile>>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_found(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("there is no file {name}"))
}

impl Disk for OverlayDisk {
    fn location(&self) -> String {
        self.path.display().to_string()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.names().keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.names().get(name).cloned();
        file.map(|file| file as Arc<dyn DiskFile>).ok_or_else(|| not_found(name))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut names = self.names();
        if names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = Arc::new(OverlayFile::default());
        names.insert(name.to_owned(), file.clone());
        Ok(file)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut names = self.names();
        let file = names.remove(from).ok_or_else(|| not_found(from))?;
        names.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.names().remove(name).map(drop).ok_or_else(|| not_found(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        Ok(())
    }

    /// Takes the lock that a service takes, without writing to it; all who ask this disk for it share it. A directory
    /// without a lock file is used by nobody.
    fn lock(&self) -> Result<DirLock, LockError> {
        let failed = |error: io::Error| LockError::Io { location: self.location(), error };
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = held.upgrade() {
            return Ok(DirLock::new(file));
        }
        let file = match File::open(self.path.join(LOCK_FILE)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(DirLock::new(())),
            Err(error) => return Err(failed(error)),
        };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                let file = Arc::new(file);
                *held = Arc::downgrade(&file);
                Ok(DirLock::new(file))
            }
            Err(Errno::WOULDBLOCK) => {
                let mut text = String::new();
                let read = file.take(32).read_to_string(&mut text);
                let known = read.is_ok() && !text.trim().is_empty();
                let process = if known { text.trim().to_owned() } else { "unknown".to_owned() };
                Err(LockError::Held { location: self.location(), process })
            }
            Err(errno) => Err(failed(errno.into())),
        }
    }
}

/// A file that is only read, with what was written over it.
#[derive(Debug, Default)]
struct OverlayFile {
    base: Option<File>,
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    len_bytes: u64,
    /// What of the file below still shows through.
    base_bytes: u64,
    pieces: BTreeMap<u64, Vec<u8>>,
}

impl OverlayFile {
    fn over(base: File) -> io::Result<Self> {
        let len_bytes = base.metadata()?.len();
        let written = Written { len_bytes, base_bytes: len_bytes, pieces: BTreeMap::new() };
        Ok(Self { base: Some(base), written: Mutex::new(written) })
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fills the buffer with what lies below, and with zeros behind its end.
    fn read_base(&self, base_bytes: u64, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<()> {
        let shown = base_bytes.saturating_sub(offset_bytes);
        let shown = usize::try_from(shown).unwrap_or(usize::MAX).min(buffer.len());
        buffer[shown..].fill(0);
        match &self.base {
            Some(base) => base.read_exact_at(&mut buffer[..shown], offset_bytes),
            None => Ok(()),
        }
    }
}

/// Cuts a range of a file into what lies in each piece: the piece, where in it, and where in the range.
fn pieces(offset_bytes: u64, len: usize) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset_bytes + done as u64;
        let within = usize::try_from(at % PIECE_BYTES).unwrap_or(0);
        let end = len.min(done + PIECE_BYTES as usize - within);
        let piece = (done < len).then_some((at / PIECE_BYTES, within, done..end));
        done = end;
        piece
    })
}

impl DiskFile for OverlayFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.written().len_bytes)
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        let mut written = self.written();
        if len_bytes < written.len_bytes {
            written.base_bytes = written.base_bytes.min(len_bytes);
            written.pieces.retain(|piece, _| piece * PIECE_BYTES < len_bytes);
            let within = usize::try_from(len_bytes % PIECE_BYTES).unwrap_or(0);
            if let Some(last) = written.pieces.get_mut(&(len_bytes / PIECE_BYTES)) {
                last[within..].fill(0);
            }
        }
        written.len_bytes = len_bytes;
        Ok(())
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<()> {
        let written = self.written();
        if offset_bytes.saturating_add(buffer.len() as u64) > written.len_bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read_base(written.base_bytes, offset_bytes, buffer)?;
        for (piece, within, range) in pieces(offset_bytes, buffer.len()) {
            if let Some(bytes) = written.pieces.get(&piece) {
                let end = within + range.len();
                buffer[range].copy_from_slice(&bytes[within..end]);
            }
        }
        Ok(())
    }

    fn write_at(&self, offset_bytes: u64, data: &[u8]) -> io::Result<()> {
        let mut written = self.written();
        for (piece, within, range) in pieces(offset_bytes, data.len()) {
            let base_bytes = written.base_bytes;
            let bytes = match written.pieces.entry(piece) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => {
                    let mut bytes = vec![0; PIECE_BYTES as usize];
                    self.read_base(base_bytes, piece * PIECE_BYTES, &mut bytes)?;
                    entry.insert(bytes)
                }
            };
            let end = within + range.len();
            bytes[within..end].copy_from_slice(&data[range]);
        }
        written.len_bytes = written.len_bytes.max(offset_bytes + data.len() as u64);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
