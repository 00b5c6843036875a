//! What went wrong, by what the caller must do about it.
//!
//! Every text says what happened, to which file, and what to do next. None of them holds message content.

use std::io;

use millpond_core::evolve::Inconsistent;
use millpond_log::Position;

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The bytes on disk are not those that were written. Refuse to serve from this store.
    #[error(
        "the store {file} is damaged: {what}. Nothing was changed. Keep a copy of the directory, then restore it from a \
         backup, or save what can be read with millpond repair DIR NEWDIR"
    )]
    Damaged {
        /// The file, with its directory.
        file: String,
        /// What does not fit.
        what: String,
    },
    /// A later version has written the store. Nothing was touched: start that version.
    #[error(
        "the store {file} has format {found}, this version knows formats up to {known}: start the version that wrote it"
    )]
    Newer {
        /// The file, with its directory.
        file: String,
        /// The format the file has.
        found: u64,
        /// The newest format known here.
        known: u64,
    },
    /// No space left. Nothing was changed and the store goes on serving: hand in the same changes again when there
    /// is space.
    #[error("no space left to write the store {file}: free space on its disk; it is tried again by itself")]
    Full {
        /// The file, with its directory.
        file: String,
    },
    /// A read, a write or a sync failed. Whether the changes are in the store is unknown until it is opened again:
    /// stop, and be born again from store and log. It is never tried again here.
    #[error("{operation} of the store {file} failed: {error}. Check the disk, then start again")]
    Io {
        /// What was tried, such as `sync`.
        operation: &'static str,
        /// The file, with its directory.
        file: String,
        /// What the system answered.
        error: io::Error,
    },
    /// The changes do not follow from what the store holds. Nothing was changed: the caller has lost count and must
    /// stop.
    #[error("the changes do not follow from the store: {0}")]
    Inconsistent(#[from] Inconsistent),
    /// The changes claim to reflect less of the log than the store does already. Nothing was changed: the caller has
    /// lost count and must stop.
    #[error("the store reflects position {reflected}; changes up to position {offered} lie behind it")]
    Backwards {
        /// What the store reflects.
        reflected: Position,
        /// What was handed in.
        offered: Position,
    },
}
