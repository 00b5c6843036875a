//! The actions of SQS: one table that routing, authorisation, metrics and documents read.
//!
//! An action that Amazon SQS has and this version does not is in the table too, without a way to prepare it, and is
//! refused by name.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html> and
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html>.

use std::fmt;

use crate::actions;
use crate::prepare::Prepare;

/// The name of the service in the `X-Amz-Target` header.
pub const TARGET: &str = "AmazonSQS";

/// What an action is authorised on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceKind {
    /// One queue.
    Queue,
    /// All queues of the account in the region.
    Account,
}

/// One row of the table.
pub struct Action {
    /// Its name in the API.
    pub name: &'static str,
    /// The permission it needs: batches need that of the single action.
    pub iam_action: &'static str,
    /// What it is authorised on.
    pub resource: ResourceKind,
    pub(crate) prepare: Option<Prepare>,
}

impl Action {
    /// Whether this version carries it out.
    #[must_use]
    pub const fn is_supported(&self) -> bool {
        self.prepare.is_some()
    }

    const fn here(name: &'static str, iam_action: &'static str, prepare: Prepare) -> Self {
        Self { name, iam_action, resource: ResourceKind::Queue, prepare: Some(prepare) }
    }

    const fn elsewhere(name: &'static str, iam_action: &'static str) -> Self {
        Self { name, iam_action, resource: ResourceKind::Queue, prepare: None }
    }

    const fn on_account(self) -> Self {
        Self { resource: ResourceKind::Account, ..self }
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// All actions, by name.
pub static ACTIONS: [Action; 23] = [
    Action::here("AddPermission", "sqs:AddPermission", actions::add_permission::prepare),
    Action::elsewhere("CancelMessageMoveTask", "sqs:CancelMessageMoveTask"),
    Action::here(
        "ChangeMessageVisibility",
        "sqs:ChangeMessageVisibility",
        actions::change_message_visibility::prepare,
    ),
    Action::here(
        "ChangeMessageVisibilityBatch",
        "sqs:ChangeMessageVisibility",
        actions::change_message_visibility_batch::prepare,
    ),
    Action::here("CreateQueue", "sqs:CreateQueue", actions::create_queue::prepare),
    Action::here("DeleteMessage", "sqs:DeleteMessage", actions::delete_message::prepare),
    Action::here("DeleteMessageBatch", "sqs:DeleteMessage", actions::delete_message_batch::prepare),
    Action::here("DeleteQueue", "sqs:DeleteQueue", actions::delete_queue::prepare),
    Action::here("GetQueueAttributes", "sqs:GetQueueAttributes", actions::get_queue_attributes::prepare),
    Action::here("GetQueueUrl", "sqs:GetQueueUrl", actions::get_queue_url::prepare),
    Action::here(
        "ListDeadLetterSourceQueues",
        "sqs:ListDeadLetterSourceQueues",
        actions::list_dead_letter_source_queues::prepare,
    ),
    Action::elsewhere("ListMessageMoveTasks", "sqs:ListMessageMoveTasks"),
    Action::here("ListQueueTags", "sqs:ListQueueTags", actions::list_queue_tags::prepare),
    Action::here("ListQueues", "sqs:ListQueues", actions::list_queues::prepare).on_account(),
    Action::here("PurgeQueue", "sqs:PurgeQueue", actions::purge_queue::prepare),
    Action::here("ReceiveMessage", "sqs:ReceiveMessage", actions::receive_message::prepare),
    Action::here("RemovePermission", "sqs:RemovePermission", actions::remove_permission::prepare),
    Action::here("SendMessage", "sqs:SendMessage", actions::send_message::prepare),
    Action::here("SendMessageBatch", "sqs:SendMessage", actions::send_message_batch::prepare),
    Action::here("SetQueueAttributes", "sqs:SetQueueAttributes", actions::set_queue_attributes::prepare),
    Action::elsewhere("StartMessageMoveTask", "sqs:StartMessageMoveTask"),
    Action::here("TagQueue", "sqs:TagQueue", actions::tag_queue::prepare),
    Action::here("UntagQueue", "sqs:UntagQueue", actions::untag_queue::prepare),
];

/// The action of that name, exactly spelled.
#[must_use]
pub fn find(name: &str) -> Option<&'static Action> {
    ACTIONS.binary_search_by(|action| action.name.cmp(name)).ok().map(|index| &ACTIONS[index])
}
