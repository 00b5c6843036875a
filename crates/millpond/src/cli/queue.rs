//! `millpond queue`: create, remove, purge and show one queue; redriving one is in a file of its own.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::redrive::Redrive;
use super::{Target, say};
use crate::failure::{DONE, Failure, Outcome};
use crate::service::Service;
use crate::sqs::{explain, queue_url};

/// Create, remove, purge or show a queue, or redrive its dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum Queue {
    /// Create a queue and print its URL.
    #[command(after_help = "Examples:\n  millpond queue create jobs\n  \
                            millpond queue create jobs --attribute VisibilityTimeout=120\n  \
                            millpond queue create orders.fifo --attribute ContentBasedDeduplication=true\n  \
                            millpond queue create jobs --dead-letter-queue failed --max-receives 5")]
    Create(Create),
    /// Remove a queue with all its messages.
    Rm(Named),
    /// Drop all messages of a queue.
    Purge(Named),
    /// Show the settings and counts of a queue.
    Show(Named),
    /// Move the messages of a dead-letter queue back, or to another queue.
    Redrive(Redrive),
}

/// A new queue.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The name of the queue; one that ends in .fifo makes a FIFO queue.
    name: String,
    /// A setting as SQS names it, such as VisibilityTimeout=120; may be repeated.
    #[arg(long = "attribute", value_name = "NAME=VALUE")]
    attributes: Vec<String>,
    /// The queue that takes the messages received too often; it must exist.
    #[arg(long, value_name = "QUEUE")]
    dead_letter_queue: Option<String>,
    /// How often a message may be received before it goes to the dead-letter queue.
    #[arg(long, value_name = "COUNT", default_value_t = 10, requires = "dead_letter_queue",
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    max_receives: u32,
    #[command(flatten)]
    target: Target,
}

/// A queue that exists.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The queue, by name or URL.
    queue: String,
    #[command(flatten)]
    target: Target,
}

impl Queue {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Create(create) => create.run().await,
            Self::Rm(named) => named.remove().await,
            Self::Purge(named) => named.purge().await,
            Self::Show(named) => named.show().await,
            Self::Redrive(redrive) => redrive.run().await,
        }
    }
}

impl Create {
    async fn run(self) -> Outcome {
        let client = Service::find(self.target.endpoint.as_deref()).await?.sqs();
        let mut request = client.create_queue().queue_name(&self.name);
        if self.name.ends_with(".fifo") {
            request = request.attributes(QueueAttributeName::FifoQueue, "true");
        }
        if let Some(target) = &self.dead_letter_queue {
            let target = arn(&client, target).await?;
            let policy = json!({ "deadLetterTargetArn": target, "maxReceiveCount": self.max_receives });
            request = request.attributes(QueueAttributeName::RedrivePolicy, policy.to_string());
        }
        for attribute in &self.attributes {
            let (name, value) = attribute
                .split_once('=')
                .ok_or_else(|| Failure::new(format!("--attribute takes NAME=VALUE, not `{attribute}`")))?;
            request = request.attributes(QueueAttributeName::from(name), value);
        }
        let created = request.send().await;
        let created = created.map_err(|error| explain(&format!("cannot create {}", self.name), &error))?;
        let url = created.queue_url.unwrap_or_default();
        if self.target.json {
            say(&json!({ "queue_url": url }).to_string())
        } else {
            say(&url)
        }
        Ok(DONE)
    }
}

/// The ARN of a queue that is named by name or URL.
pub(super) async fn arn(client: &Client, queue: &str) -> Result<String, Failure> {
    let url = queue_url(client, queue).await?;
    let wanted = QueueAttributeName::QueueArn;
    let request = client.get_queue_attributes().queue_url(url).attribute_names(wanted.clone());
    let found = request.send().await.map_err(|error| explain(&format!("cannot look at {queue}"), &error))?;
    let arn = found.attributes.and_then(|mut attributes| attributes.remove(&wanted));
    arn.ok_or_else(|| Failure::new(format!("the service names no ARN for {queue}")))
}

impl Named {
    async fn remove(self) -> Outcome {
        let client = Service::find(self.target.endpoint.as_deref()).await?.sqs();
        let url = queue_url(&client, &self.queue).await?;
        let removed = client.delete_queue().queue_url(url).send().await;
        removed.map_err(|error| explain(&format!("cannot remove {}", self.queue), &error))?;
        Ok(DONE)
    }

    async fn purge(self) -> Outcome {
        let client = Service::find(self.target.endpoint.as_deref()).await?.sqs();
        let url = queue_url(&client, &self.queue).await?;
        let purged = client.purge_queue().queue_url(url).send().await;
        purged.map_err(|error| explain(&format!("cannot purge {}", self.queue), &error))?;
        Ok(DONE)
    }

    async fn show(self) -> Outcome {
        let client = Service::find(self.target.endpoint.as_deref()).await?.sqs();
        let url = queue_url(&client, &self.queue).await?;
        let shown = client
            .get_queue_attributes()
            .queue_url(&url)
            .attribute_names(QueueAttributeName::All)
            .send()
            .await
            .map_err(|error| explain(&format!("cannot show {}", self.queue), &error))?;
        let mut attributes: Vec<(String, String)> = shown
            .attributes
            .unwrap_or_default()
            .into_iter()
            .map(|(name, value)| (name.as_str().to_owned(), value))
            .collect();
        attributes.sort();
        if self.target.json {
            let object: serde_json::Map<String, Value> =
                attributes.into_iter().map(|(name, value)| (name, json!(value))).collect();
            say(&json!({ "queue_url": url, "attributes": object }).to_string());
            return Ok(DONE);
        }
        let width = attributes.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let lines: Vec<String> =
            attributes.iter().map(|(name, value)| format!("{name:<width$}  {value}")).collect();
        say(&format!("{url}\n{}", lines.join("\n")));
        Ok(DONE)
    }
}
