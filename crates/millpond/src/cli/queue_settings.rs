//! The settings of a queue as options: one definition for `queue create` and `queue set`.
//!
//! What has an option of its own can be given by `--attribute` too, as SQS names it, and so can everything else that
//! SQS can set; what is given twice is refused. The service checks the values.

use std::collections::BTreeMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{duration, pairs};
use crate::failure::Failure;
use crate::service::Service;
use crate::sqs::{existing_url, explain};

/// What a queue can be told.
#[derive(Debug, Args)]
pub(super) struct QueueSettings {
    /// How long a received message is hidden from others, such as 60s; 0 to 12h.
    #[arg(long, value_name = "DURATION", value_parser = duration::visibility_timeout, allow_hyphen_values = true)]
    visibility_timeout: Option<i32>,
    /// How long a message is kept, such as 4d; 60s to 14d.
    #[arg(long, value_name = "DURATION", value_parser = duration::retention, allow_hyphen_values = true)]
    retention: Option<i32>,
    /// How long a message waits before it can be received; 0 to 15m.
    #[arg(long, value_name = "DURATION", value_parser = duration::delay, allow_hyphen_values = true)]
    delay: Option<i32>,
    /// How long a receive that names no wait waits for a message; 0 to 20s.
    #[arg(long, value_name = "DURATION", value_parser = duration::receive_wait, allow_hyphen_values = true)]
    receive_wait: Option<i32>,
    /// The largest message, 1024 to 1048576 bytes.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1_024..=1_048_576))]
    maximum_message_size: Option<u32>,
    /// The queue that takes the messages received too often; it must exist.
    #[arg(long, value_name = "QUEUE")]
    dead_letter_queue: Option<String>,
    /// How often a message may be received before it goes to the dead-letter queue.
    #[arg(long, value_name = "COUNT", default_value_t = 10, requires = "dead_letter_queue",
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    max_receives: u32,
    /// Whether a FIFO queue tells messages apart by their bodies.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true,
          default_missing_value = "true")]
    content_based_deduplication: Option<bool>,
    /// Where a FIFO queue looks for the same message.
    #[arg(long, value_enum)]
    deduplication_scope: Option<Scope>,
    /// A setting as SQS names it, such as Policy=…; may be repeated. An empty value takes a policy or key away.
    #[arg(long = "attribute", value_name = "NAME=VALUE")]
    attributes: Vec<String>,
    /// A tag; may be repeated.
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    tags: Vec<String>,
}

/// Where a FIFO queue looks for the same message.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scope {
    /// In the whole queue.
    Queue,
    /// In the group of the message.
    MessageGroup,
}

impl QueueSettings {
    /// The attributes as SQS names them.
    pub(super) async fn attributes(
        &self,
        service: &Service,
        client: &Client,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let scope = self.deduplication_scope.map(|scope| match scope {
            Scope::Queue => "queue".to_owned(),
            Scope::MessageGroup => "messageGroup".to_owned(),
        });
        let secs = |value: Option<i32>| value.map(|secs| secs.to_string());
        let named = [
            (QueueAttributeName::VisibilityTimeout, secs(self.visibility_timeout)),
            (QueueAttributeName::MessageRetentionPeriod, secs(self.retention)),
            (QueueAttributeName::DelaySeconds, secs(self.delay)),
            (QueueAttributeName::ReceiveMessageWaitTimeSeconds, secs(self.receive_wait)),
            (
                QueueAttributeName::MaximumMessageSize,
                self.maximum_message_size.map(|bytes| bytes.to_string()),
            ),
            (
                QueueAttributeName::ContentBasedDeduplication,
                self.content_based_deduplication.map(|on| on.to_string()),
            ),
            (QueueAttributeName::DeduplicationScope, scope),
            (QueueAttributeName::RedrivePolicy, self.redrive_policy(service, client).await?),
        ];
        let mut attributes: BTreeMap<String, String> =
            named.into_iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), value?))).collect();
        for (name, value) in pairs::read("--attribute", &self.attributes)? {
            if attributes.insert(name.to_owned(), value.to_owned()).is_some() {
                return Err(Failure::usage(format!(
                    "{name} is given by an option and by --attribute; leave one of them out"
                )));
            }
        }
        Ok(attributes)
    }

    /// The tags.
    pub(super) fn tags(&self) -> Result<Vec<(&str, &str)>, Failure> {
        pairs::read("--tag", &self.tags)
    }

    async fn redrive_policy(&self, service: &Service, client: &Client) -> Result<Option<String>, Failure> {
        let Some(target) = &self.dead_letter_queue else { return Ok(None) };
        let target = arn(service, client, target).await?;
        Ok(Some(json!({ "deadLetterTargetArn": target, "maxReceiveCount": self.max_receives }).to_string()))
    }
}

/// The ARN of a queue that is named by name or URL.
pub(super) async fn arn(service: &Service, client: &Client, queue: &str) -> Result<String, Failure> {
    let url = existing_url(service, client, queue).await?;
    let wanted = QueueAttributeName::QueueArn;
    let request = client.get_queue_attributes().queue_url(url).attribute_names(wanted.clone());
    let found = request.send().await;
    let found = found.map_err(|error| explain(service, &format!("cannot look at {queue}"), &error))?;
    let arn = found.attributes.and_then(|mut attributes| attributes.remove(&wanted));
    arn.ok_or_else(|| Failure::new(format!("the service names no ARN for {queue}")))
}
