//! Files of our own for the payloads of messages, beside the storage engine's: written from begin to end, never changed.
//!
//! | module | what it is |
//! |---|---|
//! | [`record`] | the bytes of a file: its head, and records one behind the other |
//! | [`ledger`] | what each file holds, and which one is to be merged |
//! | [`files`] | the files of a directory, open, and who still looks at those that are to go |
//! | [`writer`] | one transaction's records on their way to the disk |
//! | [`merge`] | takes what lives out of a file of which most is dead |
//!
//! What always holds: a record is synced before the engine commits a row that names it; no sector of a committed record is
//! ever written again; a file goes only when nothing of any state that somebody looks at lies in it. What is behind the end
//! that the engine knows belongs to nobody.
//!
//! It refuses to know the engine's tables, and to look into a payload.

pub(crate) mod failure;
pub(crate) mod files;
pub(crate) mod ledger;
pub(crate) mod merge;
pub(crate) mod record;
pub(crate) mod writer;

pub(crate) use failure::FileFault;
pub(crate) use files::{Files, Hold};
pub(crate) use ledger::{FileRow, Kind, Ledger};
pub(crate) use merge::Extents;
pub(crate) use writer::Writer;

/// How the names of payload files begin.
const PREFIX: &str = "payloads-";

/// Where a payload lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The number of its file.
    pub(crate) file: u64,
    /// Its first byte.
    pub(crate) offset_bytes: u64,
    /// How long it is.
    pub(crate) len_bytes: u32,
}

/// The name of a file.
pub(crate) fn name_of(number: u64) -> String {
    format!("{PREFIX}{number:016x}")
}

/// The number that a name tells, if it is the name of a payload file.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?;
    let number = u64::from_str_radix(digits, 16).ok()?;
    (name_of(number) == name).then_some(number)
}
