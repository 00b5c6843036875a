//! `millpond receive`: messages out of a queue.

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use clap::Args;
use serde_json::{Value, json};

use super::{Target, duration, remark};
use crate::failure::{DONE, Failure, Outcome, nothing};
use crate::sqs::{NamedQueue, explain};
use crate::table::printable;
use crate::terminal::hand_over;

/// Receive messages. Without --delete they come back after the queue's visibility timeout.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  millpond receive customers\n  millpond receive customers --max 10 --delete\n  \
                        millpond receive customers --follow --delete --json\n\n\
                        Without --delete messages are only shown: they come back after the queue's visibility timeout."
)]
pub(crate) struct Receive {
    /// The queue, by name or URL.
    queue: String,
    /// Delete each message once it is printed.
    #[arg(long)]
    delete: bool,
    /// Go on receiving until interrupted.
    #[arg(long)]
    follow: bool,
    /// At most so many messages, 1 to 10.
    #[arg(allow_negative_numbers = true, long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=10))]
    max: i32,
    /// How long to wait for a message, at most 20s.
    #[arg(long, value_name = "DURATION", value_parser = duration::receive_wait, allow_hyphen_values = true)]
    wait: Option<i32>,
    /// How long to hide the messages from others, instead of the queue's visibility timeout; at most 12h.
    #[arg(long, value_name = "DURATION", value_parser = duration::visibility_timeout, allow_hyphen_values = true)]
    visibility_timeout: Option<i32>,
    #[command(flatten)]
    target: Target,
}

impl Receive {
    pub(crate) async fn run(self) -> Outcome {
        let queue = NamedQueue::find(self.target.endpoint.as_deref(), &self.queue).await?;
        let mut hint_is_due = !self.delete && !self.target.json;
        loop {
            let count = self.once(&queue).await?;
            if count > 0 && std::mem::take(&mut hint_is_due) {
                remark(self.hint());
            }
            if self.follow {
                continue;
            }
            if count > 0 {
                return Ok(DONE);
            }
            remark("no messages");
            return Ok(nothing());
        }
    }

    /// What becomes of messages that were only shown.
    fn hint(&self) -> &'static str {
        match self.visibility_timeout {
            Some(0) => "not deleted: the queue delivers it again at once; --delete takes out what is printed",
            _ => {
                "not deleted: the queue delivers it again when its visibility timeout ends; --delete takes out what is \
                  printed"
            }
        }
    }

    async fn once(&self, NamedQueue { service, client, url }: &NamedQueue) -> Result<usize, Failure> {
        let wait = self.wait.or(self.follow.then_some(20));
        let received = client
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(self.max)
            .set_wait_time_seconds(wait)
            .set_visibility_timeout(self.visibility_timeout)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await
            .map_err(|error| explain(service, &format!("cannot receive from {}", self.queue), &error))?;
        let messages = received.messages.unwrap_or_default();
        for message in &messages {
            self.show(message)?;
            if self.delete {
                let handle = message.receipt_handle().unwrap_or_default();
                let deleted = client.delete_message().queue_url(url).receipt_handle(handle).send().await;
                deleted
                    .map_err(|error| explain(service, "the message was printed but not deleted", &error))?;
            }
        }
        Ok(messages.len())
    }

    /// Prints a message. What could not be printed is not to be deleted: it comes again after its visibility timeout.
    fn show(&self, message: &Message) -> Result<(), Failure> {
        let body = message.body().unwrap_or_default();
        if !self.target.json {
            return hand_over(&printable(body));
        }
        let attributes: serde_json::Map<String, Value> = message
            .message_attributes()
            .into_iter()
            .flatten()
            .map(|(name, value)| {
                let shown = json!({ "type": value.data_type(), "value": value.string_value() });
                (name.clone(), shown)
            })
            .collect();
        let system: serde_json::Map<String, Value> = message
            .attributes()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.as_str().to_owned(), json!(value)))
            .collect();
        let shown = json!({
            "message_id": message.message_id(),
            "body": body,
            "receipt_handle": message.receipt_handle(),
            "attributes": attributes,
            "system_attributes": system,
        });
        hand_over(&shown.to_string())
    }
}
