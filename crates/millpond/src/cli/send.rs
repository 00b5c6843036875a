//! `millpond send`: one message into a queue.

use std::io::Read as _;

use aws_sdk_sqs::types::MessageAttributeValue;
use clap::Args;
use serde_json::json;

use super::{Target, duration, pairs, say};
use crate::failure::{DONE, Failure, Outcome};
use crate::random::random;
use crate::sqs::{NamedQueue, explain};

/// The largest body that any queue takes.
const BODY_BYTES_MAX: usize = 1_048_576;
/// How many message attributes a message may have.
const ATTRIBUTES_MAX: usize = 10;
/// The message attribute that makes two messages one row, see `docs/sink.md`.
const SUBMISSION_ID: &str = "SubmissionId";
/// What the service calls by another name than this command.
const FLAGS: [(&str, &str); 3] = [
    ("MessageGroupId", "--group"),
    ("MessageDeduplicationId", "--deduplication-id"),
    ("DelaySeconds", "--delay"),
];

/// Send a message and print its id.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  millpond send customers Jane,UK\n  \
                        millpond send customers --field name=Jane --field country=UK\n  \
                        cat order.json | millpond send orders -\n  \
                        millpond send jobs later --delay 60s\n  \
                        millpond send orders.fifo paid --group order-17 --deduplication-id payment-3")]
pub(crate) struct Send {
    /// The queue, by name or URL.
    queue: String,
    /// The message body; `-` reads standard input.
    #[arg(required_unless_present = "fields", conflicts_with = "fields")]
    body: Option<String>,
    /// A field of a JSON object that is sent as the body; may be repeated.
    #[arg(long = "field", value_name = "NAME=VALUE", id = "fields")]
    fields: Vec<String>,
    /// A message attribute of type String; may be repeated.
    #[arg(long = "attribute", value_name = "NAME=VALUE")]
    attributes: Vec<String>,
    /// How long until the message can be received, such as 60s; at most 15m.
    #[arg(long, value_name = "DURATION", value_parser = duration::delay, allow_hyphen_values = true)]
    delay: Option<i32>,
    /// The message group; a FIFO queue keeps the order inside it.
    #[arg(long, value_name = "ID")]
    group: Option<String>,
    /// What tells this message from another to a FIFO queue; needed unless the queue takes it from the body.
    #[arg(long, value_name = "ID")]
    deduplication_id: Option<String>,
    #[command(flatten)]
    target: Target,
}

impl Send {
    pub(crate) async fn run(self) -> Outcome {
        let attributes = pairs::read("--attribute", &self.attributes)?;
        let body = self.body()?;
        if body.is_empty() {
            return Err(Failure::usage("the body is empty; a message has at least one character"));
        }
        if body.len() > BODY_BYTES_MAX {
            let bytes = body.len();
            return Err(Failure::new(format!(
                "the body has {bytes} bytes; a message may have {BODY_BYTES_MAX} at most"
            )));
        }
        let NamedQueue { service, client, url } =
            NamedQueue::find(self.target.endpoint.as_deref(), &self.queue).await?;
        let url_is_fifo = url.ends_with(".fifo");
        let mut request = client
            .send_message()
            .queue_url(url)
            .message_body(body)
            .set_delay_seconds(self.delay)
            .set_message_group_id(self.group.clone())
            .set_message_deduplication_id(self.deduplication_id.clone());
        let names_submission = attributes.iter().any(|(name, _)| *name == SUBMISSION_ID);
        let room = attributes.len() < ATTRIBUTES_MAX;
        for (name, value) in attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build()?;
            request = request.message_attributes(name, value);
        }
        // The client tries again when an answer is lost; by this a sink knows the second message for the first.
        if !url_is_fifo && room && !names_submission {
            let value = MessageAttributeValue::builder().data_type("String").string_value(submission_id()?);
            request = request.message_attributes(SUBMISSION_ID, value.build()?);
        }
        let sent = request.send().await;
        let sent = sent.map_err(|error| {
            let failure = explain(&service, &format!("cannot send to {}", self.queue), &error);
            FLAGS.iter().fold(failure, |failure, (parameter, flag)| failure.naming(parameter, flag))
        })?;
        let id = sent.message_id.unwrap_or_default();
        if self.target.json {
            let md5 = sent.md5_of_message_body.unwrap_or_default();
            let mut shown = json!({ "message_id": id, "md5_of_body": md5 });
            if let Some(number) = sent.sequence_number {
                shown["sequence_number"] = number.into();
            }
            say(&shown.to_string());
        } else {
            say(&id);
        }
        Ok(DONE)
    }

    fn body(&self) -> Result<String, Failure> {
        match self.body.as_deref() {
            Some("-") => {
                let mut body = Vec::new();
                let read = std::io::stdin().read_to_end(&mut body);
                read.map_err(|error| {
                    Failure::while_doing("cannot read the body from standard input", &error)
                })?;
                String::from_utf8(body).map_err(|_| {
                    Failure::usage(
                        "the body on standard input is not UTF-8 text; encode it, for example with `base64`",
                    )
                })
            }
            Some(body) => Ok(body.to_owned()),
            None => {
                let fields = pairs::read("--field", &self.fields)?.into_iter();
                let fields = fields.map(|(name, value)| (name.to_owned(), json!(value))).collect();
                Ok(serde_json::Value::Object(fields).to_string())
            }
        }
    }
}

/// 128 random bits: every run of the command is a submission of its own.
fn submission_id() -> Result<String, Failure> {
    Ok(format!("{:032x}", u128::from_be_bytes(random()?)))
}
