//! Where message payloads are: a cache of recent ones, and the place in the log of all that the store does not hold.
//!
//! This is derived knowledge: it is outside events and digest, and another node would have another. What is cached are the
//! bytes of whole batches, as they went to the log, so that caching a payload costs no memory and no entry of its own; a
//! batch goes when all its messages are gone, or when the budget says so, oldest first. What is not durable yet can't be
//! read from the log, so it is kept whatever the budget says. A payload with no place in the log is in the store; one whose
//! message was moved is there under its old name until the store has followed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

use bytes::Bytes;
use millpond_core::message::{MessageRef, QueueId, Sequence};
use millpond_log::Position;

/// Where the bytes of a payload can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyPlace {
    /// In a log batch.
    Log {
        /// The batch.
        position: Position,
        /// Where the payload begins in the batch's payload.
        offset_bytes: u32,
        /// Its length.
        length_bytes: u32,
    },
    /// In the store, by the message's name.
    Store,
    /// The message was moved, perhaps several times, and the store may not know all of that yet.
    Moved {
        /// The names that it had before, the latest first; the store knows it by one of them or by its own.
        earlier: Vec<MessageRef>,
        /// Where it was under the first of its names, in the log or in the store.
        first: Box<BodyPlace>,
    },
}

/// The place of a payload in the log. It stays for as long as the log or the cache has it.
#[derive(Clone, Copy, Debug)]
struct InLog {
    sequence: Sequence,
    position: Position,
    offset_bytes: u32,
    /// Zero when the cache does not have it: the message is gone, or was sent before the engine began.
    cached_bytes: u32,
}

/// A batch whose bytes are kept.
#[derive(Debug)]
struct CachedBatch {
    position: Position,
    /// Empty until the batch is whole, and when none of its messages is left.
    bytes: Bytes,
    /// Its messages that are not gone.
    messages: usize,
}

/// What the cache has of a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cached {
    /// Its bytes.
    Whole(Bytes),
    /// It is in the batch that is being collected, there.
    Collected(Range<usize>),
}

/// Cache and places of payloads.
#[derive(Debug)]
pub(crate) struct Bodies {
    budget_bytes: usize,
    cached_bytes: usize,
    /// In the order of their positions; the last one may still be collected.
    batches: VecDeque<CachedBatch>,
    /// How many of them have bytes.
    with_bytes: usize,
    /// Sequences of a queue grow with the position, so each of these is in order of both.
    in_log: BTreeMap<QueueId, VecDeque<InLog>>,
    /// Messages that were sent after what the store reflects.
    behind_store: usize,
    reflected: Position,
    /// Messages that were moved by a batch that the store does not reflect: where they were, and by which batch.
    moved: BTreeMap<MessageRef, (MessageRef, Position)>,
}

impl Bodies {
    pub(crate) fn new(budget_bytes: usize) -> Self {
        Self {
            budget_bytes,
            cached_bytes: 0,
            batches: VecDeque::new(),
            with_bytes: 0,
            in_log: BTreeMap::new(),
            behind_store: 0,
            reflected: Position::NONE,
            moved: BTreeMap::new(),
        }
    }

    /// Notes that the batch at `position`, which is not cached, holds the payload at an offset.
    pub(crate) fn locate(&mut self, message: MessageRef, position: Position, offset_bytes: u32) {
        self.note_place(message, position, offset_bytes, 0);
    }

    /// Notes that the batch being collected, which will be at `position`, holds the payload at an offset.
    pub(crate) fn collect(
        &mut self,
        message: MessageRef,
        position: Position,
        offset_bytes: u32,
        length_bytes: u32,
    ) {
        if self.batches.back().is_none_or(|last| last.position != position) {
            self.batches.push_back(CachedBatch { position, bytes: Bytes::new(), messages: 0 });
        }
        if let Some(batch) = self.batches.back_mut() {
            batch.messages += 1;
        }
        self.note_place(message, position, offset_bytes, length_bytes);
    }

    fn note_place(&mut self, message: MessageRef, position: Position, offset_bytes: u32, cached_bytes: u32) {
        let place = InLog { sequence: message.sequence, position, offset_bytes, cached_bytes };
        self.in_log.entry(message.queue).or_default().push_back(place);
        self.behind_store += 1;
    }

    /// The batch at `position` is whole: these are its bytes.
    pub(crate) fn keep(&mut self, position: Position, bytes: &Bytes) {
        let last = self.batches.back_mut().filter(|last| last.position == position && last.messages > 0);
        if let Some(batch) = last {
            batch.bytes = bytes.clone();
            self.cached_bytes += bytes.len();
            self.with_bytes += 1;
        }
    }

    /// Messages that were sent after what the store reflects, whatever became of them.
    pub(crate) fn sent_behind_store(&self) -> usize {
        self.behind_store
    }

    /// The payload, if it is cached.
    pub(crate) fn cached(&self, message: MessageRef) -> Option<Cached> {
        let place = self.place_in_log(self.first_name(message)).filter(|place| place.cached_bytes > 0)?;
        let range = place.offset_bytes as usize..(place.offset_bytes + place.cached_bytes) as usize;
        let batch = self.batches.get(self.batch_at(place.position)?)?;
        Some(if batch.bytes.is_empty() {
            Cached::Collected(range)
        } else {
            Cached::Whole(batch.bytes.slice(range))
        })
    }

    /// The message has another name from `position` on.
    pub(crate) fn rename(&mut self, before: MessageRef, after: MessageRef, position: Position) {
        self.moved.insert(after, (before, position));
    }

    /// The names that a message had before, the latest first.
    fn earlier_names(&self, message: MessageRef) -> impl Iterator<Item = MessageRef> + '_ {
        let before = |message: &MessageRef| self.moved.get(message).map(|(before, _)| *before);
        std::iter::successors(before(&message), before)
    }

    fn first_name(&self, message: MessageRef) -> MessageRef {
        if self.moved.is_empty() { message } else { self.earlier_names(message).last().unwrap_or(message) }
    }

    /// Where to read a payload that is not cached.
    pub(crate) fn place(&self, message: MessageRef, length_bytes: u32) -> BodyPlace {
        let earlier: Vec<MessageRef> = self.earlier_names(message).collect();
        match earlier.last() {
            None => self.place_of_first(message, length_bytes),
            Some(first) => {
                BodyPlace::Moved { first: Box::new(self.place_of_first(*first, length_bytes)), earlier }
            }
        }
    }

    fn place_of_first(&self, message: MessageRef, length_bytes: u32) -> BodyPlace {
        let located = self.place_in_log(message).filter(|place| place.position > self.reflected);
        located.map_or(BodyPlace::Store, |place| BodyPlace::Log {
            position: place.position,
            offset_bytes: place.offset_bytes,
            length_bytes,
        })
    }

    fn place_in_log(&self, message: MessageRef) -> Option<&InLog> {
        let places = self.in_log.get(&message.queue)?;
        places.get(places.binary_search_by_key(&message.sequence, |place| place.sequence).ok()?)
    }

    fn batch_at(&self, position: Position) -> Option<usize> {
        self.batches.binary_search_by_key(&position, |batch| batch.position).ok()
    }

    /// Lets go of a message that is gone.
    pub(crate) fn forget(&mut self, message: MessageRef) {
        let mut name = message;
        while let Some((before, _)) = self.moved.remove(&name) {
            name = before;
        }
        self.forget_first(name);
    }

    /// Lets go of the message that first had this name.
    fn forget_first(&mut self, name: MessageRef) {
        let Some(places) = self.in_log.get_mut(&name.queue) else { return };
        let Ok(index) = places.binary_search_by_key(&name.sequence, |place| place.sequence) else { return };
        if std::mem::take(&mut places[index].cached_bytes) > 0 {
            let position = places[index].position;
            self.forget_one_of(position);
        }
    }

    /// One message less of a batch needs its bytes.
    fn forget_one_of(&mut self, position: Position) {
        let Some(index) = self.batch_at(position) else { return };
        let batch = &mut self.batches[index];
        batch.messages -= 1;
        if batch.messages == 0 {
            let bytes = std::mem::take(&mut batch.bytes);
            self.let_go(&bytes);
        }
    }

    fn let_go(&mut self, bytes: &Bytes) {
        self.cached_bytes -= bytes.len();
        self.with_bytes -= usize::from(!bytes.is_empty());
    }

    /// Lets go of a queue's messages below a sequence.
    pub(crate) fn forget_below(&mut self, queue: QueueId, below: Sequence) {
        // What was moved out of it is not gone: it is found by the names that it had.
        let went = self.moved.values().map(|(before, _)| before).filter(|before| before.queue == queue);
        let went: BTreeSet<Sequence> = went.map(|before| before.sequence).collect();
        let first = MessageRef { queue, sequence: Sequence(0) };
        let end = MessageRef { queue, sequence: below };
        let came = self.moved.range(first..end).map(|(message, _)| *message);
        let came: Vec<MessageRef> = came.filter(|message| !went.contains(&message.sequence)).collect();
        came.into_iter().for_each(|message| self.forget(message));
        let Some(oldest) = self.batches.front().map(|batch| batch.position) else { return };
        let Some(mut places) = self.in_log.remove(&queue) else { return };
        let begin = places.partition_point(|place| place.position < oldest);
        let gone = places.range_mut(begin..).take_while(|place| place.sequence < below);
        for place in gone.filter(|place| !went.contains(&place.sequence)) {
            if std::mem::take(&mut place.cached_bytes) > 0 {
                self.forget_one_of(place.position);
            }
        }
        self.in_log.insert(queue, places);
    }

    /// Lets go of a queue.
    pub(crate) fn forget_queue(&mut self, queue: QueueId) {
        self.forget_below(queue, Sequence(u64::MAX));
        // What was moved out of it is still found by where it was.
        if !self.moved.values().any(|(before, _)| before.queue == queue) {
            let gone = self.in_log.remove(&queue);
            self.behind_store -= gone.map_or(0, |places| behind(&places, self.reflected));
        }
    }

    /// Keeps within the budget, as far as payloads can be read again from the log.
    pub(crate) fn evict(&mut self, durable: Position) {
        while let Some(batch) = self.batches.front() {
            let may_go = batch.messages == 0 || self.cached_bytes > self.budget_bytes;
            if !may_go || batch.position > durable {
                break;
            }
            if let Some(batch) = self.batches.pop_front() {
                self.let_go(&batch.bytes);
            }
        }
        // Behind one that stays there may be many of which nothing is left.
        if self.batches.len() > 2 * self.with_bytes + 1024 {
            self.batches.retain(|batch| batch.messages > 0 || batch.position > durable);
        }
    }

    /// The store now holds everything up to `reflected`.
    pub(crate) fn checkpointed(&mut self, reflected: Position) {
        self.reflected = reflected;
        // The store knows them by their new names, and so does nobody here.
        let mut known = Vec::new();
        self.moved.retain(|_, (before, position)| {
            let stays = *position > reflected;
            if !stays {
                known.push(*before);
            }
            stays
        });
        known.into_iter().for_each(|name| self.forget_first(name));
        let oldest = self.batches.front().map(|batch| batch.position);
        let is_cached =
            |place: &InLog| place.cached_bytes > 0 && oldest.is_some_and(|oldest| place.position >= oldest);
        self.behind_store = 0;
        self.in_log.retain(|_, places| {
            places.retain(|place| place.position > reflected || is_cached(place));
            places.shrink_to(2 * places.len());
            self.behind_store += behind(places, reflected);
            !places.is_empty()
        });
    }

    /// Bytes of the batches in memory.
    pub(crate) fn cached_bytes(&self) -> usize {
        self.cached_bytes
    }
}

/// How many places the store does not reflect.
fn behind(places: &VecDeque<InLog>, reflected: Position) -> usize {
    places.len() - places.partition_point(|place| place.position <= reflected)
}

#[cfg(test)]
mod tests;
