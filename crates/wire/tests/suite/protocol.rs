//! Which requests are calls.

use millpond_wire::error::ApiError;
use millpond_wire::protocol::{Head, Protocol, Recognised, Target, Unrecognised, names_action, recognise};

const JSON: Option<&str> = Some("application/x-amz-json-1.0");
const FORM: Option<&str> = Some("application/x-www-form-urlencoded");
const TARGET: Option<&str> = Some("AmazonSQS.SendMessage");

fn post(content_type: Option<&'static str>) -> Head<'static> {
    Head { method: "POST", content_type, target: TARGET, ..Head::default() }
}

#[test]
fn an_aws_json_call_names_service_and_action() {
    let target = Target { service: "AmazonSQS", action: "SendMessage" };
    assert_eq!(recognise(&post(JSON)), Ok(Recognised::Json(target)));
    let with_charset = post(Some("Application/X-AMZ-JSON-1.0 ; charset=utf-8"));
    assert_eq!(recognise(&with_charset), Ok(Recognised::Json(target)));
    assert_eq!(Recognised::Json(target).protocol(), Protocol::Json10);
}

#[test]
fn a_form_is_a_query_call() {
    for content_type in [FORM, Some("application/x-www-form-urlencoded; charset=utf-8")] {
        assert_eq!(recognise(&post(content_type)), Ok(Recognised::Query(Protocol::QueryXml)));
    }
}

#[test]
fn an_address_is_a_query_call() {
    let get = Head { method: "GET", ..Head::default() };
    assert_eq!(recognise(&get), Ok(Recognised::Query(Protocol::QueryXml)));
    let posted = Head { query: Some("Version=2012-11-05&Action=PurgeQueue"), ..post(None) };
    assert_eq!(recognise(&posted), Ok(Recognised::Query(Protocol::QueryXml)));
    let typed = Head { content_type: Some("text/plain"), ..posted };
    assert_eq!(recognise(&typed), Err(Unrecognised::ContentType));
}

#[test]
fn an_action_is_named_by_its_parameter_alone() {
    assert!(names_action("Action=ListQueues") && names_action("a=b&Action=") && !names_action(""));
    assert!(!names_action("xAction=ListQueues") && !names_action("a=Action=ListQueues"));
}

#[test]
fn a_query_call_is_answered_in_what_it_accepts() {
    let accepting = |accept| recognise(&Head { accept: Some(accept), ..post(FORM) }).unwrap().protocol();
    for accept in ["", "*/*", "text/xml, text/html, application/xml", "application/jsonish"] {
        assert_eq!(accepting(accept), Protocol::QueryXml, "{accept}");
    }
    for accept in ["application/json", "Application/JSON;q=0.9", "text/xml, application/json"] {
        assert_eq!(accepting(accept), Protocol::QueryJson, "{accept}");
    }
}

#[test]
fn only_the_media_types_of_known_protocols_count() {
    let others = [
        None,
        Some(""),
        Some("text/plain"),
        Some("application/json"),
        Some("text/plain; application/x-amz-json-1.0"),
        Some("application/x-amz-json-1.1"),
        Some("multipart/form-data"),
    ];
    for content_type in others {
        assert_eq!(recognise(&post(content_type)), Err(Unrecognised::ContentType), "{content_type:?}");
    }
}

#[test]
fn only_post_and_get_count() {
    for method in ["PUT", "OPTIONS", "HEAD", "post", ""] {
        assert_eq!(recognise(&Head { method, ..post(JSON) }), Err(Unrecognised::Method), "{method}");
    }
}

#[test]
fn a_target_has_a_service_and_an_action() {
    let of = |target| recognise(&Head { target, ..post(JSON) });
    assert_eq!(of(None), Err(Unrecognised::NoTarget));
    for target in ["", ".", "SendMessage", "AmazonSQS.", ".SendMessage", "Amazon SQS.Send", "A.B\nC"] {
        assert_eq!(of(Some(target)), Err(Unrecognised::MalformedTarget), "{target}");
    }
    let Ok(Recognised::Json(target)) = of(Some("DynamoDB_20120810.GetItem")) else { panic!("no target") };
    assert_eq!(target.service, "DynamoDB_20120810");
}

#[test]
fn what_is_no_call_is_told_how_to_call() {
    let error = ApiError::from(Unrecognised::NoTarget);
    assert_eq!((error.kind().shape, error.status()), ("UnknownOperationException", 400));
    assert!(error.message().contains("AmazonSQS.SendMessage"));
}
