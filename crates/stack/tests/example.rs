//! The example that is brought up by default: it resolves to what its comments say.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use millpond_stack::{
    Context, FieldType, Known, PhysicalId, RecordFormat, Resource, StackName, StackState, Template,
    WorkloadKind, WorkloadName, resolve,
};
use std::collections::BTreeMap;
use std::path::Path;

const EXAMPLE: &str = include_str!("../../../examples/customers/template.yaml");

fn resolved() -> millpond_stack::ResolvedTemplate {
    let template = Template::parse("examples/customers/template.yaml", EXAMPLE).unwrap();
    let context = Context {
        account_id: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: "http://127.0.0.1:4566".to_owned(),
        stack_name: StackName::new("customers").unwrap(),
        entropy: [7; 16],
        check_workload: |_| Ok(()),
        check_policy: |_, _| Ok(()),
    };
    resolve(&template, &BTreeMap::new(), &StackState::default(), &context).unwrap()
}

#[test]
fn has_the_queue_the_form_and_the_sink() {
    let resolved = resolved();
    let resources: BTreeMap<&str, &Resource> = resolved.resources().collect();
    let Resource::Queue(queue) = resources["Customers"] else { panic!("not a queue") };
    assert_eq!(queue.name, "customers");
    assert_eq!(
        queue.attributes,
        BTreeMap::from([("MessageRetentionPeriod".to_owned(), "1209600".to_owned())])
    );

    let Resource::Workload(frontend) = resources["Frontend"] else { panic!("not a workload") };
    assert_eq!(frontend.name.as_str(), "frontend");
    let WorkloadKind::Form(form) = &frontend.kind else { panic!("not a form") };
    assert_eq!(form.queue_url, "http://127.0.0.1:4566/000000000000/customers");
    assert_eq!(form.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(form.format, RecordFormat::Csv);
    let fields: Vec<_> =
        form.fields.iter().map(|field| (field.name.as_str(), field.field_type, field.required)).collect();
    assert_eq!(fields, [("name", FieldType::Text, true), ("country", FieldType::Text, true)]);

    let Resource::Workload(backend) = resources["Backend"] else { panic!("not a workload") };
    assert_eq!(backend.name.as_str(), "backend");
    let WorkloadKind::Sink(sink) = &backend.kind else { panic!("not a sink") };
    assert_eq!((sink.table.as_str(), sink.columns.join(",")), ("customers", "name,country".to_owned()));
    assert!(sink.create);
    assert_eq!(sink.database_url_in(Path::new("/srv/data")).expose(), "sqlite:///srv/data/customers.db");
}

/// The form runs, on the next port.
struct Running;

impl Known for Running {
    fn form_url(&self, form: &WorkloadName) -> Option<String> {
        (form.as_str() == "frontend").then(|| "http://127.0.0.1:8081/".to_owned())
    }

    fn made_id(&self, _resource: &PhysicalId) -> Option<String> {
        None
    }

    fn secret(&self, _resource: &PhysicalId) -> Option<String> {
        None
    }
}

/// The actions that a role's own policies allow.
fn allowed(resource: &Resource) -> Vec<String> {
    let Resource::Role(role) = resource else { panic!("not a role") };
    let statements = role.grants.policies.values().map(|document| {
        let document: serde_json::Value = serde_json::from_str(document).unwrap();
        document["Statement"][0].clone()
    });
    let actions = statements.flat_map(|statement| {
        assert_eq!(statement["Resource"], "arn:aws:sqs:us-east-1:000000000000:customers");
        match &statement["Action"] {
            serde_json::Value::Array(actions) => actions.clone(),
            action => vec![action.clone()],
        }
    });
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_end_has_a_role_that_may_do_no_more_than_it_does() {
    let resolved = resolved();
    let resources: BTreeMap<&str, &Resource> = resolved.resources().collect();
    assert_eq!(allowed(resources["FrontendRole"]), ["sqs:SendMessage"]);
    assert_eq!(
        allowed(resources["BackendRole"]),
        ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"]
    );
    for (workload, role) in [("Frontend", "customers-frontend"), ("Backend", "customers-backend")] {
        let Resource::Workload(workload) = resources[workload] else { panic!("not a workload") };
        assert_eq!(workload.role, format!("arn:aws:iam::000000000000:role/{role}"));
    }
}

#[test]
fn says_where_form_and_queue_are() {
    let resolved = resolved();
    let mut state = StackState::default();
    let plan = millpond_stack::plan(&state, &resolved).unwrap();
    let steps: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
    let policy = steps[1].strip_prefix("create queue-policy customers-CustomersPolicy-").unwrap();
    assert_eq!(policy.len(), 12);
    assert_eq!(
        steps.iter().filter(|step| !step.contains("queue-policy")).collect::<Vec<_>>(),
        [
            "create queue customers",
            "create managed-policy customers-find",
            "create role customers-frontend",
            "create role customers-backend",
            "create workload frontend",
            "create workload backend"
        ]
    );
    state.outputs = plan.outputs().clone();
    assert_eq!(state.outputs["FormUrl"].render(&Running), "http://127.0.0.1:8081/");
    assert_eq!(state.outputs["FormUrl"].render(&support::Nothing), "http://127.0.0.1:8080/");
    let queue_url = state.outputs["QueueUrl"].render(&support::Nothing);
    assert_eq!(queue_url, "http://127.0.0.1:4566/000000000000/customers");
    assert_eq!(PhysicalId::Queue("customers".to_owned()).to_string(), "queue customers");
}
