//! Ref, Fn::GetAtt, Fn::Sub, Fn::Join and the pseudo parameters.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use support::{errors, output, queue, resolved, workload};

fn value(expression: &str) -> String {
    output(&template(expression), &[]).unwrap_or_else(|errors| panic!("{errors}"))
}

fn template(expression: &str) -> String {
    format!(
        "Parameters:\n  Names: {{Type: CommaDelimitedList, Default: 'a, b,c'}}\n  One: {{Type: String, Default: x}}\n\
         Resources:\n  Q: {{Type: AWS::SQS::Queue, Properties: {{QueueName: orders}}}}\n  \
         S: {{Type: Millpond::Sink::Table, Properties: {{Queue: !Ref Q, DatabaseUrl: 'sqlite://a.db', Table: t, Columns: [a]}}}}\n  \
         F: {{Type: Millpond::Web::Form, Properties: {{Queue: !Ref Q, Fields: [{{Name: a}}], Listen: '127.0.0.1:9000'}}}}\n\
         Outputs:\n  Out: {{Value: {expression}}}\n"
    )
}

#[test]
fn reference() {
    assert_eq!(value("!Ref Q"), "http://127.0.0.1:4566/012345678901/orders");
    assert_eq!(value("!Ref One"), "x");
    assert_eq!(value("{Ref: S}"), "s");
    assert_eq!(value("!Ref F"), "f");
}

#[test]
fn pseudo_parameters() {
    assert_eq!(
        value(
            "!Sub '${AWS::AccountId} ${AWS::Region} ${AWS::StackName} ${AWS::Partition} ${AWS::URLSuffix}'"
        ),
        "012345678901 eu-west-1 shop aws amazonaws.com"
    );
    assert_eq!(
        value("!Ref AWS::StackId"),
        "arn:aws:cloudformation:eu-west-1:012345678901:stack/shop/07070707-0707-0707-0707-070707070707"
    );
}

#[test]
fn attributes() {
    let arn = "arn:aws:sqs:eu-west-1:012345678901:orders";
    assert_eq!(value("!GetAtt Q.Arn"), arn);
    assert_eq!(value("!GetAtt [Q, Arn]"), arn);
    assert_eq!(value("{'Fn::GetAtt': [Q, Arn]}"), arn);
    assert_eq!(value("{'Fn::GetAtt': Q.QueueName}"), "orders");
    assert_eq!(value("!GetAtt Q.QueueUrl"), value("!Ref Q"));
    assert_eq!(value("!GetAtt S.Table"), "t");
    assert_eq!(value("!GetAtt F.Url"), "http://127.0.0.1:9000/");
}

#[test]
fn sub() {
    assert_eq!(value("!Sub 'a ${One} ${Q.QueueName} ${!One} $ {x} }'"), "a x orders ${One} $ {x} }");
    assert_eq!(value("!Sub ['${V}-${One}-${V}', {V: !GetAtt Q.QueueName}]"), "orders-x-orders");
    assert_eq!(value("!Sub ['${One}', {One: mine}]"), "mine");
    assert_eq!(value("{'Fn::Sub': ['${V}', {V: !Sub '<${One}>'}]}"), "<x>");
    assert_eq!(value("!Sub ''"), "");
}

#[test]
fn join() {
    assert_eq!(value("!Join ['-', [a, !Ref One, !Sub '${One}']]"), "a-x-x");
    assert_eq!(value("!Join [',', !Ref Names]"), "a,b,c");
    assert_eq!(value("!Join ['', []]"), "");
    assert_eq!(value("!Join [',', [a, !Ref 'AWS::NoValue', b]]"), "a,b");
}

#[test]
fn wrong_arguments() {
    let at = |expression: &str| errors(&template(expression)).replace("t.yaml:", "");
    assert_eq!(at("!GetAtt Q"), "9:16: Fn::GetAtt takes Resource.Attribute or [Resource, Attribute]");
    assert_eq!(at("!Join [a]"), "9:16: Fn::Join takes [delimiter, [value, …]]");
    assert_eq!(at("!Join [a, b]"), "9:26: the second item of Fn::Join must be a list");
    assert_eq!(
        at("!Join [a, [[b]]]"),
        "9:27: Fn::Join takes texts only, but this is a list (Fn::Join makes a text of it)"
    );
    assert_eq!(at("!Sub {a: b}"), "9:16: Fn::Sub takes a text, or [text, {Name: value, …}]");
    assert_eq!(
        at("!Sub '${One'"),
        "9:16: a ${ in Fn::Sub has no closing }; write ${!Name} for a literal ${Name}"
    );
    assert_eq!(at("!Sub ['a', {V: b}]"), "9:28: the text of Fn::Sub does not use ${V}");
    assert_eq!(
        at("!Sub '${Names}'"),
        "9:16: Fn::Sub takes texts only, but this is a list (Fn::Join makes a text of it)"
    );
    assert_eq!(at("!Ref [One]"), "9:16: the name in Ref must be a plain text, not a list");
    assert_eq!(at("{Ref: One, b: c}"), "9:17: Ref must be the only key of its map");
    assert_eq!(
        at("!Ref Names"),
        "9:16: the Value of output Out must be a text, not a list (Fn::Join makes a text of it)"
    );
}

#[test]
fn no_value_removes_a_property() {
    let resolved = resolved(
        "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {DelaySeconds: !Ref AWS::NoValue, QueueName: q}\n",
    );
    assert!(queue(&resolved, "Q").attributes.is_empty());
    assert_eq!(
        errors(
            "Resources:\n  F:\n    Type: Millpond::Web::Form\n    Properties: {Queue: !Ref AWS::NoValue, Fields: [{Name: a}]}\n"
        ),
        "t.yaml:2:3: Millpond::Web::Form needs the property Queue"
    );
}

#[test]
fn the_address_of_a_form_is_known_only_when_it_runs() {
    let text = "Resources:\n  F:\n    Type: Millpond::Web::Form\n    Properties: {Queue: 'http://q', Fields: [{Name: a}]}\n  \
                G:\n    Type: Millpond::Web::Form\n    Properties: {Queue: 'http://q', Fields: [{Name: a}], Title: !GetAtt F.Url}\n";
    assert_eq!(
        errors(text),
        "t.yaml:7:65: Title can't use the address of a form, which is known only when the form runs; use it in Outputs"
    );
}

#[test]
fn resources_come_after_what_they_need() {
    let resolved = resolved(
        "Resources:\n  S: {Type: Millpond::Sink::Table, Properties: {Queue: !Sub '${Q}', DatabaseUrl: 'sqlite://a.db', Table: t, Columns: [a]}}\n  \
         P: {Type: AWS::SQS::Queue, DependsOn: S}\n  Q: {Type: AWS::SQS::Queue}\n  O: {Type: AWS::SQS::Queue}\n",
    );
    let order: Vec<&str> = resolved.resources().map(|(id, _)| id).collect();
    assert_eq!(order, ["Q", "S.Role", "S", "P", "O"]);
    assert_eq!(workload(&resolved, "S").name.as_str(), "s");
}

#[test]
fn functions_in_functions_can_not_make_a_text_grow_without_end() {
    let mut nested = "!Sub ['xxxxxxxxxx', {}]".to_owned();
    for _ in 0..20 {
        nested = format!("!Sub ['{}', {{V: {nested}}}]", "${V}".repeat(10));
    }
    assert!(errors(&template(&nested)).ends_with(": Fn::Sub makes a text of more than 65536 bytes"));
    let empty = template(&nested.replace("xxxxxxxxxx", ""));
    assert_eq!(output(&empty, &[]).unwrap(), "");
    let join = format!("!Join ['-', [{}]]", "!Ref One, ".repeat(70_000));
    assert!(errors(&template(&join)).contains("Fn::Join makes a text of more than"));
}
