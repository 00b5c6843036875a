//! Whatever is unknown or wrong in a template is an error with line and column that says what is known.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use support::errors;

fn check(text: &str, expected: &str) {
    assert_eq!(errors(text), expected, "\n{text}");
}

#[test]
fn unknown_section() {
    check(
        "Resorces:\n  Q: {Type: AWS::SQS::Queue}\n",
        "t.yaml:1:1: the template has no section Resources\n\
         t.yaml:1:1: there is no section Resorces; did you mean Resources?",
    );
}

#[test]
fn section_that_is_not_supported() {
    check(
        "Resources:\n  Q: {Type: AWS::SQS::Queue}\nMappings: {}\n",
        "t.yaml:3:1: the section Mappings is not supported yet; known: AWSTemplateFormatVersion, Description, Metadata, \
         Parameters, Resources, Outputs",
    );
}

#[test]
fn unknown_type() {
    check(
        "Resources:\n  Q:\n    Type: AWS::SQS::Qeue\n",
        "t.yaml:3:11: there is no resource type AWS::SQS::Qeue; did you mean AWS::SQS::Queue?",
    );
    check(
        "Resources:\n  Q:\n    Type: AWS::S3::Bucket\n",
        "t.yaml:3:11: there is no resource type AWS::S3::Bucket; known: AWS::SQS::Queue, \
         AWS::SQS::QueuePolicy, AWS::IAM::Role, AWS::IAM::User, AWS::IAM::Policy, AWS::IAM::ManagedPolicy, \
         AWS::IAM::AccessKey, Millpond::Web::Form, Millpond::Sink::Table",
    );
}

#[test]
fn unknown_property() {
    check(
        "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      VisibiltyTimeout: 30\n",
        "t.yaml:5:7: AWS::SQS::Queue has no property VisibiltyTimeout; did you mean VisibilityTimeout?",
    );
}

#[test]
fn unknown_property_inside_a_list() {
    check(
        "Resources:\n  F:\n    Type: Millpond::Web::Form\n    Properties:\n      Queue: http://q\n      Fields:\n        - Name: a\n          Lable: b\n",
        "t.yaml:8:11: Fields has no property Lable; did you mean Label?",
    );
}

#[test]
fn missing_property() {
    check(
        "Resources:\n  F:\n    Type: Millpond::Web::Form\n    Properties:\n      Queue: http://q\n",
        "t.yaml:2:3: Millpond::Web::Form needs the property Fields",
    );
}

#[test]
fn unknown_attribute_of_a_resource() {
    check(
        "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Propertys: {}\n",
        "t.yaml:4:5: resource Q has an unknown attribute Propertys; did you mean Properties?",
    );
    check(
        "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Condition: Prod\n",
        "t.yaml:4:5: Condition of resource Q is not supported yet; known: Type, Properties, DependsOn, DeletionPolicy, \
         Metadata",
    );
}

#[test]
fn unknown_function() {
    check(
        "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: !Reff Name\n",
        "t.yaml:5:18: there is no function !Reff; did you mean !Ref?",
    );
    check(
        "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: {'Fn::Jion': [a, [b]]}\n",
        "t.yaml:5:19: there is no function Fn::Jion; did you mean Fn::Join?",
    );
    check(
        "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: !If [a, b, c]\n",
        "t.yaml:5:18: !If is not supported yet; known: !Ref, !GetAtt, !Sub, !Join",
    );
}

#[test]
fn name_that_refers_to_nothing() {
    let with_output = |value: &str| {
        format!("Resources:\n  Orders: {{Type: AWS::SQS::Queue}}\nOutputs:\n  O:\n    Value: {value}\n")
    };
    check(
        &with_output("!Ref Oders"),
        "t.yaml:5:12: there is no parameter or resource Oders; did you mean Orders?",
    );
    check(
        &with_output("!Sub 'a ${Oders} b'"),
        "t.yaml:5:12: there is no parameter or resource Oders; did you mean Orders?",
    );
    check(
        &with_output("!GetAtt Oders.Arn"),
        "t.yaml:5:12: Oders.Arn refers to Oders, but there is no such resource; did you mean Orders?",
    );
    check(
        &with_output("!GetAtt Orders.Anr"),
        "t.yaml:5:12: AWS::SQS::Queue has no attribute Anr; did you mean Arn?",
    );
    check(
        &with_output("!Ref AWS::Acount"),
        "t.yaml:5:12: there is no parameter or resource AWS::Acount; did you mean AWS::AccountId?",
    );
    check(
        "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    DependsOn: [Qu]\n",
        "t.yaml:4:17: DependsOn names Qu, but there is no such resource; did you mean Q?",
    );
}

#[test]
fn cycle_shows_its_path() {
    let policy = |to: &str| format!("RedrivePolicy: {{deadLetterTargetArn: !GetAtt {to}.Arn}}");
    let text = format!(
        "Resources:\n  A:\n    Type: AWS::SQS::Queue\n    Properties:\n      {}\n  B:\n    Type: AWS::SQS::Queue\n    \
         DependsOn: C\n  C:\n    Type: AWS::SQS::Queue\n    Properties:\n      {}\n",
        policy("B"),
        policy("A")
    );
    check(
        &text,
        "t.yaml:12:44: resources need each other in a circle: A → B → C → A; remove one of these references",
    );
    check(
        "Resources:\n  A:\n    Type: AWS::SQS::Queue\n    DependsOn: A\n",
        "t.yaml:4:16: resources need each other in a circle: A → A; remove one of these references",
    );
}

#[test]
fn values_that_do_not_fit() {
    let with = |property: &str| {
        format!("Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      {property}\n")
    };
    let cases = [
        ("DelaySeconds: 901", "t.yaml:5:21: DelaySeconds must be from 0 to 900, not 901"),
        ("DelaySeconds: 1.5", "t.yaml:5:21: DelaySeconds must be a whole number from 0 to 900, not \"1.5\""),
        ("DelaySeconds: 010", "t.yaml:5:21: DelaySeconds must be a whole number from 0 to 900, not \"010\""),
        (
            "DelaySeconds: soon",
            "t.yaml:5:21: DelaySeconds must be a whole number from 0 to 900, not \"soon\"",
        ),
        (
            "DelaySeconds: [1]",
            "t.yaml:5:21: DelaySeconds must be a text, not a list (Fn::Join makes a text of it)",
        ),
        ("DelaySeconds:", "t.yaml:5:19: a value is missing here; null values are not allowed in templates"),
        ("SqsManagedSseEnabled: Yes", "t.yaml:5:29: SqsManagedSseEnabled must be true or false, not \"Yes\""),
        (
            "DeduplicationScope: all",
            "t.yaml:5:27: DeduplicationScope must be one of queue, messageGroup, not \"all\"",
        ),
        ("Tags: {a: b}", "t.yaml:5:13: Tags must be a list, not a map"),
        ("Tags: [{Key: a}]", "t.yaml:5:14: Tags needs the property Value"),
        (
            "QueueName: a.b",
            "t.yaml:5:18: QueueName must be 1 to 80 letters, digits, hyphens and underscores, not \"a.b\"",
        ),
    ];
    for (property, expected) in cases {
        check(&with(property), expected);
    }
}

#[test]
fn two_resources_with_one_name() {
    check(
        "Resources:\n  A:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: q}\n  B:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: q}\n",
        "t.yaml:7:29: A and B are both queue q; rename one",
    );
}

#[test]
fn wrong_values_are_told_together_in_the_order_of_the_file() {
    check(
        "
Resources:
  A:
    Type: AWS::SQS::Queue
    Properties: {DelaySeconds: x, FifoQueue: maybe}
  B:
    Type: AWS::SQS::Queue
    Properties: {VisibilityTimeout: -1}
",
        "t.yaml:5:32: DelaySeconds must be a whole number from 0 to 900, not \"x\"\n\
         t.yaml:5:46: FifoQueue must be true or false, not \"maybe\"\n\
         t.yaml:8:37: VisibilityTimeout must be from 0 to 43200, not -1",
    );
}

#[test]
fn wrong_names_are_told_together_also_in_what_needs_each_other() {
    check(
        "
Resources:
  A:
    Type: AWS::SQS::Queue
    Properties: {QueueNam: a}
  B:
    Type: Millpond::Sink::Table
    Properties: {Queue: !Ref A, Tabel: !Ref C}
",
        "t.yaml:5:18: AWS::SQS::Queue has no property QueueNam; did you mean QueueName?\n\
         t.yaml:8:33: Millpond::Sink::Table has no property Tabel; did you mean Table?\n\
         t.yaml:8:40: there is no parameter or resource C; did you mean A?",
    );
}

#[test]
fn outputs_and_versions() {
    check(
        "AWSTemplateFormatVersion: 2010-09-10\nResources: {Q: {Type: AWS::SQS::Queue}}\n",
        "t.yaml:1:27: AWSTemplateFormatVersion must be 2010-09-09, not 2010-09-10",
    );
    check(
        "Resources: {Q: {Type: AWS::SQS::Queue}}\nOutputs: {O: {Valu: 1}}\n",
        "t.yaml:2:11: output O has no Value\nt.yaml:2:15: output O has an unknown attribute Valu; did you mean Value?",
    );
    check(
        "Resources: {Q: {Type: AWS::SQS::Queue}}\nOutputs: {O: {Value: a, Export: {Name: b}}}\n",
        "t.yaml:2:25: Export of output O is not supported yet; known: Description, Value",
    );
    check("Resources: {}\n", "t.yaml:1:12: Resources is empty; a template has at least one resource");
    check(
        "Resources: {a-b: {Type: AWS::SQS::Queue}}\n",
        "t.yaml:1:13: the name \"a-b\" in Resources must be 1 to 255 letters and digits",
    );
}

#[test]
fn an_unknown_type_hides_no_other_mistake_and_makes_no_new_one() {
    check(
        "
Resources:
  A:
    Type: AWS::SQS::Qeue
    Properties: {QueueName: !Ref Nam}
  B:
    Type: AWS::SQS::Queue
    Properties: {QueueNam: b, RedrivePolicy: {deadLetterTargetArn: !GetAtt A.Arn}}
  C: a text
Outputs:
  O: {Value: !Ref A}
  P: {Value: !Ref C}
  Q: {Value: !Ref D}
",
        "t.yaml:4:11: there is no resource type AWS::SQS::Qeue; did you mean AWS::SQS::Queue?\n\
         t.yaml:5:29: there is no parameter or resource Nam; known: A, B\n\
         t.yaml:8:18: AWS::SQS::Queue has no property QueueNam; did you mean QueueName?\n\
         t.yaml:9:6: resource C must be a map of names to values, not a text\n\
         t.yaml:13:14: there is no parameter or resource D; did you mean A?",
    );
}

#[test]
fn a_section_that_can_not_be_read_makes_no_names_missing() {
    check(
        "Parameter:\n  P: {Type: String}\nResources:\n  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref P}}\n",
        "t.yaml:1:1: there is no section Parameter; did you mean Parameters?",
    );
    check(
        "Parameters:\n  P: {Type: Strin}\nResources:\n  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref P}}\n",
        "t.yaml:2:13: parameter type Strin is not supported; did you mean String?",
    );
}
