//! What move tasks add to events and rows, as bytes.

use super::Malformed;
use super::batch::{put_moves, take_moves};
use super::codec::{Put, Take};
use super::name::{put_queue_key, take_queue_key};
use crate::event::{Event, MoveTaskEvent};
use crate::message::{MoveNumber, QueueId, Sequence};
use crate::name::QueueKey;
use crate::queue::{MoveEnd, MoveFailure, MoveOrder, MoveStatus, MoveTask, MoveTaskId, MoveTasks};
use crate::time::Timestamp;
use std::num::NonZeroU64;

const STARTED: u8 = 24;
const SENT_AGAIN: u8 = 25;
const ADVANCED: u8 = 26;
const ENDED: u8 = 27;

const RUNNING: u8 = 0;
const COMPLETED: u8 = 1;
const CANCELLED: u8 = 2;
const SOURCE_UNKNOWN: u8 = 3;
const DESTINATION_GONE: u8 = 4;

const EVENT: &str = "event of a move task";
const TASK: &str = "move task";

pub(super) fn put_move_task(out: &mut Vec<u8>, queue: QueueId, event: &MoveTaskEvent) {
    let tag = match event {
        MoveTaskEvent::Started(_) => STARTED,
        MoveTaskEvent::SentAgain { .. } => SENT_AGAIN,
        MoveTaskEvent::Advanced { .. } => ADVANCED,
        MoveTaskEvent::Ended(_) => ENDED,
    };
    out.put_tag(tag);
    out.put_varint(queue.0);
    match event {
        MoveTaskEvent::Started(order) => put_order(out, order),
        MoveTaskEvent::SentAgain { to, visible_at, moves } => {
            out.put_varint(to.0);
            out.put_varint(visible_at.as_millis());
            put_moves(out, moves);
        }
        MoveTaskEvent::Advanced { next, due_at } => {
            out.put_varint(next.0);
            out.put_varint(due_at.as_millis());
        }
        MoveTaskEvent::Ended(end) => put_end(out, *end),
    }
}

/// The event of that tag: the last that a tag is looked up among.
pub(super) fn take_move_task(take: &mut Take, tag: u8) -> Result<Event, Malformed> {
    if !(STARTED..=ENDED).contains(&tag) {
        return Err(Malformed::UnknownTag { what: "event", tag });
    }
    let queue = QueueId(take.varint(EVENT)?);
    let event = match tag {
        STARTED => MoveTaskEvent::Started(take_order(take)?),
        SENT_AGAIN => MoveTaskEvent::SentAgain {
            to: QueueId(take.varint(EVENT)?),
            visible_at: take_time(take)?,
            moves: take_moves(take)?,
        },
        ADVANCED => MoveTaskEvent::Advanced { next: take_sequence(take)?, due_at: take_time(take)? },
        _ => {
            let tag = take.tag(EVENT)?;
            MoveTaskEvent::Ended(take_end(tag)?)
        }
    };
    Ok(Event::MoveTask { queue, event })
}

pub(super) fn put_move_tasks(out: &mut Vec<u8>, tasks: &MoveTasks) {
    out.put_varint(tasks.iter().len() as u64);
    for MoveTask { order, started_at, moved, status } in tasks.iter() {
        put_order(out, order);
        out.put_varint(started_at.as_millis());
        out.put_varint(*moved);
        match status {
            MoveStatus::Running { next, due_at } => {
                out.put_tag(RUNNING);
                out.put_varint(next.0);
                out.put_varint(due_at.as_millis());
            }
            MoveStatus::Ended(end) => put_end(out, *end),
        }
    }
}

pub(super) fn take_move_tasks(take: &mut Take) -> Result<MoveTasks, Malformed> {
    let count = take.count(TASK)?;
    let tasks: Result<Vec<MoveTask>, Malformed> = (0..count).map(|_| take_task(take)).collect();
    tasks.map(MoveTasks::restored)
}

fn take_task(take: &mut Take) -> Result<MoveTask, Malformed> {
    Ok(MoveTask {
        order: take_order(take)?,
        started_at: take_time(take)?,
        moved: take.varint(TASK)?,
        status: match take.tag(TASK)? {
            RUNNING => MoveStatus::Running { next: take_sequence(take)?, due_at: take_time(take)? },
            tag => MoveStatus::Ended(take_end(tag)?),
        },
    })
}

/// An absent number of a move is 0.
pub(super) fn put_move_number(out: &mut Vec<u8>, moved: Option<MoveNumber>) {
    out.put_varint(moved.map_or(0, |number| number.0.get()));
}

pub(super) fn take_move_number(take: &mut Take, what: &'static str) -> Result<Option<MoveNumber>, Malformed> {
    take.varint(what).map(|number| NonZeroU64::new(number).map(MoveNumber))
}

fn put_order(out: &mut Vec<u8>, order: &MoveOrder) {
    let MoveOrder { id, destination, messages_per_sec, to_move, below } = order;
    out.extend_from_slice(&id.bits().to_le_bytes());
    put_destination(out, destination.as_ref());
    // An absent rate is 0.
    out.put_varint(u64::from(messages_per_sec.unwrap_or(0)));
    out.put_varint(*to_move);
    out.put_varint(below.0);
}

fn take_order(take: &mut Take) -> Result<MoveOrder, Malformed> {
    Ok(MoveOrder {
        id: MoveTaskId::new(u128::from_le_bytes(take.array(TASK)?)),
        destination: take_destination(take)?,
        messages_per_sec: Some(take.varint_u32(TASK)?).filter(|rate| *rate > 0),
        to_move: take.varint(TASK)?,
        below: take_sequence(take)?,
    })
}

fn put_destination(out: &mut Vec<u8>, destination: Option<&QueueKey>) {
    out.put_tag(u8::from(destination.is_some()));
    if let Some(key) = destination {
        put_queue_key(out, key);
    }
}

fn take_destination(take: &mut Take) -> Result<Option<QueueKey>, Malformed> {
    match take.tag(TASK)? {
        0 => Ok(None),
        1 => take_queue_key(take).map(Some),
        tag => Err(Malformed::UnknownTag { what: TASK, tag }),
    }
}

fn put_end(out: &mut Vec<u8>, end: MoveEnd) {
    out.put_tag(match end {
        MoveEnd::Completed => COMPLETED,
        MoveEnd::Cancelled => CANCELLED,
        MoveEnd::Failed(MoveFailure::SourceUnknown) => SOURCE_UNKNOWN,
        MoveEnd::Failed(MoveFailure::DestinationGone) => DESTINATION_GONE,
    });
}

fn take_end(tag: u8) -> Result<MoveEnd, Malformed> {
    Ok(match tag {
        COMPLETED => MoveEnd::Completed,
        CANCELLED => MoveEnd::Cancelled,
        SOURCE_UNKNOWN => MoveEnd::Failed(MoveFailure::SourceUnknown),
        DESTINATION_GONE => MoveEnd::Failed(MoveFailure::DestinationGone),
        tag => return Err(Malformed::UnknownTag { what: TASK, tag }),
    })
}

fn take_sequence(take: &mut Take) -> Result<Sequence, Malformed> {
    take.varint(TASK).map(Sequence)
}

fn take_time(take: &mut Take) -> Result<Timestamp, Malformed> {
    take.varint(TASK).map(Timestamp::from_millis)
}
