//! Plans: what is created, changed, kept, replaced and deleted, and in which order.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use millpond_stack::{Change, PlanError, Progress, ResolvedTemplate, StackState, Step, plan};
use std::collections::BTreeMap;
use support::{resolve_in, resolved};

fn after(state: &StackState, text: &str) -> ResolvedTemplate {
    resolve_in(state, text, &[]).unwrap_or_else(|errors| panic!("{errors}"))
}

/// The state in which `text` was applied without interruption.
fn state_of(text: &str) -> StackState {
    let mut state = StackState::default();
    for step in plan(&state, &resolved(text)).unwrap().steps {
        let Step::Create { record, .. } = step else { panic!("{step}") };
        state.resources.insert(record.resource.physical_id(), record);
    }
    state
}

fn steps(state: &StackState, text: &str) -> Vec<String> {
    plan(state, &after(state, text)).unwrap().steps.iter().map(ToString::to_string).collect()
}

fn queue(id: &str, properties: &str) -> String {
    format!("  {id}: {{Type: AWS::SQS::Queue, Properties: {{{properties}}}}}\n")
}

fn sink(id: &str, properties: &str) -> String {
    format!(
        "  {id}: {{Type: Millpond::Sink::Table, Properties: {{DatabaseUrl: 'sqlite://a.db', Table: t, Columns: [a], {properties}}}}}\n"
    )
}

fn template(resources: &[String]) -> String {
    format!("Resources:\n{}", resources.concat())
}

#[test]
fn creates_in_the_order_of_needs() {
    let text = template(&[sink("S", "Queue: !Ref Q"), queue("Q", "QueueName: q")]);
    assert_eq!(
        steps(&StackState::default(), &text),
        ["create queue q", "create role shop-s", "create workload s"]
    );
}

#[test]
fn nothing_changes_when_nothing_changed() {
    let text = template(&[sink("S", "Queue: !Ref Q"), queue("Q", "DelaySeconds: 5")]);
    let state = state_of(&text);
    assert_eq!(plan(&state, &after(&state, &text)).unwrap().steps, []);
}

#[test]
fn made_up_names_stay() {
    let text = template(&[queue("Orders", "")]);
    let state = state_of(&text);
    let created = steps(&StackState::default(), &text);
    assert!(created[0].starts_with("create queue shop-Orders-"), "{created:?}");
    assert_eq!(created[0].len(), "create queue shop-Orders-".len() + 12);
    assert_eq!(
        steps(&state, &template(&[queue("Orders", "DelaySeconds: 1")])),
        [created[0].replace("create", "update")]
    );
}

#[test]
fn long_made_up_names_fit() {
    let created = steps(&StackState::default(), &template(&[queue(&"x".repeat(200), "FifoQueue: true")]));
    let name = created[0].strip_prefix("create queue ").unwrap();
    assert_eq!(name.len(), 80);
    assert!(name.ends_with(".fifo"));
}

#[test]
fn sets_what_changed_and_resets_what_went() {
    let state = state_of(&template(&[queue(
        "Q",
        "QueueName: q, DelaySeconds: 5, VisibilityTimeout: 60, Tags: [{Key: a, Value: b}]",
    )]));
    let text = template(&[queue("Q", "QueueName: q, VisibilityTimeout: 60, MessageRetentionPeriod: 60")]);
    let planned = plan(&state, &after(&state, &text)).unwrap();
    let [Step::Update { change: Change::Queue { name, attributes, tags }, .. }] = planned.steps.as_slice()
    else {
        panic!("{:?}", planned.steps)
    };
    assert_eq!(name, "q");
    let expected = [("DelaySeconds", "0"), ("MessageRetentionPeriod", "60")];
    assert_eq!(attributes.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), expected);
    assert_eq!(tags, &Some(BTreeMap::new()));
}

#[test]
fn changed_workloads_are_put_again() {
    let text = |table: &str| {
        template(&[sink("S", "Queue: 'http://q'").replace("Table: t", &format!("Table: {table}"))])
    };
    assert_eq!(steps(&state_of(&text("t")), &text("u")), ["update workload s"]);
}

#[test]
fn deletes_what_needs_others_first() {
    let state = state_of(&template(&[
        queue("Q", "QueueName: q"),
        sink("S", "Queue: !Ref Q"),
        queue("Z", "QueueName: z"),
    ]));
    let planned = plan(&state, &ResolvedTemplate::nothing()).unwrap();
    let steps: Vec<String> = planned.steps.iter().map(ToString::to_string).collect();
    let at = |step: &str| steps.iter().position(|found| found == step).unwrap();
    assert_eq!(steps.len(), 4);
    assert!(at("delete workload s") < at("delete queue q"), "{steps:?}");
    assert!(at("delete workload s") < at("delete role shop-s"), "{steps:?}");
}

#[test]
fn deletions_come_last() {
    let state = state_of(&template(&[queue("A", "QueueName: a")]));
    assert_eq!(steps(&state, &template(&[queue("B", "QueueName: b")])), ["create queue b", "delete queue a"]);
}

#[test]
fn retained_resources_stay() {
    let retained =
        "Resources: {Q: {Type: AWS::SQS::Queue, DeletionPolicy: Retain, Properties: {QueueName: q}}}\n";
    let state = state_of(retained);
    assert_eq!(
        steps(&state, &template(&[queue("B", "QueueName: b")])),
        ["create queue b", "keep queue q, no longer part of this stack"]
    );
}

#[test]
fn a_policy_alone_changes_only_the_record() {
    let state = state_of(&template(&[queue("Q", "QueueName: q")]));
    let text =
        "Resources: {Q: {Type: AWS::SQS::Queue, DeletionPolicy: Retain, Properties: {QueueName: q}}}\n";
    let planned = plan(&state, &after(&state, text)).unwrap();
    assert!(matches!(planned.steps.as_slice(), [Step::Record { .. }]), "{:?}", planned.steps);
}

#[test]
fn another_name_is_a_replacement() {
    let state = state_of(&template(&[queue("Q", "QueueName: old"), sink("S", "Queue: !Ref Q")]));
    assert_eq!(
        steps(&state, &template(&[queue("Q", "QueueName: new"), sink("S", "Queue: !Ref Q")])),
        ["create queue new", "update role shop-s", "update workload s", "delete queue old"]
    );
}

#[test]
fn a_renamed_workload_frees_its_address_first() {
    let state = state_of(&template(&[sink("S", "Queue: 'http://q', Name: old")]));
    assert_eq!(
        steps(&state, &template(&[sink("S", "Queue: 'http://q', Name: new")])),
        ["create role shop-new", "delete workload old", "create workload new", "delete role shop-old"]
    );
}

#[test]
fn another_logical_id_keeps_the_queue_and_its_messages() {
    let state = state_of(&template(&[queue("Old", "QueueName: q")]));
    let planned = plan(&state, &after(&state, &template(&[queue("New", "QueueName: q")]))).unwrap();
    let [Step::Record { record }] = planned.steps.as_slice() else { panic!("{:?}", planned.steps) };
    assert_eq!(record.logical_id, "New");
}

#[test]
fn two_queues_can_exchange_their_logical_ids() {
    let state = state_of(&template(&[queue("A", "QueueName: a"), queue("B", "QueueName: b")]));
    assert_eq!(
        steps(&state, &template(&[queue("A", "QueueName: b"), queue("B", "QueueName: a")])),
        ["keep queue b", "keep queue a"]
    );
}

#[test]
fn fifo_needs_a_new_queue() {
    let state = state_of(&template(&[queue("Q", "")]));
    let steps = steps(&state, &template(&[queue("Q", "FifoQueue: true")]));
    assert!(steps[0].starts_with("create queue shop-Q-") && steps[0].ends_with(".fifo"), "{steps:?}");
    assert!(steps[1].starts_with("delete queue shop-Q-"), "{steps:?}");

    let state = state_of(&template(&[queue("Q", "QueueName: q.fifo, FifoQueue: true")]));
    let mut record = state.resources.values().next().unwrap().clone();
    let millpond_stack::Resource::Queue(spec) = &mut record.resource else { panic!() };
    spec.attributes.remove("FifoQueue");
    let state = StackState { resources: BTreeMap::from([(record.resource.physical_id(), record)]), ..state };
    let wanted = after(&state, &template(&[queue("Q", "QueueName: q.fifo, FifoQueue: true")]));
    let expected = PlanError::ReplacementNeedsAnotherName {
        logical_id: "Q".to_owned(),
        property: "FifoQueue",
        kind: "queue",
        name: "q.fifo".to_owned(),
        name_property: "QueueName",
    };
    assert_eq!(plan(&state, &wanted), Err(expected));
}

fn role(properties: &str) -> String {
    format!(
        "  R: {{Type: AWS::IAM::Role, Properties: {{AssumeRolePolicyDocument: {{Statement: []}}, {properties}}}}}\n"
    )
}

#[test]
fn another_path_needs_another_role() {
    let state = state_of(&template(&[role("RoleName: r")]));
    let wanted = after(&state, &template(&[role("RoleName: r, Path: /a/")]));
    let error = plan(&state, &wanted).unwrap_err().to_string();
    assert_eq!(
        error,
        "R: changing Path replaces the role, but the new one would have the same name, \"r\"; give it another RoleName"
    );

    let state = state_of(&template(&[role("Description: a")]));
    let [create, delete] = &steps(&state, &template(&[role("Path: /a/")]))[..] else { panic!() };
    assert!(create.starts_with("create role shop-R-") && delete.starts_with("delete role shop-R-"));
    let [update] = &steps(&state, &template(&[role("Description: b")]))[..] else { panic!() };
    assert!(update.starts_with("update role shop-R-"), "{update}");
}

#[test]
fn a_key_with_another_serial_is_another_key() {
    let key =
        |serial: &str| format!("  K: {{Type: AWS::IAM::AccessKey, Properties: {{UserName: u, {serial}}}}}\n");
    let state = state_of(&template(&[key("Serial: 1")]));
    assert_eq!(steps(&state, &template(&[key("Serial: 1")])).len(), 0);
    let [create, delete] = &steps(&state, &template(&[key("Serial: 2")]))[..] else { panic!() };
    assert!(create.starts_with("create access-key ") && delete.starts_with("delete access-key "));
    let [update] = &steps(&state, &template(&[key("Serial: 1, Status: Inactive")]))[..] else { panic!() };
    assert!(update.starts_with("update access-key "), "{update}");
}

#[test]
fn what_is_part_of_what_is_missing_is_set_again() {
    let policy = "  P: {Type: AWS::SQS::QueuePolicy, Properties: {Queues: [!Ref Q], PolicyDocument: {Statement: []}}}\n";
    let text = template(&[queue("Q", "QueueName: q"), queue("Z", "QueueName: z"), policy.to_owned()]);
    let mut state = state_of(&text);
    state.mark_missing(&millpond_stack::PhysicalId::Queue("z".to_owned()));
    assert_eq!(steps(&state, &text), ["create queue z", "update queue z"]);
    let mut state = state_of(&text);
    state.mark_missing(&millpond_stack::PhysicalId::Queue("q".to_owned()));
    let kinds: Vec<String> =
        steps(&state, &text).iter().map(|step| step.rsplit_once(' ').unwrap().0.to_owned()).collect();
    assert_eq!(kinds, ["create queue", "update queue", "create queue-policy", "update queue-policy"]);
}

#[test]
fn what_is_missing_is_made_again() {
    let text = template(&[queue("Q", "QueueName: q, DelaySeconds: 5"), sink("S", "Queue: !Ref Q")]);
    let mut state = state_of(&text);
    for physical_id in state.resources.keys().cloned().collect::<Vec<_>>() {
        state.mark_missing(&physical_id);
    }
    assert_eq!(
        steps(&state, &text),
        ["create queue q", "update queue q", "create role shop-s", "update role shop-s", "create workload s"]
    );
}

#[test]
fn state_survives_as_json() {
    let mut state = state_of(&template(&[queue("Q", "QueueName: q"), sink("S", "Queue: !Ref Q")]));
    for record in state.resources.values_mut() {
        record.progress = Progress::Updating;
        record.attempts = vec![record.resource.clone()];
    }
    let json = serde_json::to_value(&state).unwrap();
    assert!(json["resources"]["queue q"]["resource"]["queue"].is_object(), "{json}");
    assert_eq!(serde_json::from_value::<StackState>(json).unwrap(), state);
}
