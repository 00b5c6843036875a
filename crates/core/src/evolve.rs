//! Applies facts.
//!
//! One definition for all who read the log: the live state, recovery, and the checkpoint that folds the log into the
//! store all apply events through [`evolve`], each over its own [`Rows`], so they cannot drift apart. Applying never
//! decides, never reads a clock, and never reads message bytes.

use crate::document::{Document, DocumentKey};
use crate::event::{AttemptRemembered, Event, MoveTaskEvent, SendRemembered};
use crate::limits;
use crate::message::{Attempt, Entry, GroupKey, MessageRef, MoveNumber, QueueId, Sequence};
use crate::outage::{ExpiryHold, NotedReading};
use crate::pacing::Waits;
use crate::queue::{Deduplication, MoveTasks, QueueAttributes, QueueRecord};
use crate::time::Timestamp;
use bytes::Bytes;
use std::num::{NonZeroU8, NonZeroU64};

/// What is true of the whole data directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Instance {
    /// The key that makes receipt handles unforgeable; absent until the directory is initialised.
    pub receipt_key: Option<[u8; 16]>,
    /// The time of the latest batch applied.
    pub clock: Timestamp,
    /// The number the next queue gets.
    pub next_queue: u64,
    /// The revision the next written document gets.
    pub next_revision: u64,
    /// Messages that would expire in this window are kept until its end.
    pub expiry_hold: Option<ExpiryHold>,
    /// How many messages move tasks have moved.
    pub moves: u64,
    /// The last reading of the machine's boot clock that was noted.
    pub noted_reading: Option<NotedReading>,
    /// The names that wait by the rules of Amazon SQS.
    pub waits: Waits,
}

impl Instance {
    /// When a message really expires whose retention ends at `natural`.
    #[must_use]
    pub fn held_expiry(&self, natural: Timestamp) -> Timestamp {
        self.expiry_hold.map_or(natural, |hold| hold.expires_at(natural))
    }
}

/// The log says something that cannot follow from what was there before: it does not belong to this state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Inconsistent {
    /// An event names a queue that is not there.
    #[error("an event names queue {} which does not exist", .0.0)]
    NoSuchQueue(QueueId),
    /// An event names a message that is not there.
    #[error("an event names message {} of queue {} which does not exist", .0.sequence.0, .0.queue.0)]
    NoSuchMessage(MessageRef),
    /// An event is about the running move task of a queue that has none.
    #[error("an event is about the running move task of queue {}, which has none", .0.0)]
    NoMoveTask(QueueId),
    /// A message was sent under a number that is not the queue's next.
    #[error("message {} of queue {} is out of sequence", .0.sequence.0, .0.queue.0)]
    OutOfSequence(MessageRef),
}

/// Where facts are applied: rows by key. An implementation stores; it does not interpret.
pub trait Rows {
    /// The instance row.
    fn instance(&mut self) -> &mut Instance;
    /// Puts a queue's record in.
    fn put_queue(&mut self, record: QueueRecord);
    /// Changes a queue's record; `false` when it is not there.
    fn update_queue(&mut self, queue: QueueId, change: impl FnOnce(&mut QueueRecord)) -> bool;
    /// Takes out a queue with all its messages and all it remembers; `false` when it is not there.
    fn remove_queue(&mut self, queue: QueueId) -> bool;
    /// The number the queue's next message gets; `None` when the queue is not there.
    fn next_sequence(&mut self, queue: QueueId) -> Option<Sequence>;
    /// Puts a new message in.
    fn put_message(&mut self, message: MessageRef, entry: Entry, payload: &Bytes);
    /// Changes a message's entry; `false` when it is not there.
    fn update_message(&mut self, message: MessageRef, change: impl FnOnce(&mut Entry)) -> bool;
    /// Puts a message with its payload elsewhere, under a number that was never used, and changes its entry; `false` when
    /// it is not there.
    fn move_message(
        &mut self,
        before: MessageRef,
        after: MessageRef,
        change: impl FnOnce(&mut Entry),
    ) -> bool;
    /// Takes a message out; `false` when it is not there.
    fn remove_message(&mut self, message: MessageRef) -> bool;
    /// Takes out all messages of a queue below a sequence.
    fn remove_messages_below(&mut self, queue: QueueId, below: Sequence);
    /// Remembers the send of a message.
    fn put_deduplication(&mut self, message: MessageRef, row: Deduplication);
    /// Forgets the sends of all messages of a queue below a sequence.
    fn forget_deduplications(&mut self, queue: QueueId, below: Sequence);
    /// Puts a document in, or replaces it.
    fn put_document(&mut self, key: &DocumentKey, document: Document);
    /// Takes a document out.
    fn remove_document(&mut self, key: &DocumentKey);
}

/// Applies one event of a batch whose time is `at`. Time does not go back: a batch that is earlier than the one before
/// it counts as of the same time.
///
/// # Errors
/// [`Inconsistent`] when the event does not belong to this state; the rows are then not to be used any more.
pub fn evolve<R: Rows>(rows: &mut R, at: Timestamp, event: &Event) -> Result<(), Inconsistent> {
    let at = advance_clock(rows, at);
    match event {
        Event::Initialised { receipt_key } => rows.instance().receipt_key = Some(*receipt_key),
        Event::ClockNoted { reading } => {
            rows.instance().noted_reading = Some(NotedReading { at, reading: *reading });
        }
        Event::ExpiryHeld(hold) => rows.instance().expiry_hold = Some(*hold),
        Event::QueueCreated { queue, key, attributes } => {
            create_queue(rows, QueueRecord::new(*queue, key.clone(), attributes.clone(), at));
        }
        Event::QueueAttributesSet { queue, attributes } => set_attributes(rows, at, *queue, attributes)?,
        Event::QueueTagsSet { queue, tags } => {
            found_queue(*queue, rows.update_queue(*queue, |record| record.tags = tags.clone()))?;
        }
        Event::QueuePurged { queue, below } => {
            found_queue(*queue, rows.next_sequence(*queue).is_some())?;
            rows.remove_messages_below(*queue, *below);
        }
        Event::QueueDeleted { queue } => found_queue(*queue, rows.remove_queue(*queue))?,
        Event::MessageSent { queue, sequence, visible_at, group, deduplication, payload } => {
            let message = MessageRef { queue: *queue, sequence: *sequence };
            send(rows, at, message, *visible_at, *group, payload)?;
            remember(rows, at, message, deduplication.as_ref());
        }
        Event::MessagesReceived { queue, visible_at, sequences } => {
            found_queue(*queue, rows.next_sequence(*queue).is_some())?;
            each(rows, *queue, sequences, |entry| entry.receive(at, *visible_at))?;
        }
        Event::MessagesReceivedInOrder { queue, visible_at, sequences, followers, attempt } => {
            found_queue(*queue, rows.next_sequence(*queue).is_some())?;
            each(rows, *queue, sequences, |entry| entry.receive_in_order(at, *visible_at))?;
            each(rows, *queue, followers, |entry| entry.wait_turn(at))?;
            remember_attempt(rows, *queue, attempt.as_ref(), sequences)?;
        }
        Event::ReceiveRepeated { queue, visible_at, sequences } => {
            each(rows, *queue, sequences, |entry| entry.repeat_delivery(*visible_at))?;
        }
        Event::MessagesMoved { from, from_key, to, in_order, moves } => {
            let named = rows.update_queue(*to, |record| drop(record.sources.insert(*from, from_key.clone())));
            found_queue(*to, named)?;
            moves
                .iter()
                .try_for_each(|names| become_dead_letter(rows, at, (*from, *to), *names, *in_order))?;
        }
        Event::MoveTask { queue, event } => move_task(rows, at, *queue, event)?,
        Event::DeduplicationsForgotten { queue, below } => {
            found_queue(*queue, rows.next_sequence(*queue).is_some())?;
            rows.forget_deduplications(*queue, *below);
        }
        Event::LeasesReturned { queue, sequences } => {
            each(rows, *queue, sequences, |entry| entry.return_lease(at))?;
        }
        Event::VisibilityChanged { queue, sequence, visible_at } => {
            each(rows, *queue, &[*sequence], |entry| entry.change_visibility(*visible_at))?;
        }
        Event::MessagesDeleted { queue, sequences } => remove(rows, *queue, sequences)?,
        Event::MessagesExpired { queue, sequences } => expire(rows, *queue, sequences)?,
        Event::MessageQuarantined { queue, sequence } => remove(rows, *queue, &[*sequence])?,
        Event::WaitBegun { rule, key } => rows.instance().waits.begin(*rule, key.clone(), at),
        Event::WaitsForgotten => rows.instance().waits.clear(),
        Event::DocumentPut { key, revision, value } => put_document(rows, key, *revision, value),
        Event::DocumentRemoved { key } => rows.remove_document(key),
    }
    Ok(())
}

fn set_attributes<R: Rows>(
    rows: &mut R,
    at: Timestamp,
    queue: QueueId,
    attributes: &QueueAttributes,
) -> Result<(), Inconsistent> {
    let changed = rows.update_queue(queue, |record| {
        record.attributes = attributes.clone();
        record.modified_at = at;
    });
    found_queue(queue, changed)
}

fn put_document<R: Rows>(rows: &mut R, key: &DocumentKey, revision: u64, value: &Bytes) {
    rows.instance().next_revision = revision + 1;
    rows.put_document(key, Document { revision, value: value.clone() });
}

fn advance_clock<R: Rows>(rows: &mut R, at: Timestamp) -> Timestamp {
    let clock = &mut rows.instance().clock;
    *clock = at.max(*clock);
    *clock
}

fn create_queue<R: Rows>(rows: &mut R, record: QueueRecord) {
    let instance = rows.instance();
    instance.next_queue = instance.next_queue.max(record.id.0 + 1);
    rows.put_queue(record);
}

fn send<R: Rows>(
    rows: &mut R,
    at: Timestamp,
    message: MessageRef,
    visible_at: Timestamp,
    group: Option<GroupKey>,
    payload: &Bytes,
) -> Result<(), Inconsistent> {
    let expected = rows.next_sequence(message.queue).ok_or(Inconsistent::NoSuchQueue(message.queue))?;
    if message.sequence != expected {
        return Err(Inconsistent::OutOfSequence(message));
    }
    rows.update_queue(message.queue, |record| record.next_sequence = message.sequence.next());
    let payload_bytes = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    rows.put_message(message, Entry::sent(at, visible_at, payload_bytes, group), payload);
    Ok(())
}

fn remember<R: Rows>(rows: &mut R, at: Timestamp, message: MessageRef, send: Option<&SendRemembered>) {
    if let Some(&SendRemembered { group, key, message_id }) = send {
        rows.put_deduplication(message, Deduplication { group, key, message_id, sent_at: at });
    }
}

/// Each message remembers the receive and its place in it. More messages than a place can count are not remembered; no
/// receive hands out so many.
fn remember_attempt<R: Rows>(
    rows: &mut R,
    queue: QueueId,
    attempt: Option<&AttemptRemembered>,
    sequences: &[Sequence],
) -> Result<(), Inconsistent> {
    let Some(AttemptRemembered { key, superseded }) = attempt else { return Ok(()) };
    each(rows, queue, superseded, |entry| entry.forget_attempt())?;
    let Some(count) = u8::try_from(sequences.len())
        .ok()
        .filter(|count| *count <= limits::ATTEMPT_MESSAGES)
        .and_then(NonZeroU8::new)
    else {
        return Ok(());
    };
    let mut places = 0..count.get();
    each(rows, queue, sequences, |entry| {
        if let Some(place) = places.next() {
            entry.remember_attempt(Attempt { key: *key, place, count });
        }
    })
}

fn become_dead_letter<R: Rows>(
    rows: &mut R,
    at: Timestamp,
    queues: (QueueId, QueueId),
    names: (Sequence, Sequence),
    in_order: bool,
) -> Result<(), Inconsistent> {
    move_message(rows, queues, names, |entry| entry.become_dead_letter(queues.0, at, in_order))
}

fn send_again<R: Rows>(
    rows: &mut R,
    at: Timestamp,
    queues: (QueueId, QueueId),
    names: (Sequence, Sequence),
    visible_at: Timestamp,
) -> Result<(), Inconsistent> {
    let instance = rows.instance();
    instance.moves = instance.moves.saturating_add(1);
    let number = MoveNumber(NonZeroU64::new(instance.moves).unwrap_or(NonZeroU64::MAX));
    move_message(rows, queues, names, |entry| entry.be_sent_again(number, at, visible_at))
}

fn move_task<R: Rows>(
    rows: &mut R,
    at: Timestamp,
    queue: QueueId,
    event: &MoveTaskEvent,
) -> Result<(), Inconsistent> {
    match event {
        MoveTaskEvent::Started(order) => {
            let start = |record: &mut QueueRecord| record.move_tasks.start(order.clone(), at);
            found_queue(queue, rows.update_queue(queue, start))
        }
        MoveTaskEvent::SentAgain { to, visible_at, moves } => {
            moves.iter().try_for_each(|names| send_again(rows, at, (queue, *to), *names, *visible_at))?;
            change_task(rows, queue, |tasks| tasks.count(moves.len() as u64))
        }
        MoveTaskEvent::Advanced { next, due_at } => {
            change_task(rows, queue, |tasks| tasks.advance(*next, *due_at))
        }
        MoveTaskEvent::Ended(end) => change_task(rows, queue, |tasks| tasks.end(*end)),
    }
}

fn change_task<R: Rows>(
    rows: &mut R,
    queue: QueueId,
    change: impl FnOnce(&mut MoveTasks) -> bool,
) -> Result<(), Inconsistent> {
    let mut running = false;
    found_queue(queue, rows.update_queue(queue, |record| running = change(&mut record.move_tasks)))?;
    if running { Ok(()) } else { Err(Inconsistent::NoMoveTask(queue)) }
}

fn move_message<R: Rows>(
    rows: &mut R,
    (from, to): (QueueId, QueueId),
    (before, after): (Sequence, Sequence),
    change: impl FnOnce(&mut Entry),
) -> Result<(), Inconsistent> {
    let before = MessageRef { queue: from, sequence: before };
    let after = MessageRef { queue: to, sequence: after };
    if rows.next_sequence(after.queue) != Some(after.sequence) {
        return Err(Inconsistent::OutOfSequence(after));
    }
    rows.update_queue(after.queue, |record| record.next_sequence = after.sequence.next());
    if rows.move_message(before, after, change) { Ok(()) } else { Err(Inconsistent::NoSuchMessage(before)) }
}

fn each<R: Rows>(
    rows: &mut R,
    queue: QueueId,
    sequences: &[Sequence],
    mut change: impl FnMut(&mut Entry),
) -> Result<(), Inconsistent> {
    for &sequence in sequences {
        let message = MessageRef { queue, sequence };
        if !rows.update_message(message, &mut change) {
            return Err(Inconsistent::NoSuchMessage(message));
        }
    }
    Ok(())
}

fn remove<R: Rows>(rows: &mut R, queue: QueueId, sequences: &[Sequence]) -> Result<(), Inconsistent> {
    for &sequence in sequences {
        let message = MessageRef { queue, sequence };
        if !rows.remove_message(message) {
            return Err(Inconsistent::NoSuchMessage(message));
        }
    }
    Ok(())
}

fn expire<R: Rows>(rows: &mut R, queue: QueueId, sequences: &[Sequence]) -> Result<(), Inconsistent> {
    remove(rows, queue, sequences)?;
    let count = |record: &mut QueueRecord| {
        record.expired = record.expired.saturating_add(sequences.len() as u64);
    };
    found_queue(queue, rows.update_queue(queue, count))
}

fn found_queue(queue: QueueId, found: bool) -> Result<(), Inconsistent> {
    if found { Ok(()) } else { Err(Inconsistent::NoSuchQueue(queue)) }
}
