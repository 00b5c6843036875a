//! JSON templates: the same meaning as YAML, with positions.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use support::{errors, output, queue, resolved};

#[test]
fn reads_the_same_as_yaml() {
    let json = "{\"Resources\": {\"Q\": {\"Type\": \"AWS::SQS::Queue\",\n\t\"Properties\": {\"DelaySeconds\": 5, \"SqsManagedSseEnabled\": false}}}}";
    let yaml = "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {DelaySeconds: 5, SqsManagedSseEnabled: false}\n";
    assert_eq!(queue(&resolved(json), "Q"), queue(&resolved(yaml), "Q"));
}

#[test]
fn long_form_functions() {
    let text = r#"{
        "Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}}},
        "Outputs": {"Out": {"Value": {"Fn::Join": ["|", [
            {"Ref": "Q"}, {"Fn::GetAtt": ["Q", "Arn"]}, {"Fn::Sub": "${Q.QueueName}"}]]}}}}"#;
    let expected = "http://127.0.0.1:4566/012345678901/q|arn:aws:sqs:eu-west-1:012345678901:q|q";
    assert_eq!(output(text, &[]).unwrap(), expected);
}

#[test]
fn escapes() {
    let text = r#"{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {"Out": {"Value": "a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é"}}}"#;
    assert_eq!(output(text, &[]).unwrap(), "a\"\\/\u{8}\u{c}\n\r\té😀é");
}

#[test]
fn mistakes_have_places() {
    let cases = [
        ("{\n  \"a\": 1,\n  \"a\": 2}", "t.yaml:3:3: a is here twice; the first is on line 2"),
        (
            "{\"a\": 1} x",
            "t.yaml:1:10: this is not valid JSON: there is something after the end of the JSON document",
        ),
        ("{\"a\" 1}", "t.yaml:1:6: this is not valid JSON: expected : but found 1"),
        ("{\"a\": 1,}", "t.yaml:1:9: this is not valid JSON: expected a key in double quotes"),
        ("{a: 1}", "t.yaml:1:2: this is not valid JSON: expected a key in double quotes"),
        ("{\"a\": tru}", "t.yaml:1:7: this is not valid JSON: expected a value but found tru"),
        ("{\"a\": 01}", "t.yaml:1:7: this is not valid JSON: expected a value but found 01"),
        (
            "{\"a\": \"x\ny\"}",
            "t.yaml:1:9: this is not valid JSON: a text in double quotes must be on one line; write \\n for a new line",
        ),
        ("{\"a\": \"\\ud800x\"}", "t.yaml:1:15: this is not valid JSON: half of a surrogate pair"),
        ("{\"a\": [1, 2", "t.yaml:1:12: this is not valid JSON: expected , but the template ends"),
        ("{\"a\": ", "t.yaml:1:7: this is not valid JSON: the template ends too early"),
    ];
    for (text, expected) in cases {
        assert_eq!(errors(text), expected, "{text}");
    }
}

#[test]
fn depth_is_bounded() {
    let text = format!("{{\"a\": {}", "[".repeat(500_000));
    assert!(errors(&text).contains("nested deeper than 64 levels"), "{}", errors(&text));
}

#[test]
fn null_is_refused_where_a_value_is_needed() {
    assert_eq!(
        errors(
            "{\"Resources\": {\"Q\": {\"Type\": \"AWS::SQS::Queue\", \"Properties\": {\"QueueName\": null}}}}"
        ),
        "t.yaml:1:77: a value is missing here; null values are not allowed in templates"
    );
}
