//! Replies of the form: status, headers that hold for every one, and the two shapes of errors (page and JSON).

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
        REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
    },
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::{
    field::Field,
    page,
    submission::{MessageId, SubmissionKey},
};

/// A complete reply.
pub(crate) type Reply = Response<Full<Bytes>>;

/// After how many seconds a client may try again when the queue is away.
const RETRY_AFTER_SECS: &str = "5";
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
const PLAIN: &str = "text/plain; charset=utf-8";

/// The shape in which a client wants errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Page,
    Json,
}

/// What a JSON client gets for an accepted entry.
#[derive(Serialize)]
struct Accepted<'a> {
    message_id: &'a MessageId,
    submission_id: &'a SubmissionKey,
}

/// What a JSON client gets otherwise.
#[derive(Serialize)]
struct Failure<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    submission_id: Option<&'a SubmissionKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<serde_json::Map<String, serde_json::Value>>,
}

pub(crate) fn html(status: StatusCode, text: String) -> Reply {
    reply(status, HTML, text)
}

pub(crate) fn plain(status: StatusCode, text: &str) -> Reply {
    reply(status, PLAIN, format!("{text}\n"))
}

pub(crate) fn asset(content_type: &'static str, text: &'static str) -> Reply {
    let mut reply = reply(StatusCode::OK, content_type, text);
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    reply
}

pub(crate) fn health() -> Reply {
    reply(StatusCode::OK, JSON, "{\"status\":\"ok\"}\n")
}

/// Sends the browser on, so that a reload of what follows posts nothing.
pub(crate) fn see_thanks(message_id: &MessageId) -> Reply {
    let location = format!("thanks?message_id={}", utf8_percent_encode(&message_id.0, NON_ALPHANUMERIC));
    let mut reply = plain(StatusCode::SEE_OTHER, &format!("Received as message {message_id}."));
    if let Ok(location) = HeaderValue::from_str(&location) {
        reply.headers_mut().insert(LOCATION, location);
    }
    reply
}

pub(crate) fn accepted(message_id: &MessageId, key: &SubmissionKey) -> Reply {
    json(StatusCode::OK, &Accepted { message_id, submission_id: key })
}

/// An error of the whole request, in the shape that the client wants.
pub(crate) fn failure(shape: Shape, status: StatusCode, title: &str, text: &str) -> Reply {
    match shape {
        Shape::Page => html(status, page::message(title, text)),
        Shape::Json => json(status, &Failure { error: text, submission_id: None, fields: None }),
    }
}

/// A JSON error after which the client may repeat the request under this key.
pub(crate) fn not_sent(status: StatusCode, text: &str, key: &SubmissionKey) -> Reply {
    json(status, &Failure { error: text, submission_id: Some(key), fields: None })
}

/// A JSON error with one text per field.
pub(crate) fn invalid_fields(fields: &[Field], errors: &[Option<String>]) -> Reply {
    let of_field = |(field, error): (&Field, &Option<String>)| {
        error.as_ref().map(|error| (field.name.clone(), serde_json::Value::from(error.as_str())))
    };
    let fields = fields.iter().zip(errors).filter_map(of_field).collect();
    let error = "some fields are not valid";
    json(StatusCode::UNPROCESSABLE_ENTITY, &Failure { error, submission_id: None, fields: Some(fields) })
}

pub(crate) fn method_not_allowed(allowed: &'static str) -> Reply {
    let mut reply = plain(StatusCode::METHOD_NOT_ALLOWED, &format!("This address takes {allowed} only."));
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    reply
}

pub(crate) fn with_retry_after(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECS));
    reply
}

fn json(status: StatusCode, value: &impl Serialize) -> Reply {
    let text = serde_json::to_string(value).expect("texts under text keys always serialize");
    reply(status, JSON, text + "\n")
}

fn reply(status: StatusCode, content_type: &'static str, text: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(text.into()));
    *reply.status_mut() = status;
    let headers = [
        (CONTENT_TYPE, content_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // With `no-referrer`, browsers would hide the origin of the form's own posts.
        (REFERRER_POLICY, "same-origin"),
        (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in headers {
        reply.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    reply
}
