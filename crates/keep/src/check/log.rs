//! The log's part of a check, and whether it fits the store.

use std::mem::ManuallyDrop;

use bytes::Bytes;
use millpond_core::event::Event;
use millpond_core::format::batch::Batch;
use millpond_core::message::MessageRef;
use millpond_core::payload;
use millpond_engine::checkpoint::{CheckpointError, Overlay};
use millpond_log::{
    Log, LogConfig, LogId, LogReader, OpenError, Position, ReadError, SalvagedLog, SegmentLog,
};
use millpond_store::{RedbConfig, RedbStore, Store, StoreReader};

use super::{CheckReport, LogSummary, batches, some_messages};
use crate::directory::Directory;
use crate::progress::Progress;

/// The directory's files as a whole.
const ALL_FILES: &str = "segment-*";

/// Opens the log and reads every batch. `None` when it does not open.
pub(super) fn check(
    directory: &Directory,
    report: &mut CheckReport,
    progress: &mut dyn Progress,
) -> Option<SegmentLog> {
    if !directory.has_log() {
        report.damage(
            "log.superblock",
            "the file",
            "the log is missing",
            "Everything that the store does not reflect is lost",
        );
        return None;
    }
    let log = match SegmentLog::open_inline(directory.disk(), LogConfig::default(), LogId([0; 16])) {
        Ok((log, opened)) => {
            if let Some(torn) = opened.torn {
                report.remark(
                    &torn.file,
                    format!("byte {}", torn.offset_bytes),
                    format!("the last write was interrupted at batch {}", torn.position),
                    "It was never acknowledged; the next start cuts it",
                );
            }
            let bounds = opened.bounds;
            let (first, last, segments) = (bounds.first, bounds.tail.previous(), opened.segments);
            report.log = Some(LogSummary { first, last, segments, ..LogSummary::default() });
            log
        }
        Err(error) => {
            refused(directory, &error, report);
            return None;
        }
    };
    let (first, tail) = (log.bounds().first, log.bounds().tail);
    let reader = log.reader();
    for position in (first.0..tail.0).map(Position) {
        progress.at("batches of the log", position.0 - first.0, Some(tail.0 - first.0));
        if let Err(error) = reader.read(position) {
            unreadable(&error, report);
        }
    }
    Some(log)
}

/// An open that was refused, with what is left behind the place.
fn refused(directory: &Directory, error: &OpenError, report: &mut CheckReport) {
    let (file, offset_bytes, position, reason) = match error {
        OpenError::Corrupt { file, offset_bytes, position, reason, .. } => {
            (file.as_str(), *offset_bytes, *position, *reason)
        }
        other => {
            report.damage(ALL_FILES, "the log", other.to_string(), "Nothing of the log can be served");
            return;
        }
    };
    let affected = match SalvagedLog::read(&*directory.disk()) {
        Ok(salvaged) => {
            let whole = salvaged.positions().filter(|whole| *whole > position).count();
            let last = salvaged.durable.max(position);
            format!(
                "The log was durable up to batch {last}; {whole} batches behind batch {position} are whole, and can't be \
                 served without it"
            )
        }
        Err(error) => format!("What is behind it can't be read: {error}"),
    };
    report.damage(file, format!("byte {offset_bytes}, batch {position}"), reason, affected);
}

fn unreadable(error: &ReadError, report: &mut CheckReport) {
    let affected = "Messages and changes in this batch can't be served";
    match error {
        ReadError::Damaged { position, file, offset_bytes, reason } => {
            report.damage(file, format!("byte {offset_bytes}, batch {position}"), *reason, affected);
        }
        ReadError::Failed { position, file, error } => {
            report.damage(file, format!("batch {position}"), error.clone(), affected);
        }
        ReadError::Trimmed { .. } | ReadError::NotDurable { .. } => {
            report.damage(ALL_FILES, "the log", error.to_string(), affected);
        }
    }
}

/// Applies what the store does not reflect on top of it, as a start would.
pub(super) fn check_fit(
    directory: &Directory,
    log: &SegmentLog,
    is_store_sound: bool,
    report: &mut CheckReport,
    progress: &mut dyn Progress,
) {
    if !is_store_sound {
        report.remark(
            RedbStore::FILE,
            "the rows",
            "whether the log fits the store was not looked at",
            "The store has to be sound for that",
        );
        return;
    }
    let (first, tail) = (log.bounds().first, log.bounds().tail);
    // Closing a store writes to it, which is of no use to anyone here.
    let store = match RedbStore::open(directory.disk(), RedbConfig::default()) {
        Ok(store) => ManuallyDrop::new(store),
        Err(error) => {
            let affected = "A service does not start on this directory";
            report.damage(RedbStore::FILE, "the file", error.to_string(), affected);
            return;
        }
    };
    let reflected = store.reflected();
    if first > reflected.next() || tail <= reflected {
        report.damage(
            ALL_FILES,
            "the files",
            format!(
                "the store reflects the log up to batch {reflected}, the log holds {}",
                batches(first, tail.previous())
            ),
            if tail <= reflected {
                "Files of the log are missing, or of an older copy".to_owned()
            } else {
                format!("{} are missing", batches(reflected.next(), first.previous()))
            },
        );
        return;
    }
    let reader = store.reader();
    let log_reader = log.reader();
    let fit = Fit { rows: &*reader, log: &*log_reader, first: reflected.next(), tail };
    match fit.fold(report, progress) {
        Ok(()) => {}
        // Told when it was read.
        Err(CheckpointError::Log(_)) => {}
        Err(CheckpointError::Malformed { position, source }) => report.damage(
            ALL_FILES,
            format!("batch {position}"),
            format!("it can't be understood: {source}"),
            "A later version has written it, or it is damaged",
        ),
        Err(CheckpointError::Inconsistent { position, source }) => report.damage(
            ALL_FILES,
            format!("batch {position}"),
            format!("it does not fit what is before it: {source}"),
            "A service does not start on this directory",
        ),
        Err(CheckpointError::Store(error)) => {
            report.damage(RedbStore::FILE, "the rows", error.to_string(), "Rows can't be read");
        }
    }
}

struct Fit<'a> {
    rows: &'a dyn StoreReader,
    log: &'a dyn LogReader,
    first: Position,
    tail: Position,
}

impl Fit<'_> {
    fn fold(&self, report: &mut CheckReport, progress: &mut dyn Progress) -> Result<(), CheckpointError> {
        let mut overlay = Overlay::over(self.rows)?;
        let mut damaged: Vec<MessageRef> = Vec::new();
        let mut sent = 0;
        for position in (self.first.0..self.tail.0).map(Position) {
            progress.at(
                "batches on top of the store",
                position.0 - self.first.0,
                Some(self.tail.0 - self.first.0),
            );
            let content = self.log.read(position)?;
            if content.is_empty() {
                continue;
            }
            let mut batch =
                Batch::decode(content).map_err(|source| CheckpointError::Malformed { position, source })?;
            for event in &mut batch.events {
                if let Event::MessageSent { queue, sequence, payload, .. } = event {
                    sent += 1;
                    if payload::verify(payload).is_err() {
                        damaged.push(MessageRef { queue: *queue, sequence: *sequence });
                    }
                    // Only that it is there counts from here on, and memory does not follow the log.
                    *payload = Bytes::new();
                }
            }
            overlay.fold_batch(position, &batch)?;
        }
        if !damaged.is_empty() {
            let what = "payloads do not match their checksums";
            report.damage(ALL_FILES, "the batches", what, format!("They are of {}", some_messages(&damaged)));
        }
        if let Some(log) = &mut report.log {
            log.behind_store = self.tail.0 - self.first.0;
            log.sent_behind_store = sent;
        }
        Ok(())
    }
}
