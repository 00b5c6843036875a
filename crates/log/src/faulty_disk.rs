//! A directory in memory that fails on demand, for tests and deterministic simulation.
//!
//! It keeps, for each file, what a reader sees (the page cache) apart from what a power cut leaves (the medium),
//! and the same for the directory. All choices come from one seed, so a run can be repeated exactly.
//!
//! Each fault and the outcomes that are allowed to a log on this disk:
//!
//! | fault | what it does | allowed |
//! |---|---|---|
//! | [`FaultyDisk::power_cut`] | each unsynced sector and each unsynced name change is kept or lost on its own | unreported batches are there or not, as a prefix; reported ones are there |
//! | [`FaultyDisk::power_cut_with`] | as a power cut, losing everything, or a part of the last write alone | the same |
//! | [`FaultyDisk::kill`] | the process ends, the page cache stays | the same |
//! | [`FaultyDisk::cut_at_call`] | the power goes during the n-th changing call, which may have happened in part | the same; every call from there on fails |
//! | [`FaultyDisk::fail_call`] | the n-th changing call fails. A failed write may have happened in part. A failed sync leaves the pages visible and clean: they are lost by the next power cut and no later sync writes them | the log dies (or, for a segment under preparation and a full disk, has no more room); reported batches are there after a power cut |
//! | [`FaultyDisk::fail_reads`] | every read of a file fails | a read reports it; an open refuses |
//! | [`FaultyDisk::set_capacity_bytes`] | what would need more space fails with `StorageFull`, also in part; overwriting goes on | no more room, no damage, goes on when space returns |
//! | [`FaultyDisk::flip_bit`] | one bit on the medium changes | damage is reported, never served; or, beyond what later headers prove durable, a cut |
//! | [`FaultyDisk::set_lying_sync`] | syncs answer yes and do nothing | reported batches may be lost, but only by a power cut, and only as a suffix or as reported damage |
//!
//! It refuses to model a medium that changes written sectors by itself, other than by `flip_bit`.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{DirLock, Disk, DiskFile, LockError};

mod medium;

pub use medium::Loss;
use medium::{Inode, Medium, NameChange};

/// A directory in memory that fails on demand. Clones are the same directory.
#[derive(Clone, Debug)]
pub struct FaultyDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    medium: Medium,
    /// Changing calls so far: create, rename, remove, directory sync, write, length, sync.
    calls: u64,
    planned_failures: BTreeMap<u64, io::ErrorKind>,
    cut_at_call: Option<u64>,
    /// The power is off: nothing works until `power_cut` or `kill`.
    down: bool,
    /// Raised by each restart; handles of an earlier life fail.
    life: u64,
    locked: bool,
    capacity_bytes: Option<u64>,
    lying_sync: bool,
    unreadable: Option<String>,
}

/// What a changing call is to do.
enum Fate {
    /// Happen.
    Proceed,
    /// Happen in part, and answer an error.
    Fail(io::Error),
}

fn power_is_off() -> io::Error {
    io::Error::other("the power is off")
}

impl FaultyDisk {
    /// An empty directory whose choices come from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let state = State {
            medium: Medium::new(seed),
            calls: 0,
            planned_failures: BTreeMap::new(),
            cut_at_call: None,
            down: false,
            life: 0,
            locked: false,
            capacity_bytes: None,
            lying_sync: false,
            unreadable: None,
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many changing calls were made so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Turns the power off during changing call number `call` (the first ever is 1).
    pub fn cut_at_call(&self, call: u64) {
        self.state().cut_at_call = Some(call);
    }

    /// Lets changing call number `call` (the first ever is 1) fail with an error of this kind.
    pub fn fail_call(&self, call: u64, kind: io::ErrorKind) {
        self.state().planned_failures.insert(call, kind);
    }

    /// Lets every read of this file fail; `None` lets them succeed again.
    pub fn fail_reads(&self, name: Option<&str>) {
        self.state().unreadable = name.map(str::to_owned);
    }

    /// Lets no more than this many bytes be allocated to all files together; `None` for no limit.
    pub fn set_capacity_bytes(&self, capacity_bytes: Option<u64>) {
        self.state().capacity_bytes = capacity_bytes;
    }

    /// Lets every sync answer yes and do nothing.
    pub fn set_lying_sync(&self, lying: bool) {
        self.state().lying_sync = lying;
    }

    /// Flips one bit of a file, in the cache and on the medium.
    ///
    /// # Panics
    /// If there is no such file or bit.
    pub fn flip_bit(&self, name: &str, offset_bytes: u64, bit: u8) {
        self.state().medium.flip_bit(name, offset_bytes, bit);
    }

    /// Has a planned [`FaultyDisk::cut_at_call`] happened?
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.state().down
    }

    /// A power cut and a restart: each unsynced sector and name change is kept or lost, open handles are dead,
    /// the lock is free, planned faults are forgotten. Bit flips, capacity and lying stay.
    pub fn power_cut(&self) {
        self.power_cut_with(Loss::Drawn);
    }

    /// As [`FaultyDisk::power_cut`], with a choice of what is lost.
    pub fn power_cut_with(&self, loss: Loss) {
        let mut state = self.state();
        state.medium.power_cut(loss);
        state.restart();
    }

    /// The end of the process and a restart: as [`FaultyDisk::power_cut`], but nothing is lost.
    pub fn kill(&self) {
        self.state().restart();
    }

    /// What all files take together.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.state().medium.used_bytes()
    }

    /// The content of a file as a reader sees it, if there is one of this name.
    #[must_use]
    pub fn content(&self, name: &str) -> Option<Vec<u8>> {
        self.state().medium.content(name)
    }
}

impl State {
    fn restart(&mut self) {
        self.down = false;
        self.life += 1;
        self.locked = false;
        self.cut_at_call = None;
        self.planned_failures.clear();
        self.unreadable = None;
    }

    fn check_power(&self, life: u64) -> io::Result<()> {
        if self.down || self.life != life { Err(power_is_off()) } else { Ok(()) }
    }

    /// Counts one changing call and says what is to become of it.
    fn begin_call(&mut self, life: u64) -> io::Result<Fate> {
        self.check_power(life)?;
        self.calls += 1;
        if self.cut_at_call == Some(self.calls) {
            self.down = true;
            return Ok(Fate::Fail(power_is_off()));
        }
        Ok(match self.planned_failures.remove(&self.calls) {
            Some(kind) => Fate::Fail(kind.into()),
            None => Fate::Proceed,
        })
    }

    /// A change of names: whether one that failed has happened is open until the power cut.
    fn change_names(&mut self, life: u64, change: NameChange) -> io::Result<()> {
        match self.begin_call(life)? {
            Fate::Proceed => self.medium.change_names(change),
            Fate::Fail(error) => {
                if self.down {
                    self.medium.change_names(change)?;
                }
                Err(error)
            }
        }
    }

    fn write(&mut self, life: u64, inode: Inode, offset_bytes: u64, data: &[u8]) -> io::Result<()> {
        let fate = self.begin_call(life)?;
        let room = self.capacity_bytes.map(|capacity| capacity.saturating_sub(self.medium.used_bytes()));
        let end = offset_bytes + data.len() as u64;
        let growth = end.saturating_sub(self.medium.len(inode));
        let missing = room.map_or(0, |room| growth.saturating_sub(room));
        match fate {
            Fate::Proceed if missing == 0 => {
                self.medium.write(inode, offset_bytes, data);
                Ok(())
            }
            Fate::Proceed => {
                let fits = data.len().saturating_sub(usize::try_from(missing).unwrap_or(usize::MAX));
                self.medium.write(inode, offset_bytes, &data[..fits]);
                Err(io::ErrorKind::StorageFull.into())
            }
            Fate::Fail(error) => {
                // A write that the power cut interrupts may have got anywhere; the cut then drops sectors of it.
                let done =
                    if self.down && missing == 0 { data.len() } else { self.medium.part_of(data.len()) };
                let done =
                    done.min(data.len().saturating_sub(usize::try_from(missing).unwrap_or(usize::MAX)));
                self.medium.write(inode, offset_bytes, &data[..done]);
                Err(error)
            }
        }
    }

    fn set_len(&mut self, life: u64, inode: Inode, len_bytes: u64) -> io::Result<()> {
        match self.begin_call(life)? {
            Fate::Proceed => {
                let growth = len_bytes.saturating_sub(self.medium.len(inode));
                if self.capacity_bytes.is_some_and(|capacity| self.medium.used_bytes() + growth > capacity) {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                self.medium.set_len(inode, len_bytes);
                Ok(())
            }
            Fate::Fail(error) => Err(error),
        }
    }

    fn sync_data(&mut self, life: u64, inode: Inode) -> io::Result<()> {
        match self.begin_call(life)? {
            Fate::Proceed if self.lying_sync => Ok(()),
            Fate::Proceed => {
                self.medium.sync_data(inode);
                Ok(())
            }
            Fate::Fail(error) => {
                if !self.down {
                    self.medium.fail_sync(inode);
                }
                Err(error)
            }
        }
    }
}

impl Disk for FaultyDisk {
    fn location(&self) -> String {
        "memory".to_owned()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.state();
        state.check_power(state.life)?;
        Ok(state.medium.names())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.state();
        state.check_power(state.life)?;
        let inode = state.medium.find(name)?;
        Ok(Arc::new(FaultyFile { disk: self.clone(), inode, life: state.life }))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        let life = state.life;
        let inode = state.medium.new_inode();
        state.change_names(life, NameChange::Create { name: name.to_owned(), inode })?;
        Ok(Arc::new(FaultyFile { disk: self.clone(), inode, life }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        let life = state.life;
        state.change_names(life, NameChange::Rename { from: from.to_owned(), to: to.to_owned() })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        let life = state.life;
        state.change_names(life, NameChange::Remove { name: name.to_owned() })
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.state();
        let life = state.life;
        match state.begin_call(life)? {
            Fate::Proceed if state.lying_sync => Ok(()),
            Fate::Proceed => {
                state.medium.sync_dir();
                Ok(())
            }
            Fate::Fail(error) => Err(error),
        }
    }

    fn lock(&self) -> Result<DirLock, LockError> {
        let mut state = self.state();
        let location = self.location();
        if let Err(error) = state.check_power(state.life) {
            return Err(LockError::Io { location, error });
        }
        if state.locked {
            return Err(LockError::Held { location, process: std::process::id().to_string() });
        }
        state.locked = true;
        Ok(DirLock::new(FaultyLock { disk: self.clone(), life: state.life }))
    }
}

struct FaultyLock {
    disk: FaultyDisk,
    life: u64,
}

impl Drop for FaultyLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.life == self.life {
            state.locked = false;
        }
    }
}

struct FaultyFile {
    disk: FaultyDisk,
    inode: Inode,
    life: u64,
}

impl DiskFile for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        let state = self.disk.state();
        state.check_power(self.life)?;
        Ok(state.medium.len(self.inode))
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        self.disk.state().set_len(self.life, self.inode, len_bytes)
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<()> {
        let state = self.disk.state();
        state.check_power(self.life)?;
        if let Some(name) = &state.unreadable
            && state.medium.find(name).is_ok_and(|inode| inode == self.inode)
        {
            return Err(io::Error::other("the medium cannot be read"));
        }
        state.medium.read(self.inode, offset_bytes, buffer)
    }

    fn write_at(&self, offset_bytes: u64, data: &[u8]) -> io::Result<()> {
        self.disk.state().write(self.life, self.inode, offset_bytes, data)
    }

    fn write_vectored_at(&self, offset_bytes: u64, parts: &mut [io::IoSlice<'_>]) -> io::Result<()> {
        let whole: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        self.write_at(offset_bytes, &whole)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.state().sync_data(self.life, self.inode)
    }
}
