//! Looks at all rows of one committed state, and goes on behind what is damaged.
//!
//! What always holds: each row is verified by its checksum before it is shown; a page that can't be read hides no more
//! than what lies between the last row before it and the first behind it, as a table is then read from its end, too. A
//! panic of the engine is damage like any other.
//!
//! It refuses to guess what a damaged row said.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use millpond_core::document::DocumentKey;
use millpond_core::format::row;
use millpond_core::message::{Entry, MessageRef, QueueId, Sequence};
use millpond_core::time::Timestamp;
use millpond_log::Position;
use redb::{
    AccessGuard, Key, ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition,
    Value,
};

use super::entries::orders;
use super::fault::{Fault, guarded};
use super::opened::Opened;
use super::payloads::{decode_file, decode_row, extent};
use super::reader::{backlog, decode, hidden_below, instance};
use super::remembered::{REMEMBERED, REMEMBERED_NAME, Visible};
use super::rows::{
    self, BACKLOGS, DOCUMENTS, EXTENTS, MessageBytes, Order, PAYLOAD_FILES, Place, QUEUES, REMOVED,
};
use crate::contract::{DamagedRow, Examiner, Flow, Snapshot};
use crate::error::StoreError;
use crate::payload_files::{Hold, name_of, record};

/// One committed state.
pub(crate) struct RedbSnapshot {
    opened: Arc<Opened>,
    transaction: ReadTransaction,
    /// Keeps the payload files.
    hold: Hold,
    openings: u64,
    reflected: Option<Position>,
}

impl RedbSnapshot {
    pub(crate) fn new(
        opened: Arc<Opened>,
        (transaction, hold): (ReadTransaction, Hold),
        openings: u64,
        reflected: Option<Position>,
    ) -> Self {
        Self { opened, transaction, hold, openings, reflected }
    }
}

impl Snapshot for RedbSnapshot {
    fn reflected(&self) -> Option<Position> {
        self.reflected
    }

    fn examine(&self, examiner: &mut dyn Examiner) -> Result<(), StoreError> {
        let mut look = Look { transaction: &self.transaction, files: &self.hold, examiner };
        // An examiner that breaks has seen what it wanted.
        let _ = look.at_everything();
        // The state was let go of when the file was opened again: what was read since may be anything.
        if self.opened.openings() != self.openings {
            return Err(self.opened.explain(Fault::Engine(redb::Error::DatabaseClosed)));
        }
        Ok(())
    }

    fn payload_place(&self, message: MessageRef) -> Option<(String, u64)> {
        let found = guarded(|| extent(&self.transaction.open_table(EXTENTS)?, message)).ok()??;
        Some((name_of(found.file), found.offset_bytes))
    }
}

struct Look<'a> {
    transaction: &'a ReadTransaction,
    files: &'a Hold,
    examiner: &'a mut dyn Examiner,
}

impl Look<'_> {
    fn at_everything(&mut self) -> Flow {
        match guarded(|| instance(self.transaction)) {
            Ok(instance) => self.examiner.instance(instance)?,
            Err(fault) => self.damaged("store", "the instance row", None, &fault)?,
        }
        self.at_queues()?;
        self.at_documents()?;
        self.at_deduplications()?;
        self.at_messages()?;
        let live_bytes = self.at_lone_payloads()?;
        self.at_payload_files(&live_bytes)
    }

    fn damaged(
        &mut self,
        table: &'static str,
        row: impl Into<String>,
        message: Option<MessageRef>,
        fault: &Fault,
    ) -> Flow {
        let row = DamagedRow {
            table,
            row: row.into(),
            message,
            what: fault.to_string(),
            is_lone_payload: false,
            payload: None,
        };
        self.examiner.damaged(row)
    }

    fn at_queues(&mut self) -> Flow {
        self.sweep(QUEUES, "queues", |look, key, value| {
            let key = *key.value();
            match decode("queues", &key, value.value(), row::decode_queue) {
                Ok(record) => look.examiner.queue(record),
                Err(fault) => {
                    let row = format!("queue number {}", rows::queue_of(&key).0);
                    look.damaged("queues", row, None, &fault)
                }
            }
        })
    }

    fn at_documents(&mut self) -> Flow {
        self.sweep(DOCUMENTS, "documents", |look, key, value| {
            let (collection, name) = key.value();
            let key = DocumentKey { collection: collection.to_owned(), name: name.to_owned() };
            let seal_key = rows::document_seal_key(&key);
            match decode("documents", &seal_key, value.value(), row::decode_document) {
                Ok(document) => look.examiner.document(key, document),
                Err(fault) => {
                    look.damaged("documents", format!("{} {}", key.collection, key.name), None, &fault)
                }
            }
        })
    }

    fn at_deduplications(&mut self) -> Flow {
        // What was forgotten comes back where that can't be read: the table's own look tells of it.
        let visible = guarded(|| Visible::open(self.transaction)).unwrap_or_else(|_| Visible::all());
        self.sweep(REMEMBERED, REMEMBERED_NAME, |look, key, value| {
            let first = rows::message_of(key.value());
            match visible.of_row(key.value(), value.value()) {
                Ok(sends) => sends.into_iter().try_for_each(|(sequence, row)| {
                    look.examiner.deduplication(MessageRef { sequence, ..first }, row)
                }),
                Err(fault) => {
                    let row = format!(
                        "sends of queue number {} from message {} on",
                        first.queue.0, first.sequence.0
                    );
                    look.damaged(REMEMBERED_NAME, row, None, &fault)
                }
            }
        })
    }

    fn at_messages(&mut self) -> Flow {
        Place::ALL.into_iter().try_for_each(|place| self.at_messages_in(place))
    }

    fn at_messages_in(&mut self, place: Place) -> Flow {
        let mut payloads = Payloads::open(self.transaction, self.files);
        let mut orders = Orders::open(self.transaction);
        self.sweep(place.entries(), place.table(), |look, key, value| {
            let message = rows::message_of(key.value());
            if payloads.is_hidden(message) {
                return Flow::Continue(());
            }
            let entry = decode(place.table(), key.value(), value.value(), row::decode_entry);
            let missing = entry.as_ref().ok().filter(|_| place == Place::Aside);
            for order in missing.into_iter().flat_map(|entry| orders.missing(message, entry)) {
                let fault = Fault::Rows("the row of a message is missing".to_owned());
                look.damaged(order.name(), in_words(message), None, &fault)?;
            }
            let payload = payloads.read(message);
            match (entry, payload) {
                (Ok(entry), Ok(payload)) => look.examiner.message(message, entry, payload),
                (Ok(_), Err(fault)) => look.damaged("payloads", in_words(message), Some(message), &fault),
                (Err(fault), payload) => look.examiner.damaged(DamagedRow {
                    table: place.table(),
                    row: in_words(message),
                    message: Some(message),
                    what: fault.to_string(),
                    is_lone_payload: false,
                    payload: payload.ok().flatten(),
                }),
            }
        })
    }

    /// Payloads that no entry names. Goes on with how many bytes of each payload file rows name.
    fn at_lone_payloads(&mut self) -> ControlFlow<(), BTreeMap<u64, u64>> {
        let entries = guarded(|| Tables::open(self.transaction)).ok();
        let mut payloads = Payloads::open(self.transaction, self.files);
        let mut live_bytes = BTreeMap::new();
        self.sweep(EXTENTS, "extents", |look, key, value| {
            let message = rows::message_of(key.value());
            if let Ok(extent) = decode_row(key.value(), value.value()) {
                *live_bytes.entry(extent.file).or_default() += record::whole_bytes(message, extent.len_bytes);
            }
            if payloads.is_hidden(message) {
                return Flow::Continue(());
            }
            let has_entry = |entries: &Tables| guarded(|| entries.hold(message));
            // Where the entries can't be read, that is told already.
            if !matches!(entries.as_ref().map(has_entry), Some(Ok(false))) {
                return Flow::Continue(());
            }
            look.examiner.damaged(DamagedRow {
                table: "payloads",
                row: in_words(message),
                message: Some(message),
                what: "it has no entry".to_owned(),
                is_lone_payload: true,
                payload: payloads.read(message).ok().flatten(),
            })
        })?;
        ControlFlow::Continue(live_bytes)
    }

    /// What is said of payload files, whether it is true, and whether they are there.
    fn at_payload_files(&mut self, live_bytes: &BTreeMap<u64, u64>) -> Flow {
        let mut known = BTreeSet::new();
        self.sweep(PAYLOAD_FILES, "payload_files", |look, key, value| {
            let number = u64::from_be_bytes(*key.value());
            known.insert(number);
            let row = decode_file(key.value(), value.value());
            let fault = row.and_then(|row| {
                look.files.verify(number, row)?;
                let found = live_bytes.get(&number).copied().unwrap_or(0);
                let what = format!("{found} bytes of it are named where {} were counted", row.live_bytes);
                if found == row.live_bytes { Ok(()) } else { Err(Fault::Rows(what)) }
            });
            let told = |fault| look.damaged("payload_files", name_of(number), None, &fault);
            fault.err().map_or(Flow::Continue(()), told)
        })?;
        live_bytes.keys().filter(|number| !known.contains(number)).try_for_each(|number| {
            let fault = Fault::Rows("payloads lie in it, and it has no row".to_owned());
            self.damaged("payload_files", name_of(*number), None, &fault)
        })
    }

    /// Shows the rows of a table from its begin, and from its end where a page in between can't be read.
    fn sweep<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: TableDefinition<'static, K, V>,
        name: &'static str,
        mut show: impl for<'r> FnMut(&mut Self, AccessGuard<'r, K>, AccessGuard<'r, V>) -> Flow,
    ) -> Flow {
        let opened = match guarded(|| Ok(self.transaction.open_table(table)?)) {
            Ok(opened) => opened,
            Err(fault) => return self.damaged(name, "all rows", None, &fault),
        };
        let mut found = 0;
        let mut last: Option<Vec<u8>> = None;
        let broken = 'forward: {
            let mut rows = match guarded(|| Ok(opened.iter()?)) {
                Ok(rows) => rows,
                Err(fault) => break 'forward Some(fault),
            };
            loop {
                match guarded(|| readable(rows.next().transpose()?)) {
                    Ok(None) => break 'forward None,
                    Ok(Some((key, value))) => {
                        let bytes = K::as_bytes(&key.value()).as_ref().to_vec();
                        if last.as_ref().is_some_and(|last| K::compare(last, &bytes).is_ge()) {
                            break 'forward Some(Fault::Rows("its rows are out of order".to_owned()));
                        }
                        last = Some(bytes);
                        found += 1;
                        show(self, key, value)?;
                    }
                    Err(fault) => break 'forward Some(fault),
                }
            }
        };
        let Some(fault) = broken else {
            return match guarded(|| Ok(opened.len()?)) {
                Ok(expected) if expected != found => {
                    let fault = Fault::Rows(format!("{found} rows were found where {expected} were counted"));
                    self.damaged(name, "some rows", None, &fault)
                }
                Ok(_) => Flow::Continue(()),
                Err(fault) => self.damaged(name, "the number of its rows", None, &fault),
            };
        };
        self.damaged(name, "some rows in the middle", None, &fault)?;
        self.sweep_back(&opened, last.as_deref(), show)
    }

    /// Shows the rows behind `after`, from the last back to one that can't be read.
    fn sweep_back<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: &ReadOnlyTable<K, V>,
        after: Option<&[u8]>,
        mut show: impl for<'r> FnMut(&mut Self, AccessGuard<'r, K>, AccessGuard<'r, V>) -> Flow,
    ) -> Flow {
        let Ok(mut rows) = guarded(|| Ok(table.iter()?)) else { return Flow::Continue(()) };
        let mut before: Option<Vec<u8>> = None;
        while let Ok(Some((key, value))) = guarded(|| readable(rows.next_back().transpose()?)) {
            let bytes = K::as_bytes(&key.value()).as_ref().to_vec();
            let is_seen = after.is_some_and(|after| K::compare(&bytes, after).is_le());
            let is_out_of_order = before.as_ref().is_some_and(|before| K::compare(before, &bytes).is_le());
            if is_seen || is_out_of_order {
                break;
            }
            before = Some(bytes);
            show(self, key, value)?;
        }
        Flow::Continue(())
    }
}

/// A row as it was read.
type Row<'r, K, V> = (AccessGuard<'r, K>, AccessGuard<'r, V>);

/// The row: the engine may give up over its bytes only when they are asked for.
fn readable<'r, K: Key, V: Value>(row: Option<Row<'r, K, V>>) -> Result<Option<Row<'r, K, V>>, Fault> {
    if let Some((key, value)) = &row {
        let _ = (key.value(), value.value());
    }
    Ok(row)
}

fn in_words(message: MessageRef) -> String {
    format!("message {} of queue number {}", message.sequence.0, message.queue.0)
}

/// The tables of entries.
struct Tables([EntryTable; 2]);

type EntryTable = ReadOnlyTable<&'static MessageBytes, &'static [u8]>;

impl Tables {
    fn open(transaction: &ReadTransaction) -> Result<Self, Fault> {
        let open = |place: Place| transaction.open_table(place.entries());
        let [line, aside] = Place::ALL.map(open);
        Ok(Self([line?, aside?]))
    }

    fn hold(&self, message: MessageRef) -> Result<bool, Fault> {
        for table in &self.0 {
            if table.get(&rows::message_key(message))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The orders of messages aside.
struct Orders<'t> {
    transaction: &'t ReadTransaction,
    /// The queue that was looked at last, with the era of its rows.
    era: Option<(QueueId, u64)>,
}

impl<'t> Orders<'t> {
    fn open(transaction: &'t ReadTransaction) -> Self {
        Self { transaction, era: None }
    }

    /// The orders that a message aside does not stand in, though it should. What can't be read is not missing: its own look
    /// tells of that.
    fn missing(&mut self, message: MessageRef, entry: &Entry) -> Vec<Order> {
        let Some(era) = self.era_of(message.queue) else { return Vec::new() };
        let is_missing = |(order, time): &(Order, Timestamp)| {
            let key = rows::time_key(message.queue, era, (*time, message.sequence));
            let found = guarded(|| Ok(self.transaction.open_table(order.table())?.get(&key)?.is_some()));
            matches!(found, Ok(false))
        };
        let missing = orders(entry).into_iter().flatten().filter(is_missing);
        missing.map(|(order, _)| order).collect()
    }

    fn era_of(&mut self, queue: QueueId) -> Option<u64> {
        if self.era.is_none_or(|(known, _)| known != queue) {
            let row = guarded(|| backlog(&self.transaction.open_table(BACKLOGS)?, queue)).ok()?;
            self.era = Some((queue, row.era));
        }
        self.era.map(|(_, era)| era)
    }
}

/// What belongs to entries.
struct Payloads<'t> {
    extents: Result<EntryTable, Fault>,
    files: &'t Hold,
    hidden: Vec<(QueueId, Sequence)>,
}

impl<'t> Payloads<'t> {
    fn open(transaction: &ReadTransaction, files: &'t Hold) -> Self {
        let extents = guarded(|| Ok(transaction.open_table(EXTENTS)?));
        let hidden = guarded(|| {
            let table = transaction.open_table(REMOVED)?;
            let mut hidden = Vec::new();
            for row in table.iter()? {
                let queue = rows::queue_of(row?.0.value());
                hidden.push((queue, hidden_below(&table, queue)?));
            }
            Ok(hidden)
        });
        // What a bulk removal took out comes back where its row can't be read: the table's own look tells of that.
        Self { extents, files, hidden: hidden.unwrap_or_default() }
    }

    fn is_hidden(&self, message: MessageRef) -> bool {
        self.hidden.iter().any(|(queue, below)| *queue == message.queue && message.sequence < *below)
    }

    fn read(&mut self, message: MessageRef) -> Result<Option<Bytes>, Fault> {
        let table = self.extents.as_ref().map_err(|fault| Fault::Rows(fault.to_string()))?;
        guarded(|| {
            let extent = extent(table, message)?;
            Ok(extent.map(|extent| self.files.read(extent)).transpose()?)
        })
    }
}
