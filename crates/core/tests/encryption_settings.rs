//! The settings of encryption: a key or managed, one at a time.

use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::queue::{AttributePatch, AttributeRefusal, QueueAttributes};

use crate::support::Machine;

fn key_id(key_id: &str) -> AttributePatch {
    AttributePatch { kms_master_key_id: Some(Some(key_id.to_owned())), ..AttributePatch::default() }
}

fn managed(enabled: bool) -> AttributePatch {
    AttributePatch { managed_sse_enabled: Some(enabled), ..AttributePatch::default() }
}

fn attributes(machine: &mut Machine) -> QueueAttributes {
    machine.describe("orders").attributes
}

#[test]
fn a_key_ends_managed_encryption_which_does_not_come_back_by_itself() {
    let mut machine = Machine::with_queue("orders");
    assert!(attributes(&mut machine).managed_sse_enabled);
    machine.set("orders", key_id("alias/aws/sqs"));
    machine.restart();
    let now = attributes(&mut machine);
    assert_eq!(now.kms_master_key_id.as_deref(), Some("alias/aws/sqs"));
    assert!(!now.managed_sse_enabled);
    machine.set("orders", AttributePatch { kms_master_key_id: Some(None), ..AttributePatch::default() });
    let now = attributes(&mut machine);
    assert_eq!((now.kms_master_key_id, now.managed_sse_enabled), (None, false));
    machine.set("orders", managed(true));
    assert!(attributes(&mut machine).managed_sse_enabled);
}

#[test]
fn both_at_once_are_refused() {
    let twice = Outcome::Refused(Refusal::Attributes(AttributeRefusal::EncryptedTwice));
    let mut machine = Machine::with_queue("orders");
    let both = AttributePatch { managed_sse_enabled: Some(true), ..key_id("k") };
    assert_eq!(machine.set("orders", both), twice);
    machine.set("orders", AttributePatch { managed_sse_enabled: Some(false), ..key_id("k") });
    assert_eq!(machine.set("orders", managed(true)), twice);
    let instead = AttributePatch { kms_master_key_id: Some(None), ..managed(true) };
    assert!(matches!(machine.set("orders", instead), Outcome::Queue { .. }));
}
