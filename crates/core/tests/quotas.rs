//! Quotas: what a queue or an account may hold, asked of each message by itself, and of nothing but a send.

use bytes::Bytes;
use millpond_core::command::{Command, NewMessage, SendName};
use millpond_core::decide::decide_within;
use millpond_core::message::{DeduplicationKey, GroupKey};
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::queue::{AttributePatch, RedrivePolicy, Tags};
use millpond_core::quota::{Quota, QuotaScope, QuotaUnit, Quotas};

use crate::support::{Machine, key, key_in, message, settle_all};

fn messages(limit: u64) -> Quota {
    Quota { messages: Some(limit), bytes: None }
}

fn bytes(limit: u64) -> Quota {
    Quota { messages: None, bytes: Some(limit) }
}

const fn exceeded(scope: QuotaScope, unit: QuotaUnit, limit: u64) -> Refusal {
    Refusal::QuotaExceeded { scope, unit, limit }
}

/// A message whose payload has so many bytes.
fn sized(machine: &mut Machine, payload_bytes: usize) -> NewMessage {
    let payload = Bytes::from(vec![b'x'; payload_bytes]);
    NewMessage { payload, ..message(machine.new_id(), 1, None) }
}

/// Sends within quotas. What becomes of each message.
fn send_to(
    machine: &mut Machine,
    quotas: Quotas,
    queue: millpond_core::name::QueueKey,
    messages: Vec<NewMessage>,
) -> Vec<Result<(), Refusal>> {
    settle_all(&mut machine.state, machine.now);
    let command = Command::Send { key: queue, messages };
    let (events, outcome) = decide_within(&quotas, &machine.state, machine.now, command);
    machine.apply(&events);
    let Outcome::Sent(results) = outcome else { panic!("{outcome:?}") };
    results.into_iter().map(|result| result.map(drop)).collect()
}

fn send(machine: &mut Machine, quotas: Quotas, sizes: &[usize]) -> Vec<Result<(), Refusal>> {
    let messages = sizes.iter().map(|size| sized(machine, *size)).collect();
    send_to(machine, quotas, key("orders"), messages)
}

#[test]
fn a_queue_takes_messages_up_to_its_quota_and_again_when_one_is_gone() {
    let mut machine = Machine::with_queue("orders");
    let quotas = Quotas { queue: messages(3), ..Quotas::NONE };
    let full = Err(exceeded(QuotaScope::Queue, QuotaUnit::Messages, 3));
    assert_eq!(send(&mut machine, quotas, &[1, 1]), [Ok(()), Ok(())]);
    assert_eq!(send(&mut machine, quotas, &[1, 1]), [Ok(()), full.clone()], "each for itself");
    machine.restart();
    assert_eq!(send(&mut machine, quotas, &[1]), [full], "whatever restarted");
    let receipt = machine.receive("orders", 1);
    let receipt = machine.receipt("orders", &receipt[0]);
    machine.delete("orders", &[receipt]);
    assert_eq!(send(&mut machine, quotas, &[1]), [Ok(())]);
}

#[test]
fn bytes_are_those_of_the_encoded_payloads_and_a_smaller_message_may_still_fit() {
    let mut machine = Machine::with_queue("orders");
    let quotas = Quotas { queue: bytes(100), ..Quotas::NONE };
    let full = Err(exceeded(QuotaScope::Queue, QuotaUnit::Bytes, 100));
    assert_eq!(send(&mut machine, quotas, &[60, 41, 40, 1]), [Ok(()), full.clone(), Ok(()), full]);
    assert_eq!(machine.describe("orders").usage.bytes, 100);
    machine.run(Command::PurgeQueue { key: key("orders") });
    assert_eq!(send(&mut machine, quotas, &[100]), [Ok(())]);
}

#[test]
fn an_account_shares_its_quota_among_its_queues_and_with_no_other() {
    let mut machine = Machine::with_queue("orders");
    let far = key_in(0, "eu-west-1", "far");
    let foreign = key_in(7, "us-east-1", "orders");
    for key in [&far, &foreign] {
        let attributes = AttributePatch::default().into();
        machine.run(Command::CreateQueue { key: key.clone(), attributes, tags: Tags::new() });
    }
    let quotas = Quotas { account: messages(2), ..Quotas::NONE };
    let full = exceeded(QuotaScope::Account, QuotaUnit::Messages, 2);
    assert_eq!(send(&mut machine, quotas, &[1]), [Ok(())]);
    let more = vec![sized(&mut machine, 1), sized(&mut machine, 1)];
    assert_eq!(send_to(&mut machine, quotas, far.clone(), more), [Ok(()), Err(full.clone())]);
    assert_eq!(send(&mut machine, quotas, &[1]), [Err(full)]);
    let other = vec![sized(&mut machine, 1)];
    assert_eq!(send_to(&mut machine, quotas, foreign, other), [Ok(())]);
    machine.run(Command::DeleteQueue { key: far });
    assert_eq!(send(&mut machine, quotas, &[1]), [Ok(())], "a queue that is gone holds nothing");
}

#[test]
fn a_dead_letter_is_never_refused() {
    let mut machine = Machine::with_queue("dead");
    let policy = RedrivePolicy { target: key("dead"), max_receive_count: 1 };
    machine.create("orders", AttributePatch { redrive: Some(Some(policy)), ..AttributePatch::default() });
    let quotas = Quotas { queue: messages(1), ..Quotas::NONE };
    for held in 1..=3 {
        assert_eq!(send(&mut machine, quotas, &[1]), [Ok(())]);
        machine.receive_for("orders", 1, Some(0));
        machine.receive_for("orders", 1, Some(0));
        assert_eq!(machine.counts("dead"), [held, 0, 0]);
    }
    let full = Err(exceeded(QuotaScope::Queue, QuotaUnit::Messages, 1));
    let more = vec![sized(&mut machine, 1)];
    assert_eq!(send_to(&mut machine, quotas, key("dead"), more), [full]);
}

#[test]
fn a_duplicate_takes_no_room_and_is_answered_as_before() {
    let mut machine = Machine::with_settings(
        "orders.fifo",
        AttributePatch { fifo_queue: Some(true), ..AttributePatch::default() },
    );
    let quotas = Quotas { queue: messages(1), ..Quotas::NONE };
    let mut named = |name: u128| NewMessage {
        group: Some(GroupKey::new(1)),
        deduplication: Some(SendName::Given(DeduplicationKey(name))),
        ..sized(&mut machine, 1)
    };
    let sent = vec![named(1), named(1), named(2)];
    let again = vec![named(1)];
    let full = Err(exceeded(QuotaScope::Queue, QuotaUnit::Messages, 1));
    assert_eq!(send_to(&mut machine, quotas, key("orders.fifo"), sent), [Ok(()), Ok(()), full]);
    assert_eq!(send_to(&mut machine, quotas, key("orders.fifo"), again), [Ok(())]);
}

#[test]
fn a_refusal_says_which_quota() {
    let refusal = exceeded(QuotaScope::Account, QuotaUnit::Bytes, 7);
    assert_eq!(refusal.to_string(), "the account may hold no more than 7 bytes");
}
