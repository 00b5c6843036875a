//! Creating a queue: idempotent, in conflict only over settings that were given, and never under a used number.

use millpond_core::command::Command;
use millpond_core::event::Event;
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::queue::{
    AttributeName, AttributePatch, QueueAttributes, RedriveAllowPolicy, RedrivePolicy, Tags,
};

use crate::permissions::policy;
use crate::support::{Machine, key, key_in};

fn create(machine: &mut Machine, attributes: AttributePatch) -> Outcome {
    machine.run(Command::CreateQueue { key: key("orders"), attributes: attributes.into(), tags: Tags::new() })
}

#[test]
fn a_queue_without_settings_gets_the_defaults_of_sqs() {
    let mut machine = Machine::with_queue("orders");
    let expected = QueueAttributes {
        delay_secs: 0,
        maximum_message_bytes: 1_048_576,
        retention_secs: 345_600,
        receive_wait_secs: 0,
        visibility_timeout_secs: 30,
        managed_sse_enabled: true,
        kms_master_key_id: None,
        kms_data_key_reuse_secs: 300,
        policy: None,
        redrive: None,
        redrive_allow: None,
        fifo: None,
    };
    let description = machine.describe("orders");
    assert_eq!(description.attributes, expected);
    assert_eq!(description.created_at, machine.now);
    assert_eq!(description.modified_at, machine.now);
    assert_eq!(description.key, key("orders"));
}

#[test]
fn settings_given_replace_the_defaults_one_by_one() {
    let given =
        AttributePatch { delay_secs: Some(7), managed_sse_enabled: Some(false), ..Default::default() };
    let mut machine = Machine::with_settings("orders", given);
    let attributes = machine.describe("orders").attributes;
    assert_eq!((attributes.delay_secs, attributes.managed_sse_enabled), (7, false));
    assert_eq!(attributes.visibility_timeout_secs, 30);
}

#[test]
fn creating_without_settings_finds_a_queue_whatever_its_settings() {
    let given = AttributePatch { visibility_timeout_secs: Some(90), ..Default::default() };
    let mut machine = Machine::with_settings("orders", given);
    let before = machine.state.queue_named(&key("orders")).unwrap().record.id;
    let again = Command::CreateQueue {
        key: key("orders"),
        attributes: AttributePatch::default().into(),
        tags: Tags::new(),
    };
    let expected = Outcome::Queue { queue: before, key: key("orders") };
    assert_eq!(machine.run_without_effect(again), expected);
    assert_eq!(machine.describe("orders").attributes.visibility_timeout_secs, 90);
}

#[test]
fn only_settings_given_are_compared() {
    let given = AttributePatch {
        visibility_timeout_secs: Some(90),
        retention_secs: Some(60),
        ..AttributePatch::default()
    };
    let mut machine = Machine::with_settings("orders", given);
    let agreeing = AttributePatch { retention_secs: Some(60), ..Default::default() };
    assert!(matches!(create(&mut machine, agreeing), Outcome::Queue { .. }));
    let default_value = AttributePatch { visibility_timeout_secs: Some(30), ..Default::default() };
    assert_eq!(
        create(&mut machine, default_value),
        Outcome::Refused(Refusal::QueueNameExists(AttributeName::VisibilityTimeout))
    );
}

#[test]
fn each_setting_that_differs_is_named() {
    let patch = AttributePatch::default;
    let redrive = RedrivePolicy { target: key("dead"), max_receive_count: 1 };
    let cases = [
        (AttributePatch { delay_secs: Some(1), ..patch() }, AttributeName::DelaySeconds),
        (AttributePatch { maximum_message_bytes: Some(1_024), ..patch() }, AttributeName::MaximumMessageSize),
        (AttributePatch { retention_secs: Some(60), ..patch() }, AttributeName::MessageRetentionPeriod),
        (
            AttributePatch { receive_wait_secs: Some(1), ..patch() },
            AttributeName::ReceiveMessageWaitTimeSeconds,
        ),
        (AttributePatch { visibility_timeout_secs: Some(1), ..patch() }, AttributeName::VisibilityTimeout),
        (AttributePatch { managed_sse_enabled: Some(false), ..patch() }, AttributeName::SqsManagedSseEnabled),
        (
            AttributePatch { kms_master_key_id: Some(Some("k".to_owned())), ..patch() },
            AttributeName::KmsMasterKeyId,
        ),
        (
            AttributePatch { kms_data_key_reuse_secs: Some(60), ..patch() },
            AttributeName::KmsDataKeyReusePeriodSeconds,
        ),
        (AttributePatch { policy: Some(Some(policy("a"))), ..patch() }, AttributeName::Policy),
        (AttributePatch { redrive: Some(Some(redrive)), ..patch() }, AttributeName::RedrivePolicy),
        (
            AttributePatch { redrive_allow: Some(Some(RedriveAllowPolicy::AllowAll)), ..patch() },
            AttributeName::RedriveAllowPolicy,
        ),
    ];
    let mut machine = Machine::with_queue("orders");
    for (given, name) in cases {
        assert_eq!(create(&mut machine, given), Outcome::Refused(Refusal::QueueNameExists(name)));
    }
    assert_eq!(machine.describe("orders").attributes, QueueAttributes::default());
}

#[test]
fn the_same_name_in_another_account_or_region_is_another_queue() {
    let mut machine = Machine::new();
    let keys = [
        key_in(0, "us-east-1", "orders"),
        key_in(0, "eu-west-1", "orders"),
        key_in(111_122_223_333, "us-east-1", "orders"),
    ];
    let mut ids = Vec::new();
    for key in keys {
        let attributes =
            AttributePatch { delay_secs: Some(u32::try_from(ids.len()).unwrap()), ..Default::default() };
        match machine.run(Command::CreateQueue { key, attributes: attributes.into(), tags: Tags::new() }) {
            Outcome::Queue { queue, .. } => ids.push(queue),
            other => panic!("{other:?}"),
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[test]
fn a_deleted_queue_is_gone_with_its_messages_and_its_number_is_not_used_again() {
    let mut machine = Machine::with_queue("orders");
    let before = machine.queue("orders").record.id;
    machine.send("orders", 3);
    assert_eq!(machine.run(Command::DeleteQueue { key: key("orders") }), Outcome::QueueDeleted);
    let gone = Outcome::Refused(Refusal::QueueDoesNotExist);
    assert_eq!(machine.run_without_effect(Command::DeleteQueue { key: key("orders") }), gone);
    assert_eq!(machine.run_without_effect(Command::FindQueue { key: key("orders") }), gone);
    assert!(machine.state.queue(before).is_none());
    let after = machine.create("orders", AttributePatch::default());
    assert!(after > before);
    assert_eq!(machine.counts("orders"), [0, 0, 0]);
}

#[test]
fn numbers_stay_unused_after_a_restart_too() {
    let mut machine = Machine::with_queue("orders");
    let before = machine.queue("orders").record.id;
    machine.run(Command::DeleteQueue { key: key("orders") });
    machine.restart();
    assert!(machine.create("orders", AttributePatch::default()) > before);
}

#[test]
fn finding_tells_number_and_name() {
    let mut machine = Machine::with_queue("orders");
    let queue = machine.queue("orders").record.id;
    let found = machine.run_without_effect(Command::FindQueue { key: key("orders") });
    assert_eq!(found, Outcome::Queue { queue, key: key("orders") });
}

#[test]
fn every_command_on_a_queue_that_is_not_there_is_refused() {
    let mut machine = Machine::new();
    let commands = [
        Command::DeleteQueue { key: key("none") },
        Command::FindQueue { key: key("none") },
        Command::DescribeQueue { key: key("none") },
        Command::SetQueueAttributes { key: key("none"), attributes: AttributePatch::default().into() },
        Command::AddPermission { key: key("none"), permission: policy("a").into() },
        Command::RemovePermission { key: key("none"), label: "a".to_owned() },
        Command::TagQueue { key: key("none"), tags: Tags::new() },
        Command::UntagQueue { key: key("none"), keys: Vec::new() },
        Command::ListQueueTags { key: key("none") },
        Command::ListDeadLetterSources { key: key("none"), after: None, limit: 1 },
        Command::PurgeQueue { key: key("none") },
        Command::Send { key: key("none"), messages: Vec::new() },
        Command::Receive { key: key("none"), limit: 1, visibility_timeout_secs: None, attempt: None },
        Command::Delete { key: key("none"), receipts: Vec::new() },
        Command::ChangeVisibility { key: key("none"), changes: Vec::new() },
    ];
    for command in commands {
        let outcome = machine.run_without_effect(command);
        assert_eq!(outcome, Outcome::Refused(Refusal::QueueDoesNotExist));
    }
}

#[test]
fn the_event_carries_all_settings_so_that_later_defaults_change_nothing() {
    let mut machine = Machine::new();
    let command = Command::CreateQueue {
        key: key("orders"),
        attributes: AttributePatch::default().into(),
        tags: Tags::new(),
    };
    let (events, _) = machine.run_unsettled(command);
    let [Event::QueueCreated { attributes, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(*attributes, QueueAttributes::default());
}
