//! `millpond queue`: create, change, remove, purge and show one queue; redriving one is in a file of its own.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use clap::{Args, Subcommand};
use millpond_core::time::Timestamp;
use serde_json::{Map, Value, json};

use super::queue_settings::QueueSettings;
use super::redrive::Redrive;
use super::{Target, say};
use crate::failure::{DONE, Failure, Outcome};
use crate::service::Service;
use crate::sqs::{NamedQueue, explain};
use crate::table::span;

/// Create, change, remove, purge or show a queue, or redrive its dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum Queue {
    /// Create a queue and print its URL.
    #[command(after_help = "Examples:\n  millpond queue create jobs\n  \
                            millpond queue create jobs --visibility-timeout 2m --retention 14d\n  \
                            millpond queue create orders.fifo --content-based-deduplication\n  \
                            millpond queue create jobs --dead-letter-queue failed --max-receives 5\n  \
                            millpond queue create jobs --tag team=backend")]
    Create(Create),
    /// Change settings and tags of a queue.
    #[command(after_help = "Examples:\n  millpond queue set jobs --visibility-timeout 60s\n  \
                            millpond queue set jobs --dead-letter-queue failed --max-receives 5\n  \
                            millpond queue set jobs --no-dead-letter-queue\n  \
                            millpond queue set jobs --attribute MessageRetentionPeriod=86400\n  \
                            millpond queue set jobs --tag team=backend --untag owner")]
    Set(Set),
    /// Remove a queue with all its messages.
    #[command(after_help = "Examples:\n  millpond queue rm jobs\n  millpond queue rm jobs --json")]
    Rm(Named),
    /// Drop all messages of a queue.
    #[command(after_help = "Examples:\n  millpond queue purge jobs\n  millpond queue purge jobs --json")]
    Purge(Named),
    /// Show the settings, counts and tags of a queue, and what has expired.
    #[command(after_help = "Examples:\n  millpond queue show jobs\n  millpond queue show jobs --json")]
    Show(Named),
    /// Move the messages of a dead-letter queue back, or to another queue.
    Redrive(Redrive),
}

/// A new queue.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The name of the queue; one that ends in .fifo makes a FIFO queue.
    name: String,
    #[command(flatten)]
    settings: QueueSettings,
    #[command(flatten)]
    target: Target,
}

/// Changes to a queue that exists.
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The queue, by name or URL.
    queue: String,
    #[command(flatten)]
    settings: QueueSettings,
    /// Messages received too often stay where they are.
    #[arg(long, conflicts_with = "dead_letter_queue")]
    no_dead_letter_queue: bool,
    /// A tag to take away; may be repeated.
    #[arg(long = "untag", value_name = "KEY")]
    untags: Vec<String>,
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
            Self::Set(set) => set.run().await,
            Self::Rm(named) => named.remove().await,
            Self::Purge(named) => named.purge().await,
            Self::Show(named) => named.show().await,
            Self::Redrive(redrive) => redrive.run().await,
        }
    }
}

impl Create {
    async fn run(self) -> Outcome {
        if self.name.is_empty() {
            return Err(Failure::usage("the queue's name is empty"));
        }
        let service = Service::find(self.target.endpoint.as_deref()).await?;
        let client = service.sqs();
        let mut request = client.create_queue().queue_name(&self.name);
        let mut attributes = self.settings.attributes(&service, &client).await?;
        if self.name.ends_with(".fifo") {
            attributes.entry("FifoQueue".to_owned()).or_insert_with(|| "true".to_owned());
        }
        for (name, value) in attributes {
            request = request.attributes(QueueAttributeName::from(name.as_str()), value);
        }
        for (key, value) in self.settings.tags()? {
            request = request.tags(key, value);
        }
        let created = request.send().await;
        let created =
            created.map_err(|error| explain(&service, &format!("cannot create {}", self.name), &error))?;
        let url = created.queue_url.unwrap_or_default();
        if self.target.json {
            say(&json!({ "queue_url": url }).to_string())
        } else {
            say(&url)
        }
        Ok(DONE)
    }
}

impl Set {
    async fn run(self) -> Outcome {
        let NamedQueue { service, client, url } =
            NamedQueue::existing(self.target.endpoint.as_deref(), &self.queue).await?;
        let mut attributes = self.settings.attributes(&service, &client).await?;
        if self.no_dead_letter_queue && attributes.insert("RedrivePolicy".to_owned(), String::new()).is_some()
        {
            return Err(Failure::usage("--no-dead-letter-queue contradicts RedrivePolicy; leave one out"));
        }
        let tags = self.settings.tags()?;
        if let Some((key, _)) = tags.iter().find(|(key, _)| self.untags.iter().any(|untag| untag == key)) {
            return Err(Failure::usage(format!("the tag {key} is given and taken away; leave one out")));
        }
        if attributes.is_empty() && tags.is_empty() && self.untags.is_empty() {
            return Err(Failure::usage("nothing to set; `millpond queue set --help` shows what can be"));
        }
        let explained = |what: &str| format!("cannot {what} {}", self.queue);
        if !attributes.is_empty() {
            let mut request = client.set_queue_attributes().queue_url(&url);
            for (name, value) in &attributes {
                request = request.attributes(QueueAttributeName::from(name.as_str()), value);
            }
            let set = request.send().await;
            set.map_err(|error| explain(&service, &explained("change"), &error))?;
        }
        if !tags.is_empty() {
            let mut request = client.tag_queue().queue_url(&url);
            for (key, value) in &tags {
                request = request.tags(*key, *value);
            }
            request.send().await.map_err(|error| explain(&service, &explained("tag"), &error))?;
        }
        let (removed, absent) = self.tags_to_remove(&service, &client, &url).await?;
        if !removed.is_empty() {
            let request = client.untag_queue().queue_url(&url).set_tag_keys(Some(removed.clone()));
            request.send().await.map_err(|error| explain(&service, &explained("untag"), &error))?;
        }
        if self.target.json {
            let tags: Map<String, Value> =
                tags.into_iter().map(|(key, value)| (key.to_owned(), json!(value))).collect();
            let done = json!({ "queue_url": url, "attributes": attributes, "tags": tags, "removed_tags": removed,
                               "absent_tags": absent });
            say(&done.to_string());
            return Ok(DONE);
        }
        let attributes = attributes.iter().map(|(name, value)| match value.as_str() {
            "" => format!("{name} taken away"),
            value => format!("{name} is {value}"),
        });
        let tags = tags.iter().map(|(key, value)| format!("tag {key} is {value}"));
        let removed = removed.iter().map(|key| format!("tag {key} taken away"));
        let absent = absent.iter().map(|key| format!("there was no tag {key}"));
        let lines: Vec<String> = attributes.chain(tags).chain(removed).chain(absent).collect();
        say(&format!("{}: {}", self.queue, lines.join(", ")));
        Ok(DONE)
    }

    /// The tags to take away that the queue has, and those that it does not have.
    async fn tags_to_remove(
        &self,
        service: &Service,
        client: &Client,
        url: &str,
    ) -> Result<(Vec<String>, Vec<String>), Failure> {
        if self.untags.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let found = client.list_queue_tags().queue_url(url).send().await;
        let found = found
            .map_err(|error| explain(service, &format!("cannot read the tags of {}", self.queue), &error))?;
        let there = found.tags.unwrap_or_default();
        Ok(self.untags.iter().cloned().partition(|key| there.contains_key(key)))
    }
}

/// What the SQS API has no attribute for.
struct Expiry {
    now: Timestamp,
    expired: u64,
    oldest_expires_at: Option<Timestamp>,
}

/// Asks our own API about a queue whose attributes are known. Another service than ours has no such answer.
async fn expiry(service: &Service, attributes: &[(String, String)]) -> Option<Expiry> {
    let (_, arn) = attributes.iter().find(|(name, _)| name == QueueAttributeName::QueueArn.as_str())?;
    let parts: Vec<&str> = arn.split(':').collect();
    let [_, _, _, region, account, name] = parts[..] else { return None };
    let body = service.call("GET", &format!("queues/{account}/{region}/{name}"), None).await.ok()?;
    let queue = &body["queue"];
    Some(Expiry {
        now: Timestamp::from_millis(body["now_millis"].as_u64()?),
        expired: queue["expired"].as_u64()?,
        oldest_expires_at: queue["oldest_expires_at_millis"].as_u64().map(Timestamp::from_millis),
    })
}

impl Named {
    async fn find(&self) -> Result<NamedQueue, Failure> {
        NamedQueue::existing(self.target.endpoint.as_deref(), &self.queue).await
    }

    /// Says what was done to the queue.
    fn done(&self, url: &str, what: &str, text: &str) -> Outcome {
        if self.target.json {
            say(&json!({ "queue_url": url, what: true }).to_string());
        } else {
            say(text);
        }
        Ok(DONE)
    }

    async fn remove(self) -> Outcome {
        let NamedQueue { service, client, url } = self.find().await?;
        let removed = client.delete_queue().queue_url(&url).send().await;
        removed.map_err(|error| explain(&service, &format!("cannot remove {}", self.queue), &error))?;
        self.done(&url, "removed", &format!("removed {} with all its messages", self.queue))
    }

    async fn purge(self) -> Outcome {
        let NamedQueue { service, client, url } = self.find().await?;
        let purged = client.purge_queue().queue_url(&url).send().await;
        purged.map_err(|error| explain(&service, &format!("cannot purge {}", self.queue), &error))?;
        self.done(&url, "purged", &format!("dropped all messages of {}", self.queue))
    }

    async fn show(self) -> Outcome {
        let NamedQueue { service, client, url } = self.find().await?;
        let what = format!("cannot show {}", self.queue);
        let request = client.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
        let shown = request.send().await.map_err(|error| explain(&service, &what, &error))?;
        let tags = client.list_queue_tags().queue_url(&url).send().await;
        let mut tags: Vec<(String, String)> = tags
            .map_err(|error| explain(&service, &what, &error))?
            .tags
            .unwrap_or_default()
            .into_iter()
            .collect();
        tags.sort();
        let mut attributes: Vec<(String, String)> = shown
            .attributes
            .unwrap_or_default()
            .into_iter()
            .map(|(name, value)| (name.as_str().to_owned(), value))
            .collect();
        attributes.sort();
        let expiry = expiry(&service, &attributes).await;
        if self.target.json {
            let object = |pairs: Vec<(String, String)>| -> Map<String, Value> {
                pairs.into_iter().map(|(name, value)| (name, json!(value))).collect()
            };
            let mut shown =
                json!({ "queue_url": url, "attributes": object(attributes), "tags": object(tags) });
            if let Some(Expiry { expired, oldest_expires_at, .. }) = expiry {
                shown["expired"] = expired.into();
                shown["oldest_expires_at_millis"] = oldest_expires_at.map(Timestamp::as_millis).into();
            }
            say(&shown.to_string());
            return Ok(DONE);
        }
        if let Some(Expiry { now, expired, oldest_expires_at }) = expiry {
            let oldest =
                oldest_expires_at.map_or_else(|| "-".to_owned(), |at| span(at.millis_since(now) / 1000));
            attributes.push(("Oldest expires in".to_owned(), oldest));
            attributes.push(("Expired".to_owned(), expired.to_string()));
        }
        let width = attributes.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let mut lines = vec![url];
        lines.extend(attributes.iter().map(|(name, value)| format!("{name:<width$}  {value}")));
        lines.extend(tags.iter().map(|(key, value)| format!("{:<width$}  {key}={value}", "tag")));
        say(&lines.join("\n"));
        Ok(DONE)
    }
}
