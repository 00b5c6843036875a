//! Carries a plan out, one step after the other, through [`Effects`].
//!
//! Before each effect the state says what is about to be attempted, and after it what is; both are saved first. A
//! plan that is interrupted anywhere is finished by planning and applying again. Nothing is rolled back: what was done
//! stays done. An effect may be asked for again after it took place, so each must be idempotent.

use crate::plan::{Change, Plan, Step};
use crate::state::{PhysicalId, Progress, QueueSpec, Resource, StackState};
use crate::workload::{WorkloadName, WorkloadSpec};
use std::collections::BTreeMap;
use std::future::Future;

/// What a create does when a queue of that name is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExistingQueue {
    /// Answer [`EffectError::AlreadyExists`]: the queue belongs to someone else.
    Refuse,
    /// Leave it as it is and answer that all is well: an earlier attempt made it, and its attributes are set next.
    Accept,
}

/// Why an effect did not take place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EffectError {
    /// A queue or workload of that name is there and does not belong to this stack.
    #[error("it exists already and does not belong to this stack; choose another name, or delete it first")]
    AlreadyExists,
    /// Anything else, in words for people.
    #[error("{0}")]
    Failed(String),
}

/// What a plan does to the world. Every method may be called again after it took effect and must then succeed.
pub trait Effects: Send {
    /// Makes a queue with its attributes and tags.
    fn create_queue(
        &mut self,
        queue: &QueueSpec,
        existing: ExistingQueue,
    ) -> impl Future<Output = Result<(), EffectError>> + Send;

    /// Sets these attributes of a queue and leaves the others alone. Never called with an empty map.
    fn set_queue_attributes(
        &mut self,
        name: &str,
        attributes: &BTreeMap<String, String>,
    ) -> impl Future<Output = Result<(), EffectError>> + Send;

    /// Gives a queue exactly these tags.
    fn set_queue_tags(
        &mut self,
        name: &str,
        tags: &BTreeMap<String, String>,
    ) -> impl Future<Output = Result<(), EffectError>> + Send;

    /// Deletes a queue; well when it is not there.
    fn delete_queue(&mut self, name: &str) -> impl Future<Output = Result<(), EffectError>> + Send;

    /// Makes a workload run as specified. One that is stopped by its user stays stopped.
    fn put_workload(
        &mut self,
        workload: &WorkloadSpec,
    ) -> impl Future<Output = Result<(), EffectError>> + Send;

    /// Stops a workload and removes it; well when it is not there. Returns once it no longer runs.
    fn remove_workload(
        &mut self,
        name: &WorkloadName,
    ) -> impl Future<Output = Result<(), EffectError>> + Send;

    /// Stores the state durably before returning.
    fn save(&mut self, state: &StackState) -> impl Future<Output = Result<(), EffectError>> + Send;
}

/// A step that could not be taken. The saved state says how far the plan got; planning and applying again goes on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("could not {step}: {error}")]
pub struct ApplyError {
    /// What was attempted, such as `create queue customers`.
    pub step: String,
    /// Why it failed.
    pub error: EffectError,
}

/// Carries `plan` out, which was made for `state`, and keeps `state` as it was last saved.
///
/// # Errors
/// [`ApplyError`] at the first step that fails; later steps are not tried.
pub async fn apply<E: Effects>(
    plan: &Plan,
    state: &mut StackState,
    effects: &mut E,
) -> Result<(), ApplyError> {
    let mut next = state.clone();
    next.stack_id.clone_from(&plan.stack_id);
    next.parameters.clone_from(&plan.parameters);
    save(&mut *effects, state, next, "save the stack").await?;
    for step in &plan.steps {
        take(step, state, effects).await?;
    }
    let mut next = state.clone();
    next.outputs.clone_from(&plan.outputs);
    save(effects, state, next, "save the stack").await
}

async fn take<E: Effects>(step: &Step, state: &mut StackState, effects: &mut E) -> Result<(), ApplyError> {
    let name = step.to_string();
    let before = state.clone();
    if let Some(begun) = begun(step, state) {
        save(effects, state, begun, &name).await?;
    }
    if let Err(error) = carry_out(step, effects).await {
        if error == EffectError::AlreadyExists {
            // It is someone else's: a next attempt must not take it for a half-made one of this stack.
            save(effects, state, before, &name).await?;
        }
        return Err(ApplyError { step: name, error });
    }
    let done = done(step, state);
    save(effects, state, done, &name).await
}

async fn save<E: Effects>(
    effects: &mut E,
    state: &mut StackState,
    next: StackState,
    step: &str,
) -> Result<(), ApplyError> {
    if next == *state {
        return Ok(());
    }
    effects.save(&next).await.map_err(|error| ApplyError { step: step.to_owned(), error })?;
    *state = next;
    Ok(())
}

/// The state that says that `step` is under way; `None` when it needs no effect.
fn begun(step: &Step, state: &StackState) -> Option<StackState> {
    let mut next = state.clone();
    match step {
        Step::Create { record, .. } => {
            let known = next.resources.entry(record.resource.physical_id()).or_insert_with(|| record.clone());
            known.attempt(record.target());
            known.progress = Progress::Creating;
        }
        Step::Update { record, .. } => {
            let known = next.resources.get_mut(&record.resource.physical_id())?;
            known.attempt(record.target());
            known.progress = Progress::Updating;
        }
        Step::Delete { physical_id } => next.resources.get_mut(physical_id)?.progress = Progress::Deleting,
        Step::Record { .. } | Step::Forget { .. } => return None,
    }
    Some(next)
}

async fn carry_out<E: Effects>(step: &Step, effects: &mut E) -> Result<(), EffectError> {
    match step {
        Step::Create { record, resumed } => match record.target() {
            Resource::Queue(queue) => {
                let existing = if *resumed { ExistingQueue::Accept } else { ExistingQueue::Refuse };
                effects.create_queue(queue, existing).await
            }
            Resource::Workload(workload) => effects.put_workload(workload).await,
        },
        Step::Update { change: Change::Workload(workload), .. } => effects.put_workload(workload).await,
        Step::Update { change: Change::Queue { name, attributes, tags }, .. } => {
            if !attributes.is_empty() {
                effects.set_queue_attributes(name, attributes).await?;
            }
            match tags {
                Some(tags) => effects.set_queue_tags(name, tags).await,
                None => Ok(()),
            }
        }
        Step::Delete { physical_id: PhysicalId::Queue(name) } => effects.delete_queue(name).await,
        Step::Delete { physical_id: PhysicalId::Workload(name) } => effects.remove_workload(name).await,
        Step::Record { .. } | Step::Forget { .. } => Ok(()),
    }
}

/// The state once `step` took place.
fn done(step: &Step, state: &StackState) -> StackState {
    let mut next = state.clone();
    match step {
        Step::Create { record, .. } | Step::Update { record, .. } | Step::Record { record } => {
            next.resources.insert(record.resource.physical_id(), record.clone());
        }
        Step::Delete { physical_id } | Step::Forget { physical_id } => {
            next.resources.remove(physical_id);
        }
    }
    next
}
