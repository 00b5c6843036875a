//! What a plan does to the world, a file for each kind of resource: queues through the SQS API, identities through IAM,
//! workloads through the supervisor, state into documents.
//!
//! What always holds: all of it is done as whoever brings the stack up, so a template gives nobody what they do not have.

mod access_key;
mod grants;
mod iam;
mod inline_policy;
mod managed_policy;
mod queue;
mod queue_policy;
mod role;
mod user;
mod workload;

use std::collections::BTreeMap;

use aws_sdk_sqs::Client;
use millpond_iam::secret::Secret;
use millpond_stack::supervise::Supervisor;
use millpond_stack::{
    Change, Creation, EffectError, Effects, PhysicalId, Resource, ResourceRecord, StackState,
};

use super::deployer::Deployer;
use super::documents::{DocumentError, Documents};
use iam::Iam;

/// Carries out the steps of one stack's plan.
pub(super) struct StackEffects<'a> {
    stack: &'a str,
    deployer: &'a Deployer,
    client: Client,
    documents: &'a Documents,
    supervisor: &'a Supervisor,
    secrets: BTreeMap<PhysicalId, Secret>,
}

impl<'a> StackEffects<'a> {
    pub(super) fn new(
        stack: &'a str,
        deployer: &'a Deployer,
        client: Client,
        documents: &'a Documents,
        supervisor: &'a Supervisor,
    ) -> Self {
        Self { stack, deployer, client, documents, supervisor, secrets: BTreeMap::new() }
    }

    /// The secrets of what was made, which nothing else keeps.
    pub(super) fn into_secrets(self) -> BTreeMap<PhysicalId, Secret> {
        self.secrets
    }

    /// Whether it is gone although the stack did not delete it. What the caller may not see counts as there.
    pub(super) async fn is_missing(&self, record: &ResourceRecord) -> bool {
        match &record.resource {
            Resource::Queue(queue) => self.is_missing_queue(&queue.name).await,
            Resource::Role(role) => self.iam().is_missing("GetRole", "RoleName", &role.name).await,
            Resource::User(user) => self.iam().is_missing("GetUser", "UserName", &user.name).await,
            Resource::ManagedPolicy(policy) => {
                self.iam().is_missing("GetPolicy", "PolicyArn", &policy.arn).await
            }
            Resource::AccessKey(key) => self.is_missing_key(key, record.made_id.as_deref()).await,
            // Parts of others, and what the supervisor looks after.
            Resource::InlinePolicy(_) | Resource::QueuePolicy(_) | Resource::Workload(_) => false,
        }
    }

    fn iam(&self) -> Iam<'_> {
        Iam::new(self.deployer)
    }
}

impl Effects for StackEffects<'_> {
    async fn others(&mut self, resource: &Resource) -> Result<Vec<String>, EffectError> {
        match resource {
            Resource::AccessKey(key) => self.keys_of(&key.user).await,
            _ => Ok(Vec::new()),
        }
    }

    async fn create(&mut self, creation: Creation<'_>) -> Result<Option<String>, EffectError> {
        let resumed = creation.resumed;
        match creation.resource {
            Resource::Queue(queue) => self.create_queue(queue, resumed).await.map(|()| None),
            Resource::Workload(workload) => self.put_workload(workload).await.map(|()| None),
            Resource::Role(role) => self.iam().create_role(role, resumed).await.map(Some),
            Resource::User(user) => self.iam().create_user(user, resumed).await.map(|()| None),
            Resource::InlinePolicy(policy) => self.iam().put_inline_policy(&[], policy).await.map(|()| None),
            Resource::ManagedPolicy(policy) => {
                self.iam().create_managed_policy(policy, resumed).await.map(|()| None)
            }
            Resource::AccessKey(key) => self.create_key(key, creation).await.map(Some),
            Resource::QueuePolicy(policy) => self.put_queue_policy(&[], policy).await.map(|()| None),
        }
    }

    async fn update(&mut self, record: &ResourceRecord, change: &Change) -> Result<(), EffectError> {
        match change {
            Change::Queue { name, attributes, tags } => {
                self.change_queue(name, attributes, tags.as_ref()).await
            }
            Change::Workload(workload) => self.put_workload(workload).await,
            Change::Whole { before, after } => self.set(record, before, after).await,
        }
    }

    async fn delete(&mut self, record: &ResourceRecord) -> Result<(), EffectError> {
        let known = record.known();
        match &record.resource {
            Resource::Queue(queue) => self.delete_queue(&queue.name).await,
            Resource::Workload(workload) => self.remove_workload(&workload.name).await,
            Resource::Role(role) => self.iam().delete_role(&role.name, &known).await,
            Resource::User(user) => self.iam().delete_user(&user.name, &known).await,
            Resource::InlinePolicy(_) => self.iam().delete_inline_policy(&known).await,
            Resource::ManagedPolicy(policy) => self.iam().delete_managed_policy(&policy.arn, &known).await,
            Resource::AccessKey(key) => self.delete_key(key, record).await,
            Resource::QueuePolicy(_) => self.delete_queue_policy(&known).await,
        }
    }

    async fn save(&mut self, state: &StackState) -> Result<(), EffectError> {
        self.documents.put("stack", self.stack, state).await.map_err(|error| document(&error))
    }
}

impl StackEffects<'_> {
    async fn set(
        &mut self,
        record: &ResourceRecord,
        before: &[Resource],
        after: &Resource,
    ) -> Result<(), EffectError> {
        match after {
            Resource::Role(role) => self.iam().set_role(before, role).await,
            Resource::User(user) => self.iam().set_user(before, user).await,
            Resource::InlinePolicy(policy) => self.iam().put_inline_policy(before, policy).await,
            Resource::ManagedPolicy(policy) => self.iam().set_managed_policy(before, policy).await,
            Resource::AccessKey(key) => self.set_key_status(key, record.made_id.as_deref()).await,
            Resource::QueuePolicy(policy) => self.put_queue_policy(before, policy).await,
            Resource::Queue(_) | Resource::Workload(_) => Ok(()),
        }
    }
}

fn document(error: &DocumentError) -> EffectError {
    EffectError::Failed(error.to_string())
}
