//! Which requests are calls.

use millpond_wire::error::ApiError;
use millpond_wire::protocol::{Protocol, Recognised, Target, Unrecognised, recognise};

const JSON: Option<&str> = Some("application/x-amz-json-1.0");
const TARGET: Option<&str> = Some("AmazonSQS.SendMessage");

#[test]
fn an_aws_json_call_names_service_and_action() {
    let target = Target { service: "AmazonSQS", action: "SendMessage" };
    let expected = Ok(Recognised { protocol: Protocol::Json10, target });
    assert_eq!(recognise("POST", JSON, TARGET), expected);
    assert_eq!(recognise("POST", Some("Application/X-AMZ-JSON-1.0 ; charset=utf-8"), TARGET), expected);
}

#[test]
fn only_the_media_type_of_aws_json_counts() {
    let others = [
        None,
        Some(""),
        Some("text/plain"),
        Some("application/json"),
        Some("text/plain; application/x-amz-json-1.0"),
        Some("application/x-amz-json-1.1"),
        Some("application/x-www-form-urlencoded"),
    ];
    for content_type in others {
        assert_eq!(
            recognise("POST", content_type, TARGET),
            Err(Unrecognised::ContentType),
            "{content_type:?}"
        );
    }
}

#[test]
fn only_post_is_a_call() {
    for method in ["GET", "PUT", "OPTIONS", "post"] {
        assert_eq!(recognise(method, JSON, TARGET), Err(Unrecognised::Method));
    }
}

#[test]
fn a_target_has_a_service_and_an_action() {
    assert_eq!(recognise("POST", JSON, None), Err(Unrecognised::NoTarget));
    for target in ["", ".", "SendMessage", "AmazonSQS.", ".SendMessage", "Amazon SQS.Send", "A.B\nC"] {
        assert_eq!(recognise("POST", JSON, Some(target)), Err(Unrecognised::MalformedTarget), "{target}");
    }
    let recognised = recognise("POST", JSON, Some("DynamoDB_20120810.GetItem")).unwrap();
    assert_eq!(recognised.target.service, "DynamoDB_20120810");
}

#[test]
fn what_is_no_call_is_told_how_to_call() {
    let error = ApiError::from(Unrecognised::NoTarget);
    assert_eq!((error.kind().shape, error.status()), ("UnknownOperationException", 400));
    assert!(error.message().contains("AmazonSQS.SendMessage"));
}
