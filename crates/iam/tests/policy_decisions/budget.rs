//! Policies that would compare for minutes with a request that suits them: whoever writes both gains nothing by it.

use serde_json::{Value, json};

use crate::support::{Case, decided};

const QUEUE: &str = "arn:aws:sqs:us-east-1:111122223333:jobs";

fn statement(effect: &str, operator: &str) -> Value {
    let endless = "*".to_owned() + &"a?".repeat(1_500) + "b*";
    json!({ "Effect": effect, "Action": "*", "Resource": "*", "Condition": { operator: { "aws:UserAgent": endless } } })
}

fn case(identity: &[Value]) -> Case {
    let case = json!({
        "name": "budget", "because": "", "expect": "", "caller": "alice",
        "action": "sqs:SendMessage", "resource": QUEUE,
        "identity": [identity], "context": { "aws:UserAgent": "a".repeat(380_000) },
    });
    serde_json::from_value(case).expect("a case")
}

fn plain(effect: &str, action: &str) -> Value {
    json!({ "Effect": effect, "Action": action, "Resource": "*" })
}

#[test]
fn a_deny_that_can_not_be_compared_to_its_end_denies() {
    for operator in ["StringLike", "StringNotLike"] {
        let case = case(&[plain("Allow", "*"), statement("Deny", operator)]);
        assert_eq!(decided(&case).unwrap(), "explicit deny", "{operator}");
    }
}

#[test]
fn an_allow_that_can_not_be_compared_to_its_end_allows_nothing() {
    for operator in ["StringLike", "StringNotLike", "ForAllValues:StringNotLike"] {
        let case = case(&[statement("Allow", operator)]);
        assert_eq!(decided(&case).unwrap(), "implicit deny", "{operator}");
    }
}

#[test]
fn behind_one_that_can_not_be_compared_nothing_allows_and_every_deny_denies() {
    let case_of_allow = case(&[statement("Allow", "StringLike"), plain("Allow", "*")]);
    assert_eq!(decided(&case_of_allow).unwrap(), "implicit deny");
    let case_of_deny = case(&[statement("Allow", "StringLike"), plain("Deny", "iam:*")]);
    assert_eq!(decided(&case_of_deny).unwrap(), "explicit deny");
}

#[test]
fn large_policies_that_compare_little_are_decided_to_their_end() {
    let many: Vec<String> = (0..400).map(|number| format!("sqs:*{number}*Queue")).collect();
    let many = json!({ "Effect": "Deny", "Action": many, "Resource": "*" });
    let case = case(&[many, plain("Allow", "sqs:*")]);
    assert_eq!(decided(&case).unwrap(), "allow");
}
