//! `RedrivePolicy` in text.

use millpond_core::queue::RedrivePolicy;

use super::{parse, write};
use crate::arn;
use crate::error::SqsError;

const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:dead";

fn policy(max_receive_count: &str) -> String {
    format!(r#"{{"deadLetterTargetArn":"{ARN}","maxReceiveCount":{max_receive_count}}}"#)
}

/// Refused as a parameter, for this reason.
fn invalid(text: &str, reason: &str) {
    let expected = SqsError::invalid(text, "RedrivePolicy", reason.to_owned());
    assert_eq!(parse(text), Err(expected), "{text}");
}

#[test]
fn a_count_is_a_number_or_text_and_told_as_a_number() {
    for count in [1, 1000] {
        let expected = RedrivePolicy { target: arn::parse(ARN).unwrap(), max_receive_count: count };
        assert_eq!(parse(&policy(&count.to_string())), Ok(expected.clone()));
        assert_eq!(parse(&policy(&format!("{:?}", count.to_string()))), Ok(expected.clone()));
        assert_eq!(write(&expected), policy(&count.to_string()));
    }
}

#[test]
fn a_count_is_from_1_to_1000() {
    for (count, shown) in [
        ("0", "0"),
        ("1001", "1001"),
        ("-1", "-1"),
        ("1.5", "1.5"),
        (r#""x""#, "x"),
        (r#""""#, ""),
        ("null", "null"),
    ] {
        let reason = format!(
            "Invalid value for maxReceiveCount: {shown}, valid values are from 1 to 1000 both inclusive."
        );
        invalid(&policy(count), &reason);
    }
}

#[test]
fn both_members_must_be_there_and_no_other() {
    let missing = |name: &str| format!("Redrive policy does not contain mandatory attribute: {name}.");
    invalid("{}", &missing("maxReceiveCount"));
    invalid(r#"{"maxReceiveCount":1}"#, &missing("deadLetterTargetArn"));
    invalid(&format!(r#"{{"deadLetterTargetArn":"{ARN}"}}"#), &missing("maxReceiveCount"));
    let reason = "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].";
    invalid(&policy(r#"1,"foobar":1"#), reason);
}

#[test]
fn the_target_is_the_arn_of_a_queue() {
    let no_arn = "Invalid value for deadLetterTargetArn.";
    for target in [
        "",
        "dead",
        "arn:aws:sqs:us-east-1:dead",
        "arn:aws:sqs:us-east-1:1:dead",
        "a:aws:sqs:r:000000000000:q",
    ] {
        invalid(&policy("1").replace(ARN, target), no_arn);
    }
    let other = policy("1").replace(":sqs:", ":sns:");
    invalid(&other, "Only SQS queues are valid resources for deadLetterTargetArn.");
}

#[test]
fn what_is_no_map_is_refused() {
    let refused = SqsError::UnfitAttributeValue {
        attribute: "RedrivePolicy",
        reason: "Redrive policy is not a valid JSON map.",
    };
    for text in ["x", "[]", "1", "null", "{"] {
        assert_eq!(parse(text), Err(refused.clone()));
    }
}
