//! Tagging queues.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_TagQueue.html>. Tags have no
//! effect; a change of them is no change of settings.

use super::{Decision, refused, with_queue};
use crate::event::Event;
use crate::limits;
use crate::name::QueueKey;
use crate::outcome::{Outcome, Refusal};
use crate::queue::Tags;
use crate::state::{Queue, State};

pub(super) fn tag(state: &State, key: &QueueKey, given: Tags) -> Decision {
    with_queue(state, key, |queue| {
        let mut tags = queue.record.tags.clone();
        tags.extend(given);
        if tags.len() > limits::QUEUE_TAGS {
            return refused(Refusal::TooManyTags { limit: limits::QUEUE_TAGS });
        }
        replace(queue, tags)
    })
}

pub(super) fn untag(state: &State, key: &QueueKey, keys: &[String]) -> Decision {
    with_queue(state, key, |queue| {
        let mut tags = queue.record.tags.clone();
        for key in keys {
            tags.remove(key);
        }
        replace(queue, tags)
    })
}

pub(super) fn list(state: &State, key: &QueueKey) -> Decision {
    with_queue(state, key, |queue| (Vec::new(), Outcome::Tags(queue.record.tags.clone())))
}

fn replace(queue: &Queue, tags: Tags) -> Decision {
    let (id, key) = (queue.record.id, queue.record.key.clone());
    let events =
        if tags == queue.record.tags { Vec::new() } else { vec![Event::QueueTagsSet { queue: id, tags }] };
    (events, Outcome::Queue { queue: id, key })
}
