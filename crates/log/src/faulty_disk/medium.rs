//! What readers see and what a power cut leaves: files by inode, names by inode, and what is not synced of both.
//!
//! Always: `seen` and `kept` of a file differ only in sectors (and length) that are listed as unsynced, or that a
//! failed sync has left visible and lost. It refuses to know of faults: when to cut or fail is the disk's matter.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::RangeInclusive;

use crate::disk::SECTOR_BYTES;

const SECTOR: usize = SECTOR_BYTES as usize;

/// The number of a file, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Inode(u64);

/// A change to the directory.
#[derive(Clone, Debug)]
pub(super) enum NameChange {
    Create { name: String, inode: Inode },
    Rename { from: String, to: String },
    Remove { name: String },
}

/// What a power cut does to what is not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Each sector and each name change is kept or lost on its own, as the seed says.
    Drawn,
    /// Nothing of it is kept.
    Everything,
    /// All of it is kept but for sectors of the last write, which the seed draws; its last sector is lost.
    LastWriteTorn,
}

#[derive(Clone, Debug, Default)]
struct FileContent {
    seen: Vec<u8>,
    kept: Vec<u8>,
    unsynced: BTreeSet<usize>,
    length_unsynced: bool,
    /// A failed sync has left sectors visible that are lost.
    lost: bool,
}

#[derive(Debug)]
pub(super) struct Medium {
    /// Splitmix64 state.
    random: u64,
    next_inode: u64,
    files: BTreeMap<Inode, FileContent>,
    names: BTreeMap<String, Inode>,
    kept_names: BTreeMap<String, Inode>,
    unsynced_changes: Vec<NameChange>,
    /// The sectors of the last write.
    last_write: Option<(Inode, RangeInclusive<usize>)>,
}

impl Medium {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: seed,
            next_inode: 1,
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            kept_names: BTreeMap::new(),
            unsynced_changes: Vec::new(),
            last_write: None,
        }
    }

    /// The next number of the seed's sequence (splitmix64, Steele et al. 2014).
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn toss(&mut self) -> bool {
        self.draw() & 1 == 1
    }

    /// Some number from 0 to `whole`.
    pub(super) fn part_of(&mut self, whole: usize) -> usize {
        usize::try_from(self.draw() % (whole as u64 + 1)).unwrap_or(whole)
    }

    pub(super) fn new_inode(&mut self) -> Inode {
        let inode = Inode(self.next_inode);
        self.next_inode += 1;
        inode
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }

    pub(super) fn find(&self, name: &str) -> io::Result<Inode> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Allocated bytes of all files that still have a name.
    pub(super) fn used_bytes(&self) -> u64 {
        self.names.values().map(|inode| self.len(*inode)).sum()
    }

    pub(super) fn content(&self, name: &str) -> Option<Vec<u8>> {
        let inode = self.names.get(name)?;
        Some(self.files.get(inode)?.seen.clone())
    }

    pub(super) fn len(&self, inode: Inode) -> u64 {
        self.files.get(&inode).map_or(0, |file| file.seen.len() as u64)
    }

    pub(super) fn read(&self, inode: Inode, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<()> {
        let seen = self.files.get(&inode).map_or(&[][..], |file| &file.seen);
        let from = usize::try_from(offset_bytes).unwrap_or(usize::MAX);
        let range = from..from.saturating_add(buffer.len());
        buffer.copy_from_slice(seen.get(range).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    pub(super) fn change_names(&mut self, change: NameChange) -> io::Result<()> {
        match &change {
            NameChange::Create { name, .. } if self.names.contains_key(name) => {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            NameChange::Create { .. } => {}
            NameChange::Rename { from: name, .. } | NameChange::Remove { name } => {
                self.find(name)?;
            }
        }
        apply(&mut self.names, &change);
        self.unsynced_changes.push(change);
        Ok(())
    }

    pub(super) fn sync_dir(&mut self) {
        for change in self.unsynced_changes.drain(..) {
            apply(&mut self.kept_names, &change);
        }
    }

    pub(super) fn write(&mut self, inode: Inode, offset_bytes: u64, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        let file = self.files.entry(inode).or_default();
        let from = usize::try_from(offset_bytes).expect("files in memory fit into memory");
        let end = from + data.len();
        if file.seen.len() < end {
            file.seen.resize(end, 0);
            file.length_unsynced = true;
        }
        file.seen[from..end].copy_from_slice(data);
        let sectors = from / SECTOR..=(end - 1) / SECTOR;
        file.unsynced.extend(sectors.clone());
        self.last_write = Some((inode, sectors));
    }

    pub(super) fn set_len(&mut self, inode: Inode, len_bytes: u64) {
        let file = self.files.entry(inode).or_default();
        let len = usize::try_from(len_bytes).expect("files in memory fit into memory");
        let shorter = file.seen.len().min(len);
        file.unsynced.extend(shorter / SECTOR..len.div_ceil(SECTOR));
        file.seen.resize(len, 0);
        file.length_unsynced = true;
    }

    pub(super) fn sync_data(&mut self, inode: Inode) {
        let Some(file) = self.files.get_mut(&inode) else { return };
        if std::mem::take(&mut file.length_unsynced) {
            file.kept.resize(file.seen.len(), 0);
        }
        for sector in std::mem::take(&mut file.unsynced) {
            file.keep(sector);
        }
    }

    /// The pages become clean without having been written, except for some.
    pub(super) fn fail_sync(&mut self, inode: Inode) {
        let Some(file) = self.files.get_mut(&inode) else { return };
        let unsynced = std::mem::take(&mut file.unsynced);
        let longer = file.seen.len().max(file.kept.len());
        file.length_unsynced = false;
        file.lost = true;
        file.kept.resize(longer, 0);
        for sector in unsynced {
            if self.toss()
                && let Some(file) = self.files.get_mut(&inode)
            {
                file.keep(sector);
            }
        }
    }

    pub(super) fn flip_bit(&mut self, name: &str, offset_bytes: u64, bit: u8) {
        let inode = self.find(name).expect("the file to damage exists");
        let offset = usize::try_from(offset_bytes).expect("files in memory fit into memory");
        let file = self.files.get_mut(&inode).expect("the file to damage has content");
        file.seen[offset] ^= 1 << bit;
        if let Some(byte) = file.kept.get_mut(offset) {
            *byte ^= 1 << bit;
        }
    }

    pub(super) fn power_cut(&mut self, loss: Loss) {
        let last_write = self.last_write.take();
        for change in std::mem::take(&mut self.unsynced_changes) {
            if self.keeps(loss) {
                apply(&mut self.kept_names, &change);
            }
        }
        self.names = self.kept_names.clone();
        let inodes: Vec<Inode> = self.files.keys().copied().collect();
        for inode in inodes {
            let length_kept = self.keeps(loss);
            let file = self.file(inode);
            let differs = !file.unsynced.is_empty() || file.length_unsynced || std::mem::take(&mut file.lost);
            if std::mem::take(&mut file.length_unsynced) && length_kept {
                file.kept.resize(file.seen.len(), 0);
            }
            let torn =
                last_write.as_ref().filter(|(written, _)| *written == inode).map(|(_, sectors)| sectors);
            for sector in std::mem::take(&mut file.unsynced) {
                let kept = match torn {
                    Some(torn) if loss == Loss::LastWriteTorn && torn.contains(&sector) => {
                        self.toss() && sector != *torn.end()
                    }
                    _ => self.keeps(loss),
                };
                if kept {
                    self.file(inode).keep(sector);
                }
            }
            let file = self.file(inode);
            if differs {
                file.seen.clone_from(&file.kept);
            }
        }
        self.files.retain(|inode, _| self.kept_names.values().any(|named| named == inode));
    }

    fn file(&mut self, inode: Inode) -> &mut FileContent {
        self.files.get_mut(&inode).expect("the inode was just listed")
    }

    /// Whether a cut keeps some one thing that is not synced.
    fn keeps(&mut self, loss: Loss) -> bool {
        match loss {
            Loss::Drawn => self.toss(),
            Loss::Everything => false,
            Loss::LastWriteTorn => true,
        }
    }
}

impl FileContent {
    /// Writes one sector to the medium, as far as the file reaches there.
    fn keep(&mut self, sector: usize) {
        let from = sector * SECTOR;
        let end = (from + SECTOR).min(self.seen.len()).min(self.kept.len());
        if from < end {
            self.kept[from..end].copy_from_slice(&self.seen[from..end]);
        }
    }
}

/// Applies a change as far as it still makes sense: after a cut an earlier change may be missing.
fn apply(names: &mut BTreeMap<String, Inode>, change: &NameChange) {
    match change {
        NameChange::Create { name, inode } => {
            names.insert(name.clone(), *inode);
        }
        NameChange::Rename { from, to } => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
        NameChange::Remove { name } => {
            names.remove(name);
        }
    }
}
