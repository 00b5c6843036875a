//! The limits of SQS, as data.
//!
//! Every number that a caller can run into stands here once, with its unit in the name and the AWS page it comes
//! from. Nothing here decides; the decisions read it.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-quotas.html> and
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>.

use std::ops::RangeInclusive;

/// `DelaySeconds` of a queue and of a message.
pub const DELAY_SECS: RangeInclusive<u32> = 0..=900;
/// `MaximumMessageSize` of a queue.
pub const MAXIMUM_MESSAGE_BYTES: RangeInclusive<u32> = 1_024..=1_048_576;
/// `MessageRetentionPeriod` of a queue.
pub const RETENTION_SECS: RangeInclusive<u32> = 60..=1_209_600;
/// `ReceiveMessageWaitTimeSeconds` of a queue and `WaitTimeSeconds` of a receive.
pub const RECEIVE_WAIT_SECS: RangeInclusive<u32> = 0..=20;
/// `VisibilityTimeout` of a queue, a receive and a change.
pub const VISIBILITY_TIMEOUT_SECS: RangeInclusive<u32> = 0..=43_200;
/// `MaxNumberOfMessages` of a receive.
pub const RECEIVE_MESSAGES: RangeInclusive<u32> = 1..=10;
/// Entries of a batch request.
pub const BATCH_ENTRIES: RangeInclusive<usize> = 1..=10;
/// Sum of the message sizes of one batch request, whatever the queue allows for one message.
pub const BATCH_BYTES: u32 = 1_048_576;
/// Message attributes of one message.
pub const MESSAGE_ATTRIBUTES: usize = 10;
/// Letters of a message attribute's name.
pub const MESSAGE_ATTRIBUTE_NAME_CHARS: usize = 256;
/// Letters of a message attribute's data type.
pub const MESSAGE_ATTRIBUTE_TYPE_CHARS: usize = 256;
/// Letters of a queue's name.
pub const QUEUE_NAME_CHARS: RangeInclusive<usize> = 1..=80;
/// Letters of a batch entry's id.
pub const BATCH_ENTRY_ID_CHARS: RangeInclusive<usize> = 1..=80;
/// Letters of a message group id.
pub const MESSAGE_GROUP_ID_CHARS: RangeInclusive<usize> = 1..=128;
/// A send to a FIFO queue is a duplicate for this long after it was first accepted.
pub const DEDUPLICATION_SECS: u64 = 300;
/// Letters of a receive request attempt id.
/// Source, also of the next: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>.
pub const ATTEMPT_ID_CHARS: RangeInclusive<usize> = 1..=128;
/// A receive from a FIFO queue can be tried again for this long.
pub const ATTEMPT_SECS: u64 = 300;
/// Messages of one receive that can be tried again. No receive hands out so many.
pub const ATTEMPT_MESSAGES: u8 = 127;
/// Queues one `ListQueues` answer holds at most.
pub const LIST_QUEUES_RESULTS: RangeInclusive<u32> = 1..=1_000;
/// `KmsDataKeyReusePeriodSeconds` of a queue.
pub const KMS_DATA_KEY_REUSE_SECS: RangeInclusive<u32> = 60..=86_400;
/// Letters of `KmsMasterKeyId`.
/// Source: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html>.
pub const KMS_MASTER_KEY_ID_CHARS: usize = 2_048;
/// `maxReceiveCount` of a redrive policy.
pub const MAX_RECEIVE_COUNT: RangeInclusive<u32> = 1..=1_000;
/// `sourceQueueArns` of a redrive allow policy.
pub const REDRIVE_SOURCE_QUEUES: RangeInclusive<usize> = 1..=10;
/// Bytes of a queue's policy.
/// Source, also of the next four:
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html>.
pub const POLICY_BYTES: usize = 8_192;
/// Statements of a queue's policy.
pub const POLICY_STATEMENTS: usize = 20;
/// Principals of a queue's policy.
pub const POLICY_PRINCIPALS: usize = 50;
/// Conditions of a queue's policy.
pub const POLICY_CONDITIONS: usize = 10;
/// Actions of one statement of a queue's policy.
pub const POLICY_STATEMENT_ACTIONS: usize = 7;
/// Letters of the label of a permission.
pub const PERMISSION_LABEL_CHARS: RangeInclusive<usize> = 1..=80;
/// Tags of a queue.
/// Source, also of the next two:
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-tags.html>.
pub const QUEUE_TAGS: usize = 50;
/// Letters of a tag's key.
pub const TAG_KEY_CHARS: RangeInclusive<usize> = 1..=128;
/// Letters of a tag's value.
pub const TAG_VALUE_CHARS: usize = 256;
/// Messages in flight at once in a standard queue.
pub const IN_FLIGHT_MESSAGES: usize = 120_000;
/// A lease may not reach further than this from its receive, however often it is extended.
pub const TOTAL_VISIBILITY_SECS: u64 = 43_200;
/// A message received this often and not deleted goes to the back of a standard queue.
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html>.
pub const RECEIVES_BEFORE_BACK_OF_QUEUE: u32 = 3;
/// A group of a standard queue with fewer messages in flight is not noisy for their number.
/// Source, also of the next:
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html>.
pub const NOISY_IN_FLIGHT_MESSAGES: usize = 30;
/// A group of a standard queue that has sent nothing for this long is not noisy.
pub const QUIET_AFTER_SECS: u64 = 300;
/// Messages that would expire while the service was down are kept this much longer after it is up again.
pub const EXPIRY_GRACE_SECS: u64 = 3_600;
/// Time that goes forward by more than this, without the boot clock to account for it, puts the clock in doubt.
pub const CLOCK_JUMP_SECS: u64 = 3_600;
/// Messages past their retention, kept because expiry is held, are counted up to here.
pub const OUTLIVED_MESSAGES_COUNTED: usize = 1_000;
/// Messages one command moves from hidden to visible, or expires, before it decides; the rest follows in later steps.
pub const SETTLE_MESSAGES: usize = 1_000;
/// Tasks that a queue remembers, and that `ListMessageMoveTasks` tells at most.
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasks.html>.
pub const MOVE_TASKS_REMEMBERED: usize = 10;
/// `MaxResults` of `ListMessageMoveTasks`.
pub const LIST_MOVE_TASKS_RESULTS: RangeInclusive<u32> = 1..=10;
/// `MaxNumberOfMessagesPerSecond` of a move task.
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html>.
pub const MOVE_TASK_MESSAGES_PER_SEC: RangeInclusive<u32> = 1..=500;
/// Move tasks that run at once in an account.
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html>.
pub const ACTIVE_MOVE_TASKS: usize = 100;
/// Messages one step of a move task moves; the rest follows in later steps.
pub const MOVE_STEP_MESSAGES: usize = 200;
/// Payload bytes after which one step of a move task ends, so that a checkpoint never has to hold many of them.
pub const MOVE_STEP_BYTES: u64 = 4 << 20;
/// A deleted queue's name and a purged queue wait this long, where the waiting rules of Amazon SQS are kept.
pub const PACING_SECS: u64 = 60;
/// Names that wait at once; beyond it the oldest waits no longer, so that what is remembered stays bounded.
pub const PACED_NAMES: usize = 1_000;
/// Bytes of a document's value.
pub const DOCUMENT_BYTES: usize = 1_048_576;

/// Messages in memory that one move of a FIFO queue's window may pass.
pub const REACH_MESSAGES: usize = 10_000;

/// A standard queue with noisy groups looks for messages of others among so many that wait.
pub const FAIR_LOOK_AHEAD_MESSAGES: usize = 20_000;
