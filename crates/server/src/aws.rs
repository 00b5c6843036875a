//! An AWS call, stage by stage: recognise, identify the sender, decode, authorise, have it carried out, encode, count.
//!
//! What always holds: nothing of a request is parsed before its signature was verified, but for what tells which service
//! it is for; nothing is carried out that its sender may not do.

mod hear;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};
use millpond_core::command::Command;
use millpond_core::name::{AccountId, QueueKey, Region};
use millpond_engine::EngineHandle;
use millpond_engine::handle::{Answer, CallError};
use millpond_engine::step::Wait;
use millpond_sqs::{Endpoint, Prepared, QUERY, QueuePath, ReceiptCodec, WaitTime};
use millpond_wire::call::Envelope;
use millpond_wire::error::{ACCESS_DENIED, ApiError, ErrorKind, SERVICE_UNAVAILABLE};
use millpond_wire::protocol::{Head, Protocol, TARGET_HEADER, recognise};
use millpond_wire::query::QueryService;
use millpond_wire::request_id::RequestId;

use crate::access::sqs::SqsRequest;
use crate::access::{Access, check_policy};
use crate::audit::Trail;
use crate::behaviour::Behaviour;
use crate::body::{BodyError, ReplyBody, Room};
use crate::entropy;
use crate::guessing::Guessing;
use crate::metrics::Requests;
use crate::proxy::Arrival;
use crate::respond::{self, Reply};
use hear::{Heard, HeardIdentity, HeardSqs, NotHeard};

static TARGET: HeaderName = HeaderName::from_static(TARGET_HEADER);
static TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// What AWS calls need besides the request.
#[derive(Debug)]
pub(crate) struct Aws {
    pub(crate) engine: EngineHandle,
    pub(crate) access: Arc<Access>,
    pub(crate) receipts: ReceiptCodec,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) requests: Requests,
    pub(crate) behaviour: Arc<Behaviour>,
}

/// One request, its body read.
#[derive(Debug)]
pub(crate) struct AwsRequest {
    pub(crate) head: Box<Parts>,
    pub(crate) queue: Option<QueuePath>,
    /// The body, with its room among all bodies.
    pub(crate) body: Result<(Bytes, Room), BodyError>,
    pub(crate) arrival: Arrival,
}

/// A reply, and the error that it is.
type Answered = (Reply, Option<&'static ErrorKind>);

/// A receive that took longer may have waited for messages, while its sender's rights changed.
const WAITED: Duration = Duration::from_millis(100);

/// What a call may do that was allowed.
struct Permitted {
    /// It may create the queue that it is about.
    may_create: bool,
    /// The only queues that a move task takes messages back to.
    back_to: Option<Arc<BTreeSet<QueueKey>>>,
}

impl Aws {
    /// Answers a call, whatever comes.
    pub(crate) async fn answer(&self, request: AwsRequest, guessing: &Guessing, trail: &mut Trail) -> Reply {
        let begun = Instant::now();
        let id = RequestId(entropy::draw());
        let mut action = None;
        let source = request.arrival.source.ip;
        let heard = self.hear(&request, id, &mut action, trail);
        // A long poll that waits holds no bytes of its request, and neither does a reply that is held back.
        drop(request);
        let (reply, error) = match heard {
            Err(NotHeard::Answered(answered)) => *answered,
            Err(NotHeard::Unidentified { error, protocol, service }) => {
                let error = match Box::pin(guessing.slowed_down(source, error)).await {
                    Ok(error) => error.to_api_error(),
                    Err(throttled) => throttled,
                };
                refused(&error, id, protocol, service)
            }
            Ok(Heard::Sqs(heard)) => {
                let protocol = heard.protocol;
                match self.call(heard, id, trail).await {
                    Ok(reply) => (respond::with_request_id(reply, id), None),
                    Err(error) => refused(&error, id, protocol, &QUERY),
                }
            }
            Ok(Heard::Identity(heard)) => Box::pin(self.call_identity(*heard, id, trail)).await,
        };
        if let Some(error) = error {
            trail.failed(error.query_code);
        }
        self.requests.note(action, error, begun.elapsed());
        reply
    }

    /// Authorises a call of SQS and has it carried out.
    async fn call(&self, heard: Box<HeardSqs>, id: RequestId, trail: &mut Trail) -> Result<Reply, ApiError> {
        let Permitted { may_create, back_to: permitted } = self.authorise(&heard, trail).await?;
        let HeardSqs { protocol, base_url, action, prepared, size_bytes, who, account, region } = *heard;
        let Prepared { mut command, wait, answer, queue } = prepared;
        let may_wait = matches!(command, Command::Receive { .. }) && !matches!(wait, WaitTime::Secs(0));
        let again = (may_wait && self.access.is_enforced()).then(|| (who.detached(), command.clone()));
        if let Command::StartMoveTask { back_to, .. } = &mut command {
            *back_to = permitted;
        }
        let begun = Instant::now();
        let called = self.carry_out(command, engine_wait(wait), size_bytes, may_create).await;
        let Answer { outcome, payloads, lease, room } = called.map_err(|error| call_error(&error))?;
        if let Some((who, command)) = &again
            && begun.elapsed() >= WAITED
        {
            // What it would have delivered goes back when the lease is dropped.
            let (queue, region, base_url) = (queue.as_ref(), &region, &*base_url);
            let request = SqsRequest { who, action, queue, command, account, region, base_url };
            let allowed = self.access.authorise_again(&request, trail);
            allowed.inspect_err(|_| self.requests.refusals.denied(action.iam_action))?;
        }
        let endpoint = Endpoint { base_url: &base_url };
        let envelope = Envelope { protocol, service: &QUERY, action: action.name, request_id: id };
        let encoded = answer.encode(outcome, payloads, &endpoint, &self.receipts, &envelope)?;
        let mut reply = respond::with_body(200, protocol.content_type(), Vec::new());
        *reply.body_mut() = ReplyBody::holding(encoded, room).with_lease(lease);
        Ok(reply)
    }

    /// Lets a call pass whose sender may make it; says what more it may do.
    async fn authorise(&self, heard: &HeardSqs, trail: &mut Trail) -> Result<Permitted, ApiError> {
        let request = SqsRequest {
            who: &heard.who,
            action: heard.action,
            queue: heard.prepared.queue.as_ref(),
            command: &heard.prepared.command,
            account: heard.account,
            region: &heard.region,
            base_url: &heard.base_url,
        };
        let allowed = match self.access.authorise_sqs(&request, trail) {
            Ok(()) => {
                let returned = Box::pin(self.access.authorise_return(&request, trail)).await;
                returned.map_err(|error| call_error(&error))?
            }
            Err(denied) => Err(denied),
        };
        let back_to = allowed.inspect_err(|_| self.requests.refusals.denied(heard.action.iam_action))?;
        check_policy(&heard.prepared.command)?;
        let may_create = self.behaviour.auto_create && self.access.may_create(&request);
        Ok(Permitted { may_create, back_to })
    }

    /// Has a command carried out. One that may change what policies say or ask of a queue counts before its reply goes.
    async fn carry_out(
        &self,
        command: Command,
        wait: Wait,
        size_bytes: usize,
        may_create: bool,
    ) -> Result<Answer, CallError> {
        let Some(key) = changed_by(&command) else {
            return self.behaviour.carry_out(&self.engine, command, wait, size_bytes, may_create).await;
        };
        let (engine, access, behaviour) = (self.engine.clone(), self.access.clone(), self.behaviour.clone());
        // In a task of its own: the sender may go away in between, and the change counts all the same.
        let task = tokio::spawn(async move {
            let answer = behaviour.carry_out(&engine, command, wait, size_bytes, may_create).await?;
            access.queue_changed(&key).await?;
            Ok(answer)
        });
        task.await.unwrap_or(Err(CallError::Stopped))
    }

    /// A call of IAM or STS.
    async fn call_identity(&self, heard: HeardIdentity, id: RequestId, trail: &mut Trail) -> Answered {
        let HeardIdentity { who, service, request } = heard;
        let carried = self.access.carry_out(&who, request, id).await;
        carried.tell(self.access.is_enforced(), trail);
        match carried.reply {
            Ok(xml) => {
                let reply = respond::with_body(200, Protocol::QueryXml.content_type(), xml);
                (respond::with_request_id(reply, id), None)
            }
            Err(error) => {
                if error.kind() == &ACCESS_DENIED {
                    self.requests.refusals.denied(service.name());
                }
                refused(&error, id, Protocol::QueryXml, service.query())
            }
        }
    }
}

fn refused(error: &ApiError, id: RequestId, protocol: Protocol, service: &'static QueryService) -> Answered {
    (respond::aws_error(error, id, protocol, service), Some(error.kind()))
}

/// The queue whose policy, tags or being a command may change.
fn changed_by(command: &Command) -> Option<QueueKey> {
    match command {
        Command::CreateQueue { key, .. }
        | Command::DeleteQueue { key }
        | Command::SetQueueAttributes { key, .. }
        | Command::AddPermission { key, .. }
        | Command::RemovePermission { key, .. }
        | Command::TagQueue { key, .. }
        | Command::UntagQueue { key, .. } => Some(key.clone()),
        _ => None,
    }
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

fn call_error(error: &CallError) -> ApiError {
    SERVICE_UNAVAILABLE.because(error.to_string())
}
