//! The room that request bodies share.
//!
//! What always holds: all bodies together never count for more than the total, nor do those of one source that are still on
//! their way, or came in several pieces, for more than its share. Where room is missing the body that comes the slowest
//! loses its room to one that comes now.
//!
//! What it refuses to do: take room from a body that is whole, or from one so young that nobody knows how it comes.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::guessing::network;

/// A body that holds more than `FREE_BYTES` comes at least at this rate, or loses its room.
pub(super) const LEAST_BYTES_PER_SEC: usize = 64 << 10;
/// The time over which a rate is taken.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(2);
/// So much a body may hold at any rate, for as long as there is room.
const FREE_BYTES: usize = 64 << 10;
/// A younger body loses its room to nobody.
const YOUNG: Duration = Duration::from_secs(1);
/// The part of the total that one source may hold; programs of this machine share one address.
const SHARE: usize = 4;
const LOOPBACK_SHARE: usize = 2;

/// There is no room, and none to be taken from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotTaken;

/// The room of all bodies.
#[derive(Debug)]
pub(super) struct Rooms {
    total_bytes: usize,
    used_bytes: AtomicUsize,
    table: Mutex<Table>,
}

/// Bodies that came or come in several pieces.
#[derive(Debug, Default)]
struct Table {
    next: u64,
    bodies: BTreeMap<u64, Entry>,
    /// What those of a source hold.
    sources: HashMap<u128, usize>,
}

#[derive(Debug)]
struct Entry {
    source: u128,
    share_bytes: usize,
    bytes: usize,
    is_whole: bool,
    begun: Instant,
    /// When its rate was looked at last, and what has come since.
    looked: Instant,
    bytes_since: usize,
    lost: Arc<Notify>,
}

impl Rooms {
    pub(super) fn new(total_bytes: usize) -> Self {
        Self { total_bytes, used_bytes: AtomicUsize::new(0), table: Mutex::default() }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes room if there is some.
    fn take(&self, bytes: usize) -> bool {
        let add = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.total_bytes);
        self.used_bytes.fetch_update(Relaxed, Relaxed, add).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.used_bytes.fetch_sub(bytes, Relaxed);
    }

    /// Takes room, if need be from the body that comes the slowest.
    fn take_from_others(&self, table: &mut Table, bytes: usize) -> Result<(), NotTaken> {
        while !self.take(bytes) {
            self.dislodge(table, |_| true)?;
        }
        Ok(())
    }

    /// Makes room for more of a source within its share, from its slowest bodies.
    fn keep_share(
        &self,
        table: &mut Table,
        source: u128,
        share_bytes: usize,
        bytes: usize,
    ) -> Result<(), NotTaken> {
        while table.held(source) + bytes > share_bytes {
            self.dislodge(table, |entry| entry.source == source)?;
        }
        Ok(())
    }

    /// Takes its room from the body that comes the slowest of some.
    fn dislodge(&self, table: &mut Table, of: impl Fn(&Entry) -> bool) -> Result<(), NotTaken> {
        let now = Instant::now();
        let may_lose = |entry: &Entry| !entry.is_whole && now.duration_since(entry.begun) >= YOUNG;
        let some = table.bodies.iter().filter(|(_, entry)| may_lose(entry) && entry.bytes > 0 && of(entry));
        let slowest = some.min_by_key(|(number, entry)| (entry.bytes_per_sec(now), **number));
        let number = slowest.map(|(number, _)| *number).ok_or(NotTaken)?;
        if let Some(entry) = self.remove(table, number) {
            entry.lost.notify_one();
        }
        Ok(())
    }

    fn remove(&self, table: &mut Table, number: u64) -> Option<Entry> {
        let entry = table.bodies.remove(&number)?;
        self.give_back(entry.bytes);
        table.hold(entry.source, |held| held.saturating_sub(entry.bytes));
        Some(entry)
    }

    fn share_bytes(&self, from: IpAddr) -> usize {
        self.total_bytes / if from.to_canonical().is_loopback() { LOOPBACK_SHARE } else { SHARE }
    }
}

impl Table {
    fn held(&self, source: u128) -> usize {
        self.sources.get(&source).copied().unwrap_or_default()
    }

    fn hold(&mut self, source: u128, change: impl FnOnce(usize) -> usize) {
        let held = change(self.held(source));
        if held == 0 {
            self.sources.remove(&source);
        } else {
            self.sources.insert(source, held);
        }
    }
}

impl Entry {
    /// What came since the rate was looked at last, or of its whole time when that was just now.
    fn bytes_per_sec(&self, now: Instant) -> u128 {
        let since_look = now.duration_since(self.looked);
        let (bytes, time) = if since_look >= YOUNG {
            (self.bytes_since, since_look)
        } else {
            (self.bytes, now.duration_since(self.begun))
        };
        bytes as u128 * 1_000_000 / time.as_micros().max(1)
    }
}

/// The room of one body. It is given back with this value.
#[derive(Debug)]
pub(crate) struct Room {
    rooms: Arc<Rooms>,
    bytes: usize,
    waiting: Option<Waiting>,
}

/// The place in the table of a body that does not come in one piece.
#[derive(Debug)]
struct Waiting {
    number: u64,
    next_look: Instant,
    lost: Arc<Notify>,
}

impl Room {
    pub(super) const fn new(rooms: Arc<Rooms>) -> Self {
        Self { rooms, bytes: 0, waiting: None }
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes room for what has arrived.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), NotTaken> {
        match &self.waiting {
            None if self.rooms.take(bytes) => {}
            None => self.rooms.take_from_others(&mut self.rooms.table(), bytes)?,
            Some(waiting) => self.take_of_share(waiting.number, bytes)?,
        }
        self.bytes += bytes;
        Ok(())
    }

    fn take_of_share(&self, number: u64, bytes: usize) -> Result<(), NotTaken> {
        let table = &mut *self.rooms.table();
        let entry = table.bodies.get(&number).ok_or(NotTaken)?;
        let (source, share_bytes) = (entry.source, entry.share_bytes);
        self.rooms.keep_share(table, source, share_bytes, bytes)?;
        self.rooms.take_from_others(table, bytes)?;
        let Some(entry) = table.bodies.get_mut(&number) else {
            // It was the slowest itself.
            self.rooms.give_back(bytes);
            return Err(NotTaken);
        };
        entry.bytes += bytes;
        entry.bytes_since += bytes;
        table.hold(source, |held| held + bytes);
        Ok(())
    }

    /// More of the body is to come; from now on it may lose its room.
    pub(super) fn begin_waiting(&mut self, from: IpAddr) -> Result<(), NotTaken> {
        let (now, lost) = (Instant::now(), Arc::new(Notify::new()));
        let entry = Entry {
            source: network(from),
            share_bytes: self.rooms.share_bytes(from),
            bytes: self.bytes,
            is_whole: false,
            begun: now,
            looked: now,
            bytes_since: self.bytes,
            lost: lost.clone(),
        };
        let table = &mut *self.rooms.table();
        self.rooms.keep_share(table, entry.source, entry.share_bytes, entry.bytes)?;
        let number = table.next;
        table.next += 1;
        table.hold(entry.source, |held| held + entry.bytes);
        table.bodies.insert(number, entry);
        self.waiting = Some(Waiting { number, next_look: now + LOOK_EVERY, lost });
        Ok(())
    }

    /// Ready when the room was lost to another body.
    pub(super) fn lost(&self) -> impl Future<Output = ()> + use<> {
        let lost = self.waiting.as_ref().map(|waiting| waiting.lost.clone());
        async move {
            match lost {
                Some(lost) => lost.notified().await,
                None => std::future::pending().await,
            }
        }
    }

    /// When the rate of the body is to be looked at.
    pub(super) fn next_look(&self) -> Instant {
        self.waiting.as_ref().map_or_else(Instant::now, |waiting| waiting.next_look)
    }

    /// Whether the body holds more than it may and came too slowly since the last look.
    pub(super) fn has_stalled(&mut self) -> bool {
        let Some(waiting) = &mut self.waiting else { return false };
        let mut table = self.rooms.table();
        let Some(entry) = table.bodies.get_mut(&waiting.number) else { return true };
        let now = Instant::now();
        let micros = now.duration_since(entry.looked).as_micros();
        let least = LEAST_BYTES_PER_SEC as u128 * micros / 1_000_000;
        let stalled = entry.bytes > FREE_BYTES && (entry.bytes_since as u128) < least;
        (entry.looked, entry.bytes_since) = (now, 0);
        waiting.next_look = now + LOOK_EVERY;
        stalled
    }

    /// The body is whole; nobody takes its room any more.
    pub(super) fn end_waiting(&self) -> Result<(), NotTaken> {
        let Some(waiting) = &self.waiting else { return Ok(()) };
        let mut table = self.rooms.table();
        let entry = table.bodies.get_mut(&waiting.number).ok_or(NotTaken)?;
        entry.is_whole = true;
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        match &self.waiting {
            None => self.rooms.give_back(self.bytes),
            // What was lost is given back already.
            Some(waiting) => drop(self.rooms.remove(&mut self.rooms.table(), waiting.number)),
        }
    }
}
