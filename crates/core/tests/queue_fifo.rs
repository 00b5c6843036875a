//! What makes a queue a FIFO queue, and the settings that only such a queue has.

use millpond_core::command::Command;
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::queue::{
    AttributeName, AttributePatch, AttributeRefusal, DeduplicationScope, FifoAttributes, FifoThroughputLimit,
    Tags,
};

use crate::support::{Machine, key};

fn fifo() -> AttributePatch {
    AttributePatch { fifo_queue: Some(true), ..AttributePatch::default() }
}

fn high_throughput() -> AttributePatch {
    AttributePatch {
        deduplication_scope: Some(DeduplicationScope::MessageGroup),
        fifo_throughput_limit: Some(FifoThroughputLimit::PerMessageGroupId),
        ..AttributePatch::default()
    }
}

fn refused_create(name: &str, attributes: AttributePatch) -> Refusal {
    let command = Command::CreateQueue { key: key(name), attributes: attributes.into(), tags: Tags::new() };
    match Machine::new().run_without_effect(command) {
        Outcome::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

fn refused_set(machine: &mut Machine, name: &str, attributes: AttributePatch) -> AttributeRefusal {
    match machine
        .run_without_effect(Command::SetQueueAttributes { key: key(name), attributes: attributes.into() })
    {
        Outcome::Refused(Refusal::Attributes(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_fifo_queue_gets_the_defaults_of_sqs() {
    let mut machine = Machine::with_settings("orders.fifo", fifo());
    let expected = FifoAttributes {
        content_based_deduplication: false,
        deduplication_scope: DeduplicationScope::Queue,
        throughput_limit: FifoThroughputLimit::PerQueue,
    };
    assert_eq!(machine.describe("orders.fifo").attributes.fifo, Some(expected));
    assert_eq!(Machine::with_queue("orders").describe("orders").attributes.fifo, None);
}

#[test]
fn name_and_kind_must_agree() {
    assert_eq!(refused_create("orders", fifo()), Refusal::NameIsNotFifo);
    assert_eq!(refused_create("orders.fifo", AttributePatch::default()), Refusal::NameIsFifo);
    let no = AttributePatch { fifo_queue: Some(false), ..AttributePatch::default() };
    assert_eq!(refused_create("orders.fifo", no), Refusal::NameIsFifo);
}

#[test]
fn an_existing_fifo_queue_is_found_without_saying_its_kind() {
    let mut machine = Machine::with_settings("orders.fifo", fifo());
    let queue = machine.queue("orders.fifo").record.id;
    for attributes in [AttributePatch::default(), fifo()] {
        let again = Command::CreateQueue {
            key: key("orders.fifo"),
            attributes: attributes.into(),
            tags: Tags::new(),
        };
        let found = Outcome::Queue { queue, key: key("orders.fifo") };
        assert_eq!(machine.run_without_effect(again), found);
    }
}

#[test]
fn every_fifo_setting_given_is_compared() {
    let cases = [
        (AttributePatch { fifo_queue: Some(false), ..fifo() }, AttributeName::FifoQueue),
        (
            AttributePatch { content_based_deduplication: Some(true), ..fifo() },
            AttributeName::ContentBasedDeduplication,
        ),
        (
            AttributePatch { deduplication_scope: Some(DeduplicationScope::MessageGroup), ..fifo() },
            AttributeName::DeduplicationScope,
        ),
        (
            AttributePatch { fifo_throughput_limit: Some(FifoThroughputLimit::PerMessageGroupId), ..fifo() },
            AttributeName::FifoThroughputLimit,
        ),
    ];
    let mut machine = Machine::with_settings("orders.fifo", fifo());
    for (attributes, name) in cases {
        let again = Command::CreateQueue {
            key: key("orders.fifo"),
            attributes: attributes.into(),
            tags: Tags::new(),
        };
        assert_eq!(machine.run_without_effect(again), Outcome::Refused(Refusal::QueueNameExists(name)));
    }
}

#[test]
fn a_standard_queue_has_no_fifo_settings() {
    let cases = [
        (AttributePatch { fifo_queue: Some(false), ..Default::default() }, AttributeName::FifoQueue),
        (
            AttributePatch { content_based_deduplication: Some(false), ..Default::default() },
            AttributeName::ContentBasedDeduplication,
        ),
        (
            AttributePatch { deduplication_scope: Some(DeduplicationScope::Queue), ..Default::default() },
            AttributeName::DeduplicationScope,
        ),
        (
            AttributePatch {
                fifo_throughput_limit: Some(FifoThroughputLimit::PerQueue),
                ..Default::default()
            },
            AttributeName::FifoThroughputLimit,
        ),
    ];
    let mut machine = Machine::with_queue("orders");
    for (attributes, name) in cases {
        let refusal = AttributeRefusal::OnlyForFifo(name);
        assert_eq!(refused_create("new", attributes.clone()), Refusal::Attributes(refusal));
        assert_eq!(refused_set(&mut machine, "orders", attributes.clone()), refusal);
        let again =
            Command::CreateQueue { key: key("orders"), attributes: attributes.into(), tags: Tags::new() };
        assert_eq!(machine.run_without_effect(again), Outcome::Refused(Refusal::Attributes(refusal)));
    }
}

#[test]
fn a_queue_stays_the_kind_it_is() {
    let mut machine = Machine::with_settings("orders.fifo", fifo());
    let no = AttributePatch { fifo_queue: Some(false), ..AttributePatch::default() };
    assert_eq!(refused_set(&mut machine, "orders.fifo", no), AttributeRefusal::QueueTypeIsFixed);
    machine.set("orders.fifo", fifo());
    assert!(machine.describe("orders.fifo").attributes.fifo.is_some());
}

#[test]
fn fifo_settings_change_one_by_one_and_survive_a_restart() {
    let mut machine = Machine::with_settings("orders.fifo", fifo());
    machine.set(
        "orders.fifo",
        AttributePatch { content_based_deduplication: Some(true), ..AttributePatch::default() },
    );
    machine.set("orders.fifo", high_throughput());
    machine.set("orders.fifo", AttributePatch { delay_secs: Some(3), ..AttributePatch::default() });
    machine.restart();
    let expected = FifoAttributes {
        content_based_deduplication: true,
        deduplication_scope: DeduplicationScope::MessageGroup,
        throughput_limit: FifoThroughputLimit::PerMessageGroupId,
    };
    let attributes = machine.describe("orders.fifo").attributes;
    assert_eq!((attributes.fifo, attributes.delay_secs), (Some(expected), 3));
}

#[test]
fn a_limit_per_group_needs_deduplication_per_group() {
    let mut machine = Machine::with_settings("orders.fifo", fifo());
    let limit = AttributePatch { deduplication_scope: None, ..high_throughput() };
    let refusal = AttributeRefusal::LimitNeedsGroupScope;
    assert_eq!(refused_set(&mut machine, "orders.fifo", limit.clone()), refusal);
    let create = AttributePatch { fifo_queue: Some(true), ..limit.clone() };
    assert_eq!(refused_create("other.fifo", create), Refusal::Attributes(refusal));
    machine.set("orders.fifo", high_throughput());
    machine.set("orders.fifo", limit);
    let scope =
        AttributePatch { deduplication_scope: Some(DeduplicationScope::Queue), ..AttributePatch::default() };
    assert_eq!(refused_set(&mut machine, "orders.fifo", scope), refusal);
}
