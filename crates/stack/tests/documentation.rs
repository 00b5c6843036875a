//! What docs/templates.md says is true: its example resolves, and it names every property, section and attribute.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use support::{errors, resolved};

const DOCUMENTATION: &str = include_str!("../../../docs/templates.md");

#[test]
fn its_example_resolves() {
    let yaml = DOCUMENTATION.split("```yaml").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(resolved(yaml).resources().count(), 3, "queue, sink, and the sink's own role");
}

#[test]
fn it_names_everything_that_is_known() {
    let resource =
        |resource_type: &str, body: &str| format!("Resources:\n  R:\n    Type: {resource_type}\n{body}");
    let unknown_property = "    Properties: {Zzzzzzzzz: 1}\n";
    let unknown_field = "    Properties: {Queue: 'http://q', Fields: [{Name: a, Zzzzzzzzz: 1}]}\n";
    let questions = [
        "Zzzzzzzzz: 1\n".to_owned(),
        resource("Zzzzzzzzz", ""),
        resource("AWS::SQS::Queue", "    Zzzzzzzzz: 1\n"),
        resource("AWS::SQS::Queue", unknown_property),
        resource("AWS::SQS::QueuePolicy", unknown_property),
        resource("AWS::IAM::Role", unknown_property),
        resource("AWS::IAM::User", unknown_property),
        resource("AWS::IAM::AccessKey", unknown_property),
        resource("AWS::IAM::Policy", unknown_property),
        resource("AWS::IAM::ManagedPolicy", unknown_property),
        resource("AWS::SQS::QueuePolicy", "    Properties: {PolicyDocument: {Zzzzzzzzz: 1}}\n"),
        resource("AWS::SQS::QueuePolicy", "    Properties: {PolicyDocument: {Statement: {Zzzzzzzzz: 1}}}\n"),
        resource("Millpond::Web::Form", unknown_property),
        resource("Millpond::Web::Form", unknown_field),
        resource("Millpond::Sink::Table", unknown_property),
        "Parameters: {P: {Type: String, Zzzzzzzzz: 1}}\n".to_owned(),
        "Parameters: {P: {Type: Zzzzzzzzz}}\n".to_owned(),
        resource("AWS::SQS::Queue", "Outputs: {O: {Value: a, Zzzzzzzzz: 1}}\n"),
        resource("AWS::SQS::Queue", "Outputs: {O: {Value: !GetAtt R.Zzzzzzzzz}}\n"),
        resource("AWS::SQS::Queue", "Outputs: {O: {Value: !Zzzzzzzzz a}}\n"),
        resource("AWS::SQS::Queue", "Outputs: {O: {Value: !Ref AWS::Zzzzzzzzz}}\n"),
    ];
    for question in questions {
        let errors = errors(&question);
        let line =
            errors.lines().find(|line| line.contains("; known: ")).unwrap_or_else(|| panic!("{errors}"));
        let (_, known) = line.split_once("; known: ").unwrap();
        for name in known.split(", ") {
            assert!(DOCUMENTATION.contains(name), "docs/templates.md does not name {name}");
        }
    }
}
