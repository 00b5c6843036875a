//! The actions of SQS: one table that routing, authorisation, metrics and documents read.
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
    pub(crate) prepare: Prepare,
}

impl Action {
    const fn on_queue(name: &'static str, iam_action: &'static str, prepare: Prepare) -> Self {
        Self { name, iam_action, resource: ResourceKind::Queue, prepare }
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
    Action::on_queue("AddPermission", "sqs:AddPermission", actions::add_permission::prepare),
    Action::on_queue(
        "CancelMessageMoveTask",
        "sqs:CancelMessageMoveTask",
        actions::cancel_message_move_task::prepare,
    ),
    Action::on_queue(
        "ChangeMessageVisibility",
        "sqs:ChangeMessageVisibility",
        actions::change_message_visibility::prepare,
    ),
    Action::on_queue(
        "ChangeMessageVisibilityBatch",
        "sqs:ChangeMessageVisibility",
        actions::change_message_visibility_batch::prepare,
    ),
    Action::on_queue("CreateQueue", "sqs:CreateQueue", actions::create_queue::prepare),
    Action::on_queue("DeleteMessage", "sqs:DeleteMessage", actions::delete_message::prepare),
    Action::on_queue("DeleteMessageBatch", "sqs:DeleteMessage", actions::delete_message_batch::prepare),
    Action::on_queue("DeleteQueue", "sqs:DeleteQueue", actions::delete_queue::prepare),
    Action::on_queue("GetQueueAttributes", "sqs:GetQueueAttributes", actions::get_queue_attributes::prepare),
    Action::on_queue("GetQueueUrl", "sqs:GetQueueUrl", actions::get_queue_url::prepare),
    Action::on_queue(
        "ListDeadLetterSourceQueues",
        "sqs:ListDeadLetterSourceQueues",
        actions::list_dead_letter_source_queues::prepare,
    ),
    Action::on_queue(
        "ListMessageMoveTasks",
        "sqs:ListMessageMoveTasks",
        actions::list_message_move_tasks::prepare,
    ),
    Action::on_queue("ListQueueTags", "sqs:ListQueueTags", actions::list_queue_tags::prepare),
    Action::on_queue("ListQueues", "sqs:ListQueues", actions::list_queues::prepare).on_account(),
    Action::on_queue("PurgeQueue", "sqs:PurgeQueue", actions::purge_queue::prepare),
    Action::on_queue("ReceiveMessage", "sqs:ReceiveMessage", actions::receive_message::prepare),
    Action::on_queue("RemovePermission", "sqs:RemovePermission", actions::remove_permission::prepare),
    Action::on_queue("SendMessage", "sqs:SendMessage", actions::send_message::prepare),
    Action::on_queue("SendMessageBatch", "sqs:SendMessage", actions::send_message_batch::prepare),
    Action::on_queue("SetQueueAttributes", "sqs:SetQueueAttributes", actions::set_queue_attributes::prepare),
    Action::on_queue(
        "StartMessageMoveTask",
        "sqs:StartMessageMoveTask",
        actions::start_message_move_task::prepare,
    ),
    Action::on_queue("TagQueue", "sqs:TagQueue", actions::tag_queue::prepare),
    Action::on_queue("UntagQueue", "sqs:UntagQueue", actions::untag_queue::prepare),
];

/// The action of that name, exactly spelled.
#[must_use]
pub fn find(name: &str) -> Option<&'static Action> {
    ACTIONS.binary_search_by(|action| action.name.cmp(name)).ok().map(|index| &ACTIONS[index])
}
