//! An AWS call, stage by stage: recognise, place in account and region, decode, have it carried out, encode, count.

use std::time::Instant;

use bytes::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};
use millpond_core::name::{AccountId, QueueKey, Region};
use millpond_engine::EngineHandle;
use millpond_engine::handle::{Answer, CallError};
use millpond_engine::step::Wait;
use millpond_sqs::{
    Context, Endpoint, Prepared, QUERY, QueuePath, ReceiptCodec, WaitTime, catalogue, prepare,
};
use millpond_wire::call::{Envelope, Parameters};
use millpond_wire::error::{
    ApiError, ErrorKind, REQUEST_TOO_LARGE, SERIALIZATION, SERVICE_UNAVAILABLE, UNKNOWN_OPERATION,
};
use millpond_wire::protocol::{Head, Protocol, Recognised, TARGET_HEADER, recognise};
use millpond_wire::query::Form;
use millpond_wire::request_id::RequestId;

use crate::audit::Trail;
use crate::behaviour::Behaviour;
use crate::body::{BodyError, ReplyBody};
use crate::entropy;
use crate::metrics::Requests;
use crate::other_service::{self, OtherService};
use crate::proxy::Arrival;
use crate::respond::{self, Reply};
use crate::scope::{Credential, Scope, scope};

static TARGET: HeaderName = HeaderName::from_static(TARGET_HEADER);
static TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// What AWS calls need besides the request.
#[derive(Debug)]
pub(crate) struct Aws {
    pub(crate) engine: EngineHandle,
    pub(crate) receipts: ReceiptCodec,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) requests: Requests,
    pub(crate) behaviour: Behaviour,
}

/// One request, its body read.
#[derive(Debug)]
pub(crate) struct AwsRequest {
    pub(crate) head: Parts,
    pub(crate) queue: Option<QueuePath>,
    pub(crate) body: Result<Bytes, BodyError>,
    pub(crate) arrival: Arrival,
}

/// A reply, and the error that it is.
type Answered = (Reply, Option<&'static ErrorKind>);

impl Aws {
    /// Answers a call, whatever comes.
    pub(crate) async fn answer(&self, request: AwsRequest, trail: &mut Trail) -> Reply {
        let begun = Instant::now();
        let id = RequestId(entropy::draw());
        let mut action = None;
        let heard = self.hear(request, id, &mut action);
        trail.asked("sqs", action.unwrap_or("unknown"));
        let (reply, error) = match heard {
            Err(answered) => *answered,
            Ok(heard) => {
                let protocol = heard.protocol;
                trail.spoke(if protocol.is_query() { "aws-query" } else { "aws-json-1.0" });
                if let Some(QueueKey { account, region, name }) = &heard.asked.prepared.queue {
                    trail.about(|| format!("arn:aws:sqs:{region}:{account}:{name}"));
                }
                match self.call(heard, id).await {
                    Ok(reply) => (respond::with_request_id(reply, id), None),
                    Err(error) => refused(&error, id, protocol),
                }
            }
        };
        if let Some(error) = error {
            trail.failed(error.query_code);
        }
        self.requests.note(action, error, begun.elapsed());
        reply
    }

    /// Understands a request, of which nothing is left afterwards: a long poll that waits holds no bytes of it. `action`
    /// is set to the action that the request names, once that is known.
    fn hear(
        &self,
        request: AwsRequest,
        id: RequestId,
        action: &mut Option<&'static str>,
    ) -> Result<Heard, Box<Answered>> {
        let parts = &request.head;
        if let Some(reply) = other_service::refusal(parts) {
            return Err(Box::new((reply, Some(&UNKNOWN_OPERATION))));
        }
        let recognised = recognise(&head(parts))
            .map_err(|unrecognised| Box::new(refused(&unrecognised.into(), id, Protocol::Json10)))?;
        let protocol = recognised.protocol();
        let base_url = request.arrival.base_url(&parts.headers);
        match self.prepare(recognised, parts, request.queue, request.body, action) {
            Ok(Some(asked)) => Ok(Heard { protocol, base_url, asked }),
            Ok(None) => Err(Box::new((respond::no_action(id), Some(&UNKNOWN_OPERATION)))),
            Err(Refused::Here(error)) => Err(Box::new(refused(&error, id, protocol))),
            Err(Refused::Elsewhere(other)) => Err(Box::new((other.refusal(id), Some(&UNKNOWN_OPERATION)))),
        }
    }

    async fn call(&self, heard: Heard, id: RequestId) -> Result<Reply, ApiError> {
        let Heard { protocol, base_url, asked } = heard;
        let Asked { action, prepared, size_bytes } = asked;
        let Prepared { command, wait, answer, queue: _ } = prepared;
        let called = self.behaviour.carry_out(&self.engine, command, engine_wait(wait), size_bytes).await;
        let Answer { outcome, payloads, lease } = called.map_err(|error| call_error(&error))?;
        let endpoint = Endpoint { base_url: &base_url };
        let envelope = Envelope { protocol, service: &QUERY, action, request_id: id };
        let encoded = answer.encode(outcome, payloads, &endpoint, &self.receipts, &envelope)?;
        let mut reply = respond::with_body(200, protocol.content_type(), Vec::new());
        *reply.body_mut() = ReplyBody::new(encoded).with_lease(lease);
        Ok(reply)
    }

    /// Decodes a request; nothing when it names no action.
    fn prepare(
        &self,
        recognised: Recognised<'_>,
        head: &Parts,
        queue: Option<QueuePath>,
        body: Result<Bytes, BodyError>,
        known: &mut Option<&'static str>,
    ) -> Result<Option<Asked>, Refused> {
        let headers = &head.headers;
        let signed = Credential::of_header(text(headers, &AUTHORIZATION));
        let query = head.uri.query().unwrap_or_default().as_bytes();
        let asked = match recognised {
            Recognised::Json(target) => {
                *known = known_name(target.action);
                let body = body.map_err(|error| body_error(&error))?;
                let prepared = self.ask(target.action, Parameters::Json(&body), signed, headers, queue)?;
                Asked { action: known.unwrap_or_default(), prepared, size_bytes: body.len() }
            }
            Recognised::Query(_) => {
                let body = body.map_err(|error| body_error(&error))?;
                let form = Form::parse(query, if head.method == Method::GET { b"" } else { &body })?;
                let Some(action) = form.text("Action") else { return Ok(None) };
                let credential = signed.or(Credential::of_parameters(&form));
                if let Some(other) = other_service::of_form(&form, credential, recognised.protocol()) {
                    return Err(Refused::Elsewhere(other));
                }
                *known = known_name(action);
                let prepared = self.ask(action, Parameters::Query(&form), credential, headers, queue)?;
                Asked { action: known.unwrap_or_default(), prepared, size_bytes: query.len() + body.len() }
            }
        };
        Ok(Some(asked))
    }

    fn ask(
        &self,
        action: &str,
        parameters: Parameters<'_>,
        credential: Credential<'_>,
        headers: &HeaderMap,
        queue: Option<QueuePath>,
    ) -> Result<Prepared, ApiError> {
        let Scope { account, region, service: _ } = scope(credential, self.account, &self.region);
        let context = Context {
            account,
            region,
            sender_id: &account.to_string(),
            trace_header: text(headers, &TRACE_ID),
            queue_path: queue,
            receipts: &self.receipts,
        };
        prepare(action, parameters, &context, &mut entropy::draw)
    }
}

/// A request that was understood.
struct Heard {
    protocol: Protocol,
    base_url: String,
    asked: Asked,
}

/// A request that is ready for the engine.
struct Asked {
    action: &'static str,
    prepared: Prepared,
    size_bytes: usize,
}

fn refused(error: &ApiError, id: RequestId, protocol: Protocol) -> Answered {
    (respond::aws_error(error, id, protocol), Some(error.kind()))
}

/// Why a request is not carried out.
enum Refused {
    /// An error of this service.
    Here(ApiError),
    /// It is for another service.
    Elsewhere(OtherService),
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self::Here(error)
    }
}

/// The name of an action, as the table has it.
fn known_name(action: &str) -> Option<&'static str> {
    catalogue::find(action).map(|found| found.name)
}

/// Whether a request is a call whose parameters a browser would send for any page, without asking.
pub(crate) fn has_parameters(request: &Parts) -> bool {
    let is_query = recognise(&head(request)).is_ok_and(|recognised| recognised.protocol().is_query());
    is_query && (request.method != Method::GET || request.uri.query().is_some())
}

fn head(request: &Parts) -> Head<'_> {
    Head {
        method: request.method.as_str(),
        query: request.uri.query(),
        content_type: text(&request.headers, &CONTENT_TYPE),
        target: text(&request.headers, &TARGET),
        accept: text(&request.headers, &ACCEPT),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

const fn engine_wait(wait: WaitTime) -> Wait {
    match wait {
        WaitTime::QueueDefault => Wait::QueueDefault,
        WaitTime::Secs(secs) => Wait::Secs(secs),
        WaitTime::NotReceive => Wait::Secs(0),
    }
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
