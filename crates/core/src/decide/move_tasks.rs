//! Moving the messages of a dead-letter queue to other queues, in bounded steps.
//!
//! A step goes through the messages in the order they came, each once, and sends the visible ones again; those that are
//! in flight or delayed stay where they are. In a FIFO queue no message overtakes one of its group that stays. A message
//! leaves one queue and enters the other in one event. Neither the size nor the deduplication of the destination stands
//! in its way; a delay of the destination holds for it as for any new message.
//!
//! With a rate, the steps are evenly spaced, and no second holds more messages than the rate says; time in which the
//! service was down does not count.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html> and
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html>.

use std::collections::{BTreeMap, BTreeSet};

use super::{Decision, queues, redrive, refused, with_queue};
use crate::event::{Event, MoveTaskEvent};
use crate::limits;
use crate::message::{Entry, QueueId, Sequence};
use crate::name::{AccountId, QueueKey};
use crate::outcome::{Outcome, Refusal};
use crate::queue::{MoveEnd, MoveFailure, MoveOrder, MoveRefusal, MoveStatus, MoveTask, MoveTaskId};
use crate::state::{Queue, State};
use crate::time::Timestamp;

/// A second has at most so many steps of a task with a rate.
const STEPS_PER_SEC: u32 = 50;
/// A task without a rate makes at most one step in this time, and so at most one in each batch.
const STEP_MILLIS: u64 = 1;

pub(super) fn start(
    state: &State,
    key: &QueueKey,
    id: MoveTaskId,
    destination: Option<QueueKey>,
    back_to: Option<&BTreeSet<QueueKey>>,
    messages_per_sec: Option<u32>,
) -> Decision {
    with_queue(state, key, |queue| {
        let allowed = may_start(state, queue, destination.as_ref());
        if let Err(refusal) = allowed.and_then(|()| may_go_back(queue, destination.as_ref(), back_to)) {
            return refused(Refusal::MoveTask(refusal));
        }
        let order = MoveOrder {
            id,
            destination,
            messages_per_sec,
            to_move: queue.messages.counts().visible as u64,
            below: queue.record.next_sequence,
        };
        (vec![about(queue, MoveTaskEvent::Started(order))], Outcome::MoveTaskStarted(id))
    })
}

fn may_start(state: &State, queue: &Queue, destination: Option<&QueueKey>) -> Result<(), MoveRefusal> {
    let key = &queue.record.key;
    let mut sources = queues::names_in(state, key.account, &key.region, None);
    if !sources.any(|source| redrive::is_source(state, source, key)) {
        return Err(MoveRefusal::NotDeadLetters);
    }
    if let Some(destination) = destination {
        if destination == key {
            return Err(MoveRefusal::SameQueue);
        }
        let neighbour = destination.account == key.account && destination.region == key.region;
        let found = state.queue_named(destination).filter(|_| neighbour).ok_or(MoveRefusal::NoDestination)?;
        if found.record.attributes.fifo.is_some() != queue.record.attributes.fifo.is_some() {
            return Err(MoveRefusal::OtherType);
        }
    }
    if queue.record.move_tasks.running().is_some() {
        return Err(MoveRefusal::AlreadyRunning);
    }
    let limit = limits::ACTIVE_MOVE_TASKS;
    if running_in(state, key.account) >= limit { Err(MoveRefusal::TooMany { limit }) } else { Ok(()) }
}

/// A task moves what was there when it started, so that the origins known by then are all that it can go back to.
fn may_go_back(
    queue: &Queue,
    destination: Option<&QueueKey>,
    back_to: Option<&BTreeSet<QueueKey>>,
) -> Result<(), MoveRefusal> {
    let Some(back_to) = back_to.filter(|_| destination.is_none()) else { return Ok(()) };
    let covers = queue.record.sources.values().all(|origin| back_to.contains(origin));
    if covers { Ok(()) } else { Err(MoveRefusal::OtherOrigins) }
}

fn running_in(state: &State, account: AccountId) -> usize {
    state.moving().filter(|queue| queue.record.key.account == account).count()
}

pub(super) fn cancel(state: &State, key: &QueueKey, id: MoveTaskId) -> Decision {
    with_queue(state, key, |queue| match queue.record.move_tasks.get(id) {
        None => refused(Refusal::MoveTask(MoveRefusal::NoSuchTask)),
        Some(MoveTask { status: MoveStatus::Ended(_), .. }) => {
            refused(Refusal::MoveTask(MoveRefusal::HasEnded))
        }
        Some(task) => {
            let event = about(queue, MoveTaskEvent::Ended(MoveEnd::Cancelled));
            (vec![event], Outcome::MoveTaskCancelled { moved: task.moved })
        }
    })
}

pub(super) fn list(state: &State, key: &QueueKey, limit: usize) -> Decision {
    with_queue(state, key, |queue| {
        let newest_first = queue.record.move_tasks.iter().rev();
        (Vec::new(), Outcome::MoveTasks(newest_first.take(limit).cloned().collect()))
    })
}

/// One step of the running task of a queue, when it is due.
pub(super) fn step(state: &State, now: Timestamp, queue: QueueId) -> Decision {
    let Some(queue) = state.queue(queue) else { return (Vec::new(), Outcome::Done) };
    let Some(task) = queue.record.move_tasks.running() else { return (Vec::new(), Outcome::Done) };
    let MoveStatus::Running { next, due_at } = task.status else { return (Vec::new(), Outcome::Done) };
    if due_at > now {
        return (Vec::new(), Outcome::Done);
    }
    let mut step =
        Step { state, now, queue, task, moved: BTreeSet::new(), payload_bytes: 0, sent: BTreeMap::new() };
    let ended = step.go(next);
    let last = match ended {
        Ok(next) => MoveTaskEvent::Advanced { next, due_at: step.due_next() },
        Err(end) => MoveTaskEvent::Ended(end),
    };
    let mut events: Vec<Event> = step.into_events();
    events.push(about(queue, last));
    (events, Outcome::Done)
}

fn about(queue: &Queue, event: MoveTaskEvent) -> Event {
    Event::MoveTask { queue: queue.record.id, event }
}

/// At least one, also at a rate of none.
const fn messages_per_step(messages_per_sec: u32) -> u32 {
    let messages = messages_per_sec.div_ceil(STEPS_PER_SEC);
    if messages == 0 { 1 } else { messages }
}

/// A step while it is planned.
struct Step<'a> {
    state: &'a State,
    now: Timestamp,
    queue: &'a Queue,
    task: &'a MoveTask,
    moved: BTreeSet<Sequence>,
    payload_bytes: u64,
    /// By destination.
    sent: BTreeMap<QueueId, Vec<(Sequence, Sequence)>>,
}

impl<'a> Step<'a> {
    /// Plans moves from `next` on. Answers where the next step goes on, or how the task ends with this one.
    fn go(&mut self, next: Sequence) -> Result<Sequence, MoveEnd> {
        let queue = self.queue;
        // Not beyond the first message that may not be in memory.
        let below = self.task.order.below;
        let known = queue.messages.resting().map_or(below, |resting| resting.first().min(below));
        let rest = queue.messages.between(next, known);
        for (looked, (sequence, entry)) in rest.enumerate() {
            if looked == limits::SETTLE_MESSAGES || self.is_full() {
                return Ok(sequence);
            }
            if self.is_movable(sequence, entry) {
                self.plan(sequence, entry).map_err(MoveEnd::Failed)?;
            }
        }
        if known < below { Ok(next.max(known)) } else { Err(MoveEnd::Completed) }
    }

    fn is_full(&self) -> bool {
        let most = match self.task.order.messages_per_sec {
            Some(rate) => messages_per_step(rate) as usize,
            None => limits::MOVE_STEP_MESSAGES,
        };
        self.moved.len() >= most || self.payload_bytes >= limits::MOVE_STEP_BYTES
    }

    fn is_movable(&self, sequence: Sequence, entry: &Entry) -> bool {
        let messages = &self.queue.messages;
        messages.is_visible_at(entry, self.now)
            && !self.has_expired(entry)
            && messages.preceding(sequence).is_none_or(|preceding| self.is_gone(preceding))
    }

    /// Whether a message never comes again from this queue.
    fn is_gone(&self, sequence: Sequence) -> bool {
        let entry = self.queue.messages.get(sequence);
        self.moved.contains(&sequence) || entry.is_some_and(|entry| self.has_expired(entry))
    }

    fn has_expired(&self, entry: &Entry) -> bool {
        self.state.expires_at(self.queue, entry) <= self.now
    }

    fn plan(&mut self, sequence: Sequence, entry: &Entry) -> Result<(), MoveFailure> {
        let destination = self.destination(entry)?;
        let moves = self.sent.entry(destination.record.id).or_default();
        let after = moves.last().map_or(destination.record.next_sequence, |(_, last)| last.next());
        moves.push((sequence, after));
        self.moved.insert(sequence);
        self.payload_bytes = self.payload_bytes.saturating_add(u64::from(entry.payload_bytes));
        Ok(())
    }

    /// Where a message goes. Queues go by their names, as they do in redrive policies.
    fn destination(&self, entry: &Entry) -> Result<&'a Queue, MoveFailure> {
        let key = match &self.task.order.destination {
            Some(key) => key,
            None => {
                let source = entry.source.and_then(|source| self.queue.record.sources.get(&source));
                source.ok_or(MoveFailure::SourceUnknown)?
            }
        };
        self.state.queue_named(key).ok_or(MoveFailure::DestinationGone)
    }

    /// Both the messages of a step and the time between two are rounded so that no second holds too many.
    fn due_next(&self) -> Timestamp {
        let millis = match self.task.order.messages_per_sec {
            Some(rate) if !self.moved.is_empty() => {
                let steps_per_sec = (rate / messages_per_step(rate)).max(1);
                1_000_u64.div_ceil(u64::from(steps_per_sec))
            }
            _ => STEP_MILLIS,
        };
        self.now.plus_millis(millis)
    }

    fn into_events(self) -> Vec<Event> {
        let Self { state, now, queue, sent, .. } = self;
        let events = sent.into_iter().filter_map(|(to, moves)| {
            let delay_secs = state.queue(to)?.record.attributes.delay_secs;
            let visible_at = now.plus_secs(u64::from(delay_secs));
            Some(about(queue, MoveTaskEvent::SentAgain { to, visible_at, moves }))
        });
        events.collect()
    }
}
