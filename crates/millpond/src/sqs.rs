//! What client commands need of the SQS API, with errors that a person understands.

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

use crate::failure::Failure;
use crate::service::Service;

/// A queue that a command is about.
#[derive(Debug)]
pub(crate) struct NamedQueue {
    /// The service that has it.
    pub(crate) service: Service,
    /// A client of that service.
    pub(crate) client: Client,
    /// Its URL.
    pub(crate) url: String,
}

impl NamedQueue {
    /// Finds the queue that is given by name or by URL. That a queue given by URL exists is not looked up.
    pub(crate) async fn find(endpoint: Option<&str>, queue: &str) -> Result<Self, Failure> {
        let service = Service::of_queue(endpoint, queue).await?;
        let client = service.sqs();
        let url = queue_url(&service, &client, queue).await?;
        Ok(Self { service, client, url })
    }

    /// Finds a queue that must be there: no service creates it for being asked.
    pub(crate) async fn existing(endpoint: Option<&str>, queue: &str) -> Result<Self, Failure> {
        let service = Service::of_queue(endpoint, queue).await?;
        let client = service.sqs();
        let url = existing_url(&service, &client, queue).await?;
        Ok(Self { service, client, url })
    }
}

/// The URL of a queue that is given by name or by URL.
pub(crate) async fn queue_url(service: &Service, client: &Client, queue: &str) -> Result<String, Failure> {
    if queue.contains("://") {
        return Ok(queue.to_owned());
    }
    if queue.is_empty() {
        return Err(Failure::usage("the queue's name is empty"));
    }
    let found = client.get_queue_url().queue_name(queue).send().await;
    let found = found.map_err(|error| explain(service, &format!("cannot find the queue {queue}"), &error))?;
    Ok(found.queue_url.unwrap_or_default())
}

/// The URL of a queue that must be there, given by name or by URL. Looked up in the list: some services create a queue
/// when its URL is asked for.
pub(crate) async fn existing_url(service: &Service, client: &Client, queue: &str) -> Result<String, Failure> {
    if queue.contains("://") || queue.is_empty() {
        return queue_url(service, client, queue).await;
    }
    let what = format!("cannot find the queue {queue}");
    let mut urls =
        client.list_queues().queue_name_prefix(queue).max_results(1_000).into_paginator().items().send();
    while let Some(url) = urls.next().await {
        let url = url.map_err(|error| explain(service, &what, &error))?;
        if url.rsplit('/').next() == Some(queue) {
            return Ok(url);
        }
    }
    Err(Failure::new(format!("{what}: {}", no_such_queue(service))))
}

fn no_such_queue(service: &Service) -> String {
    format!(
        "there is no such queue at {}. `millpond queues` shows those that are there, `millpond queue create` makes one",
        service.describe()
    )
}

/// What went wrong, in the service's own words where it has spoken.
pub(crate) fn explain<E, R>(service: &Service, what: &str, error: &SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let reason = match error {
        SdkError::ServiceError(refused) => {
            let metadata = refused.err().meta();
            // Some texts of SQS end in a full stop, and some in two.
            let message = metadata.message().unwrap_or("no reason was given").trim_end_matches('.');
            match metadata.code() {
                Some("AWS.SimpleQueueService.NonExistentQueue" | "QueueDoesNotExist") => {
                    no_such_queue(service)
                }
                Some(code @ ("QueueAlreadyExists" | "QueueNameExists")) => {
                    format!("{message} ({code}). `millpond queue set` changes a queue that is there")
                }
                Some(code) => service.with_advice(format!("{message} ({code})"), Some(code)),
                None => message.to_owned(),
            }
        }
        SdkError::DispatchFailure(_) if lacks_keys(error) => {
            "no access key was found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
                .to_owned()
        }
        SdkError::DispatchFailure(_) => service.silent(&innermost(error)),
        SdkError::TimeoutError(_) => service.silent("it did not answer in time"),
        other => innermost(other),
    };
    Failure::new(format!("{what}: {reason}"))
}

/// The SDK wraps the cause several layers deep, and the outer ones say nothing.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string().trim_end_matches('.').to_owned()
}

fn lacks_keys(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .any(|error| matches!(error.downcast_ref(), Some(CredentialsError::CredentialsNotLoaded(_))))
}
