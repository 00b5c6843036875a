//! How the clients of other services read an error.
//!
//! Source: <https://smithy.io/2.0/aws/protocols/index.html> and
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.

use hyper::header::{HeaderName, HeaderValue};
use millpond_wire::error::{Fault, QUERY_ERROR_HEADER, UNKNOWN_OPERATION};
use millpond_wire::query::escape;
use millpond_wire::request_id::RequestId;
use serde_json::json;

use crate::respond::{self, Reply};

/// The form of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// AWS JSON 1.0.
    Json10,
    /// AWS JSON 1.1.
    Json11,
    /// AWS Query, and REST with XML.
    Query,
    /// AWS Query by a caller that accepts JSON.
    QueryJson,
    /// EC2's kind of AWS Query.
    Ec2,
    /// S3's kind of REST with XML.
    S3,
    /// REST with JSON.
    RestJson,
    /// RPC with CBOR.
    Cbor,
}

/// What is said, in whatever form.
pub(super) struct Said<'a> {
    pub(super) message: String,
    pub(super) service: &'a str,
    pub(super) version: Option<&'a str>,
    pub(super) path: &'a str,
    pub(super) by_query_code: bool,
}

/// The error in its form.
pub(super) fn reply(shape: Shape, said: &Said<'_>, id: RequestId) -> Reply {
    let kind = format!("{}#{}", UNKNOWN_OPERATION.namespace, UNKNOWN_OPERATION.shape);
    let code = UNKNOWN_OPERATION.query_code;
    let message = &said.message;
    let by_query_code = format!("{code};{}", Fault::Sender.as_str());
    let (status, content_type, body, header) = match shape {
        Shape::Json10 | Shape::Json11 => {
            let body = json!({ "__type": kind, "message": message }).to_string();
            let content_type = if shape == Shape::Json10 {
                "application/x-amz-json-1.0"
            } else {
                "application/x-amz-json-1.1"
            };
            let header = said.by_query_code.then_some((QUERY_ERROR_HEADER, by_query_code));
            (400, content_type, body.into_bytes(), header)
        }
        Shape::RestJson => {
            let body = json!({ "message": message, "Message": message }).to_string();
            let header = ("x-amzn-errortype", UNKNOWN_OPERATION.shape.to_owned());
            (404, "application/json", body.into_bytes(), Some(header))
        }
        Shape::Query => (400, "text/xml", query_xml(said, id).into_bytes(), None),
        Shape::QueryJson => {
            let error = json!({ "Code": code, "Message": message, "Type": Fault::Sender.as_str() });
            let body = json!({ "Error": error, "RequestId": id.to_string() }).to_string();
            (400, "application/json", body.into_bytes(), None)
        }
        Shape::Ec2 => (400, "text/xml", ec2_xml(message, id).into_bytes(), None),
        Shape::S3 => (501, "application/xml", s3_xml(said, id).into_bytes(), None),
        Shape::Cbor => {
            let body = cbor(&[("__type", &kind), ("message", message)]);
            (400, "application/cbor", body, Some(("smithy-protocol", "rpc-v2-cbor".to_owned())))
        }
    };
    let mut reply = respond::with_body(status, content_type, body);
    if let Some((name, value)) = header
        && let Ok(value) = HeaderValue::from_str(&value)
    {
        reply.headers_mut().insert(HeaderName::from_static(name), value);
    }
    respond::with_request_id(reply, id)
}

fn query_xml(said: &Said<'_>, id: RequestId) -> String {
    let namespace = said.version.map_or_else(String::new, |version| {
        format!(" xmlns=\"http://{}.amazonaws.com/doc/{version}/\"", said.service)
    });
    format!(
        "<?xml version=\"1.0\"?><ErrorResponse{namespace}><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message>\
         <Detail/></Error><RequestId>{id}</RequestId></ErrorResponse>",
        UNKNOWN_OPERATION.query_code,
        escaped(&said.message),
    )
}

fn ec2_xml(message: &str, id: RequestId) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error>\
         </Errors><RequestID>{id}</RequestID></Response>",
        UNKNOWN_OPERATION.query_code,
        escaped(message),
    )
}

fn s3_xml(said: &Said<'_>, id: RequestId) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>NotImplemented</Code><Message>{}</Message>\
         <Resource>{}</Resource><RequestId>{id}</RequestId></Error>",
        escaped(&said.message),
        escaped(said.path),
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    escape(&mut out, text);
    out
}

/// A map of texts, each shorter than 64 KiB.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc8949#section-3>.
fn cbor(members: &[(&str, &str)]) -> Vec<u8> {
    const MAP: u8 = 0xa0;
    const TEXT_OF_16_BIT_LENGTH: u8 = 0x79;
    let mut out = vec![MAP + u8::try_from(members.len()).unwrap_or_default()];
    for text in members.iter().flat_map(|(name, value)| [name, value]) {
        let length = u16::try_from(text.len()).unwrap_or_default();
        out.push(TEXT_OF_16_BIT_LENGTH);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&text.as_bytes()[..usize::from(length)]);
    }
    out
}
