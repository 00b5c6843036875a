//! Random commands to a FIFO queue with time, against the rules said in the plainest way.
//!
//! The model keeps a list of messages in the order they were sent and looks at all of it for every question.

use std::collections::{BTreeMap, BTreeSet};

use millpond_core::command::{Command, NewMessage, SendName};
use millpond_core::limits;
use millpond_core::message::{AttemptKey, DeduplicationKey, GroupKey, Receipt};
use millpond_core::outcome::Refusal;
use millpond_core::queue::AttributePatch;
use millpond_core::time::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::support::{Machine, check_index, key, message};

const QUEUE: &str = "orders.fifo";

#[derive(Clone, Debug)]
enum Step {
    Advance { secs: u64 },
    Send { messages: Vec<(u128, u128)> },
    Receive { limit: usize, timeout_secs: Option<u32>, attempt: Option<u8> },
    Delete { receipts: Vec<Index> },
    ChangeVisibility { receipt: Index, timeout_secs: u32 },
    GiveBack { receipt: Index },
    SetDelay { secs: u32 },
    Purge,
    Expire,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let secs = || select(vec![0_u32, 1, 10, 60]);
    prop_oneof![
        3 => select(vec![1_u64, 10, 30, 301]).prop_map(|secs| Step::Advance { secs }),
        6 => vec((0..4_u128, 0..12_u128), 1..5).prop_map(|messages| Step::Send { messages }),
        6 => (1..6_usize, option::of(secs()), option::of(0..3_u8))
            .prop_map(|(limit, timeout_secs, attempt)| Step::Receive { limit, timeout_secs, attempt }),
        5 => vec(any::<Index>(), 1..4).prop_map(|receipts| Step::Delete { receipts }),
        2 => (any::<Index>(), secs()).prop_map(|(receipt, timeout_secs)| Step::ChangeVisibility { receipt, timeout_secs }),
        1 => any::<Index>().prop_map(|receipt| Step::GiveBack { receipt }),
        1 => secs().prop_map(|secs| Step::SetDelay { secs }),
        1 => Just(Step::Purge),
        1 => Just(Step::Expire),
        1 => Just(Step::Restart),
    ]
}

struct Message {
    number: u64,
    group: u128,
    sent_at: Timestamp,
    deliveries: u32,
    /// The end of its lease, if it was ever delivered.
    leased_until: Option<Timestamp>,
    /// It is as its latest receive left it.
    untouched: bool,
    /// That receive was repeated: two replies name the delivery, so neither gives it back.
    repeated: bool,
}

#[derive(Default)]
struct Model {
    messages: Vec<Message>,
    /// Key, number and time of every send that was accepted.
    accepted: Vec<(u128, u64, Timestamp)>,
    /// How many of these a purge made forgotten.
    forgotten: usize,
    delay_secs: u32,
    /// Of each name, when a receive gave itself that name and got something, and which deliveries it got.
    attempts: BTreeMap<u8, (Timestamp, Vec<(u64, u32)>)>,
}

impl Model {
    fn is_visible(&self, message: &Message, now: Timestamp) -> bool {
        let delayed_until = message.sent_at.plus_secs(u64::from(self.delay_secs));
        message.leased_until.unwrap_or(delayed_until) <= now
    }

    /// What each group can give: its messages up to the first that is not visible.
    fn available(&self, group: u128, now: Timestamp) -> Vec<u64> {
        let members = self.messages.iter().filter(|message| message.group == group);
        members.take_while(|message| self.is_visible(message, now)).map(|message| message.number).collect()
    }

    /// Groups that have a message whose lease runs.
    fn groups_in_flight(&self, now: Timestamp) -> usize {
        let held = self.messages.iter().filter(|message| message.leased_until.is_some_and(|end| end > now));
        held.map(|message| message.group).collect::<BTreeSet<u128>>().len()
    }

    fn message(&mut self, receipt: &Receipt) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| message.number == receipt.sequence.0)
    }

    /// Checks that these were the right ones to hand out, and hands them out.
    fn receive(&mut self, now: Timestamp, limit: usize, timeout_secs: u32, numbers: &[u64]) {
        let can_give: Vec<Vec<u64>> = (0..4).map(|group| self.available(group, now)).collect();
        let most: usize = can_give.iter().map(Vec::len).sum();
        assert_eq!(numbers.len(), limit.min(most), "as many as there are: {can_give:?}");
        let group_of = |number: &u64| self.messages.iter().find(|one| one.number == *number).unwrap().group;
        let runs: Vec<&[u64]> = numbers.chunk_by(|one, next| group_of(one) == group_of(next)).collect();
        for (place, run) in runs.iter().enumerate() {
            let all = &can_give[usize::try_from(group_of(&run[0])).unwrap()];
            assert!(all.starts_with(run), "a group gives from its front: {run:?} of {all:?}");
            assert!(place + 1 == runs.len() || run.len() == all.len(), "all of one group before the next");
        }
        for message in self.messages.iter_mut().filter(|message| numbers.contains(&message.number)) {
            message.deliveries += 1;
            message.leased_until = Some(now.plus_secs(u64::from(timeout_secs)));
            message.untouched = true;
            message.repeated = false;
        }
    }

    /// What a receive of that name gives again.
    fn again(&self, now: Timestamp, name: u8) -> Option<Vec<(u64, u32)>> {
        let (at, given) = self.attempts.get(&name)?;
        let is_untouched = |given: &(u64, u32)| {
            let is_it = |message: &&Message| (message.number, message.deliveries) == *given;
            self.messages.iter().find(is_it).is_some_and(|message| message.untouched)
        };
        (at.plus_secs(limits::ATTEMPT_SECS) > now && given.iter().all(is_untouched)).then(|| given.clone())
    }
}

struct Run {
    machine: Machine,
    model: Model,
    receipts: Vec<Receipt>,
}

impl Run {
    fn new() -> Self {
        let attributes = AttributePatch {
            fifo_queue: Some(true),
            visibility_timeout_secs: Some(30),
            retention_secs: Some(1_209_600),
            ..AttributePatch::default()
        };
        let machine = Machine::with_settings(QUEUE, attributes);
        Self { machine, model: Model::default(), receipts: Vec::new() }
    }

    fn named(&self, receipt: &Index) -> Option<Receipt> {
        (!self.receipts.is_empty()).then(|| *receipt.get(&self.receipts))
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Advance { secs } => self.machine.advance_secs(*secs),
            Step::Send { messages } => self.send(messages),
            Step::Receive { limit, timeout_secs, attempt } => self.receive(*limit, *timeout_secs, *attempt),
            Step::Delete { receipts } => self.delete(receipts),
            Step::ChangeVisibility { receipt, timeout_secs } => {
                self.change_visibility(receipt, *timeout_secs)
            }
            Step::GiveBack { receipt } => self.give_back(receipt),
            Step::SetDelay { secs } => {
                self.model.delay_secs = *secs;
                self.machine
                    .set(QUEUE, AttributePatch { delay_secs: Some(*secs), ..AttributePatch::default() });
            }
            Step::Purge => {
                self.model.messages.clear();
                self.model.forgotten = self.model.accepted.len();
                self.machine.run(Command::PurgeQueue { key: key(QUEUE) });
            }
            Step::Expire => assert_eq!(self.machine.expire(QUEUE), 0),
            Step::Restart => self.machine.restart(),
        }
        check_index(self.machine.queue(QUEUE));
        self.check_counts();
    }

    fn send(&mut self, messages: &[(u128, u128)]) {
        let now = self.machine.now;
        let new: Vec<NewMessage> = messages
            .iter()
            .map(|(group, name)| NewMessage {
                group: Some(GroupKey::new(*group)),
                deduplication: Some(SendName::Given(DeduplicationKey(*name))),
                ..message(self.machine.new_id(), 10, None)
            })
            .collect();
        let results = self.machine.send_messages(QUEUE, new);
        for ((group, name), result) in messages.iter().zip(results) {
            let number = result.unwrap().sequence.0;
            let holds = |at: Timestamp| at.plus_secs(limits::DEDUPLICATION_SECS) > now;
            let remembered = &self.model.accepted[self.model.forgotten..];
            let earlier = remembered.iter().rev().find(|(key, _, at)| key == name && holds(*at));
            if let Some((_, accepted, _)) = earlier {
                assert_eq!(number, *accepted, "a duplicate is answered as the first one");
                continue;
            }
            let last = self.model.accepted.last().map_or(0, |(_, number, _)| *number);
            assert_eq!(number, last + 1);
            self.model.accepted.push((*name, number, now));
            let (group, leased_until) = (*group, None);
            let (deliveries, untouched, repeated) = (0, false, false);
            let message =
                Message { number, group, sent_at: now, deliveries, leased_until, untouched, repeated };
            self.model.messages.push(message);
        }
    }

    fn receive(&mut self, limit: usize, timeout_secs: Option<u32>, name: Option<u8>) {
        let now = self.machine.now;
        let key = name.map(|name| AttemptKey([name; 8]));
        let deliveries = self.machine.receive_named(QUEUE, limit, timeout_secs, key);
        let given: Vec<(u64, u32)> =
            deliveries.iter().map(|delivery| (delivery.sequence.0, delivery.delivery)).collect();
        let numbers: Vec<u64> = given.iter().map(|(number, _)| *number).collect();
        let timeout_secs = timeout_secs.unwrap_or(30);
        if let Some(again) = name.and_then(|name| self.model.again(now, name)) {
            assert_eq!(given, again, "the same messages with the same receipts");
            let is_given = |message: &&mut Message| numbers.contains(&message.number);
            for message in self.model.messages.iter_mut().filter(is_given) {
                message.leased_until = Some(now.plus_secs(u64::from(timeout_secs)));
                message.repeated = true;
            }
            return;
        }
        self.model.receive(now, limit, timeout_secs, &numbers);
        if let Some(name) = name.filter(|_| !given.is_empty()) {
            self.model.attempts.insert(name, (now, given));
        }
        self.receipts.extend(deliveries.iter().map(|delivery| self.machine.receipt(QUEUE, delivery)));
    }

    fn delete(&mut self, receipts: &[Index]) {
        let receipts: Vec<Receipt> = receipts.iter().filter_map(|receipt| self.named(receipt)).collect();
        let now = self.machine.now;
        let results = self.machine.delete(QUEUE, &receipts);
        let mut gone = Vec::new();
        for (receipt, result) in receipts.iter().zip(results) {
            let holds = self.model.message(receipt).map(|message| {
                message.deliveries == receipt.delivery
                    && message.leased_until.is_some_and(|until| until > now)
            });
            match holds {
                None => assert_eq!(result, Ok(()), "what is gone is gone"),
                Some(false) => assert_eq!(result, Err(Refusal::ReceiptExpired)),
                Some(true) => {
                    assert_eq!(result, Ok(()));
                    gone.push(receipt.sequence.0);
                }
            }
        }
        self.model.messages.retain(|message| !gone.contains(&message.number));
    }

    fn change_visibility(&mut self, receipt: &Index, timeout_secs: u32) {
        let Some(receipt) = self.named(receipt) else { return };
        let until = self.machine.now.plus_secs(u64::from(timeout_secs));
        let changed = self.machine.change_visibility(QUEUE, receipt, timeout_secs).is_ok();
        let held = self.model.message(&receipt).filter(|message| message.deliveries == receipt.delivery);
        assert_eq!(changed, held.is_some());
        if let Some(message) = held {
            message.untouched = false;
            message.leased_until = Some(until);
        }
    }

    fn give_back(&mut self, receipt: &Index) {
        let Some(receipt) = self.named(receipt) else { return };
        let now = self.machine.now;
        let entry = self.machine.queue(QUEUE).messages.get(receipt.sequence).copied();
        self.machine.give_back(&[receipt]);
        let held =
            entry.is_some_and(|entry| entry.delivery == receipt.delivery && entry.received_at.is_some());
        if let Some(message) = self.model.message(&receipt).filter(|message| held && !message.repeated) {
            message.untouched = false;
            message.leased_until = Some(now);
        }
    }

    fn check_counts(&mut self) {
        let (now, model) = (self.machine.now, &self.model);
        let hidden: Vec<&Message> =
            model.messages.iter().filter(|message| !model.is_visible(message, now)).collect();
        let delayed = hidden.iter().filter(|message| message.leased_until.is_none()).count();
        let expected = [model.messages.len() - hidden.len(), hidden.len() - delayed, delayed];
        assert_eq!(self.machine.counts(QUEUE), expected);
        let groups = self.model.groups_in_flight(now);
        assert_eq!(self.machine.describe(QUEUE).groups_in_flight, Some(groups));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_fifo_queue_does_what_the_rules_say(steps in vec(step(), 1..80)) {
        let mut run = Run::new();
        steps.iter().for_each(|step| run.take(step));
    }
}
