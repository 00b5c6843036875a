//! An AWS call, stage by stage: recognise, place in account and region, decode, have it carried out, encode.

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName};
use millpond_core::name::{AccountId, QueueName, Region};
use millpond_engine::EngineHandle;
use millpond_engine::handle::{Answer, CallError};
use millpond_engine::step::Wait;
use millpond_sqs::{Context, Endpoint, Prepared, ReceiptCodec, WaitTime, catalogue, prepare};
use millpond_wire::error::{
    ApiError, REQUEST_TOO_LARGE, SERIALIZATION, SERVICE_UNAVAILABLE, UNKNOWN_OPERATION,
};
use millpond_wire::protocol::{Protocol, TARGET_HEADER, recognise};
use millpond_wire::request_id::RequestId;

use crate::body::{BodyError, ReplyBody};
use crate::entropy;
use crate::respond::{self, Reply};
use crate::scope::scope;

static TARGET: HeaderName = HeaderName::from_static(TARGET_HEADER);
static TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// What AWS calls need besides the request.
#[derive(Debug)]
pub(crate) struct Aws {
    pub(crate) engine: EngineHandle,
    pub(crate) receipts: ReceiptCodec,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
}

/// One request, its body read.
#[derive(Debug)]
pub(crate) struct AwsRequest<'a> {
    pub(crate) method: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) queue: Option<(AccountId, QueueName)>,
    pub(crate) body: Result<Bytes, BodyError>,
}

impl Aws {
    /// Answers a call, whatever comes.
    pub(crate) async fn answer(&self, request: AwsRequest<'_>) -> Reply {
        let id = RequestId(entropy::draw());
        match self.call(request).await {
            Ok(reply) => respond::with_request_id(reply, id),
            Err(error) => respond::aws_error(&error, id),
        }
    }

    async fn call(&self, request: AwsRequest<'_>) -> Result<Reply, ApiError> {
        let AwsRequest { method, headers, queue, body } = request;
        let target = text(headers, &TARGET);
        let recognised = recognise(method, text(headers, &CONTENT_TYPE), target)?;
        let scope = scope(text(headers, &AUTHORIZATION), self.account, &self.region);
        if recognised.target.service != catalogue::TARGET {
            return Err(unknown_service(recognised.target.service));
        }
        let body = body.map_err(|error| body_error(&error))?;
        let context = Context {
            account: scope.account,
            region: scope.region,
            sender_id: &scope.account.to_string(),
            trace_header: text(headers, &TRACE_ID),
            queue_path: queue,
            receipts: &self.receipts,
        };
        let prepared = prepare(recognised.target.action, &body, &context, &mut entropy::draw)?;
        let Prepared { command, wait, answer, queue: _ } = prepared;
        let size_bytes = body.len();
        drop(body);
        let called = self.engine.call(command, engine_wait(wait), size_bytes).await;
        let Answer { outcome, payloads, lease } = called.map_err(|error| call_error(&error))?;
        let base_url = base_url(headers);
        let encoded = answer.encode(outcome, payloads, &Endpoint { base_url: &base_url }, &self.receipts)?;
        let mut reply = respond::with_body(200, Protocol::Json10.content_type(), Vec::new());
        *reply.body_mut() = ReplyBody::new(encoded).with_lease(lease);
        Ok(reply)
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Queue URLs answer with the host that the client used.
fn base_url(headers: &HeaderMap) -> String {
    format!("http://{}", text(headers, &HOST).unwrap_or("127.0.0.1"))
}

const fn engine_wait(wait: WaitTime) -> Wait {
    match wait {
        WaitTime::QueueDefault => Wait::QueueDefault,
        WaitTime::Secs(secs) => Wait::Secs(secs),
        WaitTime::NotReceive => Wait::Secs(0),
    }
}

fn unknown_service(service: &str) -> ApiError {
    let known = catalogue::TARGET;
    UNKNOWN_OPERATION
        .because(format!("The service {service} is not here. The services of this endpoint are: {known}."))
}

fn body_error(error: &BodyError) -> ApiError {
    match error {
        BodyError::TooLarge { .. } => REQUEST_TOO_LARGE.because(error.to_string()),
        BodyError::Crowded => SERVICE_UNAVAILABLE.because(error.to_string()),
        BodyError::TooSlow { .. } | BodyError::Broken => SERIALIZATION.because(error.to_string()),
    }
}

fn call_error(error: &CallError) -> ApiError {
    SERVICE_UNAVAILABLE.because(error.to_string())
}
