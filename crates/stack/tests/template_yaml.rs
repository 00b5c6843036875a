//! YAML as CloudFormation takes it: scalars stay text, tags are functions, and what could grow or hide is refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use support::{errors, output, queue, resolved};

const QUEUE: &str = "Resources: {Q: {Type: AWS::SQS::Queue}}\n";

#[test]
fn scalars_stay_text() {
    for text in [
        "Yes",
        "No",
        "On",
        "off",
        "y",
        "2010-09-09",
        "012345678901",
        "1e3",
        "0x1F",
        "1_000",
        ".5",
        "12:30:45",
    ] {
        assert_eq!(output(&format!("{QUEUE}Outputs: {{Out: {{Value: {text}}}}}\n"), &[]).unwrap(), text);
    }
}

#[test]
fn truth_and_numbers_can_be_quoted() {
    let resolved = resolved(
        "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {DelaySeconds: '5', SqsManagedSseEnabled: \"true\"}\n",
    );
    let attributes = queue(&resolved, "Q").attributes;
    assert_eq!(attributes["DelaySeconds"], "5");
    assert_eq!(attributes["SqsManagedSseEnabled"], "true");
}

#[test]
fn keys_such_as_no_and_on_stay_text() {
    let text = format!("{QUEUE}Outputs:\n  On: {{Value: a}}\n  No: {{Value: b}}\n  Out: {{Value: c}}\n");
    assert_eq!(output(&text, &[]).unwrap(), "c");
}

#[test]
fn block_texts_and_comments() {
    let text =
        format!("{QUEUE}# comment\nOutputs:\n  Out:\n    Value: |\n      one # not a comment\n      two\n");
    assert_eq!(output(&text, &[]).unwrap(), "one # not a comment\ntwo\n");
    let text = format!("{QUEUE}Outputs:\n  Out:\n    Value: !Sub >-\n      in\n      ${{AWS::Region}}\n");
    assert_eq!(output(&text, &[]).unwrap(), "in eu-west-1");
}

#[test]
fn windows_line_ends_and_byte_order_mark() {
    let text = format!("\u{feff}{QUEUE}Outputs:\n  Out:\n    Value: x\n").replace('\n', "\r\n");
    assert_eq!(output(&text, &[]).unwrap(), "x");
}

#[test]
fn text_tag_keeps_an_empty_text() {
    assert_eq!(output(&format!("{QUEUE}Outputs: {{Out: {{Value: !!str }}}}\n"), &[]).unwrap(), "");
    assert_eq!(
        errors(&format!("{QUEUE}Outputs: {{Out: {{Value: !!binary aGk=}}}}\n")),
        "t.yaml:2:24: the tag !!binary is not supported; remove it"
    );
}

#[test]
fn duplicate_keys_are_refused() {
    assert_eq!(
        errors("Resources:\n  Q: {Type: AWS::SQS::Queue}\n  Q: {Type: AWS::SQS::Queue}\n"),
        "t.yaml:3:3: Q is here twice; the first is on line 2"
    );
}

#[test]
fn anchors_aliases_and_merges_are_refused() {
    let refused = "anchors and aliases (&name, *name) are not supported, as in CloudFormation; write the value out, or use a parameter";
    assert_eq!(errors("Resources: &r\n  Q: {Type: AWS::SQS::Queue}\n"), format!("t.yaml:1:12: {refused}"));
    assert_eq!(errors("Metadata: {a: &a 1, b: *a}\n"), format!("t.yaml:1:15: {refused}"));
    assert_eq!(
        errors("Metadata:\n  <<: {a: 1}\n"),
        "t.yaml:2:3: merge keys (<<) are not supported, as in CloudFormation"
    );
}

#[test]
fn aliases_can_not_make_a_small_file_large() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..40 {
        let before = level - 1;
        let nine = vec![format!("*a{before}"); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{nine}]\n"));
    }
    assert!(errors(&text).starts_with("t.yaml:1:"), "{}", errors(&text));
}

#[test]
fn a_second_document_is_refused() {
    assert_eq!(
        errors("Resources: {Q: {Type: AWS::SQS::Queue}}\n---\na: b\n"),
        "t.yaml:2:1: a template is one YAML document; remove the second one"
    );
}

#[test]
fn empty_and_broken_texts() {
    for text in ["", "# nothing\n", "---\n"] {
        let errors = errors(text);
        assert!(errors.contains("empty") || errors.contains("must be a map"), "{text:?}: {errors}");
    }
    assert!(
        errors("Resources: [\n").starts_with("t.yaml:2:1: this is not valid YAML: "),
        "{}",
        errors("Resources: [\n")
    );
    assert!(errors("a: b: c\n").starts_with("t.yaml:1:"), "{}", errors("a: b: c\n"));
    assert_eq!(errors("- a\n"), "t.yaml:1:1: a template must be a map of names to values, not a list");
}

#[test]
fn size_and_depth_are_bounded() {
    let large = format!("{QUEUE}Description: {}\n", "x".repeat(1024 * 1024));
    assert!(errors(&large).contains("at most 1048576 are allowed"));
    let deep = format!("Metadata: {}{}\n", "[".repeat(70), "]".repeat(70));
    assert_eq!(errors(&deep), "t.yaml:1:75: nested deeper than 64 levels");
    let very_deep = "[".repeat(500_000);
    assert!(errors(&very_deep).contains("recursion limit exceeded"), "{}", errors(&very_deep));
    let very_deep = "- ".repeat(500_000);
    assert!(errors(&very_deep).contains("nested deeper than 64 levels"), "{}", errors(&very_deep));
}

#[test]
fn metadata_may_hold_anything() {
    resolved(
        "Metadata: {AWS::CloudFormation::Interface: {ParameterGroups: [!Foo x, ~]}}\nResources:\n  Q:\n    Type: AWS::SQS::Queue\n    Metadata: {a: !Bar b}\n",
    );
}
