//! Which queue may be another one's dead-letter queue, and whose it is.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html>. A
//! policy is checked when it is set; what happens to the dead-letter queue later does not change it.

use super::{Decision, queues, refused, with_queue};
use crate::name::{QueueKey, QueueName};
use crate::outcome::{Outcome, Refusal};
use crate::queue::{RedrivePolicy, RedriveRefusal};
use crate::state::State;

/// Whether `source`, which is a FIFO queue or not, may have that policy.
pub(super) fn check(
    state: &State,
    source: &QueueKey,
    fifo: bool,
    policy: &RedrivePolicy,
) -> Result<(), RedriveRefusal> {
    let target = &policy.target;
    if target.region != source.region {
        return Err(RedriveRefusal::OtherRegion);
    }
    if target.account != source.account {
        return Err(RedriveRefusal::OtherAccount);
    }
    if target == source {
        return Err(RedriveRefusal::Itself);
    }
    let target = &state.queue_named(target).ok_or(RedriveRefusal::DoesNotExist)?.record.attributes;
    if target.fifo.is_some() != fifo {
        return Err(RedriveRefusal::OtherType);
    }
    match &target.redrive_allow {
        Some(allow) if !allow.permits(source) => Err(RedriveRefusal::NotPermitted),
        _ => Ok(()),
    }
}

/// Whether the dead letters of `source` go to `target`.
pub(super) fn is_source(state: &State, source: &QueueKey, target: &QueueKey) -> bool {
    let attributes = state.queue_named(source).map(|queue| &queue.record.attributes);
    let policy = attributes.and_then(|attributes| attributes.redrive.as_ref());
    policy.is_some_and(|policy| policy.target == *target)
}

pub(super) fn list_sources(
    state: &State,
    key: &QueueKey,
    after: Option<&QueueName>,
    limit: usize,
) -> Decision {
    if state.queue_named(key).is_none() {
        return refused(Refusal::QueueDoesNotExist);
    }
    // A source is in its dead-letter queue's account and region.
    let mut sources = queues::names_in(state, key.account, &key.region, after.cloned())
        .filter(|source| after.is_none_or(|after| source.name > *after))
        .filter(|source| is_source(state, source, key));
    let names = sources.by_ref().take(limit).map(|source| source.name.clone()).collect();
    let more = sources.next().is_some();
    (Vec::new(), Outcome::Queues { names, more })
}

pub(super) fn list_origins(state: &State, key: &QueueKey) -> Decision {
    with_queue(state, key, |queue| {
        (Vec::new(), Outcome::Origins(queue.record.sources.values().cloned().collect()))
    })
}
