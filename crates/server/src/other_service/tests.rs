//! Which service a request is taken to be for, and that ours is never taken for another.

use hyper::Request;
use hyper::http::request::Parts;
use millpond_wire::protocol::Protocol;
use millpond_wire::query::Form;

use super::shape::Shape;
use super::{of_form, of_head};
use crate::scope::Credential;

fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn signed(service: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential=test/20261121/us-east-1/{service}/aws4_request, SignedHeaders=host")
}

fn found(method: &str, uri: &str, headers: &[(&str, &str)]) -> Option<(String, Shape)> {
    of_head(&head(method, uri, headers)).map(|other| (other.name, other.shape))
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");

#[test]
fn a_target_names_its_service() {
    for (content_type, shape) in [
        ("application/x-amz-json-1.0", Shape::Json10),
        ("application/x-amz-json-1.1", Shape::Json11),
        ("text/plain", Shape::Json10),
    ] {
        let headers = [("content-type", content_type), ("x-amz-target", "DynamoDB_20120810.ListTables")];
        assert_eq!(found("POST", "/", &headers), Some(("DynamoDB_20120810".into(), shape)));
    }
}

#[test]
fn a_signature_names_its_service() {
    let of = |method: &str, uri: &str, service: &str, more: &[(&str, &str)]| {
        let authorization = signed(service);
        let mut headers = vec![("authorization", authorization.as_str())];
        headers.extend_from_slice(more);
        found(method, uri, &headers).map(|(name, shape)| (name == service, shape))
    };
    assert_eq!(of("GET", "/bucket/key", "s3", &[]), Some((true, Shape::S3)));
    assert_eq!(of("GET", "/000000000000/jobs", "s3", &[]), Some((true, Shape::S3)));
    assert_eq!(of("POST", "/", "sns", &[FORM]), Some((true, Shape::Query)));
    assert_eq!(of("GET", "/?Action=ListTopics", "sns", &[]), Some((true, Shape::Query)));
    assert_eq!(
        of("POST", "/", "sns", &[FORM, ("accept", "application/json")]),
        Some((true, Shape::QueryJson))
    );
    assert_eq!(of("POST", "/", "ec2", &[FORM]), Some((true, Shape::Ec2)));
    assert_eq!(of("GET", "/2015-03-31/functions/", "lambda", &[]), Some((true, Shape::RestJson)));
    assert_eq!(of("GET", "/2013-04-01/hostedzone", "route53", &[]), Some((true, Shape::Query)));
    let ours = ("x-amz-target", "AmazonSQS.ListQueues");
    assert_eq!(of("POST", "/", "kms", &[ours]), Some((true, Shape::Json10)), "it is signed for another");
}

#[test]
fn an_address_may_be_signed() {
    let uri = "/bucket/key?X-Amz-Credential=test%2F20261121%2Fus-east-1%2Fs3%2Faws4_request";
    assert_eq!(found("GET", uri, &[]), Some(("s3".into(), Shape::S3)));
}

#[test]
fn protocols_that_only_others_speak_show() {
    let cbor = [("smithy-protocol", "rpc-v2-cbor")];
    let path = "/service/GraniteServiceVersion20100801/operation/ListMetrics";
    assert_eq!(found("POST", path, &cbor), Some(("GraniteServiceVersion20100801".into(), Shape::Cbor)));
    let unsigned = [("x-amz-content-sha256", "UNSIGNED-PAYLOAD")];
    assert_eq!(found("PUT", "/bucket/key", &unsigned), Some(("s3".into(), Shape::S3)));
    let sdk = ("amz-sdk-invocation-id", "6f3c");
    assert_eq!(found("GET", "/bucket/key", &[sdk]), Some(("s3".into(), Shape::S3)));
    assert_eq!(found("POST", "/path", &[sdk, ("content-type", "application/json")]), None);
}

#[test]
fn ours_is_ours() {
    let json = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", "AmazonSQS.ListQueues")];
    let authorization = signed("sqs");
    for more in [
        None,
        Some(("authorization", authorization.as_str())),
        Some(("authorization", "AWS test:x")),
        Some(("amz-sdk-invocation-id", "6f3c")),
        Some(("x-amz-content-sha256", "e3b0")),
    ] {
        let headers: Vec<_> = json.into_iter().chain(more).collect();
        assert_eq!(found("POST", "/", &headers), None);
        let headers: Vec<_> = [FORM].into_iter().chain(more).collect();
        assert_eq!(found("POST", "/000000000000/jobs", &headers), None);
    }
    assert_eq!(found("POST", "/", &[("x-amz-target", "nonsense")]), None, "its own error says more");
    assert_eq!(found("GET", "/nowhere", &[]), None);
}

#[test]
fn a_version_names_its_service_unless_the_signature_says_ours() {
    let of = |form: &str, credential: Credential<'_>| {
        let form = Form::parse(b"", form.as_bytes()).unwrap();
        of_form(&form, credential, Protocol::QueryXml).map(|other| (other.name, other.shape))
    };
    let none = Credential::None;
    assert_eq!(of("Action=ListTopics&Version=2010-03-31", none), Some(("sns".into(), Shape::Query)));
    assert_eq!(of("Action=DescribeVpcs&Version=2016-11-15", none), Some(("ec2".into(), Shape::Ec2)));
    for ours in ["2012-11-05", "2011-10-01", "2099-01-01"] {
        assert_eq!(of(&format!("Action=ListQueues&Version={ours}"), none), None);
    }
    assert_eq!(of("Action=ListQueues", none), None);
    let sqs = Credential::Scope("test/20261121/us-east-1/sqs/aws4_request");
    assert_eq!(of("Action=ListQueues&Version=2010-03-31", sqs), None);
    let sns = Credential::Scope("test/20261121/us-east-1/sns/aws4_request");
    assert_eq!(of("Action=ListTopics", sns), Some(("sns".into(), Shape::Query)));
    for ours in ["iam", "sts"] {
        let scope = format!("test/20261121/us-east-1/{ours}/aws4_request");
        assert_eq!(of("Action=GetCallerIdentity", Credential::Scope(&scope)), None);
    }
}

#[test]
fn only_letters_of_names_are_repeated() {
    let headers = [("x-amz-target", "<script>\"x\"&.Y")];
    assert_eq!(found("POST", "/", &headers), Some(("scriptx".into(), Shape::Json10)));
}
