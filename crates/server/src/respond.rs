//! The replies that are not outcomes: errors, redirects, JSON of our own.

use hyper::Response;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use millpond_wire::call::error_body;
use millpond_wire::error::{ApiError, QUERY_ERROR_HEADER};
use millpond_wire::protocol::Protocol;
use millpond_wire::query::QueryService;
use millpond_wire::request_id::RequestId;
use serde_json::{Value, json};

use crate::body::ReplyBody;

pub(crate) type Reply = Response<ReplyBody>;

/// A reply with a body of a media type.
pub(crate) fn with_body(status: u16, content_type: &'static str, body: Vec<u8>) -> Reply {
    let mut reply = Response::new(ReplyBody::new(body));
    *reply.status_mut() = hyper::StatusCode::from_u16(status).expect("statuses are given as constants");
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// A JSON reply of our own API.
pub(crate) fn own(status: u16, body: &Value) -> Reply {
    with_body(status, "application/json", body.to_string().into_bytes())
}

/// An error of our own API.
pub(crate) fn own_error(status: u16, message: &str) -> Reply {
    own(status, &json!({ "error": message }))
}

/// A refusal of our own API that speaks of who called: `code` names it as errors of AWS are named.
pub(crate) fn own_refusal(status: u16, code: &str, message: &str) -> Reply {
    own(status, &json!({ "error": message, "code": code }))
}

/// An error of an AWS call, as its protocol has it.
pub(crate) fn aws_error(
    error: &ApiError,
    id: RequestId,
    protocol: Protocol,
    service: &'static QueryService,
) -> Reply {
    let body = error_body(error, protocol, service, id);
    let mut reply = with_body(error.status(), protocol.content_type(), body);
    // For clients that know errors by the codes of AWS Query; there they stand in the body.
    if let Ok(value) = HeaderValue::from_str(&error.query_error())
        && !protocol.is_query()
    {
        reply.headers_mut().insert(HeaderName::from_static(QUERY_ERROR_HEADER), value);
    }
    if error.status() == 503 {
        reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    with_request_id(reply, id)
}

/// The answer of Amazon SQS to a Query request without an action, whatever it accepts.
pub(crate) fn no_action(id: RequestId) -> Reply {
    let body = b"<UnknownOperationException/>\n".to_vec();
    with_request_id(with_body(404, Protocol::QueryXml.content_type(), body), id)
}

pub(crate) fn with_request_id(mut reply: Reply, id: RequestId) -> Reply {
    if let Ok(value) = HeaderValue::from_bytes(&id.to_text()) {
        reply.headers_mut().insert(HeaderName::from_static("x-amzn-requestid"), value);
    }
    reply
}

/// Sends a browser elsewhere on this server.
pub(crate) fn redirect(path: &'static str) -> Reply {
    let mut reply = with_body(303, "text/plain; charset=utf-8", format!("See {path}\n").into_bytes());
    reply.headers_mut().insert(LOCATION, HeaderValue::from_static(path));
    reply
}

/// The connection ends with this reply.
pub(crate) fn and_close(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    reply
}

/// A line of plain text.
pub(crate) fn text(status: u16, text: &str) -> Reply {
    with_body(status, "text/plain; charset=utf-8", format!("{text}\n").into_bytes())
}
