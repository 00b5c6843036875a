//! Carries a plan out, one step after the other, through [`Effects`].
//!
//! Before each effect the state says what is about to be attempted, and after it what is; both are saved first. A
//! plan that is interrupted anywhere is finished by planning and applying again. Nothing is rolled back: what was done
//! stays done. An effect may be asked for again after it took place, so each must be idempotent.

use crate::plan::{Change, Plan, Step};
use crate::resource::Resource;
use crate::state::{Progress, ResourceRecord, StackState};
use std::future::Future;

/// How a resource is made.
#[derive(Debug, Clone, Copy)]
pub struct Creation<'a> {
    /// What to make, with all that belongs to it.
    pub resource: &'a Resource,
    /// Whether an earlier attempt of this stack may have made it. If so and it is there, it is left as it is, and set as
    /// a whole next. Else what is there belongs to someone else: [`EffectError::AlreadyExists`].
    pub resumed: bool,
    /// What [`Effects::others`] told before the first attempt.
    pub others: &'a [String],
}

/// Why an effect did not take place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EffectError {
    /// Something of that name is there and does not belong to this stack.
    #[error("it exists already and does not belong to this stack; choose another name, or delete it first")]
    AlreadyExists,
    /// It was refused before anything was done, in words for people. So a creation has made nothing.
    #[error("{0}")]
    Refused(String),
    /// Anything else, in words for people. Some of it may have been done.
    #[error("{0}")]
    Failed(String),
}

/// What a plan does to the world. Every method may be called again after it took effect and must then succeed.
pub trait Effects: Send {
    /// What is there already that could be taken for this one later: the ids of a user's access keys. Asked only for what
    /// has no name of its own to be known by, before its creation.
    fn others(
        &mut self,
        resource: &Resource,
    ) -> impl Future<Output = Result<Vec<String>, EffectError>> + Send;

    /// Makes a resource, or makes a workload run; a workload that is stopped by its user stays stopped. The id that the
    /// service made up for it, where it does.
    fn create(
        &mut self,
        creation: Creation<'_>,
    ) -> impl Future<Output = Result<Option<String>, EffectError>> + Send;

    /// Changes in place what `record` is of.
    fn update(
        &mut self,
        record: &ResourceRecord,
        change: &Change,
    ) -> impl Future<Output = Result<(), EffectError>> + Send;

    /// Deletes what `record` is of, whatever of its attempts took effect; well when it is not there. A workload no longer
    /// runs when this returns.
    fn delete(&mut self, record: &ResourceRecord) -> impl Future<Output = Result<(), EffectError>> + Send;

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
    next.lost = false;
    next.resources.values_mut().for_each(hand_over);
    save(effects, state, next, "save the stack").await
}

/// What tells a secret is complete only when all is: then the secret is shown. An attempt that ends before has shown none,
/// so the next one makes it again.
fn hand_over(record: &mut ResourceRecord) {
    if record.resource.tells_a_secret() && record.progress == Progress::Creating && record.made_id.is_some() {
        record.progress = Progress::Complete;
        record.others = None;
    }
}

async fn take<E: Effects>(step: &Step, state: &mut StackState, effects: &mut E) -> Result<(), ApplyError> {
    let name = step.to_string();
    let failed = |error| ApplyError { step: name.clone(), error };
    let before = state.clone();
    if let Some(begun) = begun(step, state, effects).await.map_err(failed)? {
        save(effects, state, begun, &name).await?;
    }
    let made_id = match carry_out(step, state, effects).await {
        Ok(made_id) => made_id,
        Err(error) => {
            if !matches!(error, EffectError::Failed(_)) {
                // Nothing was made, or it is someone else's: a next attempt must not take it for a half-made one of this
                // stack, nor delete it, which the caller may be refused as well.
                save(effects, state, before, &name).await?;
            }
            return Err(failed(error));
        }
    };
    let done = done(step, state, made_id);
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
async fn begun<E: Effects>(
    step: &Step,
    state: &StackState,
    effects: &mut E,
) -> Result<Option<StackState>, EffectError> {
    let mut next = state.clone();
    match step {
        Step::Create { record, .. } => {
            let known = next.resources.entry(record.resource.physical_id()).or_insert_with(|| record.clone());
            known.attempt(record.target());
            known.progress = Progress::Creating;
            if record.target().tells_a_secret() && known.others.is_none() {
                known.others = Some(effects.others(record.target()).await?);
            }
        }
        Step::Update { record, .. } => {
            let Some(known) = next.resources.get_mut(&record.resource.physical_id()) else { return Ok(None) };
            known.attempt(record.target());
            known.progress = Progress::Updating;
        }
        Step::Delete { physical_id } => {
            let Some(known) = next.resources.get_mut(physical_id) else { return Ok(None) };
            known.progress = Progress::Deleting;
        }
        Step::Record { .. } | Step::Forget { .. } => return Ok(None),
    }
    Ok(Some(next))
}

/// Takes the step that `state` says is under way; the id of what was made.
async fn carry_out<E: Effects>(
    step: &Step,
    state: &StackState,
    effects: &mut E,
) -> Result<Option<String>, EffectError> {
    match step {
        Step::Create { record, resumed } => {
            let known = state.resources.get(&record.resource.physical_id());
            let others = known.and_then(|known| known.others.as_deref()).unwrap_or_default();
            effects.create(Creation { resource: record.target(), resumed: *resumed, others }).await
        }
        Step::Update { record, change } => {
            let known = state.resources.get(&record.resource.physical_id()).unwrap_or(record);
            effects.update(known, change).await.map(|()| None)
        }
        Step::Delete { physical_id } => match state.resources.get(physical_id) {
            Some(record) => effects.delete(record).await.map(|()| None),
            None => Ok(None),
        },
        Step::Record { .. } | Step::Forget { .. } => Ok(None),
    }
}

/// The state once `step` took place.
fn done(step: &Step, state: &StackState, made_id: Option<String>) -> StackState {
    let mut next = state.clone();
    match step {
        Step::Create { record, .. } | Step::Update { record, .. } | Step::Record { record } => {
            let physical_id = record.resource.physical_id();
            let known = state.resources.get(&physical_id);
            let mut record = record.clone();
            record.made_id = made_id.or_else(|| known.and_then(|known| known.made_id.clone()));
            if matches!(step, Step::Create { .. }) && record.resource.tells_a_secret() {
                record.progress = Progress::Creating;
                record.others = known.and_then(|known| known.others.clone());
            }
            next.resources.insert(physical_id, record);
        }
        Step::Delete { physical_id } | Step::Forget { physical_id } => {
            next.resources.remove(physical_id);
        }
    }
    next
}
