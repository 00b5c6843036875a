//! Random commands to a standard queue whose messages have groups, against the rules of fair queues said in the plainest
//! way.
//!
//! The model keeps a list of messages and a list of leases that ended, and looks at all of both for every question. After
//! each step the whole order in which messages would go out must be the same, and so must the counts.

use std::collections::BTreeMap;

use millpond_core::command::{Command, NewMessage};
use millpond_core::message::{GroupKey, Receipt};
use millpond_core::queue::{AttributePatch, FairCounts, QueueMessages};
use millpond_core::time::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::support::{Machine, START, check_index, key, message, settle_all};

const QUEUE: &str = "orders";
/// Far enough for everything to fade, and so near that plain sums are exact.
const LONGEST_RUN_SECS: u64 = 30 * 60;

#[derive(Clone, Debug)]
enum Step {
    Advance { secs: u64 },
    Send { count: usize, group: Option<u128>, delay_secs: u32 },
    Receive { times: usize, limit: usize, timeout_secs: u32 },
    Delete { receipts: Vec<Index> },
    ChangeVisibility { receipt: Index, timeout_secs: u32 },
    GiveBack { receipt: Index },
    Purge,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let secs = || select(vec![0_u32, 1, 10, 60]);
    prop_oneof![
        4 => select(vec![1_u64, 7, 30, 61, 301]).prop_map(|secs| Step::Advance { secs }),
        6 => (1..25_usize, option::weighted(0.8, 0..4_u128), select(vec![0_u32, 0, 0, 20]))
            .prop_map(|(count, group, delay_secs)| Step::Send { count, group, delay_secs }),
        6 => (1..5_usize, 1..=10_usize, secs())
            .prop_map(|(times, limit, timeout_secs)| Step::Receive { times, limit, timeout_secs }),
        5 => vec(any::<Index>(), 1..12).prop_map(|receipts| Step::Delete { receipts }),
        2 => (any::<Index>(), secs()).prop_map(|(receipt, timeout_secs)| Step::ChangeVisibility { receipt, timeout_secs }),
        1 => any::<Index>().prop_map(|receipt| Step::GiveBack { receipt }),
        1 => select(vec![Step::Purge, Step::Restart, Step::Restart]),
    ]
}

#[derive(Clone, Debug)]
struct Message {
    number: u64,
    group: Option<u128>,
    sent_at: Timestamp,
    visible_at: Timestamp,
    received_at: Option<Timestamp>,
    /// Its lease has not ended.
    leased: bool,
    delivery: u32,
    receives: u32,
    rank: Timestamp,
}

#[derive(Default)]
struct Model {
    messages: Vec<Message>,
    sent: u64,
    /// Of each group with messages, when it sent last, and how long its leases were, with their ends.
    groups: BTreeMap<u128, (Timestamp, Vec<(u64, Timestamp)>)>,
    /// When the first group came, and all leases that ended since.
    leases: Option<(Timestamp, Vec<(u64, Timestamp)>)>,
}

/// What ended a minute earlier counts half.
fn weight(leases: &[(u64, Timestamp)]) -> u128 {
    let minute = |at: &Timestamp| at.as_secs() / 60 - START.as_secs() / 60;
    leases.iter().map(|(millis, ended_at)| u128::from(*millis) << minute(ended_at)).sum()
}

impl Model {
    fn lease_ended(&mut self, place: usize, ended_at: Timestamp) {
        let message = &mut self.messages[place];
        let was_leased = std::mem::replace(&mut message.leased, false);
        let (Some((since, leases)), Some(received_at), true) =
            (&mut self.leases, message.received_at, was_leased)
        else {
            return;
        };
        if ended_at <= *since {
            return;
        }
        let lease = (ended_at.millis_since(received_at), ended_at);
        leases.push(lease);
        if let Some((_, own)) = message.group.and_then(|group| self.groups.get_mut(&group)) {
            own.push(lease);
        }
    }

    fn time_is(&mut self, now: Timestamp) {
        for place in 0..self.messages.len() {
            let end = self.messages[place].visible_at;
            if end <= now {
                self.lease_ended(place, end);
            }
        }
    }

    fn forget_empty_groups(&mut self) {
        let messages = &self.messages;
        self.groups.retain(|group, _| messages.iter().any(|message| message.group == Some(*group)));
    }

    fn send(&mut self, now: Timestamp, group: Option<u128>, delay_secs: u32) {
        self.sent += 1;
        if let Some(group) = group {
            self.groups.entry(group).or_default().0 = now;
            self.leases.get_or_insert_with(|| (now, Vec::new()));
        }
        self.messages.push(Message {
            number: self.sent,
            group,
            sent_at: now,
            visible_at: now.plus_secs(u64::from(delay_secs)),
            received_at: None,
            leased: false,
            delivery: 0,
            receives: 0,
            rank: now.plus_secs(u64::from(delay_secs)),
        });
    }

    /// The place of the message that a receipt is for, if that was its latest delivery.
    fn held(&self, receipt: &Receipt) -> Option<usize> {
        let is_it =
            |message: &Message| message.number == receipt.sequence.0 && message.delivery == receipt.delivery;
        self.messages.iter().position(is_it)
    }

    /// A change of the timeout takes the receipt of any delivery of the message.
    fn delivered(&self, receipt: &Receipt) -> Option<usize> {
        let is_it =
            |message: &Message| message.number == receipt.sequence.0 && message.delivery >= receipt.delivery;
        self.messages.iter().position(is_it)
    }

    fn count(&self, is_counted: impl Fn(&Message) -> bool) -> usize {
        self.messages.iter().filter(|message| is_counted(message)).count()
    }

    fn noisy(&self, now: Timestamp) -> Vec<u128> {
        let in_flight = self.count(|message| message.leased);
        let total = self.leases.as_ref().map_or(0, |(_, leases)| weight(leases));
        let is_noisy = |(group, (last_sent_at, leases)): (&u128, &(Timestamp, Vec<_>))| {
            let own = |message: &Message| message.group == Some(*group);
            let waiting = self.count(|message| own(message) && message.visible_at <= now);
            let own_in_flight = self.count(|message| own(message) && message.leased);
            let crowds = own_in_flight >= 30 && own_in_flight * 10 > in_flight;
            let costs = weight(leases) * 10 > total;
            let noisy = waiting > 0 && last_sent_at.plus_secs(300) > now && (crowds || costs);
            noisy.then_some(*group)
        };
        self.groups.iter().filter_map(is_noisy).collect()
    }

    /// The numbers of all messages that can be received, in the order they go out.
    fn order(&self, now: Timestamp) -> Vec<u64> {
        let noisy = self.noisy(now);
        let mut visible: Vec<&Message> =
            self.messages.iter().filter(|message| message.visible_at <= now).collect();
        visible.sort_by_key(|message| (message.rank, message.number));
        let is_noisy = |message: &&Message| message.group.is_some_and(|group| noisy.contains(&group));
        let (mut last, first): (Vec<&Message>, Vec<&Message>) = visible.into_iter().partition(is_noisy);
        let mut order: Vec<u64> = first.iter().map(|message| message.number).collect();
        let mut in_flight: BTreeMap<u128, usize> = noisy
            .iter()
            .map(|group| (*group, self.count(|message| message.group == Some(*group) && message.leased)))
            .collect();
        while !last.is_empty() {
            let turn = |message: &Message| {
                let group = message.group.unwrap();
                (in_flight[&group], weight(&self.groups[&group].1), message.rank, message.number)
            };
            let place = (0..last.len()).min_by_key(|place| turn(last[*place])).unwrap();
            let message = last.remove(place);
            *in_flight.get_mut(&message.group.unwrap()).unwrap() += 1;
            order.push(message.number);
        }
        order
    }

    fn counts(&self, now: Timestamp) -> Option<FairCounts> {
        self.leases.as_ref()?;
        let noisy = self.noisy(now);
        let quiet = |message: &Message| !message.group.is_some_and(|group| noisy.contains(&group));
        let waiting = self.messages.iter().filter(|message| quiet(message) && message.visible_at <= now);
        let first = waiting.clone().min_by_key(|message| (message.rank, message.number));
        Some(FairCounts {
            noisy_groups: noisy.len(),
            quiet_visible: waiting.count(),
            quiet_in_flight: self.count(|message| quiet(message) && message.leased),
            quiet_delayed: self
                .count(|message| quiet(message) && message.visible_at > now && message.delivery == 0),
            quiet_oldest_sent_at: first.map(|message| message.sent_at),
        })
    }

    /// As read back from rows, whose last event was at `clock`: what follows from messages is there, and what was spent
    /// before is forgotten.
    fn restart(&mut self, clock: Timestamp, now: Timestamp) {
        self.groups.clear();
        for message in &mut self.messages {
            message.leased = message.delivery > 0 && message.visible_at > clock;
        }
        for message in &self.messages {
            if let Some(group) = message.group {
                let (last_sent_at, _) = self.groups.entry(group).or_default();
                *last_sent_at = message.sent_at.max(*last_sent_at);
            }
        }
        self.leases = (!self.groups.is_empty()).then_some((clock, Vec::new()));
        self.time_is(now);
    }
}

struct Run {
    machine: Machine,
    model: Model,
    receipts: Vec<Receipt>,
    /// Nothing was read back from rows yet, so that a replay must give the very same order.
    from_events: bool,
}

impl Run {
    fn new() -> Self {
        let attributes = AttributePatch { retention_secs: Some(1_209_600), ..AttributePatch::default() };
        let machine = Machine::with_settings(QUEUE, attributes);
        Self { machine, model: Model::default(), receipts: Vec::new(), from_events: true }
    }

    fn named(&self, receipt: &Index) -> Option<Receipt> {
        (!self.receipts.is_empty()).then(|| *receipt.get(&self.receipts))
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Advance { secs } => {
                if self.machine.now < START.plus_secs(LONGEST_RUN_SECS) {
                    self.machine.advance_secs(*secs);
                    self.model.time_is(self.machine.now);
                }
            }
            Step::Send { count, group, delay_secs } => self.send(*count, *group, *delay_secs),
            Step::Receive { times, limit, timeout_secs } => {
                (0..*times).for_each(|_| self.receive(*limit, *timeout_secs));
            }
            Step::Delete { receipts } => self.delete(receipts),
            Step::ChangeVisibility { receipt, timeout_secs } => {
                self.change_visibility(receipt, *timeout_secs);
            }
            Step::GiveBack { receipt } => self.give_back(receipt),
            Step::Purge => {
                self.machine.run(Command::PurgeQueue { key: key(QUEUE) });
                if !self.model.messages.is_empty() {
                    self.model = Model { sent: self.model.sent, ..Model::default() };
                }
            }
            Step::Restart => {
                self.machine.restart();
                self.model.restart(self.machine.state.clock(), self.machine.now);
                self.from_events = false;
            }
        }
        self.check();
    }

    fn check(&mut self) {
        let now = self.machine.now;
        settle_all(&mut self.machine.state, now);
        check_index(self.machine.queue(QUEUE));
        let messages = &self.machine.queue(QUEUE).messages;
        let order = |messages: &QueueMessages| -> Vec<u64> {
            messages.available(now).map(|(sequence, _)| sequence.0).collect()
        };
        assert_eq!(order(messages), self.model.order(now), "the order in which messages go out");
        assert_eq!(messages.has_available(), !order(messages).is_empty());
        assert_eq!(messages.fair_counts(now), self.model.counts(now));
        if self.from_events {
            let mut replayed = self.machine.replica().clone();
            settle_all(&mut replayed, now);
            let replayed = &replayed.queue_named(&key(QUEUE)).unwrap().messages;
            assert_eq!(order(replayed), order(messages), "the order is the same after a replay");
            assert_eq!(replayed.fair_counts(now), messages.fair_counts(now));
        }
    }

    fn send(&mut self, count: usize, group: Option<u128>, delay_secs: u32) {
        let new: Vec<NewMessage> = (0..count)
            .map(|_| NewMessage {
                group: group.map(GroupKey::new),
                ..message(self.machine.new_id(), 10, Some(delay_secs))
            })
            .collect();
        self.machine.send_messages(QUEUE, new);
        (0..count).for_each(|_| self.model.send(self.machine.now, group, delay_secs));
    }

    fn receive(&mut self, limit: usize, timeout_secs: u32) {
        let now = self.machine.now;
        let mut expected = self.model.order(now);
        expected.truncate(limit);
        let deliveries = self.machine.receive_for(QUEUE, limit, Some(timeout_secs));
        let numbers: Vec<u64> = deliveries.iter().map(|delivery| delivery.sequence.0).collect();
        assert_eq!(numbers, expected, "what a receive hands out");
        for message in self.model.messages.iter_mut().filter(|message| numbers.contains(&message.number)) {
            message.visible_at = now.plus_secs(u64::from(timeout_secs));
            message.received_at = Some(now);
            message.leased = timeout_secs > 0;
            message.delivery += 1;
            message.receives += 1;
            if message.receives >= 3 {
                message.rank = now.plus_millis(1);
            }
        }
        self.receipts.extend(deliveries.iter().map(|delivery| self.machine.receipt(QUEUE, delivery)));
    }

    fn delete(&mut self, receipts: &[Index]) {
        let receipts: Vec<Receipt> = receipts.iter().filter_map(|receipt| self.named(receipt)).collect();
        self.machine.delete(QUEUE, &receipts);
        for receipt in receipts {
            if let Some(place) = self.model.held(&receipt) {
                self.model.lease_ended(place, self.machine.now);
                self.model.messages.remove(place);
            }
        }
        self.model.forget_empty_groups();
    }

    fn change_visibility(&mut self, receipt: &Index, timeout_secs: u32) {
        let Some(receipt) = self.named(receipt) else { return };
        let now = self.machine.now;
        let changed = self.machine.change_visibility(QUEUE, receipt, timeout_secs).is_ok();
        let held = self.model.delivered(&receipt);
        assert_eq!(changed, held.is_some());
        let Some(place) = held else { return };
        if timeout_secs == 0 {
            self.model.lease_ended(place, now);
        }
        let message = &mut self.model.messages[place];
        message.leased = timeout_secs > 0;
        message.visible_at = now.plus_secs(u64::from(timeout_secs));
    }

    fn give_back(&mut self, receipt: &Index) {
        let Some(receipt) = self.named(receipt) else { return };
        let now = self.machine.now;
        self.machine.give_back(&[receipt]);
        let Some(place) = self.model.held(&receipt) else { return };
        let message = &mut self.model.messages[place];
        if message.received_at.is_some() {
            message.received_at = None;
            message.leased = false;
            message.visible_at = now;
            message.receives -= 1;
            if message.receives < 3 {
                message.rank = message.sent_at;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_fair_queue_does_what_the_rules_say(steps in vec(step(), 1..80)) {
        let mut run = Run::new();
        steps.iter().for_each(|step| run.take(step));
    }
}
