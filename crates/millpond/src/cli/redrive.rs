//! `millpond queue redrive`: move the messages of a dead-letter queue back, or elsewhere, and watch it.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::ListMessageMoveTasksResultEntry as Task;
use clap::Args;
use serde_json::{Value, json};

use super::queue_settings::arn;
use super::{Target, remark, say};
use crate::failure::{DONE, Failure, Outcome};
use crate::service::Service;
use crate::sqs::{NamedQueue, explain};

/// A running task is looked at this often.
const LOOK_MILLIS: u64 = 500;
/// As many tasks as a queue remembers.
const REMEMBERED: i32 = 10;
const RUNNING: &str = "RUNNING";

/// Move the messages of a dead-letter queue back to where they came from, or to another queue.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  millpond queue redrive failed              each message back to its queue\n  \
                        millpond queue redrive failed --to jobs --rate 50\n  \
                        millpond queue redrive failed --detach     start it and return\n  \
                        millpond queue redrive failed --status     what runs, and what ran before\n  \
                        millpond queue redrive failed --cancel     end it; what was moved stays moved\n\n\
                        The task belongs to the service: it goes on when this command ends."
)]
pub(crate) struct Redrive {
    /// The dead-letter queue, by name or URL.
    queue: String,
    /// The queue that takes all the messages; by default each goes back to the one it came from.
    #[arg(long, value_name = "QUEUE")]
    to: Option<String>,
    /// At most so many messages a second, 1 to 500; by default as fast as the service can without holding up requests.
    #[arg(allow_negative_numbers = true, long, value_name = "MESSAGES", value_parser = clap::value_parser!(i32).range(1..=500))]
    rate: Option<i32>,
    /// Return once the task has started.
    #[arg(long)]
    detach: bool,
    /// Show the latest tasks of the queue, newest first, and start none.
    #[arg(long, conflicts_with_all = ["to", "rate", "detach", "cancel"])]
    status: bool,
    /// Cancel the task that is running.
    #[arg(long, conflicts_with_all = ["to", "rate", "detach"])]
    cancel: bool,
    #[command(flatten)]
    target: Target,
}

impl Redrive {
    pub(crate) async fn run(self) -> Outcome {
        let NamedQueue { service, client, url } =
            NamedQueue::existing(self.target.endpoint.as_deref(), &self.queue).await?;
        let source = arn(&service, &client, &url).await?;
        let queue = DeadLetters { service, client, source };
        if self.status {
            return self.tell(&queue.tasks(REMEMBERED).await?);
        }
        if self.cancel {
            return self.cancel(&queue).await;
        }
        self.start(&queue).await?;
        if self.detach {
            return self.tell(&queue.tasks(1).await?);
        }
        self.watch(&queue).await
    }

    async fn start(&self, queue: &DeadLetters) -> Result<(), Failure> {
        let DeadLetters { service, client, source } = queue;
        let destination = match &self.to {
            Some(queue) => Some(arn(service, client, queue).await?),
            None => None,
        };
        let started = client
            .start_message_move_task()
            .source_arn(source)
            .set_destination_arn(destination)
            .set_max_number_of_messages_per_second(self.rate)
            .send()
            .await;
        started.map_err(|error| explain(service, &format!("cannot redrive {}", self.queue), &error))?;
        Ok(())
    }

    async fn cancel(&self, queue: &DeadLetters) -> Outcome {
        let DeadLetters { service, client, .. } = queue;
        let running = queue.tasks(1).await?.into_iter().find_map(|task| task.task_handle);
        let handle =
            running.ok_or_else(|| Failure::new(format!("{} has no task that is running", self.queue)))?;
        let cancelled = client.cancel_message_move_task().task_handle(handle).send().await;
        cancelled.map_err(|error| {
            explain(service, &format!("cannot cancel the task of {}", self.queue), &error)
        })?;
        self.tell(&queue.tasks(1).await?)
    }

    /// Waits for the end of the newest task and says how it went on; failed is a failure.
    async fn watch(&self, queue: &DeadLetters) -> Outcome {
        let mut told = None;
        loop {
            let latest = queue.tasks(1).await?.into_iter().next();
            let task =
                latest.ok_or_else(|| Failure::new(format!("{} has forgotten its task", self.queue)))?;
            if task.status.as_deref() != Some(RUNNING) {
                self.tell(std::slice::from_ref(&task))?;
                return match task.failure_reason {
                    Some(reason) => Err(Failure::new(explain_failure(&self.queue, &reason))),
                    None => Ok(DONE),
                };
            }
            if told != Some(task.approximate_number_of_messages_moved) && !self.target.json {
                told = Some(task.approximate_number_of_messages_moved);
                remark(&progress(&task));
            }
            tokio::time::sleep(Duration::from_millis(LOOK_MILLIS)).await;
        }
    }

    fn tell(&self, tasks: &[Task]) -> Outcome {
        if self.target.json {
            let tasks: Vec<Value> = tasks.iter().map(as_json).collect();
            say(&json!({ "tasks": tasks }).to_string());
        } else if tasks.is_empty() {
            say(&format!("{} has had no task that moves its messages", self.queue));
        } else {
            tasks.iter().for_each(|task| say(&progress(task)));
        }
        Ok(DONE)
    }
}

/// A dead-letter queue, and where it is.
struct DeadLetters {
    service: Service,
    client: Client,
    source: String,
}

impl DeadLetters {
    /// Its latest tasks, newest first.
    async fn tasks(&self, most: i32) -> Result<Vec<Task>, Failure> {
        let Self { service, client, source } = self;
        let listed = client.list_message_move_tasks().source_arn(source).max_results(most).send().await;
        let listed =
            listed.map_err(|error| explain(service, "cannot list the tasks of the queue", &error))?;
        Ok(listed.results.unwrap_or_default())
    }
}

fn progress(task: &Task) -> String {
    let status = task.status.as_deref().unwrap_or("unknown").to_lowercase();
    let moved = task.approximate_number_of_messages_moved;
    let of = task.approximate_number_of_messages_to_move.unwrap_or_default();
    let to = task.destination_arn.as_deref().and_then(|arn| arn.rsplit(':').next());
    let to = to.map_or_else(|| "where they came from".to_owned(), str::to_owned);
    let reason = task.failure_reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{status}  {moved} of {of} moved to {to}{reason}")
}

fn explain_failure(queue: &str, reason: &str) -> String {
    let advice = match reason {
        "CouldNotDetermineMessageSource" => {
            "a message was sent to it and came from no other queue; name one that takes them with --to"
        }
        "AWS.SimpleQueueService.NonExistentQueue" => {
            "the queue that a message was to go to does not exist; create it, or name another with --to"
        }
        _ => "see the reason above",
    };
    format!("the task of {queue} has failed ({reason}): {advice}")
}

fn as_json(task: &Task) -> Value {
    json!({
        "status": task.status,
        "task_handle": task.task_handle,
        "source_arn": task.source_arn,
        "destination_arn": task.destination_arn,
        "messages_per_second_max": task.max_number_of_messages_per_second,
        "messages_moved": task.approximate_number_of_messages_moved,
        "messages_to_move": task.approximate_number_of_messages_to_move,
        "failure_reason": task.failure_reason,
        "started_unix_ms": task.started_timestamp,
    })
}
