//! What the clients of a run were promised, from what they asked and were answered and nothing else.
//!
//! A command without an answer may have been carried out or not. One command is under way at a time. It refuses to know
//! states, batches or disks.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use millpond_core::command::Command;
use millpond_core::message::Receipt;
use millpond_core::outcome::{Delivery, Outcome};
use millpond_core::time::Timestamp;

use crate::support::id_of;

/// A queue whose messages become dead letters, and where those go.
pub(crate) const WITH_DEAD_LETTERS: (&str, &str) = ("jobs", "dead");

/// A message as its sender and its receivers know it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) queue: String,
    payload: Bytes,
    group: Option<u128>,
    /// A reply has shown that it is there.
    is_known: bool,
    may_be_gone: bool,
    is_gone: bool,
    received_least: u32,
    received_most: u32,
    leased_until: Timestamp,
    visible_from: Timestamp,
    pub(crate) held: Option<Receipt>,
}

impl Sent {
    fn is_owed(&self) -> bool {
        self.is_known && !self.may_be_gone && !self.is_gone
    }

    /// Where it may be found.
    fn may_be_in(&self, queue: &str) -> bool {
        self.queue == queue || (self.queue == WITH_DEAD_LETTERS.0 && queue == WITH_DEAD_LETTERS.1)
    }

    /// It has one queue only, so its receives can be counted.
    fn is_counted(&self) -> bool {
        self.queue != WITH_DEAD_LETTERS.0
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle {
    pub(crate) messages: BTreeMap<u128, Sent>,
    /// Whether each queue is there; both, after a change without an answer.
    pub(crate) queues: BTreeMap<String, BTreeSet<bool>>,
    /// What each document may hold.
    pub(crate) documents: BTreeMap<String, BTreeSet<Option<Bytes>>>,
}

impl Oracle {
    /// A command is about to be asked: all that it may do is possible now.
    pub(crate) fn asks(&mut self, command: &Command, now: Timestamp) {
        match command {
            Command::CreateQueue { key, .. } => {
                let queue = self.queues.entry(key.name.as_str().to_owned());
                queue.or_insert_with(|| BTreeSet::from([false])).insert(true);
            }
            Command::DeleteQueue { key } => {
                self.queues.entry(key.name.as_str().to_owned()).or_default().insert(false);
                self.of_queue(key.name.as_str()).for_each(|sent| sent.may_be_gone = true);
            }
            Command::PurgeQueue { key } => {
                self.of_queue(key.name.as_str()).for_each(|sent| sent.may_be_gone = true);
            }
            Command::Send { key, messages } => {
                for message in messages {
                    let sent = Sent {
                        queue: key.name.as_str().to_owned(),
                        payload: message.payload.clone(),
                        group: message.group.map(|group| group.bits()),
                        is_known: false,
                        may_be_gone: false,
                        is_gone: false,
                        received_least: 0,
                        received_most: 0,
                        leased_until: Timestamp::EPOCH,
                        visible_from: now.plus_secs(u64::from(message.delay_secs.unwrap_or(0))),
                        held: None,
                    };
                    self.messages.insert(message.id.0, sent);
                }
            }
            Command::Receive { key, .. } => {
                self.of_queue(key.name.as_str()).for_each(|sent| sent.received_most += 1);
            }
            Command::Delete { receipts, .. } => {
                self.held_by(receipts).for_each(|sent| sent.may_be_gone = true);
            }
            Command::ChangeVisibility { changes, .. } => {
                for (receipt, secs) in changes {
                    let end = now.plus_secs(u64::from(*secs));
                    self.held_by(&[*receipt]).for_each(|sent| sent.leased_until = sent.leased_until.min(end));
                }
            }
            Command::PutDocument { key, value, .. } => {
                self.document(&key.name).insert(Some(value.clone()));
            }
            Command::RemoveDocument { key, .. } => {
                self.document(&key.name).insert(None);
            }
            _ => {}
        }
    }

    /// A command was answered.
    pub(crate) fn hears(&mut self, command: &Command, outcome: &Outcome, payloads: &[Bytes], now: Timestamp) {
        match (command, outcome) {
            (Command::CreateQueue { key, .. }, Outcome::Queue { .. }) => {
                self.queues.insert(key.name.as_str().to_owned(), BTreeSet::from([true]));
            }
            (Command::DeleteQueue { key }, Outcome::QueueDeleted) => {
                self.queues.insert(key.name.as_str().to_owned(), BTreeSet::from([false]));
                self.of_queue(key.name.as_str()).for_each(|sent| sent.is_gone = true);
            }
            (Command::PurgeQueue { key }, Outcome::Queue { .. }) => {
                self.of_queue(key.name.as_str()).for_each(|sent| sent.is_gone = true);
            }
            (Command::Send { messages, .. }, Outcome::Sent(results)) => {
                for (message, result) in messages.iter().zip(results) {
                    let accepted = result.as_ref().expect("nothing that is sent here is refused").id;
                    let sent = self.messages.get_mut(&message.id.0).unwrap();
                    sent.is_known = accepted == message.id;
                    // A duplicate is answered with the first one's id, and is no message.
                    sent.is_gone |= accepted != message.id;
                }
            }
            (Command::Receive { .. }, Outcome::Received { .. }) => {
                self.hears_of_receive(command, outcome, payloads, now);
            }
            (Command::Delete { receipts, .. }, Outcome::Deleted(results)) => {
                for (receipt, result) in receipts.iter().zip(results) {
                    for sent in self.held_by(&[*receipt]) {
                        let leased = now < sent.leased_until;
                        assert!(result.is_ok() || !leased || sent.is_gone, "a held handle deletes: {sent:?}");
                        sent.is_gone |= leased;
                    }
                }
            }
            (Command::ChangeVisibility { changes, .. }, Outcome::VisibilityChanged(results)) => {
                for ((receipt, secs), result) in changes.iter().zip(results) {
                    assert_eq!(*result, Ok(()), "a held handle changes its lease");
                    let end = now.plus_secs(u64::from(*secs));
                    self.held_by(&[*receipt]).for_each(|sent| sent.leased_until = end);
                }
            }
            (Command::PutDocument { key, value, .. }, Outcome::Document(_)) => {
                *self.document(&key.name) = BTreeSet::from([Some(value.clone())]);
            }
            (Command::RemoveDocument { key, .. }, _) => *self.document(&key.name) = BTreeSet::from([None]),
            (Command::GetDocument { key }, Outcome::Document(found)) => {
                let value = found.as_ref().map(|document| document.value.clone());
                let may_hold = self.document(&key.name);
                assert!(
                    may_hold.contains(&value),
                    "document {}: {value:?} is none of {may_hold:?}",
                    key.name
                );
            }
            _ => {}
        }
    }

    fn hears_of_receive(&mut self, command: &Command, outcome: &Outcome, payloads: &[Bytes], now: Timestamp) {
        let (Command::Receive { key, visibility_timeout_secs, .. }, Outcome::Received { queue, deliveries }) =
            (command, outcome)
        else {
            unreachable!("the caller has looked")
        };
        let name = key.name.as_str();
        self.of_queue(name).for_each(|sent| sent.received_most -= 1);
        assert_eq!(deliveries.len(), payloads.len());
        let mut in_this_reply = BTreeSet::new();
        for (delivery, payload) in deliveries.iter().zip(payloads) {
            let id = id_of(payload);
            self.check_order(id, &in_this_reply);
            in_this_reply.insert(id);
            let sent = self.messages.get_mut(&id).unwrap_or_else(|| panic!("{id} was never sent"));
            sent.check_delivery(name, delivery, payload, now);
            let Delivery { sequence, delivery, .. } = *delivery;
            sent.is_known = true;
            // Nobody else asks anything: what is handed out now has not been taken out before.
            sent.may_be_gone = false;
            sent.received_least += 1;
            sent.received_most = sent.received_most.max(sent.received_least - 1) + 1;
            sent.leased_until = now.plus_secs(u64::from(visibility_timeout_secs.unwrap_or(30)));
            sent.held = Some(Receipt { queue: *queue, sequence, delivery });
        }
    }

    /// In a group nothing comes before what is older, be it leased or not.
    fn check_order(&self, id: u128, in_this_reply: &BTreeSet<u128>) {
        let Some(group) = self.messages.get(&id).and_then(|sent| sent.group) else { return };
        let older = self.messages.range(..id).find(|(other, sent)| {
            sent.group == Some(group) && sent.is_owed() && !in_this_reply.contains(other)
        });
        assert!(older.is_none(), "{id} was handed out before {older:?} of its group");
    }

    fn document(&mut self, name: &str) -> &mut BTreeSet<Option<Bytes>> {
        self.documents.entry(name.to_owned()).or_insert_with(|| BTreeSet::from([None]))
    }

    /// Messages that may be in a queue.
    fn of_queue<'a>(&'a mut self, queue: &'a str) -> impl Iterator<Item = &'a mut Sent> {
        self.messages.values_mut().filter(move |sent| sent.may_be_in(queue) && !sent.is_gone)
    }

    fn held_by<'a>(&'a mut self, receipts: &'a [Receipt]) -> impl Iterator<Item = &'a mut Sent> {
        self.messages.values_mut().filter(|sent| sent.held.is_some_and(|held| receipts.contains(&held)))
    }

    /// Handles whose leases still run on messages that must be there.
    pub(crate) fn held(&self, now: Timestamp) -> Vec<(String, Receipt)> {
        let held = self.messages.values().filter(|sent| sent.is_owed() && now < sent.leased_until);
        held.filter_map(|sent| Some((sent.queue.clone(), sent.held?))).collect()
    }

    /// A message of a queue that is certainly there.
    pub(crate) fn some_owed(&self, queue: &str) -> Option<u128> {
        self.messages.iter().find(|(_, sent)| sent.queue == queue && sent.is_owed()).map(|(id, _)| *id)
    }

    /// Messages that have to be handed out yet.
    pub(crate) fn owed(&self) -> Vec<u128> {
        self.messages.iter().filter(|(_, sent)| sent.is_owed()).map(|(id, _)| *id).collect()
    }
}

impl Sent {
    fn check_delivery(&self, queue: &str, delivery: &Delivery, payload: &Bytes, now: Timestamp) {
        assert!(self.may_be_in(queue), "it came from {queue}: {self:?}");
        assert!(!self.is_gone, "it is gone: {self:?}");
        assert_eq!(self.payload, *payload, "its bytes are not those that were sent");
        assert!(now >= self.leased_until, "its lease still runs at {now:?}: {self:?}");
        assert!(now >= self.visible_from, "its delay has not passed at {now:?}: {self:?}");
        let counts = self.received_least + 1..=self.received_most + 1;
        let count = delivery.receive_count;
        assert!(!self.is_counted() || counts.contains(&count), "received {count} times: {self:?}");
    }
}
