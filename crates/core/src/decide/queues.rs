//! Creating, finding, listing, describing, changing, purging and deleting queues.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html> and its
//! neighbours. A queue created without settings is found whatever its settings are; given ones must agree.

use super::{Decision, redrive, refused, with_queue};
use crate::event::Event;
use crate::limits;
use crate::message::{Entry, QueueId};
use crate::name::{AccountId, QueueKey, QueueName, Region};
use crate::outcome::{Outcome, QueueDescription, Refusal};
use crate::queue::{AttributePatch, AttributeRefusal, FifoAttributes, QueueAttributes, Tags};
use crate::state::{Queue, State};
use crate::time::Timestamp;

pub(super) fn create(state: &State, key: QueueKey, given: &AttributePatch, tags: Tags) -> Decision {
    let fifo = given.fifo_queue == Some(true);
    if fifo && !key.name.is_fifo() {
        return refused(Refusal::NameIsNotFifo);
    }
    if let Some(queue) = state.queue_named(&key) {
        return create_again(queue, key, given);
    }
    if key.name.is_fifo() && !fifo {
        return refused(Refusal::NameIsFifo);
    }
    let defaults = QueueAttributes { fifo: fifo.then(FifoAttributes::default), ..QueueAttributes::default() };
    let attributes = match changed(state, &key, &defaults, given) {
        Ok(attributes) => attributes,
        Err(refusal) => return refused(refusal),
    };
    let queue = QueueId(state.instance().next_queue);
    let mut events = vec![Event::QueueCreated { queue, key: key.clone(), attributes }];
    if !tags.is_empty() {
        events.push(Event::QueueTagsSet { queue, tags });
    }
    (events, Outcome::Queue { queue, key })
}

fn create_again(queue: &Queue, key: QueueKey, given: &AttributePatch) -> Decision {
    let current = &queue.record.attributes;
    if let Some(name) = given.only_for_fifo().filter(|_| current.fifo.is_none()) {
        return refused(Refusal::Attributes(AttributeRefusal::OnlyForFifo(name)));
    }
    match given.first_difference(current) {
        Some(name) => refused(Refusal::QueueNameExists(name)),
        None => (Vec::new(), Outcome::Queue { queue: queue.record.id, key }),
    }
}

/// The settings of a queue with some replaced, when it can have them.
fn changed(
    state: &State,
    key: &QueueKey,
    current: &QueueAttributes,
    given: &AttributePatch,
) -> Result<QueueAttributes, Refusal> {
    let attributes = given.applied_to(current)?;
    if let Some(Some(policy)) = &given.redrive {
        redrive::check(state, key, attributes.fifo.is_some(), policy)?;
    }
    Ok(attributes)
}

pub(super) fn delete(state: &State, key: &QueueKey) -> Decision {
    with_queue(state, key, |queue| {
        (vec![Event::QueueDeleted { queue: queue.record.id }], Outcome::QueueDeleted)
    })
}

pub(super) fn find(state: &State, key: &QueueKey) -> Decision {
    with_queue(state, key, |queue| (Vec::new(), Outcome::Queue { queue: queue.record.id, key: key.clone() }))
}

pub(super) fn list(
    state: &State,
    account: AccountId,
    region: &Region,
    prefix: &str,
    after: Option<&QueueName>,
    limit: usize,
) -> Decision {
    let start = after.cloned().or_else(|| QueueName::parse(prefix));
    let mut matching = names_in(state, account, region, start)
        .map(|key| &key.name)
        .filter(|name| after.is_none_or(|after| *name > after))
        .filter(|name| name.as_str().starts_with(prefix));
    let names: Vec<QueueName> = matching.by_ref().take(limit).cloned().collect();
    let more = matching.next().is_some();
    (Vec::new(), Outcome::Queues { names, more })
}

/// The queues of an account in a region, by name, none before `start`.
pub(super) fn names_in<'a>(
    state: &'a State,
    account: AccountId,
    region: &'a Region,
    start: Option<QueueName>,
) -> impl Iterator<Item = &'a QueueKey> {
    // No name is smaller than the shortest one that begins with the lowest letter, `-`.
    let start = start.or_else(|| QueueName::parse("-"));
    let start = start.map(|name| QueueKey { account, region: region.clone(), name });
    let behind = start.into_iter().flat_map(|start| state.names_from(&start));
    behind.take_while(move |key| key.account == account && key.region == *region)
}

pub(super) fn describe(state: &State, now: Timestamp, key: &QueueKey) -> Decision {
    with_queue(state, key, |queue| {
        (Vec::new(), Outcome::Description(Box::new(description(state, now, queue))))
    })
}

pub(super) fn describe_all(state: &State, now: Timestamp, after: Option<QueueId>, limit: usize) -> Decision {
    let mut queues = Vec::new();
    let mut last = after;
    while queues.len() < limit {
        let Some(queue) = state.queue_after(last).and_then(|queue| state.queue(queue)) else { break };
        last = Some(queue.record.id);
        queues.push(description(state, now, queue));
    }
    let more_after = last.filter(|_| state.queue_after(last).is_some());
    (Vec::new(), Outcome::Descriptions { queues, more_after })
}

fn description(state: &State, now: Timestamp, queue: &Queue) -> QueueDescription {
    QueueDescription {
        id: queue.record.id,
        key: queue.record.key.clone(),
        attributes: queue.record.attributes.clone(),
        tags: queue.record.tags.clone(),
        created_at: queue.record.created_at,
        modified_at: queue.record.modified_at,
        counts: queue.messages.counts(),
        usage: queue.usage,
        groups_in_flight: queue.messages.groups_in_flight(),
        fair: queue.messages.fair_counts(now),
        expired: queue.record.expired,
        oldest_sent_at: queue.messages.oldest_sent_at(),
        oldest_expires_at: state.oldest_expires_at(queue),
        outlived: outlived(state, now, queue),
    }
}

/// Messages whose own retention has passed, and that are there because expiry is held.
fn outlived(state: &State, now: Timestamp, queue: &Queue) -> usize {
    let retention_passed = |entry: &Entry| queue.record.expires_at(entry.sent_at) <= now;
    let by_age = queue.messages.by_age().take(limits::OUTLIVED_MESSAGES_COUNTED);
    by_age
        .take_while(|(_, entry)| retention_passed(entry))
        .filter(|(_, entry)| state.expires_at(queue, entry) > now)
        .count()
}

pub(super) fn set_attributes(state: &State, key: &QueueKey, patch: &AttributePatch) -> Decision {
    with_queue(state, key, |queue| {
        let attributes = match changed(state, key, &queue.record.attributes, patch) {
            Ok(attributes) => attributes,
            Err(refusal) => return refused(refusal),
        };
        let outcome = Outcome::Queue { queue: queue.record.id, key: key.clone() };
        if attributes == queue.record.attributes {
            return (Vec::new(), outcome);
        }
        (vec![Event::QueueAttributesSet { queue: queue.record.id, attributes }], outcome)
    })
}

pub(super) fn purge(state: &State, key: &QueueKey) -> Decision {
    with_queue(state, key, |queue| {
        let id = queue.record.id;
        let below = queue.record.next_sequence;
        let purged = (!queue.messages.is_empty()).then_some(Event::QueuePurged { queue: id, below });
        // What is sent again after a purge is no duplicate: the message that it would repeat is gone unseen.
        let forgotten =
            (!queue.deduplications.is_empty()).then_some(Event::DeduplicationsForgotten { queue: id, below });
        (purged.into_iter().chain(forgotten).collect(), Outcome::Queue { queue: id, key: key.clone() })
    })
}
