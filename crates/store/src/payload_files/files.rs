//! The payload files of a directory: open handles, what the committed state says of them, and who still looks at a state of
//! which files are gone.
//!
//! What always holds: a file that a state needed goes only when nobody looks at that state any more; numbers are given once
//! as long as the process lives. A file that could not be removed is tried again, and is gone with the next start at the
//! latest.
//!
//! It refuses to keep more than a few files open.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use millpond_log::{Disk, DiskFile};

use super::failure::FileFault;
use super::ledger::{FileRow, Ledger};
use super::writer::Writer;
use super::{Extent, name_of, number_of};
use crate::redb_disk::Operation;

/// Files that are kept open to be read.
const OPEN_FILES: usize = 64;

/// The payload files of a directory.
pub(crate) struct Files {
    disk: Arc<dyn Disk>,
    /// A file that is so long takes no more records.
    pub(super) file_bytes: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ledger: Ledger,
    /// The next file's number.
    next: u64,
    commits: u64,
    /// States that are looked at, by the commit that they were read behind, and how often.
    holds: BTreeMap<u64, usize>,
    /// Files that are gone from a commit on, with it, and how long they are.
    condemned: Vec<(u64, u64, u64)>,
    /// Open files, with when they were used last.
    handles: BTreeMap<u64, (u64, Arc<dyn DiskFile>)>,
    uses: u64,
}

/// Keeps the files of a state, as long as it lives.
pub(crate) struct Hold {
    files: Arc<Files>,
    behind: u64,
}

impl Hold {
    /// The bytes of a payload of the state.
    pub(crate) fn read(&self, extent: Extent) -> Result<Bytes, FileFault> {
        self.files.read(extent)
    }

    /// Whether a file of the state is there and as long as it must be.
    pub(crate) fn verify(&self, number: u64, row: FileRow) -> Result<(), FileFault> {
        self.files.verify_one(number, row)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut state = self.files.state();
        if let Some(count) = state.holds.get_mut(&self.behind) {
            *count -= 1;
            if *count == 0 {
                state.holds.remove(&self.behind);
            }
        }
    }
}

impl Files {
    pub(crate) fn new(disk: Arc<dyn Disk>, file_bytes: u64) -> Self {
        let state = State { next: 1, ..State::default() };
        Self { disk, file_bytes, state: Mutex::new(state) }
    }

    /// Keeps all files of the latest state. To be asked for before the state is read.
    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        let mut state = self.state();
        let behind = state.commits;
        *state.holds.entry(behind).or_default() += 1;
        Hold { files: Arc::clone(self), behind }
    }

    /// What the committed state says of them.
    pub(crate) fn ledger(&self) -> Ledger {
        self.state().ledger.clone()
    }

    /// Bytes of all files, those included that are kept for who looks at them.
    pub(crate) fn disk_bytes(&self) -> u64 {
        let state = self.state();
        let condemned: u64 = state.condemned.iter().map(|(.., bytes)| bytes).sum();
        state.ledger.disk_bytes() + condemned
    }

    /// Takes what the engine says of them, when it was opened.
    pub(crate) fn learn(&self, ledger: Ledger) {
        let mut state = self.state();
        let last = ledger.files().map(|(number, _)| number).last();
        state.next = state.next.max(last.unwrap_or(0) + 1);
        state.ledger = ledger;
        state.handles.clear();
    }

    /// Whether each file is there and as long as it must be.
    pub(crate) fn verify(&self) -> Result<(), FileFault> {
        self.ledger().files().try_for_each(|(number, row)| self.verify_one(number, row))
    }

    fn verify_one(&self, number: u64, row: FileRow) -> Result<(), FileFault> {
        let file = self.open(number, 0)?;
        let len = file.len().map_err(|error| self.failed(number, Operation::Len, 0, error))?;
        if len < row.end_bytes {
            let error = io::ErrorKind::UnexpectedEof.into();
            return Err(self.failed(number, Operation::Read, len, error));
        }
        Ok(())
    }

    /// Removes files that no row names, and cuts off what lies behind the end of the others. Nothing is owed to what fails:
    /// it is tried again by the next start.
    pub(crate) fn tidy(&self) {
        let ledger = self.ledger();
        self.state().condemned.clear();
        for number in self.disk.list().unwrap_or_default().iter().filter_map(|name| number_of(name)) {
            match ledger.get(number) {
                None => drop(self.disk.remove(&name_of(number))),
                Some(row) => drop(self.open(number, 0).map(|file| match file.len() {
                    Ok(len) if len > row.end_bytes => drop(file.set_len(row.end_bytes)),
                    _ => {}
                })),
            }
        }
    }

    /// The engine has committed what a writer wrote.
    pub(crate) fn commit(&self, ledger: Ledger, dropped: &[u64]) {
        let mut state = self.state();
        state.commits += 1;
        let commit = state.commits;
        for number in dropped {
            let bytes = state.ledger.get(*number).map_or(0, |row| row.end_bytes);
            state.condemned.push((*number, commit, bytes));
        }
        state.ledger = ledger;
        drop(state);
        self.remove_condemned();
    }

    fn remove_condemned(&self) {
        let mut state = self.state();
        if state.condemned.is_empty() {
            return;
        }
        let oldest = state.holds.keys().next().copied().unwrap_or(u64::MAX);
        let (gone, kept) =
            std::mem::take(&mut state.condemned).into_iter().partition(|(_, commit, _)| *commit <= oldest);
        state.condemned = kept;
        let gone: Vec<(u64, u64, u64)> = gone;
        for (number, ..) in &gone {
            state.handles.remove(number);
        }
        drop(state);
        for condemned in gone {
            match self.disk.remove(&name_of(condemned.0)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    self.state().condemned.push(condemned)
                }
                _ => {}
            }
        }
    }

    /// The bytes of a payload.
    pub(super) fn read(&self, extent: Extent) -> Result<Bytes, FileFault> {
        self.read_at(extent.file, extent.offset_bytes, extent.len_bytes as usize)
    }

    /// Bytes of a file.
    pub(super) fn read_at(&self, number: u64, offset_bytes: u64, len: usize) -> Result<Bytes, FileFault> {
        let mut bytes = vec![0; len];
        let file = self.open(number, offset_bytes)?;
        file.read_at(offset_bytes, &mut bytes)
            .map_err(|error| self.failed(number, Operation::Read, offset_bytes, error))?;
        Ok(Bytes::from(bytes))
    }

    /// A file, to be read from a byte on, or written.
    pub(super) fn open(&self, number: u64, offset_bytes: u64) -> Result<Arc<dyn DiskFile>, FileFault> {
        let mut state = self.state();
        state.uses += 1;
        let now = state.uses;
        if let Some((used, file)) = state.handles.get_mut(&number) {
            *used = now;
            return Ok(Arc::clone(file));
        }
        let file = self.disk.open(&name_of(number));
        let file = file.map_err(|error| self.failed(number, Operation::Open, offset_bytes, error))?;
        state.keep(number, Arc::clone(&file));
        Ok(file)
    }

    /// A new file.
    pub(super) fn create(&self) -> Result<(u64, Arc<dyn DiskFile>), FileFault> {
        let mut state = self.state();
        loop {
            let number = state.next;
            match self.disk.create(&name_of(number)) {
                Ok(file) => {
                    state.next += 1;
                    state.keep(number, Arc::clone(&file));
                    return Ok((number, file));
                }
                // One that could not be removed.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => state.next += 1,
                Err(error) => return Err(self.failed(number, Operation::Create, 0, error)),
            }
        }
    }

    /// Makes the names of new files durable.
    pub(super) fn sync_dir(&self) -> Result<(), FileFault> {
        let fault = |error| {
            let file = self.disk.location();
            FileFault { file, operation: Operation::SyncDir, offset_bytes: 0, error }
        };
        self.disk.sync_dir().map_err(fault)
    }

    pub(super) fn failed(
        &self,
        number: u64,
        operation: Operation,
        offset_bytes: u64,
        error: io::Error,
    ) -> FileFault {
        let file = format!("{}/{}", self.disk.location(), name_of(number));
        FileFault { file, operation, offset_bytes, error }
    }

    /// Begins to write on top of the committed state.
    pub(crate) fn writer(&self) -> Writer<'_> {
        Writer::new(self, self.ledger())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(&mut self, number: u64, file: Arc<dyn DiskFile>) {
        if self.handles.len() >= OPEN_FILES {
            let oldest = self.handles.iter().min_by_key(|(_, (used, _))| *used).map(|(number, _)| *number);
            oldest.map(|number| self.handles.remove(&number));
        }
        self.handles.insert(number, (self.uses, file));
    }
}
