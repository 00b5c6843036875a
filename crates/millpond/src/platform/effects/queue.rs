//! What a plan does to queues.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::QueueAttributeName;
use millpond_stack::{EffectError, QueueSpec};

use super::StackEffects;

const NO_SUCH_QUEUE: [&str; 2] = ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"];

impl StackEffects<'_> {
    /// The queue's URL; `None` when there is no such queue.
    pub(super) async fn url(&self, name: &str) -> Result<Option<String>, EffectError> {
        match self.client.get_queue_url().queue_name(name).send().await {
            Ok(found) => Ok(found.queue_url),
            Err(error) if error.code().is_some_and(|code| NO_SUCH_QUEUE.contains(&code)) => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    pub(super) async fn existing_url(&self, name: &str) -> Result<String, EffectError> {
        self.url(name).await?.ok_or_else(|| {
            EffectError::Failed(format!(
                "the queue {name} was deleted by someone else; run `millpond up` again"
            ))
        })
    }
}

impl StackEffects<'_> {
    pub(super) async fn is_missing_queue(&self, name: &str) -> bool {
        matches!(self.url(name).await, Ok(None))
    }

    /// Makes a queue with its attributes and tags. One that an earlier attempt made is left as it is.
    pub(super) async fn create_queue(&self, queue: &QueueSpec, resumed: bool) -> Result<(), EffectError> {
        if self.url(&queue.name).await.map_err(nothing_done)?.is_some() {
            return if resumed { Ok(()) } else { Err(EffectError::AlreadyExists) };
        }
        let tags: HashMap<String, String> = queue.tags.clone().into_iter().collect();
        let request = self.client.create_queue().queue_name(&queue.name).set_tags(Some(tags));
        let request = request.set_attributes(Some(attributes(&queue.attributes)));
        let created = request.send().await;
        created.map(drop).map_err(|error| match &error {
            SdkError::ServiceError(_) => nothing_done(failed(&error)),
            _ => failed(&error),
        })
    }

    pub(super) async fn change_queue(
        &self,
        name: &str,
        changed: &BTreeMap<String, String>,
        tags: Option<&BTreeMap<String, String>>,
    ) -> Result<(), EffectError> {
        if !changed.is_empty() {
            self.set_queue_attributes(name, changed).await?;
        }
        match tags {
            Some(tags) => self.set_queue_tags(name, tags).await,
            None => Ok(()),
        }
    }

    pub(super) async fn set_queue_attributes(
        &self,
        name: &str,
        changed: &BTreeMap<String, String>,
    ) -> Result<(), EffectError> {
        let url = self.existing_url(name).await?;
        let request =
            self.client.set_queue_attributes().queue_url(url).set_attributes(Some(attributes(changed)));
        request.send().await.map(drop).map_err(|error| failed(&error))
    }

    async fn set_queue_tags(&self, name: &str, tags: &BTreeMap<String, String>) -> Result<(), EffectError> {
        let url = self.existing_url(name).await?;
        let found = self.client.list_queue_tags().queue_url(&url).send().await;
        let found = found.map_err(|error| failed(&error))?.tags.unwrap_or_default();
        let gone: Vec<String> = found.into_keys().filter(|key| !tags.contains_key(key)).collect();
        if !gone.is_empty() {
            let request = self.client.untag_queue().queue_url(&url).set_tag_keys(Some(gone));
            request.send().await.map_err(|error| failed(&error))?;
        }
        if tags.is_empty() {
            return Ok(());
        }
        let tags: HashMap<String, String> = tags.clone().into_iter().collect();
        let request = self.client.tag_queue().queue_url(url).set_tags(Some(tags));
        request.send().await.map(drop).map_err(|error| failed(&error))
    }

    pub(super) async fn delete_queue(&self, name: &str) -> Result<(), EffectError> {
        let Some(url) = self.url(name).await? else { return Ok(()) };
        self.client.delete_queue().queue_url(url).send().await.map(drop).map_err(|error| failed(&error))
    }
}

/// The error of the call that a creation begins with, which was refused.
pub(super) fn nothing_done(error: EffectError) -> EffectError {
    match error {
        EffectError::Failed(text) => EffectError::Refused(text),
        error => error,
    }
}

fn attributes(attributes: &BTreeMap<String, String>) -> HashMap<QueueAttributeName, String> {
    let named = |(name, value): (&String, &String)| (QueueAttributeName::from(name.as_str()), value.clone());
    attributes.iter().map(named).collect()
}

fn failed<E, R>(error: &SdkError<E, R>) -> EffectError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let told = error.message().map(str::to_owned);
    EffectError::Failed(told.unwrap_or_else(|| aws_sdk_sqs::error::DisplayErrorContext(error).to_string()))
}
