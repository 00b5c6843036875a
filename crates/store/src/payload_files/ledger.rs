//! What each payload file holds: how far it is written, how much of that lives, and which of them is to be merged.
//!
//! What always holds: a file's live bytes are the records that rows of the engine name, headers included. Everything else
//! before its end is dead. What is dead of all files stays below half of what lives and twice the size of a file, as long as
//! whoever writes merges [when it is due](Ledger::victim).
//!
//! **Why these bounds.** With half as much dead as alive two thirds of the bytes live. Were messages to die at random, the
//! emptiest file would then live to 42 % (u = (u′ − 1) / ln u′, see Desnoyers, *Analytic modeling of SSD write performance*,
//! 2012), so that 0.72 bytes are copied for each one that comes. What is cold is copied once, into files of its own, where
//! nothing dies beside it; so the copies of a mix of cold and hot are the cold part alone.

use std::collections::{BTreeMap, BTreeSet};

use super::record::HEAD_BYTES;

/// Which records a file takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Payloads that come into the store.
    New,
    /// Payloads that outlived most of their first file.
    Kept,
}

/// What is known of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileRow {
    pub(crate) kind: Kind,
    /// Where its last record ends.
    pub(crate) end_bytes: u64,
    /// Its records that live.
    pub(crate) live_bytes: u64,
    /// How far a merge has come with it.
    pub(crate) merged_bytes: u64,
}

impl FileRow {
    pub(crate) const fn new(kind: Kind) -> Self {
        Self { kind, end_bytes: HEAD_BYTES, live_bytes: 0, merged_bytes: 0 }
    }

    const fn dead_bytes(&self) -> u64 {
        self.end_bytes.saturating_sub(self.live_bytes)
    }

    const fn is_merged(&self) -> bool {
        self.merged_bytes >= self.end_bytes
    }
}

/// All files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    files: BTreeMap<u64, FileRow>,
    changed: BTreeSet<u64>,
}

/// A record was counted in a file that is not known, or has not so many live bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Miscounted {
    pub(crate) file: u64,
}

impl Ledger {
    pub(crate) fn of(files: BTreeMap<u64, FileRow>) -> Self {
        Self { files, changed: BTreeSet::new() }
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (u64, FileRow)> + '_ {
        self.files.iter().map(|(number, row)| (*number, *row))
    }

    pub(crate) fn get(&self, file: u64) -> Option<FileRow> {
        self.files.get(&file).copied()
    }

    pub(crate) fn put(&mut self, file: u64, row: FileRow) {
        self.files.insert(file, row);
        self.changed.insert(file);
    }

    /// Files whose rows changed since the last time, `None` for one that is gone.
    pub(crate) fn take_changed(&mut self) -> Vec<(u64, Option<FileRow>)> {
        std::mem::take(&mut self.changed).into_iter().map(|number| (number, self.get(number))).collect()
    }

    /// A record of so many bytes ends a file.
    pub(crate) fn add(&mut self, file: u64, end_bytes: u64, record_bytes: u64) -> Result<(), Miscounted> {
        let row = self.files.get_mut(&file).ok_or(Miscounted { file })?;
        row.end_bytes = end_bytes;
        row.live_bytes += record_bytes;
        self.changed.insert(file);
        Ok(())
    }

    /// A record of so many bytes died.
    pub(crate) fn remove(&mut self, file: u64, record_bytes: u64) -> Result<(), Miscounted> {
        let row = self.files.get_mut(&file).ok_or(Miscounted { file })?;
        row.live_bytes = row.live_bytes.checked_sub(record_bytes).ok_or(Miscounted { file })?;
        self.changed.insert(file);
        Ok(())
    }

    /// Takes out the files that hold nothing, but for some. Answers which.
    pub(crate) fn drop_empty(&mut self, but: &BTreeSet<u64>) -> Vec<u64> {
        let is_empty = |(number, row): &(u64, FileRow)| row.live_bytes == 0 && !but.contains(number);
        let empty: Vec<u64> = self.files().filter(is_empty).map(|(number, _)| number).collect();
        for number in &empty {
            self.files.remove(number);
            self.changed.insert(*number);
        }
        empty
    }

    /// The file that takes more records of a kind.
    pub(crate) fn current(&self, kind: Kind, file_bytes: u64) -> Option<u64> {
        let last = self.files.iter().rev().find(|(_, row)| row.kind == kind);
        let open = last.filter(|(_, row)| row.end_bytes < file_bytes && row.merged_bytes == 0);
        open.map(|(number, _)| *number)
    }

    /// All bytes of all files.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.files.values().map(|row| row.end_bytes).sum()
    }

    /// The file to merge next, if it is time for it; none of those that are being written.
    pub(crate) fn victim(&self, file_bytes: u64, written: &BTreeSet<u64>) -> Option<u64> {
        let currents = [Kind::New, Kind::Kept].map(|kind| self.current(kind, file_bytes));
        // What a merge could not read stays where it is.
        let counted = self.files.values().filter(|row| !row.is_merged());
        let (live, dead) =
            counted.fold((0, 0), |(live, dead), row| (live + row.live_bytes, dead + row.dead_bytes()));
        if dead <= live / 2 + 2 * file_bytes {
            return None;
        }
        let is_closed = |number: &u64| !currents.contains(&Some(*number)) && !written.contains(number);
        let worth = |row: &FileRow| !row.is_merged() && row.dead_bytes() > row.end_bytes / 8;
        let mut closed = self.files.iter().filter(|(number, row)| is_closed(number) && worth(row));
        let begun = closed.clone().find(|(_, row)| row.merged_bytes > 0);
        let fullness = |row: &FileRow| row.live_bytes.saturating_mul(1 << 16) / row.end_bytes.max(1);
        let chosen = begun.or_else(|| closed.by_ref().min_by_key(|(_, row)| fullness(row)));
        chosen.map(|(number, _)| *number)
    }

    /// A merge has come so far with a file.
    pub(crate) fn merged(&mut self, file: u64, merged_bytes: u64) {
        if let Some(row) = self.files.get_mut(&file) {
            row.merged_bytes = merged_bytes;
            self.changed.insert(file);
        }
    }
}
