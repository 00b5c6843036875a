//! Damaged templates: every text gives a template or errors with places, quickly, and never a panic.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use millpond_stack::Template;
use support::resolve_with;

const EXAMPLE: &str = include_str!("../../../examples/customers/template.yaml");
const JSON: &str = r#"{"Parameters": {"P": {"Type": "String", "Default": "\u00e9"}}, "Resources": {"Q": {"Type":
    "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Join": ["-", ["a", {"Ref": "P"}]]}, "DelaySeconds": 5}}}}"#;

#[test]
fn any_text_cut_short_or_with_a_piece_missing() {
    for text in [EXAMPLE, JSON] {
        for start in (0..text.len()).filter(|index| text.is_char_boundary(*index)) {
            let _ = resolve_with(&text[..start], &[]);
            let rest: String = text[start..].chars().skip(3).collect();
            let _ = resolve_with(&format!("{}{rest}", &text[..start]), &[]);
        }
    }
}

#[test]
fn any_text_with_a_letter_too_many() {
    for text in [EXAMPLE, JSON] {
        for index in (0..text.len()).filter(|index| text.is_char_boundary(*index)).step_by(3) {
            for letter in
                ["\0", "\t", "\n", "{", "]", "'", "\"", "!", "&a ", "*", "- ", ": ", "é", "\u{2028}", "${"]
            {
                let _ = resolve_with(&format!("{}{letter}{}", &text[..index], &text[index..]), &[]);
            }
        }
    }
}

#[test]
fn large_templates_are_read() {
    let queues: String = (0..500).map(|index| format!("  Q{index}: {{Type: AWS::SQS::Queue}}\n")).collect();
    let outputs: String = (0..200)
        .map(|index| format!("  O{index}: {{Value: !Sub '{}'}}\n", "${Q1.Arn} ".repeat(400)))
        .collect();
    let text = format!("Resources:\n{queues}Outputs:\n{outputs}");
    assert!(text.len() > 700_000 && text.len() < 1_048_576, "{}", text.len());
    assert_eq!(Template::parse("t.yaml", &text).map(|_| ()), Ok(()));
    let too_many: String = (0..501).map(|index| format!("  Q{index}: {{Type: AWS::SQS::Queue}}\n")).collect();
    let errors = Template::parse("t.yaml", &format!("Resources:\n{too_many}")).unwrap_err().to_string();
    assert_eq!(errors, "t.yaml:2:3: Resources has 501 entries; at most 500 are allowed");
}

#[test]
fn chains_of_resources_are_resolved() {
    let chain: String = (1..500)
        .map(|index| format!("  Q{index}: {{Type: AWS::SQS::Queue, DependsOn: Q{}}}\n", index - 1))
        .collect();
    let resolved =
        resolve_with(&format!("Resources:\n{chain}  Q0: {{Type: AWS::SQS::Queue}}\n"), &[]).unwrap();
    assert_eq!(resolved.resources().next().unwrap().0, "Q0");
}
