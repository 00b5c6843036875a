//! Adding statements to a queue's policy, and removing them by their label.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html> and
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_RemovePermission.html>.

use super::{Decision, refused, with_queue};
use crate::event::Event;
use crate::name::QueueKey;
use crate::outcome::{Outcome, Refusal};
use crate::queue::{Policy, PolicyRefusal, QueueAttributes};
use crate::state::{Queue, State};

pub(super) fn add(state: &State, key: &QueueKey, permission: &Policy) -> Decision {
    with_queue(state, key, |queue| {
        let policy = match &queue.record.attributes.policy {
            Some(policy) => policy.with(permission),
            None => Ok(permission.clone()),
        };
        replace(queue, policy.map(Some))
    })
}

pub(super) fn remove(state: &State, key: &QueueKey, label: &str) -> Decision {
    with_queue(state, key, |queue| {
        let policy = match &queue.record.attributes.policy {
            Some(policy) => policy.without(label),
            None => Err(PolicyRefusal::LabelMissing),
        };
        replace(queue, policy)
    })
}

fn replace(queue: &Queue, policy: Result<Option<Policy>, PolicyRefusal>) -> Decision {
    let (id, key) = (queue.record.id, queue.record.key.clone());
    match policy {
        Err(refusal) => refused(Refusal::Policy(refusal)),
        Ok(policy) => {
            let attributes = QueueAttributes { policy, ..queue.record.attributes.clone() };
            (vec![Event::QueueAttributesSet { queue: id, attributes }], Outcome::Queue { queue: id, key })
        }
    }
}
