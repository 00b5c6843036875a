//! Trying a receive again whose reply was lost.
//!
//! A receive from a FIFO queue that has a name gives, within five minutes, what the first receive of that name gave: the
//! same messages with the same receipts, their lease begun anew, and no receive counted. That holds as long as each of
//! them is there and as that receive left it: not deleted, expired, moved or given back, its visibility not changed, not
//! handed out again. Else it is a receive like any other, and from then on the name stands for that.
//!
//! The messages themselves remember the receive, so it can be tried again after a restart too. One that gave nothing is
//! remembered by nobody.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>.

use super::Decision;
use super::receive::delivery;
use crate::event::{AttemptRemembered, Event};
use crate::limits;
use crate::message::{AttemptKey, Entry, Sequence};
use crate::outcome::Outcome;
use crate::queue::{FifoMessages, QueueMessages};
use crate::state::{Queue, State};
use crate::time::Timestamp;

/// What the receive of that name gave, if it can be given again; the leases then end at `visible_at`.
pub(super) fn again(
    state: &State,
    queue: &Queue,
    now: Timestamp,
    visible_at: Timestamp,
    key: AttemptKey,
) -> Option<Decision> {
    let QueueMessages::Fifo(messages) = &queue.messages else { return None };
    let given: Vec<(Sequence, &Entry)> = messages.of_attempt(key).collect();
    let count = usize::from(given.first()?.1.attempt?.count.get());
    let holds = |entry: &Entry| {
        let recent = entry.received_at.is_some_and(|at| at.plus_secs(limits::ATTEMPT_SECS) > now);
        recent && state.expires_at(queue, entry) > now
    };
    if given.len() != count || !given.iter().all(|(_, entry)| holds(entry)) {
        return None;
    }
    let id = queue.record.id;
    let longest = given.iter().filter_map(|(_, entry)| entry.received_at).min()?;
    let visible_at = visible_at.min(longest.plus_secs(limits::TOTAL_VISIBILITY_SECS));
    let sequences = given.iter().map(|(sequence, _)| *sequence).collect();
    let deliveries = given.iter().map(|(sequence, entry)| delivery(queue, now, *sequence, entry)).collect();
    let event = Event::ReceiveRepeated { queue: id, visible_at, sequences };
    Some((vec![event], Outcome::Received { queue: id, deliveries }))
}

/// What is remembered of a receive that hands out these messages.
pub(super) fn remembered(
    messages: &FifoMessages,
    key: AttemptKey,
    sequences: &[Sequence],
) -> AttemptRemembered {
    let earlier = messages.of_attempt(key).map(|(sequence, _)| sequence);
    AttemptRemembered { key, superseded: earlier.filter(|sequence| !sequences.contains(sequence)).collect() }
}
