//! What a plan does to the policies of queues.

use std::collections::{BTreeMap, BTreeSet};

use millpond_stack::{EffectError, QueuePolicySpec, Resource};

use super::StackEffects;
use super::queue::nothing_done;

const POLICY: &str = "Policy";

impl StackEffects<'_> {
    /// Sets the policy of the queues that `after` names, and takes it from those that only `before` names.
    pub(super) async fn put_queue_policy(
        &self,
        before: &[Resource],
        after: &QueuePolicySpec,
    ) -> Result<(), EffectError> {
        let policy = BTreeMap::from([(POLICY.to_owned(), after.document.clone())]);
        for (index, queue) in after.queues.iter().enumerate() {
            let set = self.set_queue_attributes(queue, &policy).await;
            set.map_err(|error| if index == 0 && before.is_empty() { nothing_done(error) } else { error })?;
        }
        self.take_queue_policy(before, &after.queues).await
    }

    pub(super) async fn delete_queue_policy(&self, known: &[Resource]) -> Result<(), EffectError> {
        self.take_queue_policy(known, &[]).await
    }

    async fn take_queue_policy(&self, known: &[Resource], kept: &[String]) -> Result<(), EffectError> {
        let mut old = BTreeSet::new();
        for resource in known {
            if let Resource::QueuePolicy(policy) = resource {
                old.extend(&policy.queues);
            }
        }
        let none = BTreeMap::from([(POLICY.to_owned(), String::new())]);
        for queue in old.into_iter().filter(|queue| !kept.contains(queue)) {
            if self.url(queue).await?.is_some() {
                self.set_queue_attributes(queue, &none).await?;
            }
        }
        Ok(())
    }
}
