//! From an action's parameters to a command, and from the command's outcome to the reply's bytes.
//!
//! The two halves meet in [`Answer`], which remembers of the request what the reply needs: digests, the names that
//! were asked for, batch entries that were refused before the state saw them. An answer holds no message body.

use std::borrow::Cow;

use bytes::Bytes;
use millpond_core::command::Command;
use millpond_core::message::{QueueId, Receipt, Sequence};
use millpond_core::name::{AccountId, QueueKey, QueueName, Region};
use millpond_core::outcome::Outcome;
use millpond_wire::call::{Envelope, Parameters};
use millpond_wire::error::{ApiError, UNKNOWN_OPERATION};
use millpond_wire::shape::Text;
use serde::Deserialize;

use crate::actions::Reply;
use crate::catalogue::{self, ACTIONS};
use crate::error::SqsError;
use crate::query::{self, QUERY};
use crate::queue_url;
use crate::receipt::ReceiptCodec;

/// What is known of a request besides its body.
#[derive(Debug)]
pub struct Context<'a> {
    /// The caller's account.
    pub account: AccountId,
    /// The region that the request is for.
    pub region: Region,
    /// Who sends, as `SenderId` shows it.
    pub sender_id: &'a str,
    /// The `X-Amzn-Trace-Id` header.
    pub trace_header: Option<&'a str>,
    /// The queue of the request's path; the `QueueUrl` parameter overrides it.
    pub queue_path: Option<QueuePath>,
    /// Reads receipt handles.
    pub receipts: &'a ReceiptCodec,
}

/// A queue as a path names it: `/<account>/<name>`, or `/queue/<region>/<account>/<name>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuePath {
    /// The owner's account.
    pub account: AccountId,
    /// The region of the long form.
    pub region: Option<Region>,
    /// The queue's name.
    pub name: QueueName,
}

/// A request that is ready for the state.
#[derive(Debug)]
pub struct Prepared {
    /// What to ask.
    pub command: Command,
    /// How long to wait for messages.
    pub wait: WaitTime,
    /// How to tell the caller.
    pub answer: Answer,
    /// The queue that the request is about, if it is about one.
    pub queue: Option<QueueKey>,
}

impl Prepared {
    /// A request about one queue that waits for nothing.
    pub(crate) fn about(queue: QueueKey, command: Command, reply: Reply) -> Self {
        Self { command, wait: WaitTime::NotReceive, answer: Answer(reply), queue: Some(queue) }
    }
}

/// How long a receive waits for a message when there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitTime {
    /// The request is no receive.
    NotReceive,
    /// As long as the queue's setting says.
    QueueDefault,
    /// So many seconds; zero does not wait.
    Secs(u32),
}

/// Where the caller reached the service.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint<'a> {
    /// Scheme, host and port, without a slash at the end. Queue URLs begin with it.
    pub base_url: &'a str,
}

/// Turns an outcome into the reply.
#[derive(Debug)]
pub struct Answer(pub(crate) Reply);

impl Answer {
    /// The reply's body. `payloads[i]` is the encoded [`Payload`](millpond_core::payload::Payload) of the i-th
    /// delivery of an [`Outcome::Received`], and empty for every other outcome.
    ///
    /// # Errors
    /// The error to answer instead, when the whole request was refused, or a payload is damaged.
    pub fn encode(
        self,
        outcome: Outcome,
        payloads: Vec<Bytes>,
        endpoint: &Endpoint<'_>,
        receipts: &ReceiptCodec,
        envelope: &Envelope<'_>,
    ) -> Result<Vec<u8>, ApiError> {
        let encoded = match outcome {
            Outcome::Refused(refusal) => Err(self.0.refuse(&refusal).into()),
            outcome => self.0.encode(outcome, payloads, endpoint, receipts, envelope),
        };
        encoded.map_err(|error| if envelope.protocol.is_query() { query::reworded(error) } else { error })
    }
}

/// Prepares an action.
///
/// `entropy` yields 128 fresh random bits a call; every message takes its id from it.
///
/// # Errors
/// The error to answer, when the request is malformed, outside the fixed limits, or of no action.
pub fn prepare(
    action: &str,
    parameters: Parameters<'_>,
    context: &Context<'_>,
    entropy: &mut dyn FnMut() -> u128,
) -> Result<Prepared, ApiError> {
    let is_query = parameters.is_query();
    let misplaced = context.queue_path.is_some() && query::NOT_ON_A_QUEUE.contains(&action);
    let Some(found) = catalogue::find(action).filter(|_| !(is_query && misplaced)) else {
        return Err(if is_query { query::not_valid_here(action) } else { unknown(action) });
    };
    let prepared = (found.prepare)(&mut Call { action: found.name, parameters, context, entropy });
    prepared.map_err(|error| if is_query { query::reworded(error) } else { error })
}

fn unknown(action: &str) -> ApiError {
    let known: Vec<_> = ACTIONS.iter().map(|action| action.name).collect();
    let known = known.join(", ");
    UNKNOWN_OPERATION
        .because(format!("SQS has no action {action}. The actions of this service are: {known}."))
}

/// How one action is prepared.
pub(crate) type Prepare = fn(&mut Call<'_>) -> Result<Prepared, ApiError>;

/// One request, as an action sees it.
pub(crate) struct Call<'a> {
    action: &'static str,
    parameters: Parameters<'a>,
    pub(crate) context: &'a Context<'a>,
    pub(crate) entropy: &'a mut dyn FnMut() -> u128,
}

impl<'a> Call<'a> {
    /// The request, decoded by the codec of its protocol.
    pub(crate) fn decode<T: Deserialize<'a>>(&self) -> Result<T, ApiError> {
        self.parameters.decode(&QUERY, self.action)
    }

    /// The queue that the request names.
    pub(crate) fn queue(&self, queue_url: Option<&Text<'_>>) -> Result<QueueKey, SqsError> {
        let resolved = queue_url::resolve(queue_url.map(Text::as_str), self.context);
        resolved.map_err(|error| match error {
            // In AWS JSON there is no address to be wrong, only a queue that is not there.
            SqsError::InvalidAddress(_) if !self.parameters.is_query() => SqsError::QueueDoesNotExist,
            error => error,
        })
    }

    /// The delivery that a handle names. What is no handle of this service names one of no queue: whether the queue of
    /// the request is there is told first, as on AWS, and only the state knows.
    pub(crate) fn receipt(&self, handle: &str) -> Receipt {
        let of_no_queue = Receipt { queue: QueueId(u64::MAX), sequence: Sequence(0), delivery: 0 };
        self.context.receipts.decode(handle).unwrap_or(of_no_queue)
    }

    /// A queue of the caller's account and region.
    pub(crate) fn own_queue(&self, name: QueueName) -> QueueKey {
        QueueKey { account: self.context.account, region: self.context.region.clone(), name }
    }
}

/// A required text parameter. SQS takes an empty one for missing.
pub(crate) fn required<'a>(value: &'a Option<Text<'_>>, name: &'static str) -> Result<&'a str, SqsError> {
    match value {
        Some(text) if !text.as_str().is_empty() => Ok(text.as_str()),
        _ => Err(SqsError::MissingParameter(Cow::Borrowed(name))),
    }
}
