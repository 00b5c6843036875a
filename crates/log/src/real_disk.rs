//! A directory of the operating system.
//!
//! Reads and writes are `pread` and `pwritev`, a sync is one `fdatasync`, the lock is `flock` on the file `LOCK`
//! in the directory, which also holds the process id of its holder. The system drops the lock when the process
//! ends, however it ends.
//!
//! What is made here is for its user alone: directories have mode 0700, files 0600.
//!
//! It refuses to retry a failed sync and to interpret what it reads.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, IoSlice, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, fdatasync, flock};
use rustix::io::{Errno, pwritev};

use crate::disk::{DirLock, Disk, DiskFile, LockError};

/// The name of the lock file. It is not listed among the files.
pub const LOCK_FILE: &str = "LOCK";

/// Reading and writing for the owner alone.
const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_DIRECTORY: u32 = 0o700;
/// What the group and others may do.
const OF_OTHERS: u32 = 0o077;

/// The kernel takes at most this many slices in one call (`IOV_MAX` on Linux).
const SLICES_MAX: usize = 1024;

/// A directory of the operating system.
#[derive(Debug)]
pub struct RealDisk {
    path: PathBuf,
    directory: File,
}

impl RealDisk {
    /// Opens the directory, creating it (and its parents) if need be. A created directory is made durable in its
    /// parent.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        if !path.is_dir() {
            DirBuilder::new().recursive(true).mode(PRIVATE_DIRECTORY).create(path)?;
            if let Some(parent) = path.canonicalize()?.parent() {
                File::open(parent)?.sync_all()?;
            }
        }
        let path = path.canonicalize()?;
        let directory = File::open(&path)?;
        Ok(Self { path, directory })
    }

    /// Takes what the group and others may do away from the directory and the files in it. Returns whether that was
    /// something. Directories in it are left alone.
    ///
    /// # Errors
    /// Such as that the directory belongs to someone else.
    pub fn close_to_others(&self) -> io::Result<bool> {
        let mut changed = close(&self.path)?;
        for name in self.list()? {
            changed |= close(&self.path.join(name))?;
        }
        if self.path.join(LOCK_FILE).exists() {
            changed |= close(&self.path.join(LOCK_FILE))?;
        }
        Ok(changed)
    }

    /// The absolute path of the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn close(path: &Path) -> io::Result<bool> {
    let mode = path.symlink_metadata()?.mode();
    let wide = mode & OF_OTHERS != 0;
    if wide {
        std::fs::set_permissions(path, Permissions::from_mode(mode & !OF_OTHERS & 0o7777))?;
    }
    Ok(wide)
}

impl Disk for RealDisk {
    fn location(&self) -> String {
        self.path.display().to_string()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            if !entry.file_type()?.is_file() {
                continue;
            }
            if let Ok(name) = entry.file_name().into_string()
                && name != LOCK_FILE
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(self.path.join(name))?;
        Ok(Arc::new(RealFile { file }))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(PRIVATE_FILE)
            .open(self.path.join(name))?;
        Ok(Arc::new(RealFile { file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.directory.sync_all()
    }

    fn lock(&self) -> Result<DirLock, LockError> {
        let failed = |error: io::Error| LockError::Io { location: self.location(), error };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(PRIVATE_FILE)
            .open(self.path.join(LOCK_FILE))
            .map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(LockError::Held { location: self.location(), process: holder(&mut file) });
            }
            Err(errno) => return Err(failed(errno.into())),
        }
        // Only a message to people depends on the content, so it needs no sync.
        file.set_len(0).map_err(failed)?;
        file.write_all(format!("{}\n", std::process::id()).as_bytes()).map_err(failed)?;
        Ok(DirLock::new(file))
    }
}

/// The process id that the holder has written into the lock file.
fn holder(lock_file: &mut File) -> String {
    let mut text = String::new();
    match lock_file.take(32).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}

#[derive(Debug)]
struct RealFile {
    file: File,
}

impl DiskFile for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        self.file.set_len(len_bytes)
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset_bytes)
    }

    fn write_at(&self, offset_bytes: u64, data: &[u8]) -> io::Result<()> {
        self.file.write_all_at(data, offset_bytes)
    }

    fn write_vectored_at(&self, offset_bytes: u64, parts: &mut [IoSlice<'_>]) -> io::Result<()> {
        let mut parts = parts;
        let mut offset = offset_bytes;
        while !parts.is_empty() {
            let batch = &parts[..parts.len().min(SLICES_MAX)];
            let written = match pwritev(&self.file, batch, offset) {
                Ok(0) if batch.iter().all(|part| part.is_empty()) => {
                    let skipped = batch.len();
                    parts = &mut parts[skipped..];
                    continue;
                }
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => written,
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno.into()),
            };
            offset += written as u64;
            IoSlice::advance_slices(&mut parts, written);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(fdatasync(&self.file)?)
    }
}
