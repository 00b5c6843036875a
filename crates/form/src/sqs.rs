//! The outbox that is an SQS queue, through the AWS SDK.
//!
//! Every message carries the id of its submission in the attribute `SubmissionId`. One call tries a few times within
//! a bound; a try whose reply is lost may have been accepted, so the same submission can be in the queue more than
//! once. It uses SendMessage and, when the queue is given by name, GetQueueUrl; nothing else.

use std::{sync::Arc, time::Duration};

use aws_sdk_sqs::{
    Client,
    config::{Config, retry::RetryConfig, timeout::TimeoutConfig},
    error::{ProvideErrorMetadata, SdkError},
    types::MessageAttributeValue,
};
use tokio::sync::RwLock;

use crate::{
    contacted::Contacted,
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
/// The pauses between looks for a queue that is not there.
const FIRST_LOOK_PAUSE: Duration = Duration::from_secs(1);
const LOOK_PAUSE_MAX: Duration = Duration::from_secs(10);

/// A queue, given by name or URL. Its bounds and retries hold whatever the client's own settings are.
#[derive(Clone, Debug)]
pub struct SqsOutbox {
    client: Client,
    contacted: Contacted,
    queue: String,
    /// The URL once it is known; a name is looked up at the first send.
    url: Arc<RwLock<Option<String>>>,
}

impl SqsOutbox {
    /// An outbox for `queue`. Nothing is sent yet.
    pub fn new(client: &Client, queue: &str) -> Self {
        let url = queue.contains("://").then(|| queue.to_owned());
        let contacted = Contacted::default();
        let client = Client::from_conf(client.config().to_builder().interceptor(contacted.clone()).build());
        Self { client, contacted, queue: queue.to_owned(), url: Arc::new(RwLock::new(url)) }
    }

    /// Looks for a queue that was given by name until it is there, and tells what is in the way. A queue that was given
    /// by URL is not looked for: a form has no use for that right otherwise.
    pub(crate) async fn await_queue(&self) {
        let (mut told, mut pause) = (None, FIRST_LOOK_PAUSE);
        while let Err(error) = self.queue_url().await {
            let text = error.to_string();
            if told.as_ref() != Some(&text) {
                tracing::warn!("{}", self.obstacle(&error));
                told = Some(text);
            }
            tokio::time::sleep(pause).await;
            pause = LOOK_PAUSE_MAX.min(pause * 2);
        }
        if told.is_some() {
            tracing::info!("the queue {} is there; entries are taken", self.queue);
        }
    }

    fn obstacle(&self, error: &SendError) -> String {
        match error {
            SendError::Unavailable(reason) => {
                format!(
                    "the queue service is away: {reason}; visitors are asked to try again until it answers"
                )
            }
            SendError::Refused(reason) => format!(
                "the queue {} can't be used: {reason}; entries are refused until it can. A missing queue is created by \
                 `millpond queue create NAME`; it is looked for again and again",
                self.queue
            ),
        }
    }

    async fn queue_url(&self) -> Result<String, SendError> {
        if let Some(url) = self.url.read().await.as_ref() {
            return Ok(url.clone());
        }
        let request = self.client.get_queue_url().queue_name(&self.queue);
        let reply = request
            .customize()
            .config_override(bounds())
            .send()
            .await
            .map_err(|error| self.classify(&error))?;
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
        let reply = request
            .customize()
            .config_override(bounds())
            .send()
            .await
            .map_err(|error| self.classify(&error))?;
        reply
            .message_id
            .map(MessageId)
            .ok_or_else(|| SendError::Unavailable("the reply to SendMessage has no message id".to_owned()))
    }

    /// Whether trying again later can help. In doubt it can: the visitor keeps the entry and loses nothing by it.
    fn classify<E>(&self, error: &SdkError<E>) -> SendError
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let reason = self.contacted.explain(&self.queue, error);
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
