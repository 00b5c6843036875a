//! What must be in memory before a command can be decided.
//!
//! Deciding looks only at messages in memory. This tells, from the state alone, when that would not be enough because some
//! rest in the store: who asks reads what is needed, brings it back with [`State::admit`], and asks again.
//!
//! It refuses to need more than one thing at a time, and to need anything of a queue that has all in memory.

use crate::command::Command;
use crate::decide;
use crate::message::{GroupKey, QueueId, Receipt, Sequence};
use crate::name::QueueKey;
use crate::queue::{Missing, MoveStatus, Resting};
use crate::state::{Queue, State};
use crate::time::Timestamp;

/// Messages of a queue that are to be brought into memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Those behind the edge of its window, in the order of their turns.
    Window,
    /// Those of a group from a number on.
    Group(GroupKey, Sequence),
    /// Those of these numbers, if they are there.
    Messages(Vec<Sequence>),
    /// Those that were sent at this time or earlier, the oldest first.
    SentUntil(Timestamp),
    /// Those from this number on, in the order of the numbers.
    From(Sequence),
    /// No messages, but what the queue remembers of the sends of these numbers: see [`State::recall_sends`].
    Sends(Vec<Sequence>),
}

/// What a command needs first, if it needs anything.
#[must_use]
pub fn need(state: &State, now: Timestamp, command: &Command) -> Option<(QueueId, Need)> {
    match command {
        Command::Paced(command) => need(state, now, command),
        Command::Receive { key, limit, .. } => {
            let queue = state.queue_named(key)?;
            of_receive(state, queue, now, *limit).map(|need| (queue.record.id, need))
        }
        Command::Send { key, messages } => {
            let queue = state.queue_named(key)?;
            let unknown = decide::unknown_sends(queue, now, messages);
            (!unknown.is_empty()).then_some((queue.record.id, Need::Sends(unknown)))
        }
        Command::Delete { key, receipts } => of_receipts(state, key, receipts.iter()),
        Command::ChangeVisibility { key, changes } => {
            of_receipts(state, key, changes.iter().map(|(receipt, _)| receipt))
        }
        // The receipts of one reply are of one queue.
        Command::ReturnLeases { receipts } => {
            let queue = state.queue(receipts.first()?.queue)?;
            of_receipts(state, &queue.record.key, receipts.iter())
        }
        Command::Expire { queue } => of_expiry(state, now, *queue).map(|need| (*queue, need)),
        Command::StepMoveTask { queue } => of_move(state, *queue).map(|need| (*queue, need)),
        _ => None,
    }
}

/// A receive needs the window to hold as many messages as it may take, besides those that it finds to be dead letters or
/// expired.
fn of_receive(state: &State, queue: &Queue, now: Timestamp, limit: usize) -> Option<Need> {
    let missing = queue.messages.missing(now)?;
    decide::runs_short(state, queue, now, limit).then_some(match missing {
        Missing::Window => Need::Window,
        Missing::Group(group, from) => Need::Group(group, from),
    })
}

/// A receipt may name a message that rests, its lease long ended. In a FIFO queue what was ever delivered is in memory.
fn of_receipts<'a>(
    state: &State,
    key: &QueueKey,
    receipts: impl Iterator<Item = &'a Receipt>,
) -> Option<(QueueId, Need)> {
    let queue = state.queue_named(key)?;
    queue.messages.standard()?.resting()?;
    let id = queue.record.id;
    let own = receipts.filter(|receipt| receipt.queue == id).map(|receipt| receipt.sequence);
    let issued = own.filter(|sequence| *sequence < queue.record.next_sequence);
    let absent: Vec<Sequence> = issued.filter(|sequence| queue.messages.get(*sequence).is_none()).collect();
    (!absent.is_empty()).then_some((id, Need::Messages(absent)))
}

/// What expires may rest.
fn of_expiry(state: &State, now: Timestamp, queue: QueueId) -> Option<Need> {
    let queue = state.queue(queue)?;
    let oldest = queue.messages.resting()?.oldest_sent_at();
    (state.expires_when_sent(queue, oldest) <= now)
        .then(|| Need::SentUntil(now.minus_secs(u64::from(queue.record.attributes.retention_secs))))
}

/// A move task goes through the messages by number. In a FIFO queue it must know those that it has left behind, too.
fn of_move(state: &State, queue: QueueId) -> Option<Need> {
    let queue = state.queue(queue)?;
    let first = queue.messages.resting().map(Resting::first)?;
    let task = queue.record.move_tasks.running()?;
    let MoveStatus::Running { next, .. } = task.status else { return None };
    let from = if queue.messages.fifo().is_some() { first.min(next) } else { next };
    (first <= next && next < task.order.below).then_some(Need::From(from))
}
