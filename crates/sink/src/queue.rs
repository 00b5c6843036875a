//! The SQS calls of the sink, and what their failures mean. The only file that knows the SDK's requests.
//!
//! Five actions are used: GetQueueUrl (only when the queue is given by name), GetQueueAttributes (once, for the ARN),
//! ReceiveMessage, DeleteMessageBatch and ChangeMessageVisibilityBatch.

use std::{error::Error as _, time::Duration};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sqs::{
    Client,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    types::{
        BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
        Message, MessageSystemAttributeName, QueueAttributeName,
    },
};
use thiserror::Error;

use crate::contacted::Contacted;

/// How long a call other than a long poll may take, and a long poll beyond its wait.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The most entries a batch call takes, and the most messages a receive brings.
pub(crate) const BATCH_ENTRIES: usize = 10;

/// The string message attribute that names a submission of a form, and the most bytes of one that is taken for it.
pub(crate) const SUBMISSION_ID: &str = "SubmissionId";
pub(crate) const SUBMISSION_ID_BYTES_MAX: usize = 128;

/// Error codes that say the service can't answer now. Every other code that a service error carries is a refusal.
const UNAVAILABLE_CODES: [&str; 12] = [
    "AWS.SimpleQueueService.OverLimit",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "KMS.ThrottlingException",
    "KmsThrottled",
    "OverLimit",
    "RequestThrottled",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
];

/// Error codes that say there is no such queue, in both protocols.
const MISSING_CODES: [&str; 2] = ["AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"];

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum QueueError {
    /// The service could not be reached or could not answer: try again.
    #[error("{0}")]
    Unavailable(String),
    /// The service, or the SDK before any request, refuses: someone must change something.
    #[error("{0}")]
    Refused(String),
    /// There is no such queue, and its messages are gone with it.
    #[error("{0}")]
    Missing(String),
}

/// The source queue.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    client: Client,
    contacted: Contacted,
    url: String,
    arn: String,
}

/// What a receive asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Poll {
    pub(crate) wait_time_secs: u32,
    pub(crate) visibility_timeout_secs: u32,
}

/// An entry of a batch call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntryFailure {
    /// Its place in the call.
    pub(crate) index: usize,
    /// Whether trying again is of use.
    pub(crate) retry: bool,
}

impl Queue {
    /// Finds the queue by name or URL, and its ARN: the part of the ledger's key that stays the same when the
    /// service is reached by another host name or port.
    pub(crate) async fn find(client: &Client, name_or_url: &str) -> Result<Self, QueueError> {
        if client.config().region().is_none() {
            return Err(QueueError::Refused("no region is configured; set AWS_REGION".into()));
        }
        let contacted = Contacted::default();
        let client = with_own_retries(client, contacted.clone());
        let url = if name_or_url.contains("://") {
            name_or_url.to_owned()
        } else {
            let found = client.get_queue_url().queue_name(name_or_url).send().await;
            let found = found.map_err(|error| failure(&contacted, &error))?;
            let url = found.queue_url().filter(|url| !url.is_empty());
            url.ok_or_else(|| QueueError::Unavailable("GetQueueUrl answered without a URL".into()))?
                .to_owned()
        };
        let wanted = QueueAttributeName::QueueArn;
        let reply =
            client.get_queue_attributes().queue_url(&url).attribute_names(wanted.clone()).send().await;
        let reply = reply.map_err(|error| failure(&contacted, &error))?;
        let arn = reply.attributes().and_then(|attributes| attributes.get(&wanted)).cloned();
        let arn =
            arn.ok_or_else(|| QueueError::Unavailable("GetQueueAttributes answered without an ARN".into()))?;
        Ok(Self { client, contacted, url, arn })
    }

    pub(crate) fn arn(&self) -> &str {
        &self.arn
    }

    /// One long poll.
    pub(crate) async fn receive(&self, poll: Poll) -> Result<Vec<Message>, QueueError> {
        let timeout = Duration::from_secs(poll.wait_time_secs.into()) + CALL_TIMEOUT;
        let reply = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(BATCH_ENTRIES as i32)
            .wait_time_seconds(poll.wait_time_secs.cast_signed())
            .visibility_timeout(poll.visibility_timeout_secs.cast_signed())
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_attribute_names(SUBMISSION_ID)
            .customize()
            .config_override(aws_sdk_sqs::config::Builder::new().timeout_config(timeouts(timeout)))
            .send()
            .await
            .map_err(|error| failure(&self.contacted, &error))?;
        Ok(reply.messages.unwrap_or_default())
    }

    /// Deletes up to ten messages. Returns the entries that failed.
    pub(crate) async fn delete(&self, receipt_handles: &[&str]) -> Result<Vec<EntryFailure>, QueueError> {
        let mut call = self.client.delete_message_batch().queue_url(&self.url);
        for (index, handle) in receipt_handles.iter().enumerate() {
            let entry =
                DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(*handle);
            call = call.entries(entry.build().expect("id and handle are set"));
        }
        let reply = call.send().await.map_err(|error| failure(&self.contacted, &error))?;
        Ok(entry_failures(reply.failed()))
    }

    /// Sets for how long up to ten messages stay invisible from now on; 0 gives them back. Returns the entries that
    /// failed.
    pub(crate) async fn hide(&self, entries: &[(&str, i32)]) -> Result<Vec<EntryFailure>, QueueError> {
        let mut call = self.client.change_message_visibility_batch().queue_url(&self.url);
        for (index, (handle, secs)) in entries.iter().enumerate() {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(*handle)
                .visibility_timeout(*secs);
            call = call.entries(entry.build().expect("id and handle are set"));
        }
        let reply = call.send().await.map_err(|error| failure(&self.contacted, &error))?;
        Ok(entry_failures(reply.failed()))
    }
}

/// The caller's client with retries off (the sink's loops retry, and know when to stop) and with timeouts, without
/// which a half-open connection would hold a poller forever.
fn with_own_retries(client: &Client, contacted: Contacted) -> Client {
    let config = client.config().to_builder().interceptor(contacted);
    Client::from_conf(
        config.retry_config(RetryConfig::disabled()).timeout_config(timeouts(CALL_TIMEOUT)).build(),
    )
}

fn timeouts(call: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_timeout(call).build()
}

fn entry_failures(failed: &[BatchResultErrorEntry]) -> Vec<EntryFailure> {
    let failure = |entry: &BatchResultErrorEntry| {
        Some(EntryFailure { index: entry.id().parse().ok()?, retry: !entry.sender_fault() })
    };
    failed.iter().filter_map(failure).collect()
}

fn failure<E, R>(contacted: &Contacted, error: &SdkError<E, R>) -> QueueError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or("unknown error");
            judge(contacted, code, service.err().message().unwrap_or("no text"))
        }
        _ if lacks_credentials(error) => QueueError::Refused(
            "no access key was found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
                .to_owned(),
        ),
        SdkError::ConstructionFailure(_) => QueueError::Refused(innermost(error)),
        _ => QueueError::Unavailable(contacted.at(&innermost(error))),
    }
}

/// What a service error means by its code.
fn judge(contacted: &Contacted, code: &str, message: &str) -> QueueError {
    let text = contacted.at(&format!("{} ({code})", message.trim_end_matches('.')));
    match code {
        _ if UNAVAILABLE_CODES.contains(&code) => QueueError::Unavailable(text),
        _ if MISSING_CODES.contains(&code) => QueueError::Missing(text),
        _ => QueueError::Refused(text),
    }
}

/// The SDK wraps the cause several layers deep, and the outer ones say nothing; the last two say what happened.
fn innermost<E, R>(error: &SdkError<E, R>) -> String
where
    E: std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let mut texts = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        texts.push(error.to_string());
        cause = error.source();
    }
    texts.dedup();
    match texts.as_slice() {
        [] => DisplayErrorContext(error).to_string(),
        [only] => only.clone(),
        [.., outer, inner] => format!("{outer}: {inner}"),
    }
}

fn lacks_credentials<E, R>(error: &SdkError<E, R>) -> bool
where
    E: std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let mut cause = error.source();
    while let Some(error) = cause {
        if matches!(error.downcast_ref(), Some(CredentialsError::CredentialsNotLoaded(_))) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_service_is_tried_again_and_a_refusal_is_not() {
        for code in UNAVAILABLE_CODES {
            assert!(matches!(judge(&Contacted::default(), code, ""), QueueError::Unavailable(_)), "{code}");
        }
        for code in MISSING_CODES {
            assert!(matches!(judge(&Contacted::default(), code, ""), QueueError::Missing(_)), "{code}");
        }
        for code in ["AccessDenied", "InvalidClientTokenId"] {
            assert!(matches!(judge(&Contacted::default(), code, ""), QueueError::Refused(_)), "{code}");
        }
    }
}
