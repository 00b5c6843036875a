//! Which remembered sends must be read before a send to a FIFO queue can be decided, because they rest in the store.

use super::fifo;
use crate::command::NewMessage;
use crate::message::Sequence;
use crate::state::Queue;
use crate::time::Timestamp;

/// The numbers of all sends at rest that one of these messages may repeat, unless the rows of all of them are at hand; almost
/// always none. A request that is refused needs none.
pub(crate) fn unknown_sends(queue: &Queue, now: Timestamp, messages: &[NewMessage]) -> Vec<Sequence> {
    let remembered = &queue.deduplications;
    let fifo = queue.record.attributes.fifo.as_ref().filter(|_| remembered.at_rest() > 0);
    let Some(fifo) = fifo else { return Vec::new() };
    let mut candidates: Vec<Sequence> = Vec::new();
    for message in messages {
        let Ok((_, scope, key)) = fifo::name(fifo, message) else { return Vec::new() };
        candidates.extend(remembered.candidates(scope, key, now));
    }
    // All together: what was read is at hand for one decision only.
    if candidates.iter().all(|candidate| remembered.is_recalled(*candidate)) {
        return Vec::new();
    }
    candidates.sort_unstable();
    candidates.dedup();
    candidates
}
