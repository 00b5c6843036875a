//! What client commands need of the SQS API, with errors that a person understands.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

use crate::failure::Failure;

/// The URL of a queue that is given by name or by URL.
pub(crate) async fn queue_url(client: &Client, queue: &str) -> Result<String, Failure> {
    if queue.contains("://") {
        return Ok(queue.to_owned());
    }
    let found = client.get_queue_url().queue_name(queue).send().await;
    let found = found.map_err(|error| explain(&format!("cannot find the queue {queue}"), &error))?;
    Ok(found.queue_url.unwrap_or_default())
}

/// What went wrong, in the service's own words where it has spoken.
pub(crate) fn explain<E, R>(what: &str, error: &SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let reason = match error {
        SdkError::ServiceError(service) => {
            let metadata = service.err().meta();
            let message = metadata.message().unwrap_or("no reason was given");
            match metadata.code() {
                Some("AWS.SimpleQueueService.NonExistentQueue" | "QueueDoesNotExist") => {
                    "there is no such queue. Create it with `millpond queue create NAME`, or see `millpond queues`".into()
                }
                Some(code) => format!("{message} ({code})"),
                None => message.to_owned(),
            }
        }
        SdkError::DispatchFailure(_) => {
            "no service answers there. Start one with `millpond up` or `millpond serve`".to_owned()
        }
        other => DisplayErrorContext(other).to_string(),
    };
    Failure::new(format!("{what}: {reason}"))
}
