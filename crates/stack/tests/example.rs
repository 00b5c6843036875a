//! The example that is brought up by default: it resolves to what its comments say.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use millpond_stack::{
    Context, FieldType, PhysicalId, RecordFormat, Resource, StackName, StackState, Template, WorkloadKind,
    WorkloadName, resolve,
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

#[test]
fn says_where_form_and_queue_are() {
    let resolved = resolved();
    let mut state = StackState::default();
    let plan = millpond_stack::plan(&state, &resolved).unwrap();
    let steps: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
    assert_eq!(steps, ["create queue customers", "create workload frontend", "create workload backend"]);
    state.outputs = plan.outputs().clone();
    let running =
        |name: &WorkloadName| (name.as_str() == "frontend").then(|| "http://127.0.0.1:8081/".to_owned());
    assert_eq!(state.outputs["FormUrl"].render(running), "http://127.0.0.1:8081/");
    assert_eq!(state.outputs["FormUrl"].render(|_| None), "http://127.0.0.1:8080/");
    assert_eq!(state.outputs["QueueUrl"].render(|_| None), "http://127.0.0.1:4566/000000000000/customers");
    assert_eq!(PhysicalId::Queue("customers".to_owned()).to_string(), "queue customers");
}
