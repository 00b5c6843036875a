//! Brings a backup back as a new data directory.
//!
//! What always holds: the whole backup is verified before anything is written.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use bytes::Bytes;
use millpond_core::format::codec::Take;
use millpond_log::{LogId, Position};

use crate::backup::format::{BackupError, Begin, Kind, Record, RecordReader, Row, Totals};
use crate::progress::Progress;
use crate::rebuild::{Rebuild, RebuildError};

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What it begins with.
    pub begin: Begin,
    /// What is in it.
    pub totals: Totals,
    /// Its length.
    pub bytes: u64,
}

/// Why a backup was not brought back.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// It is not whole.
    #[error("the backup {path} can't be used: {error}. Nothing was written")]
    Backup {
        /// Its file.
        path: String,
        /// What is wrong with it.
        error: BackupError,
    },
    /// The directory could not be made.
    #[error(transparent)]
    Rebuild(#[from] RebuildError),
}

/// Reads all of a backup and verifies every checksum.
///
/// # Errors
/// [`RestoreError::Backup`] when it is not whole.
pub fn verify(path: &Path, progress: &mut dyn Progress) -> Result<Verified, RestoreError> {
    let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    read(path, &mut |_, offset_bytes| {
        progress.at("bytes of the backup verified", offset_bytes, Some(bytes));
        Ok(())
    })
}

/// Makes a directory at `place` out of a backup. `log_id` is random.
///
/// # Errors
/// [`RestoreError`]; nothing is left at `place` then.
pub fn restore(
    path: &Path,
    place: &Path,
    log_id: LogId,
    progress: &mut dyn Progress,
) -> Result<Verified, RestoreError> {
    let verified = verify(path, progress)?;
    let mut rebuild = Rebuild::begin(place)?;
    // The rows stand behind the batches, and have to be there before them.
    for wanted in [Kind::Rows, Kind::Batches] {
        read(path, &mut |content, offset_bytes| {
            progress.at("bytes of the backup brought back", offset_bytes, Some(verified.bytes));
            match content {
                Content::Row(row) if wanted == Kind::Rows => Ok(rebuild.row(*row)?),
                Content::Batch(position, payload) if wanted == Kind::Batches => {
                    Ok(rebuild.batch(position, payload)?)
                }
                Content::Row(_) | Content::Batch(..) => Ok(()),
            }
        })?;
    }
    rebuild.finish(log_id)?;
    Ok(verified)
}

enum Content {
    Row(Box<Row>),
    Batch(Position, Bytes),
}

/// Shows all that is in a backup.
fn read(
    path: &Path,
    show: &mut dyn FnMut(Content, u64) -> Result<(), RestoreError>,
) -> Result<Verified, RestoreError> {
    let wrong = |error: BackupError| RestoreError::Backup { path: path.display().to_string(), error };
    let file = File::open(path).map_err(|error| wrong(error.into()))?;
    let mut records = RecordReader::begin(BufReader::with_capacity(1 << 20, file)).map_err(wrong)?;
    let mut begin: Option<Begin> = None;
    let mut next = Position::NONE;
    loop {
        let Record { kind, content, offset_bytes } = records.next().map_err(wrong)?;
        let malformed = |malformed| wrong(Record::malformed(offset_bytes, &malformed));
        let misplaced = |what: &str| wrong(BackupError::Damaged { offset_bytes, what: what.to_owned() });
        let mut take = Take::new(content.clone());
        match (kind, &begin) {
            (Kind::Begin, None) => {
                let found = Begin::decode(content).map_err(malformed)?;
                next = found.reflected.next();
                begin = Some(found);
            }
            (Kind::Batches, Some(_)) => {
                while !take.is_empty() {
                    const WHAT: &str = "batch of a backup";
                    let position = Position(take.varint(WHAT).map_err(malformed)?);
                    let payload = take.byte_string(WHAT).map_err(malformed)?;
                    if position != next {
                        return Err(misplaced("a batch is missing before it"));
                    }
                    next = next.next();
                    show(Content::Batch(position, payload), offset_bytes)?;
                }
            }
            (Kind::Rows, Some(_)) => {
                while !take.is_empty() {
                    let row = Row::take(&mut take).map_err(malformed)?;
                    show(Content::Row(Box::new(row)), offset_bytes)?;
                }
            }
            (Kind::End, Some(begin)) => {
                if next != begin.through.next() {
                    return Err(misplaced("batches are missing before its end"));
                }
                let bytes = records.offset_bytes();
                if !records.is_at_end().map_err(wrong)? {
                    return Err(misplaced("something stands behind its end"));
                }
                let totals = Totals::decode(content).map_err(malformed)?;
                return Ok(Verified { begin: begin.clone(), totals, bytes });
            }
            _ => return Err(misplaced("a record is not where it should be")),
        }
    }
}
