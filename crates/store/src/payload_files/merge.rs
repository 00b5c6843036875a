//! Takes what lives out of files of which most is dead, so that they can go.
//!
//! A file is walked from begin to end, in pieces; a record lives if the engine's row of its message names it. It is copied
//! into a file of what was kept, and the row follows. How far the walk has come is kept with the file, so the next piece goes
//! on behind it.
//!
//! What always holds: nothing is copied while too little is dead to be worth it; a record whose header can't be read is
//! passed over and stays where it is, and its file with it.

use bytes::Bytes;
use millpond_core::message::MessageRef;

use super::ledger::Kind;
use super::record::{self, HEAD_BYTES, HEADER_MAX_BYTES, Record};
use super::{Extent, Writer};
use crate::redb_store::fault::Fault;

/// Bytes of a file that are read at once.
const PIECE_BYTES: u64 = 1 << 20;

/// Where payloads lie, as the transaction says.
pub(crate) trait Extents {
    /// Where the payload of a message lies.
    fn get(&self, message: MessageRef) -> Result<Option<Extent>, Fault>;
    /// The payload of a message lies elsewhere now.
    fn set(&mut self, message: MessageRef, extent: Extent) -> Result<(), Fault>;
}

impl Writer<'_> {
    /// Whether enough is dead for a merge.
    pub(crate) fn is_merge_due(&self) -> bool {
        self.victim().is_some()
    }

    /// Merges while it is due, until about so many bytes were walked. Answers whether it is due still.
    pub(crate) fn merge(&mut self, extents: &mut impl Extents, walked_bytes: u64) -> Result<bool, Fault> {
        let mut left = walked_bytes;
        while let Some(file) = self.victim() {
            if left == 0 {
                return Ok(true);
            }
            self.has_merged = true;
            left -= self.walk_some(file, extents, left)?.min(left);
        }
        Ok(false)
    }

    /// Whether anything was merged.
    pub(crate) const fn has_merged(&self) -> bool {
        self.has_merged
    }

    fn victim(&self) -> Option<u64> {
        self.ledger.victim(self.files.file_bytes, &self.written())
    }

    /// Walks through a piece of a file. Answers how long it was.
    fn walk_some(&mut self, file: u64, extents: &mut impl Extents, most: u64) -> Result<u64, Fault> {
        let Some(row) = self.ledger.get(file) else { return Ok(0) };
        let begin = row.merged_bytes.max(HEAD_BYTES);
        let left = row.end_bytes.saturating_sub(begin);
        // A header at the end of the piece must be read whole.
        let piece_bytes = left.min(PIECE_BYTES.min(most).max(HEADER_MAX_BYTES as u64 * 2));
        let piece = self.files.read_at(file, begin, usize::try_from(piece_bytes).unwrap_or(0))?;
        let is_last = piece_bytes == left;
        let mut at = 0;
        while at < piece.len() && (is_last || at + HEADER_MAX_BYTES <= piece.len()) {
            let offset = begin + at as u64;
            let found = record::read_header((file, offset), &piece.slice(at..));
            match found.filter(|record| offset + record.whole_bytes() <= row.end_bytes) {
                Some(record) => {
                    self.keep(&record, (file, offset), &piece.slice(at..), extents)?;
                    at += usize::try_from(record.whole_bytes()).unwrap_or(usize::MAX);
                }
                // The gap before the records of a transaction, or damage.
                None => at += 1,
            }
        }
        let walked = (at as u64).min(left);
        self.ledger.merged(file, begin + walked);
        Ok(walked)
    }

    /// Copies a record, of which these are the first bytes, if it lives.
    fn keep(
        &mut self,
        record: &Record,
        (file, offset_bytes): (u64, u64),
        bytes: &Bytes,
        extents: &mut impl Extents,
    ) -> Result<(), Fault> {
        let begin = record.header_bytes;
        let offset_bytes = offset_bytes + begin as u64;
        let here = Extent { file, offset_bytes, len_bytes: record.len_bytes };
        if extents.get(record.message)? != Some(here) {
            return Ok(());
        }
        let end = begin + record.len_bytes as usize;
        let payload = if end <= bytes.len() { bytes.slice(begin..end) } else { self.files.read(here)? };
        let there = self.append(Kind::Kept, record.message, &payload)?;
        self.release(record.message, here)?;
        extents.set(record.message, there)
    }
}
