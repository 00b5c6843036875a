//! The store's part of a check.

use std::collections::BTreeMap;

use bytes::Bytes;
use millpond_core::document::{Document, DocumentKey};
use millpond_core::evolve::Instance;
use millpond_core::message::{Entry, MessageRef, QueueId, Sequence};
use millpond_core::payload;
use millpond_core::queue::{Deduplication, QueueRecord};
use millpond_log::Position;
use millpond_store::{DamagedRow, Examiner, Flow, RedbConfig, RedbStore, Snapshot};

use super::{CheckReport, StoreSummary};
use crate::directory::Directory;
use crate::finding::QueueNames;
use crate::progress::Progress;

/// Reads every row and every payload. Whether the rows are sound; payloads concern their messages alone.
pub(super) fn check(directory: &Directory, report: &mut CheckReport, progress: &mut dyn Progress) -> bool {
    if !directory.has_store() {
        let first = report.log.map(|log| log.first);
        if first != Some(Position::FIRST) {
            let affected = "Everything that the log was trimmed of is lost: queues, messages and documents";
            report.damage(RedbStore::FILE, "the file", "the store is missing", affected);
            return false;
        }
        let affected =
            "The log is whole from its first batch on, so nothing is lost; the next start makes it anew";
        report.remark(RedbStore::FILE, "the file", "the store is missing", affected);
        return true;
    }
    let affected = "Nothing of the store can be served";
    let snapshot = match RedbStore::open_damaged(directory.disk(), RedbConfig::default()) {
        Ok(snapshot) => snapshot,
        Err(error) => {
            report.damage(RedbStore::FILE, "the file", error.to_string(), affected);
            return false;
        }
    };
    let mut examiner = Checking {
        summary: StoreSummary { reflected: snapshot.reflected(), ..StoreSummary::default() },
        sound: true,
        snapshot: &*snapshot,
        queues: BTreeMap::new(),
        names: QueueNames::default(),
        report,
        progress,
    };
    if snapshot.reflected().is_none() {
        let what = "the row that says what the store reflects of the log does not read";
        examiner.row("store", "the checkpoint row", what, "A service does not start on this directory");
    }
    let examined = snapshot.examine(&mut examiner);
    let Checking { summary, mut sound, report, .. } = examiner;
    if let Err(error) = examined {
        report.damage(RedbStore::FILE, "the file", error.to_string(), affected);
        sound = false;
    }
    report.store = Some(summary);
    // An engine that is closed writes, and may give up over damage.
    std::mem::forget(snapshot);
    sound
}

struct Checking<'a> {
    summary: StoreSummary,
    sound: bool,
    snapshot: &'a dyn Snapshot,
    /// The next sequence of each queue.
    queues: BTreeMap<QueueId, Sequence>,
    names: QueueNames,
    report: &'a mut CheckReport,
    progress: &'a mut dyn Progress,
}

impl Checking<'_> {
    fn row(&mut self, table: &str, row: &str, what: impl Into<String>, affected: impl Into<String>) {
        self.sound = false;
        self.report.damage(RedbStore::FILE, format!("table {table}, {row}"), what, affected);
    }

    /// Tells of damage to a payload, with its place.
    fn payload(&mut self, message: MessageRef, words: &str, what: String, affected: &str) {
        let (file, place) = match self.snapshot.payload_place(message) {
            Some((file, byte)) => (file, format!("byte {byte}, {words}")),
            None => (RedbStore::FILE.to_owned(), format!("table extents, {words}")),
        };
        self.report.damage(&file, place, what, affected);
    }

    /// Whether the queue of a message's row is there and has given out its number.
    fn belongs(&mut self, table: &str, message: MessageRef) {
        let words = self.names.message(message, None);
        match self.queues.get(&message.queue) {
            None => self.row(table, &words, "its queue is not there", "It can't be served"),
            Some(next) if message.sequence >= *next => {
                self.row(
                    table,
                    &words,
                    "its number is not given out yet",
                    "A later message would take its place",
                );
            }
            Some(_) => {}
        }
    }
}

impl Examiner for Checking<'_> {
    fn instance(&mut self, _: Instance) -> Flow {
        Flow::Continue(())
    }

    fn queue(&mut self, record: QueueRecord) -> Flow {
        self.summary.queues += 1;
        self.names.learn(&record);
        self.queues.insert(record.id, record.next_sequence);
        Flow::Continue(())
    }

    fn document(&mut self, _: DocumentKey, _: Document) -> Flow {
        self.summary.documents += 1;
        Flow::Continue(())
    }

    fn deduplication(&mut self, message: MessageRef, _: Deduplication) -> Flow {
        self.summary.deduplications += 1;
        self.belongs("deduplications", message);
        Flow::Continue(())
    }

    fn message(&mut self, message: MessageRef, entry: Entry, payload: Option<Bytes>) -> Flow {
        self.progress.at("messages of the store", self.summary.messages, None);
        self.summary.messages += 1;
        self.belongs("entries", message);
        let words = self.names.message(message, payload.as_ref());
        let affected =
            "This message can't be delivered; a service takes it out of its queue when it would be received";
        let Some(payload) = payload else {
            self.payload(message, &words, "it has no payload".to_owned(), affected);
            return Flow::Continue(());
        };
        self.summary.payload_bytes += payload.len() as u64;
        if let Err(malformed) = payload::verify(&payload) {
            self.payload(message, &words, malformed.to_string(), affected);
        } else if payload.len() != entry.payload_bytes as usize {
            let what = format!("it has {} bytes where its entry says {}", payload.len(), entry.payload_bytes);
            self.payload(message, &words, what, affected);
        }
        Flow::Continue(())
    }

    fn damaged(&mut self, row: DamagedRow) -> Flow {
        let words = match row.message {
            Some(message) => self.names.message(message, row.payload.as_ref()),
            None => row.row.clone(),
        };
        if row.is_lone_payload {
            let affected = "It takes space; the message that it belonged to is not known any more";
            self.report.damage(RedbStore::FILE, format!("table extents, {words}"), row.what, affected);
            return Flow::Continue(());
        }
        if let ("payloads", Some(message)) = (row.table, row.message) {
            self.payload(message, &words, row.what, "This message can't be delivered");
            return Flow::Continue(());
        }
        let affected = match (row.table, row.message) {
            (_, Some(_)) => "A service does not start on this directory; this message is concerned",
            ("queues", None) => {
                "A service does not start on this directory; this queue and its messages are concerned"
            }
            ("payload_files", None) => {
                "A service does not start on this directory, or stops at a checkpoint; messages are concerned whose \
                 payloads lie in this file"
            }
            ("documents", None) => "A service does not start on this directory; this document is concerned",
            _ => "A service does not start on this directory",
        };
        self.row(row.table, &words, row.what, affected);
        Flow::Continue(())
    }
}
