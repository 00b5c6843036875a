//! The outbox that is an SQS queue, through the AWS SDK.
//!
//! Every message carries the id of its submission in the attribute `SubmissionId`. One call tries a few times within
//! a bound; a try whose reply is lost may have been accepted, so the same submission can be in the queue more than
//! once. It uses SendMessage and, when the queue is given by name, GetQueueUrl; nothing else.

use std::time::Duration;

use aws_sdk_sqs::{
    Client,
    config::{Config, retry::RetryConfig, timeout::TimeoutConfig},
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    types::MessageAttributeValue,
};
use tokio::sync::RwLock;

use crate::{
    outbox::{Outbox, SendError},
    submission::{MessageId, Submission},
};

/// The message attribute that carries the id of a submission.
pub const SUBMISSION_ID_ATTRIBUTE: &str = "SubmissionId";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TRY_TIMEOUT: Duration = Duration::from_secs(4);
const SEND_TIMEOUT: Duration = Duration::from_secs(8);
const TRIES: u32 = 3;
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// A queue, given by name or URL. Its bounds and retries hold whatever the client's own settings are.
#[derive(Debug)]
pub struct SqsOutbox {
    client: Client,
    queue: String,
    /// The URL once it is known; a name is looked up at the first send.
    url: RwLock<Option<String>>,
}

impl SqsOutbox {
    /// An outbox for `queue`. Nothing is sent yet.
    pub fn new(client: Client, queue: &str) -> Self {
        let url = queue.contains("://").then(|| queue.to_owned());
        Self { client, queue: queue.to_owned(), url: RwLock::new(url) }
    }

    async fn queue_url(&self) -> Result<String, SendError> {
        if let Some(url) = self.url.read().await.as_ref() {
            return Ok(url.clone());
        }
        let request = self.client.get_queue_url().queue_name(&self.queue);
        let reply =
            request.customize().config_override(bounds()).send().await.map_err(|error| classify(&error))?;
        let url =
            reply.queue_url.ok_or_else(|| SendError::Unavailable("GetQueueUrl gave no URL".to_owned()))?;
        *self.url.write().await = Some(url.clone());
        Ok(url)
    }

    async fn try_send(&self, submission: &Submission) -> Result<MessageId, SendError> {
        let url = self.queue_url().await?;
        let attribute = MessageAttributeValue::builder()
            .data_type("String")
            .string_value(submission.id().as_str())
            .build()
            .map_err(|error| SendError::Refused(error.to_string()))?;
        let request = self
            .client
            .send_message()
            .queue_url(url)
            .message_body(submission.body())
            .message_attributes(SUBMISSION_ID_ATTRIBUTE, attribute);
        let reply =
            request.customize().config_override(bounds()).send().await.map_err(|error| classify(&error))?;
        reply
            .message_id
            .map(MessageId)
            .ok_or_else(|| SendError::Unavailable("the reply to SendMessage has no message id".to_owned()))
    }
}

impl Outbox for SqsOutbox {
    async fn send(&self, submission: &Submission) -> Result<MessageId, SendError> {
        let sent = tokio::time::timeout(SEND_TIMEOUT, self.try_send(submission)).await;
        sent.unwrap_or_else(|_| {
            Err(SendError::Unavailable(format!("no reply within {} s", SEND_TIMEOUT.as_secs())))
        })
    }
}

fn bounds() -> aws_sdk_sqs::config::Builder {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(TRY_TIMEOUT)
        .operation_timeout(SEND_TIMEOUT)
        .build();
    let retries = RetryConfig::standard().with_max_attempts(TRIES).with_initial_backoff(FIRST_BACKOFF);
    Config::builder().timeout_config(timeouts).retry_config(retries)
}

/// Whether trying again later can help. In doubt it can: the visitor keeps the entry and loses nothing by it.
fn classify<E>(error: &SdkError<E>) -> SendError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let reason = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        _ => DisplayErrorContext(error).to_string(),
    };
    let refused = match error {
        SdkError::ConstructionFailure(_) => true,
        SdkError::DispatchFailure(failure) => failure.is_user(),
        SdkError::ServiceError(service) => {
            let throttled = error.code().is_some_and(|code| code.contains("Throttl"));
            let status = service.raw().status();
            status.is_client_error() && status.as_u16() != 429 && !throttled
        }
        _ => false,
    };
    if refused { SendError::Refused(reason) } else { SendError::Unavailable(reason) }
}
