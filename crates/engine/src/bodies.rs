//! Where message payloads are: a cache of recent ones, and the place in the log of all that the store does not hold.
//!
//! This is derived knowledge: it is outside events and digest, and another node would have another. A payload that is
//! not durable yet can't be read from the log, so the cache keeps it whatever its budget says; what is durable is
//! evicted oldest first. A payload with no place in the log is in the store; one whose message was moved is there under its
//! old name until the store has followed.

use std::collections::{BTreeMap, VecDeque};

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

#[derive(Clone, Copy, Debug)]
struct InLog {
    sequence: Sequence,
    position: Position,
    offset_bytes: u32,
}

/// Cache and places of payloads.
#[derive(Debug)]
pub(crate) struct Bodies {
    budget_bytes: usize,
    cached_bytes: usize,
    cached: BTreeMap<MessageRef, Bytes>,
    /// In the order they were put in; may name messages that are not cached any more.
    order: VecDeque<(MessageRef, Position)>,
    /// Sequences of a queue grow with the position, so each of these is in order of both.
    in_log: BTreeMap<QueueId, VecDeque<InLog>>,
    located: usize,
    /// Messages that were moved by a batch that the store does not reflect: where they were, and by which batch.
    moved: BTreeMap<MessageRef, (MessageRef, Position)>,
}

impl Bodies {
    pub(crate) fn new(budget_bytes: usize) -> Self {
        Self {
            budget_bytes,
            cached_bytes: 0,
            cached: BTreeMap::new(),
            order: VecDeque::new(),
            in_log: BTreeMap::new(),
            located: 0,
            moved: BTreeMap::new(),
        }
    }

    /// Notes that the batch at `position` holds the payload at an offset.
    pub(crate) fn locate(&mut self, message: MessageRef, position: Position, offset_bytes: u32) {
        let place = InLog { sequence: message.sequence, position, offset_bytes };
        self.in_log.entry(message.queue).or_default().push_back(place);
        self.located += 1;
    }

    /// Messages that were sent after what the store reflects, whatever became of them.
    pub(crate) fn sent_behind_store(&self) -> usize {
        self.located
    }

    /// Keeps the payload of the message for its receiver.
    pub(crate) fn cache(&mut self, message: MessageRef, position: Position, payload: Bytes) {
        self.cached_bytes += payload.len();
        self.order.push_back((message, position));
        if let Some(replaced) = self.cached.insert(message, payload) {
            self.cached_bytes -= replaced.len();
        }
    }

    /// The payload, if it is cached.
    pub(crate) fn cached(&self, message: MessageRef) -> Option<Bytes> {
        self.cached.get(&message).cloned()
    }

    /// The message has another name from `position` on.
    pub(crate) fn rename(&mut self, before: MessageRef, after: MessageRef, position: Position) {
        self.moved.insert(after, (before, position));
        if let Some(payload) = self.cached.remove(&before) {
            self.cached_bytes -= payload.len();
            self.cache(after, position, payload);
        }
    }

    /// Where to read a payload that is not cached.
    pub(crate) fn place(&self, message: MessageRef, length_bytes: u32) -> BodyPlace {
        let before = |message: &MessageRef| self.moved.get(message).map(|(before, _)| *before);
        let earlier: Vec<MessageRef> = std::iter::successors(before(&message), before).collect();
        match earlier.last() {
            None => self.place_of_first(message, length_bytes),
            Some(first) => {
                BodyPlace::Moved { first: Box::new(self.place_of_first(*first, length_bytes)), earlier }
            }
        }
    }

    fn place_of_first(&self, message: MessageRef, length_bytes: u32) -> BodyPlace {
        let located = self.in_log.get(&message.queue).and_then(|places| {
            let index = places.binary_search_by_key(&message.sequence, |place| place.sequence).ok()?;
            places.get(index)
        });
        located.map_or(BodyPlace::Store, |place| BodyPlace::Log {
            position: place.position,
            offset_bytes: place.offset_bytes,
            length_bytes,
        })
    }

    /// Lets go of a message that is gone.
    pub(crate) fn forget(&mut self, message: MessageRef) {
        let mut name = message;
        while let Some((before, _)) = self.moved.remove(&name) {
            name = before;
        }
        if let Some(payload) = self.cached.remove(&message) {
            self.cached_bytes -= payload.len();
        }
    }

    /// Lets go of a queue's messages below a sequence.
    pub(crate) fn forget_below(&mut self, queue: QueueId, below: Sequence) {
        let first = MessageRef { queue, sequence: Sequence(0) };
        let end = MessageRef { queue, sequence: below };
        let gone: Vec<MessageRef> = self.cached.range(first..end).map(|(message, _)| *message).collect();
        for message in gone {
            self.forget(message);
        }
    }

    /// Lets go of a queue.
    pub(crate) fn forget_queue(&mut self, queue: QueueId) {
        self.forget_below(queue, Sequence(u64::MAX));
        // What was moved out of it is still found by where it was.
        if !self.moved.values().any(|(before, _)| before.queue == queue) {
            let gone = self.in_log.remove(&queue);
            self.located -= gone.map_or(0, |places| places.len());
        }
    }

    /// Keeps within the budget, as far as payloads can be read again from the log.
    pub(crate) fn evict(&mut self, durable: Position) {
        while let Some((message, position)) = self.order.front() {
            let over = self.cached_bytes > self.budget_bytes && *position <= durable;
            if !over && self.cached.contains_key(message) {
                break;
            }
            if let Some(payload) = self.cached.remove(message) {
                self.cached_bytes -= payload.len();
            }
            self.order.pop_front();
        }
        if self.order.len() > 2 * self.cached.len() + 1024 {
            self.order.retain(|(message, _)| self.cached.contains_key(message));
        }
    }

    /// The store now holds everything up to `reflected`.
    pub(crate) fn checkpointed(&mut self, reflected: Position) {
        self.moved.retain(|_, (_, position)| *position > reflected);
        let located = &mut self.located;
        self.in_log.retain(|_, places| {
            while places.front().is_some_and(|place| place.position <= reflected) {
                places.pop_front();
                *located -= 1;
            }
            places.shrink_to(2 * places.len());
            !places.is_empty()
        });
    }

    /// Bytes of the payloads in memory.
    pub(crate) fn cached_bytes(&self) -> usize {
        self.cached_bytes
    }
}
