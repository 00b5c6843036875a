//! Wrappers around log, store and disk. Each asks the switch at every call and is sound when it is off.

use std::io;
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use millpond_core::event::Event;
use millpond_core::format::batch::{Batch, BatchBuilder};
use millpond_log::planted::{Bug, is_planted};
use millpond_log::{
    Bounds, ConfirmError, DirLock, Disk, DiskFile, LockError, Log, LogReader, Position, Progress, ReadError,
    Stats, SubmitError, TrimError, Usage,
};
use millpond_store::{Changes, MessageChange, RedbStore, Store, StoreError, StoreReader, Visitor};

pub(crate) fn disk(disk: Arc<dyn Disk>) -> Arc<dyn Disk> {
    Arc::new(PlantedDisk(disk))
}

pub(crate) fn log(log: Box<dyn Log>) -> Box<dyn Log> {
    Box::new(PlantedLog { inner: log, polls: 0, submitted: Arc::default() })
}

pub(crate) fn store(store: Box<dyn Store>) -> Box<dyn Store> {
    Box::new(PlantedStore(store))
}

/// Batches that were handed to the log, whether or not they are durable.
type Submitted = Arc<Mutex<Vec<(Position, Bytes)>>>;

struct PlantedLog {
    inner: Box<dyn Log>,
    polls: u64,
    submitted: Submitted,
}

fn is_forgotten(event: &Event) -> bool {
    match event {
        Event::MessagesReceived { .. } | Event::MessagesReceivedInOrder { .. } => {
            is_planted(Bug::LeaseNotLogged)
        }
        Event::MessagesDeleted { .. } => is_planted(Bug::DeleteNotLogged),
        Event::VisibilityChanged { .. } => is_planted(Bug::VisibilityChangeNotLogged),
        Event::QueuePurged { .. } => is_planted(Bug::PurgeNotLogged),
        Event::QueueAttributesSet { .. } => is_planted(Bug::AttributesNotLogged),
        Event::DocumentPut { .. } => is_planted(Bug::DocumentNotLogged),
        Event::MessagesMoved { .. } => is_planted(Bug::DeadLetterNotLogged),
        Event::ExpiryHeld(_) => is_planted(Bug::HoldNotLogged),
        _ => false,
    }
}

fn altered(payload: Bytes) -> Bytes {
    let Ok(batch) = Batch::decode(payload.clone()) else { return payload };
    let sends = batch.events.iter().any(|event| matches!(event, Event::MessageSent { .. }));
    // The places of payloads must stay as the engine knows them.
    if sends || !batch.events.iter().any(is_forgotten) {
        return payload;
    }
    let mut builder = BatchBuilder::new(batch.at);
    for event in batch.events.iter().filter(|event| !is_forgotten(event)) {
        builder.push(event);
    }
    builder.finish()
}

impl Log for PlantedLog {
    fn bounds(&self) -> Bounds {
        self.inner.bounds()
    }

    fn payload_max_bytes(&self) -> usize {
        self.inner.payload_max_bytes()
    }

    fn submit(&mut self, expected: Position, payload: Bytes) -> Result<(), SubmitError> {
        let payload = altered(payload);
        self.inner.submit(expected, payload.clone())?;
        // Both bugs are of checkpoints that could read what they need.
        if is_planted(Bug::CheckpointAheadOfDurable) || is_planted(Bug::TrimBeforeCheckpoint) {
            self.submitted.lock().unwrap().push((expected, payload));
        }
        Ok(())
    }

    fn poll(&mut self) -> Progress {
        self.polls += 1;
        if is_planted(Bug::ReplyBeforeSync) && !self.polls.is_multiple_of(4) {
            return Progress::Durable(self.inner.bounds().tail.previous());
        }
        self.inner.poll()
    }

    fn confirm(&mut self) -> Result<(), ConfirmError> {
        self.inner.confirm()
    }

    fn replay(
        &mut self,
        from: Position,
        visit: &mut dyn FnMut(Position, Bytes) -> ControlFlow<()>,
    ) -> Result<Position, ReadError> {
        let last = self.inner.bounds().tail.previous();
        let forgets = is_planted(Bug::LastBatchNotReplayed);
        self.inner.replay(from, &mut |position, payload| {
            if forgets && position == last { ControlFlow::Break(()) } else { visit(position, payload) }
        })
    }

    fn trim(&mut self, before: Position) -> Result<(), TrimError> {
        self.inner.trim(before)
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(EagerReader { inner: self.inner.reader(), submitted: self.submitted.clone() })
    }
}

/// Reads what was submitted, durable or not.
struct EagerReader {
    inner: Arc<dyn LogReader>,
    submitted: Submitted,
}

impl LogReader for EagerReader {
    fn read(&self, position: Position) -> Result<Bytes, ReadError> {
        let submitted = self.submitted.lock().unwrap();
        let found = submitted.iter().find(|(at, _)| *at == position).map(|(_, payload)| payload.clone());
        found.map_or_else(|| self.inner.read(position), Ok)
    }

    fn read_range(&self, position: Position, range_bytes: Range<u32>) -> Result<Bytes, ReadError> {
        self.inner.read_range(position, range_bytes)
    }

    fn usage(&self) -> Usage {
        self.inner.usage()
    }

    fn stats(&self) -> Stats {
        self.inner.stats()
    }
}

struct PlantedStore(Box<dyn Store>);

impl Store for PlantedStore {
    fn reflected(&self) -> Position {
        self.0.reflected()
    }

    fn load(&self, limit: u64, visitor: &mut dyn Visitor) -> Result<(), StoreError> {
        self.0.load(limit, visitor)
    }

    fn apply(&mut self, mut changes: Changes, reflected: Position) -> Result<(), StoreError> {
        if is_planted(Bug::ReceiveCountLost) {
            for change in changes.messages.values_mut() {
                if let MessageChange::Put { entry, .. } | MessageChange::Update { entry } = change {
                    entry.receive_count = entry.receive_count.saturating_sub(1);
                }
            }
        }
        if is_planted(Bug::DeduplicationLost) {
            changes.deduplications.clear();
        }
        self.0.apply(changes, reflected)
    }

    fn reclaim(&mut self, limit_rows: usize) -> Result<bool, StoreError> {
        self.0.reclaim(limit_rows)
    }

    fn reader(&self) -> Arc<dyn StoreReader> {
        self.0.reader()
    }

    fn usage(&self) -> millpond_store::Usage {
        self.0.usage()
    }
}

struct PlantedDisk(Arc<dyn Disk>);

struct PlantedFile {
    inner: Arc<dyn DiskFile>,
    is_store: bool,
}

impl PlantedDisk {
    fn planted(name: &str, inner: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(PlantedFile { inner, is_store: name == RedbStore::FILE || name.starts_with("payloads-") })
    }
}

impl Disk for PlantedDisk {
    fn location(&self) -> String {
        self.0.location()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.0.open(name).map(|file| Self::planted(name, file))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.0.create(name).map(|file| Self::planted(name, file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn sync_dir(&self) -> io::Result<()> {
        if is_planted(Bug::DirectoryNotSynced) { Ok(()) } else { self.0.sync_dir() }
    }

    fn lock(&self) -> Result<DirLock, LockError> {
        self.0.lock()
    }
}

impl DiskFile for PlantedFile {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        self.inner.set_len(len_bytes)
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.inner.read_at(offset_bytes, buffer)
    }

    fn write_at(&self, offset_bytes: u64, data: &[u8]) -> io::Result<()> {
        self.inner.write_at(offset_bytes, data)
    }

    fn write_vectored_at(&self, offset_bytes: u64, parts: &mut [io::IoSlice<'_>]) -> io::Result<()> {
        self.inner.write_vectored_at(offset_bytes, parts)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.is_store && is_planted(Bug::StoreNotSynced) {
            return Ok(());
        }
        let synced = self.inner.sync_data();
        if is_planted(Bug::FailedSyncRetried) { synced.or_else(|_| self.inner.sync_data()) } else { synced }
    }
}
