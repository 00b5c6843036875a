//! One file per action: its request, its rules, its command and its reply.
//!
//! [`Reply`] is what is kept of a request until its outcome is there.

pub(crate) mod add_permission;
pub(crate) mod cancel_message_move_task;
pub(crate) mod change_message_visibility;
pub(crate) mod change_message_visibility_batch;
pub(crate) mod create_queue;
pub(crate) mod delete_message;
pub(crate) mod delete_message_batch;
pub(crate) mod delete_queue;
pub(crate) mod get_queue_attributes;
pub(crate) mod get_queue_url;
pub(crate) mod list_dead_letter_source_queues;
pub(crate) mod list_message_move_tasks;
pub(crate) mod list_queue_tags;
pub(crate) mod list_queues;
pub(crate) mod purge_queue;
pub(crate) mod receive_message;
pub(crate) mod remove_permission;
pub(crate) mod send_message;
pub(crate) mod send_message_batch;
pub(crate) mod set_queue_attributes;
pub(crate) mod start_message_move_task;
pub(crate) mod tag_queue;
pub(crate) mod untag_queue;

use bytes::Bytes;
use millpond_core::name::QueueName;
use millpond_core::outcome::{Outcome, Refusal};
use millpond_wire::call::Envelope;
use millpond_wire::error::ApiError;
use serde::Serialize;

use crate::attributes::WantedAttributes;
use crate::batch::BatchAnswer;
use crate::error::SqsError;
use crate::message::SentReply;
use crate::prepare::Endpoint;
use crate::queue_url;
use crate::receipt::ReceiptCodec;
use crate::refusal::Refused;

use change_message_visibility::GivenChange;
use list_queues::Listing;
use receive_message::Selection;

/// What the reply to one request needs of it.
#[derive(Debug)]
pub(crate) enum Reply {
    /// Nothing to tell.
    Empty,
    /// The URL of the queue.
    QueueUrl,
    /// The URL of the queue that is created with this `RedrivePolicy`.
    Created { redrive_policy: String },
    /// Nothing but that the attributes are set, this `RedrivePolicy` among them.
    AttributesSet { redrive_policy: String },
    /// Nothing but that the permission of this label is added or removed.
    PermissionChanged { label: String },
    /// Nothing but that this queue is tagged or purged.
    Changed { queue_name: QueueName },
    /// The tags of the queue.
    Tags,
    /// The URLs of queues whose dead letters go to the queue.
    DeadLetterSources(Listing),
    /// The handle of the move task of this queue.
    MoveTaskStarted { source_arn: String },
    /// How much the move task has moved.
    MoveTaskCancelled,
    /// The move tasks of this queue.
    MoveTasks { source_arn: String },
    /// The URLs of queues.
    Queues(Listing),
    /// Attributes of the queue.
    Attributes(WantedAttributes),
    /// Id and digests of a message.
    Sent(SentReply),
    /// Ids and digests of messages.
    SentBatch(BatchAnswer<SentReply>),
    /// Messages.
    Received(Selection),
    /// Nothing but that the message of this handle is deleted.
    Deleted(String),
    /// Which messages are deleted, by handle.
    DeletedBatch(BatchAnswer<String>),
    /// Nothing but that this change is made.
    VisibilityChanged(GivenChange),
    /// Which changes are made.
    VisibilityChangedBatch(BatchAnswer<GivenChange>),
}

impl Reply {
    /// The error for a request that was refused as a whole.
    pub(crate) fn refuse(&self, refusal: &Refusal) -> SqsError {
        match self {
            Self::Deleted(receipt_handle) => {
                Refused { receipt_handle, ..Refused::default() }.explain(refusal)
            }
            Self::Created { redrive_policy } | Self::AttributesSet { redrive_policy } => {
                Refused { redrive_policy, ..Refused::default() }.explain(refusal)
            }
            Self::PermissionChanged { label } => Refused { label, ..Refused::default() }.explain(refusal),
            Self::Changed { queue_name } => {
                Refused { queue_name: queue_name.as_str(), ..Refused::default() }.explain(refusal)
            }
            Self::VisibilityChanged(change) => change.explain(refusal),
            Self::MoveTaskStarted { .. } | Self::MoveTaskCancelled | Self::MoveTasks { .. }
                if *refusal == Refusal::QueueDoesNotExist =>
            {
                SqsError::ResourceNotFound("SourceArn")
            }
            _ => Refused::default().explain(refusal),
        }
    }

    /// The body of the reply.
    pub(crate) fn encode(
        self,
        outcome: Outcome,
        payloads: Vec<Bytes>,
        endpoint: &Endpoint<'_>,
        receipts: &ReceiptCodec,
        envelope: &Envelope<'_>,
    ) -> Result<Vec<u8>, ApiError> {
        match (self, outcome) {
            (
                Self::Empty
                | Self::AttributesSet { .. }
                | Self::PermissionChanged { .. }
                | Self::Changed { .. },
                Outcome::Queue { .. } | Outcome::QueueDeleted,
            ) => envelope.no_result(),
            (Self::Tags, Outcome::Tags(tags)) => envelope.reply(&list_queue_tags::reply(tags)),
            (Self::DeadLetterSources(listing), Outcome::Queues { names, more }) => {
                let reply = list_dead_letter_source_queues::reply(listing.reply(&names, more, endpoint));
                envelope.reply(&reply)
            }
            (Self::MoveTaskStarted { source_arn }, Outcome::MoveTaskStarted(id)) => {
                envelope.reply(&start_message_move_task::reply(id, &source_arn))
            }
            (Self::MoveTaskCancelled, Outcome::MoveTaskCancelled { moved }) => {
                envelope.reply(&cancel_message_move_task::reply(moved))
            }
            (Self::MoveTasks { source_arn }, Outcome::MoveTasks(tasks)) => {
                envelope.reply(&list_message_move_tasks::reply(&tasks, &source_arn))
            }
            (Self::QueueUrl | Self::Created { .. }, Outcome::Queue { key, .. }) => envelope
                .reply(&QueueUrlReply { queue_url: queue_url::write(endpoint, key.account, &key.name) }),
            (Self::Queues(listing), Outcome::Queues { names, more }) => {
                envelope.reply(&listing.reply(&names, more, endpoint))
            }
            (Self::Attributes(wanted), Outcome::Description(queue)) => {
                envelope.reply(&get_queue_attributes::reply(wanted, &queue))
            }
            (Self::Sent(sent), Outcome::Sent(results)) => {
                envelope.reply(&send_message::reply(sent, results)?)
            }
            (Self::SentBatch(batch), Outcome::Sent(results)) => {
                envelope.reply(&send_message_batch::reply(batch, results))
            }
            (Self::Received(selection), Outcome::Received { queue, deliveries }) => {
                envelope.reply(&selection.reply(queue, &deliveries, payloads, receipts)?)
            }
            (Self::Deleted(handle), Outcome::Deleted(results)) => {
                delete_message::reply(&handle, results)?;
                envelope.no_result()
            }
            (Self::DeletedBatch(batch), Outcome::Deleted(results)) => {
                envelope.reply(&delete_message_batch::reply(batch, results))
            }
            (Self::VisibilityChanged(change), Outcome::VisibilityChanged(results)) => {
                change_message_visibility::reply(&change, results)?;
                envelope.no_result()
            }
            (Self::VisibilityChangedBatch(batch), Outcome::VisibilityChanged(results)) => {
                envelope.reply(&change_message_visibility_batch::reply(batch, results))
            }
            (_, _) => Err(SqsError::Internal("the outcome does not belong to the request".into()).into()),
        }
    }
}

/// The result of a request that asked for one thing.
fn only<T>(results: Vec<Result<T, Refusal>>) -> Result<Result<T, Refusal>, SqsError> {
    let first = results.into_iter().next();
    first.ok_or_else(|| SqsError::Internal("the request has no result".into()))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct QueueUrlReply {
    queue_url: String,
}
