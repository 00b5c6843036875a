//! What is told of each queue: the metrics that Amazon SQS has in CloudWatch, and those that it lacks.
//!
//! All samples of a metric stand together, so the figures of all queues shown are gathered first, a few hundred bytes
//! each, and then written out metric by metric, piece by piece: the text is never in memory as a whole.
//!
//! A metric more is a row more in the table.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html>.

use bytes::Bytes;
use millpond_core::outcome::QueueDescription;
use millpond_core::queue::FairCounts;
use millpond_core::time::Timestamp;
use millpond_engine::counters::QueueCounters;

use super::text::{Family, Kind, Number, Text, labels};

/// Queues in one piece of text.
const QUEUES_PER_PIECE: usize = 200;

/// The figures of one queue.
#[derive(Clone, Debug)]
pub(crate) struct QueueFigures {
    labels: String,
    now: Timestamp,
    description: Numbers,
    counters: QueueCounters,
}

/// What is kept of a description.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    visible: usize,
    in_flight: usize,
    delayed: usize,
    groups_in_flight: Option<usize>,
    fair: Option<FairCounts>,
    bytes: u64,
    expired: u64,
    outlived: usize,
    oldest_sent_at: Option<Timestamp>,
    oldest_expires_at: Option<Timestamp>,
}

impl QueueFigures {
    /// The figures of a queue at a time.
    pub(crate) fn new(description: &QueueDescription, counters: QueueCounters, now: Timestamp) -> Self {
        let key = &description.key;
        let account = key.account.to_string();
        let place =
            [("queue_name", key.name.as_str()), ("account_id", &account), ("region", key.region.as_str())];
        Self {
            labels: labels(&place),
            now,
            description: Numbers {
                visible: description.counts.visible,
                in_flight: description.counts.in_flight,
                delayed: description.counts.delayed,
                groups_in_flight: description.groups_in_flight,
                fair: description.fair,
                bytes: description.usage.bytes,
                expired: description.expired,
                outlived: description.outlived,
                oldest_sent_at: description.oldest_sent_at,
                oldest_expires_at: description.oldest_expires_at,
            },
            counters,
        }
    }

    fn age_millis(&self) -> u64 {
        self.millis_since(self.description.oldest_sent_at)
    }

    fn millis_since(&self, sent_at: Option<Timestamp>) -> u64 {
        sent_at.map_or(0, |sent_at| self.now.millis_since(sent_at))
    }

    /// A number that only standard queues with message groups have.
    fn of_fair(&self, number: impl FnOnce(&FairCounts) -> Option<Number>) -> Option<Number> {
        self.description.fair.as_ref().and_then(number)
    }

    /// A number that only FIFO queues have.
    fn of_fifo(&self, number: u64) -> Option<Number> {
        self.description.groups_in_flight.map(|_| Number::Whole(number))
    }
}

/// A sample of a queue: its suffix, and its number where the queue has one.
type Sample = (&'static str, fn(&QueueFigures) -> Option<Number>);

/// One row of the table: a family, and its samples of one queue.
struct Row {
    family: Family,
    samples: &'static [Sample],
}

const fn row(name: &'static str, kind: Kind, help: &'static str, samples: &'static [Sample]) -> Row {
    Row { family: Family { name, kind, help }, samples }
}

const fn whole(number: usize) -> Option<Number> {
    Some(Number::Whole(number as u64))
}

/// Named as the CloudWatch exporter of Prometheus names them, without the statistic at the end.
static ROWS: [Row; 21] = [
    row(
        "aws_sqs_approximate_number_of_messages_visible",
        Kind::Gauge,
        "CloudWatch ApproximateNumberOfMessagesVisible: messages that can be received; exact.",
        &[("", |queue| whole(queue.description.visible))],
    ),
    row(
        "aws_sqs_approximate_number_of_messages_not_visible",
        Kind::Gauge,
        "CloudWatch ApproximateNumberOfMessagesNotVisible: messages in flight; exact.",
        &[("", |queue| whole(queue.description.in_flight))],
    ),
    row(
        "aws_sqs_approximate_number_of_messages_delayed",
        Kind::Gauge,
        "CloudWatch ApproximateNumberOfMessagesDelayed: messages whose delay has not passed; exact.",
        &[("", |queue| whole(queue.description.delayed))],
    ),
    row(
        "aws_sqs_approximate_age_of_oldest_message_seconds",
        Kind::Gauge,
        "CloudWatch ApproximateAgeOfOldestMessage: time since the oldest message was sent; 0 in an empty queue.",
        &[("", |queue| Some(Number::Millis(queue.age_millis())))],
    ),
    row(
        "aws_sqs_approximate_number_of_groups_with_inflight_messages",
        Kind::Gauge,
        "CloudWatch ApproximateNumberOfGroupsWithInflightMessages, of FIFO queues; exact.",
        &[("", |queue| queue.description.groups_in_flight.and_then(whole))],
    ),
    row(
        "aws_sqs_approximate_number_of_noisy_groups",
        Kind::Gauge,
        "CloudWatch ApproximateNumberOfNoisyGroups, of standard queues with message groups; exact.",
        &[("", |queue| queue.of_fair(|fair| whole(fair.noisy_groups)))],
    ),
    row(
        "aws_sqs_approximate_number_of_messages_visible_in_quiet_groups",
        Kind::Gauge,
        "CloudWatch ApproximateNumberOfMessagesVisibleInQuietGroups; exact.",
        &[("", |queue| queue.of_fair(|fair| whole(fair.quiet_visible)))],
    ),
    row(
        "aws_sqs_approximate_number_of_messages_not_visible_in_quiet_groups",
        Kind::Gauge,
        "CloudWatch ApproximateNumberOfMessagesNotVisibleInQuietGroups; exact.",
        &[("", |queue| queue.of_fair(|fair| whole(fair.quiet_in_flight)))],
    ),
    row(
        "aws_sqs_approximate_number_of_messages_delayed_in_quiet_groups",
        Kind::Gauge,
        "CloudWatch ApproximateNumberOfMessagesDelayedInQuietGroups; exact.",
        &[("", |queue| queue.of_fair(|fair| whole(fair.quiet_delayed)))],
    ),
    row(
        "aws_sqs_approximate_age_of_oldest_message_in_quiet_groups_seconds",
        Kind::Gauge,
        "CloudWatch ApproximateAgeOfOldestMessageInQuietGroups: since the message that waits at their front was sent.",
        &[("", |queue| {
            queue.of_fair(|fair| Some(Number::Millis(queue.millis_since(fair.quiet_oldest_sent_at))))
        })],
    ),
    row(
        "aws_sqs_number_of_messages_sent_total",
        Kind::Counter,
        "CloudWatch NumberOfMessagesSent: messages added.",
        &[("", |queue| Some(Number::Whole(queue.counters.sent)))],
    ),
    row(
        "aws_sqs_number_of_messages_received_total",
        Kind::Counter,
        "CloudWatch NumberOfMessagesReceived: deliveries handed out.",
        &[("", |queue| Some(Number::Whole(queue.counters.received)))],
    ),
    row(
        "aws_sqs_number_of_messages_deleted_total",
        Kind::Counter,
        "CloudWatch NumberOfMessagesDeleted: messages deleted, each once.",
        &[("", |queue| Some(Number::Whole(queue.counters.deleted)))],
    ),
    row(
        "aws_sqs_number_of_empty_receives_total",
        Kind::Counter,
        "CloudWatch NumberOfEmptyReceives: receives that returned no message.",
        &[("", |queue| Some(Number::Whole(queue.counters.empty_receives)))],
    ),
    row(
        "aws_sqs_number_of_deduplicated_sent_messages_total",
        Kind::Counter,
        "CloudWatch NumberOfDeduplicatedSentMessages, of FIFO queues: sends answered as an earlier one.",
        &[("", |queue| queue.of_fifo(queue.counters.deduplicated))],
    ),
    row(
        "aws_sqs_sent_message_size_bytes",
        Kind::Summary,
        "CloudWatch SentMessageSize: bodies and message attributes of the messages added.",
        &[
            ("_sum", |queue| Some(Number::Whole(queue.counters.sent_bytes))),
            ("_count", |queue| Some(Number::Whole(queue.counters.sent))),
        ],
    ),
    row(
        "millpond_queue_bytes",
        Kind::Gauge,
        "Bytes that the messages of a queue take, as quotas count them.",
        &[("", |queue| Some(Number::Whole(queue.description.bytes)))],
    ),
    row(
        "millpond_queue_expired_messages_total",
        Kind::Counter,
        "Messages dropped because their retention has passed, since the queue was created, over restarts.",
        &[("", |queue| Some(Number::Whole(queue.description.expired)))],
    ),
    row(
        "millpond_queue_outlived_messages",
        Kind::Gauge,
        "Messages past their retention that are kept because expiry is held; counted up to 1000.",
        &[("", |queue| whole(queue.description.outlived))],
    ),
    row(
        "millpond_queue_oldest_message_expires_timestamp_seconds",
        Kind::Gauge,
        "When the message expires that does so next, in seconds since 1970; absent in an empty queue.",
        &[("", |queue| queue.description.oldest_expires_at.map(|at| Number::Millis(at.as_millis())))],
    ),
    row(
        "millpond_queue_oldest_message_sent_timestamp_seconds",
        Kind::Gauge,
        "When the oldest message was sent, in seconds since 1970; absent in an empty queue.",
        &[("", |queue| queue.description.oldest_sent_at.map(|at| Number::Millis(at.as_millis())))],
    ),
];

/// Writes the figures of queues out, metric by metric.
pub(crate) struct QueueText {
    queues: Vec<QueueFigures>,
    row: usize,
    queue: usize,
}

impl QueueText {
    pub(crate) fn new(queues: Vec<QueueFigures>) -> Self {
        Self { queues, row: 0, queue: 0 }
    }
}

impl Iterator for QueueText {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let Row { family, samples } = ROWS.get(self.row).filter(|_| !self.queues.is_empty())?;
        let mut text = Text::default();
        if self.queue == 0 {
            text.family(family);
        }
        let end = (self.queue + QUEUES_PER_PIECE).min(self.queues.len());
        for queue in &self.queues[self.queue..end] {
            for (suffix, number) in *samples {
                if let Some(number) = number(queue) {
                    text.sample(family.name, suffix, &queue.labels, number);
                }
            }
        }
        (self.row, self.queue) = if end == self.queues.len() { (self.row + 1, 0) } else { (self.row, end) };
        Some(Bytes::from(text.take()))
    }
}
