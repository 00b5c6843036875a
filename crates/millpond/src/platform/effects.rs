//! What a plan does to the world: queues through the SQS API, workloads through the supervisor, state into documents.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::QueueAttributeName;
use millpond_stack::supervise::Supervisor;
use millpond_stack::{
    Desired, EffectError, Effects, ExistingQueue, QueueSpec, StackState, WorkloadName, WorkloadRecord,
    WorkloadSpec,
};

use super::documents::{DocumentError, Documents};

/// Carries out the steps of one stack's plan.
pub(super) struct StackEffects<'a> {
    pub(super) stack: &'a str,
    pub(super) client: Client,
    pub(super) documents: &'a Documents,
    pub(super) supervisor: &'a Supervisor,
}

const NO_SUCH_QUEUE: [&str; 2] = ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"];

impl StackEffects<'_> {
    /// The queue's URL; `None` when there is no such queue.
    async fn url(&self, name: &str) -> Result<Option<String>, EffectError> {
        match self.client.get_queue_url().queue_name(name).send().await {
            Ok(found) => Ok(found.queue_url),
            Err(error) if error.code().is_some_and(|code| NO_SUCH_QUEUE.contains(&code)) => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn existing_url(&self, name: &str) -> Result<String, EffectError> {
        self.url(name).await?.ok_or_else(|| {
            EffectError::Failed(format!(
                "the queue {name} was deleted by someone else; run `millpond up` again"
            ))
        })
    }
}

impl Effects for StackEffects<'_> {
    async fn create_queue(&mut self, queue: &QueueSpec, existing: ExistingQueue) -> Result<(), EffectError> {
        if self.url(&queue.name).await?.is_some() {
            return match existing {
                ExistingQueue::Refuse => Err(EffectError::AlreadyExists),
                ExistingQueue::Accept => Ok(()),
            };
        }
        let tags: HashMap<String, String> = queue.tags.clone().into_iter().collect();
        let request = self.client.create_queue().queue_name(&queue.name).set_tags(Some(tags));
        let request = request.set_attributes(Some(attributes(&queue.attributes)));
        request.send().await.map(drop).map_err(|error| failed(&error))
    }

    async fn set_queue_attributes(
        &mut self,
        name: &str,
        changed: &BTreeMap<String, String>,
    ) -> Result<(), EffectError> {
        let url = self.existing_url(name).await?;
        let request =
            self.client.set_queue_attributes().queue_url(url).set_attributes(Some(attributes(changed)));
        request.send().await.map(drop).map_err(|error| failed(&error))
    }

    async fn set_queue_tags(
        &mut self,
        name: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), EffectError> {
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

    async fn delete_queue(&mut self, name: &str) -> Result<(), EffectError> {
        let Some(url) = self.url(name).await? else { return Ok(()) };
        self.client.delete_queue().queue_url(url).send().await.map(drop).map_err(|error| failed(&error))
    }

    async fn put_workload(&mut self, workload: &WorkloadSpec) -> Result<(), EffectError> {
        let name = workload.name.as_str();
        let before =
            self.documents.get::<WorkloadRecord>("workload", name).await.map_err(|error| document(&error))?;
        let desired = before.map_or(Desired::Running, |record| record.desired);
        let record = WorkloadRecord { spec: workload.clone(), desired };
        self.documents.put("workload", name, &record).await.map_err(|error| document(&error))?;
        self.supervisor.put(record).await.map_err(|error| EffectError::Failed(error.to_string()))
    }

    async fn remove_workload(&mut self, name: &WorkloadName) -> Result<(), EffectError> {
        self.documents.remove("workload", name.as_str()).await.map_err(|error| document(&error))?;
        self.supervisor.remove(name.clone()).await.map_err(|error| EffectError::Failed(error.to_string()))
    }

    async fn save(&mut self, state: &StackState) -> Result<(), EffectError> {
        self.documents.put("stack", self.stack, state).await.map_err(|error| document(&error))
    }
}

fn attributes(attributes: &BTreeMap<String, String>) -> HashMap<QueueAttributeName, String> {
    let named = |(name, value): (&String, &String)| (QueueAttributeName::from(name.as_str()), value.clone());
    attributes.iter().map(named).collect()
}

fn document(error: &DocumentError) -> EffectError {
    EffectError::Failed(error.to_string())
}

fn failed<E, R>(error: &SdkError<E, R>) -> EffectError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let told = error.message().map(str::to_owned);
    EffectError::Failed(told.unwrap_or_else(|| aws_sdk_sqs::error::DisplayErrorContext(error).to_string()))
}
