//! Tells whether a data directory is sound: everything in it is as it was written, and a service would start on it with
//! all that it had acknowledged.
//!
//! The log is opened as a service opens it, so torn and corrupt are told apart by the same rule; then every batch of it
//! is read. Of the store every row and every payload is read. Last, all batches that the store does not reflect are
//! applied on top of it, as a start would.
//!
//! What always holds: not one byte of the directory changes. It refuses to stop at the first damage.

mod log;
mod store;

use std::path::Path;

use millpond_core::message::MessageRef;
use millpond_log::Position;

use crate::directory::{Directory, DirectoryError};
use crate::finding::{Finding, Severity};
use crate::progress::Progress;

/// What a directory holds, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct CheckReport {
    /// The directory.
    pub location: String,
    /// Everything that was found, in the order it was found.
    pub findings: Vec<Finding>,
    /// The log, where it could be opened.
    pub log: Option<LogSummary>,
    /// The store, where it could be opened.
    pub store: Option<StoreSummary>,
}

/// What a log holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogSummary {
    /// Its first batch.
    pub first: Position,
    /// Its last batch.
    pub last: Position,
    /// Files that hold them.
    pub segments: usize,
    /// Batches that the store does not reflect.
    pub behind_store: u64,
    /// Messages that were sent in these.
    pub sent_behind_store: u64,
}

/// What a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreSummary {
    /// What it reflects of the log.
    pub reflected: Option<Position>,
    /// Queues.
    pub queues: u64,
    /// Messages in them.
    pub messages: u64,
    /// Bytes of their payloads.
    pub payload_bytes: u64,
    /// Remembered sends.
    pub deduplications: u64,
    /// Documents.
    pub documents: u64,
}

impl CheckReport {
    /// Whether a service would start on it and has lost nothing.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Damage)
    }

    fn damage(
        &mut self,
        file: &str,
        place: impl Into<String>,
        what: impl Into<String>,
        affected: impl Into<String>,
    ) {
        self.found(Severity::Damage, file, place, what, affected);
    }

    fn remark(
        &mut self,
        file: &str,
        place: impl Into<String>,
        what: impl Into<String>,
        affected: impl Into<String>,
    ) {
        self.found(Severity::Remark, file, place, what, affected);
    }

    fn found(
        &mut self,
        severity: Severity,
        file: &str,
        place: impl Into<String>,
        what: impl Into<String>,
        affected: impl Into<String>,
    ) {
        let (place, what, affected) = (place.into(), what.into(), affected.into());
        self.findings.push(Finding { severity, file: file.to_owned(), place, what, affected });
    }
}

/// Checks a directory that no service uses.
///
/// # Errors
/// [`DirectoryError`] when it can't be looked at; damage is in the report.
pub fn check(path: &Path, progress: &mut dyn Progress) -> Result<CheckReport, DirectoryError> {
    let directory = Directory::open(path)?;
    let mut report = CheckReport { location: directory.location(), ..CheckReport::default() };
    unfinished(&directory, &mut report);
    let log = log::check(&directory, &mut report, progress);
    let is_store_sound = store::check(&directory, &mut report, progress);
    if let Some(log) = log {
        log::check_fit(&directory, &log, is_store_sound, &mut report, progress);
    }
    Ok(report)
}

/// What an interrupted start or checkpoint leaves behind, and the next start takes away.
fn unfinished(directory: &Directory, report: &mut CheckReport) {
    for name in ["store.redb.new", "log.superblock.new", "spare-filling"] {
        if directory.names().iter().any(|found| found == name) {
            report.remark(name, "the file", "it is unfinished", "The next start removes it");
        }
    }
}

/// A range of batches in words.
fn batches(first: Position, last: Position) -> String {
    if first == last { format!("batch {first}") } else { format!("batches {first} to {last}") }
}

/// Messages are told one by one up to here, and counted from there on.
const MESSAGES_TOLD: usize = 20;

/// Some messages in words.
fn some_messages(messages: &[MessageRef]) -> String {
    let told: Vec<String> = messages
        .iter()
        .take(MESSAGES_TOLD)
        .map(|message| format!("{} of queue number {}", message.sequence.0, message.queue.0))
        .collect();
    let more = messages.len().saturating_sub(MESSAGES_TOLD);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("messages {}{more}", told.join(", "))
}
