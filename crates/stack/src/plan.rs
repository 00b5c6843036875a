//! The difference between what a stack is and what is wanted, as steps in the order they must be taken. Pure.
//!
//! Creations and changes come first, each after what it needs; deletions last, each before what it needs. A resource
//! whose last change was interrupted is always set again as a whole. What keeps its physical name is kept, whatever
//! its logical id: it is never deleted and made again. Nothing is deleted that the state does not hold.

use crate::resolve::{ResolvedResource, ResolvedTemplate};
use crate::resource::{PhysicalId, QUEUE_ATTRIBUTE_DEFAULTS, QueueSpec, Resource};
use crate::state::{Output, ParameterValue, Progress, ResourceRecord, StackState};
use crate::template::DeletionPolicy;
use crate::workload::WorkloadSpec;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What must be done, in order. An empty list of steps means that no resource changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The steps, in order.
    pub steps: Vec<Step>,
    pub(crate) stack_id: Option<String>,
    pub(crate) parameters: BTreeMap<String, ParameterValue>,
    pub(crate) outputs: BTreeMap<String, Output>,
}

/// One step of a plan. `Display` is a line for people, such as `create queue customers`.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "a plan has some hundred steps at most, and nearly all hold a record"
)]
pub enum Step {
    /// Make a resource, or start a workload.
    Create {
        /// Its record once this is done.
        record: ResourceRecord,
        /// Whether it may be there already, because an earlier attempt of this stack was interrupted.
        resumed: bool,
    },
    /// Change something in place.
    Update {
        /// Its record once this is done.
        record: ResourceRecord,
        /// What to set.
        change: Change,
    },
    /// Change only what the stack knows about it: logical id, dependencies, policy.
    Record {
        /// Its new record.
        record: ResourceRecord,
    },
    /// Delete something.
    Delete {
        /// What.
        physical_id: PhysicalId,
    },
    /// Leave something alone from now on (`DeletionPolicy: Retain`).
    Forget {
        /// What.
        physical_id: PhysicalId,
    },
}

/// What an update sets.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Attributes and tags of a queue.
    Queue {
        /// The queue.
        name: String,
        /// Attributes to set; those the template no longer sets go back to their defaults.
        attributes: BTreeMap<String, String>,
        /// All tags the queue shall have, when they change.
        tags: Option<BTreeMap<String, String>>,
    },
    /// A new specification of a workload.
    Workload(WorkloadSpec),
    /// All of a resource of another kind.
    Whole {
        /// All that it may be as of now, in whole or in parts.
        before: Vec<Resource>,
        /// What it shall be.
        after: Resource,
    },
}

/// Why no plan can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// What has a name of its own would have to be replaced by one of the same name.
    #[error(
        "{logical_id}: changing {property} replaces the {kind}, but the new one would have the same name, \"{name}\"; \
         give it another {name_property}"
    )]
    ReplacementNeedsAnotherName {
        /// The resource.
        logical_id: String,
        /// The property that can't change in place.
        property: &'static str,
        /// What it is.
        kind: &'static str,
        /// Its name.
        name: String,
        /// The property that names it.
        name_property: &'static str,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Create { record, .. } => write!(formatter, "create {}", record.resource.physical_id()),
            Step::Update { record, .. } => write!(formatter, "update {}", record.resource.physical_id()),
            Step::Record { record } => write!(formatter, "keep {}", record.resource.physical_id()),
            Step::Delete { physical_id } => write!(formatter, "delete {physical_id}"),
            Step::Forget { physical_id } => {
                write!(formatter, "keep {physical_id}, no longer part of this stack")
            }
        }
    }
}

impl Plan {
    /// The values of the parameters as they will be stored; given ones stay for later changes.
    pub fn parameters(&self) -> &BTreeMap<String, ParameterValue> {
        &self.parameters
    }

    /// The outputs as they will be once the plan was carried out.
    pub fn outputs(&self) -> &BTreeMap<String, Output> {
        &self.outputs
    }
}

/// The steps from `current` to `wanted`.
///
/// # Errors
/// [`PlanError`] when something must be replaced but keeps its name.
pub fn plan(current: &StackState, wanted: &ResolvedTemplate) -> Result<Plan, PlanError> {
    let mut removals = removals(current, wanted);
    let mut steps = Vec::new();
    for resource in &wanted.resources {
        match current.resources.get(&resource.resource.physical_id()) {
            Some(record) => keep(record, resource, &mut steps)?,
            None if current.lost => {
                let perhaps = ResourceRecord { progress: Progress::Creating, ..completed(resource) };
                keep(&perhaps, resource, &mut steps)?;
            }
            None => {
                // A renamed workload must free its address before its successor takes it.
                let renamed = removals.extract_if(.., |(record, _)| is_renamed(record, resource));
                steps.extend(renamed.map(|(_, step)| step));
                steps.push(Step::Create { record: completed(resource), resumed: false });
            }
        }
    }
    steps.extend(removals.into_iter().map(|(_, step)| step));
    Ok(Plan {
        steps,
        stack_id: wanted.stack_id.clone(),
        parameters: wanted.parameters.clone(),
        outputs: wanted.outputs.clone(),
    })
}

fn is_renamed(old: &ResourceRecord, new: &ResolvedResource) -> bool {
    let both = matches!((&old.resource, &new.resource), (Resource::Workload(_), Resource::Workload(_)));
    both && old.logical_id == new.logical_id
}

/// The record of a resource as the template wants it.
fn completed(wanted: &ResolvedResource) -> ResourceRecord {
    ResourceRecord {
        logical_id: wanted.logical_id.clone(),
        resource: wanted.resource.clone(),
        progress: Progress::Complete,
        attempts: Vec::new(),
        deletion_policy: wanted.deletion_policy,
        depends_on: wanted.depends_on.clone(),
        name_generated: wanted.name_generated,
        made_id: None,
        others: None,
    }
}

/// The physical thing is known already: nothing to do, a new record, a change in place, or an attempt to finish.
fn keep(old: &ResourceRecord, wanted: &ResolvedResource, steps: &mut Vec<Step>) -> Result<(), PlanError> {
    let record = ResourceRecord { made_id: old.made_id.clone(), ..completed(wanted) };
    let may_be_missing = matches!(old.progress, Progress::Creating | Progress::Deleting);
    let as_wanted = old.progress == Progress::Complete && old.resource == wanted.resource;
    match &wanted.resource {
        _ if as_wanted && record == *old => {}
        _ if as_wanted => steps.push(Step::Record { record }),
        // A workload is put as a whole, and a key whose creation was interrupted is made again.
        Resource::Workload(_) | Resource::AccessKey(_) if may_be_missing => {
            steps.push(Step::Create { record, resumed: true });
        }
        after => {
            check_replacement(&wanted.logical_id, &old.resource, after)?;
            let mut resumed = ResourceRecord {
                resource: old.resource.clone(),
                attempts: old.attempts.clone(),
                progress: Progress::Updating,
                ..record.clone()
            };
            resumed.attempt(after);
            if may_be_missing {
                // It may be there as in any attempt, or be made now: all of it is set once it is there.
                steps.push(Step::Create { record: resumed, resumed: true });
            }
            steps.push(Step::Update { record, change: change(old, after) });
        }
    }
    Ok(())
}

/// What only a new resource can have otherwise must not change while the name stays.
fn check_replacement(logical_id: &str, before: &Resource, after: &Resource) -> Result<(), PlanError> {
    let fixed = before.described().fixed();
    let changed = after.described().fixed().into_iter().find(|property| !fixed.contains(property));
    let Some((property, _)) = changed else { return Ok(()) };
    let physical_id = after.physical_id();
    Err(PlanError::ReplacementNeedsAnotherName {
        logical_id: logical_id.to_owned(),
        property,
        kind: physical_id.kind(),
        name: physical_id.name().to_owned(),
        name_property: after.described().name_property(),
    })
}

/// What to set so that what `old` is known of becomes as `after`.
fn change(old: &ResourceRecord, after: &Resource) -> Change {
    match after {
        Resource::Queue(queue) => queue_change(old, queue),
        Resource::Workload(workload) => Change::Workload(workload.clone()),
        _ => Change::Whole { before: old.known(), after: after.clone() },
    }
}

/// What to set so that a queue of which `old` is known becomes as `after`.
fn queue_change(old: &ResourceRecord, after: &QueueSpec) -> Change {
    let known = old.known();
    let known: Vec<&QueueSpec> = known.iter().filter_map(Resource::as_queue).collect();
    let certain = old.progress == Progress::Complete;
    let is_set = |name: &str, value: &str| {
        certain && known.iter().all(|queue| queue.attributes.get(name).is_some_and(|known| known == value))
    };
    let mut attributes: BTreeMap<String, String> = after
        .attributes
        .iter()
        .filter(|(name, value)| *name != "FifoQueue" && !is_set(name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for (name, default) in QUEUE_ATTRIBUTE_DEFAULTS {
        let may_be_set = known.iter().any(|queue| queue.attributes.contains_key(name));
        if may_be_set && !after.attributes.contains_key(name) {
            attributes.insert(name.to_owned(), default.to_owned());
        }
    }
    let tags_differ = known.iter().any(|queue| queue.tags != after.tags);
    Change::Queue { name: after.name.clone(), attributes, tags: tags_differ.then(|| after.tags.clone()) }
}

/// How what is no longer wanted goes away: what needs others first, then the others.
fn removals<'a>(current: &'a StackState, wanted: &ResolvedTemplate) -> Vec<(&'a ResourceRecord, Step)> {
    let kept: BTreeSet<PhysicalId> =
        wanted.resources.iter().map(|resource| resource.resource.physical_id()).collect();
    let unwanted = dependents_first(&current.resources).into_iter().filter(|(id, _)| !kept.contains(*id));
    let removal = |(physical_id, record): (&PhysicalId, &'a ResourceRecord)| {
        let physical_id = physical_id.clone();
        let step = match record.deletion_policy {
            DeletionPolicy::Delete => Step::Delete { physical_id },
            DeletionPolicy::Retain => Step::Forget { physical_id },
        };
        (record, step)
    };
    unwanted.map(removal).collect()
}

/// The records so that each comes before all it needs. Needs that are not there are passed over.
fn dependents_first(resources: &BTreeMap<PhysicalId, ResourceRecord>) -> Vec<(&PhysicalId, &ResourceRecord)> {
    fn visit<'a>(
        entry: (&'a PhysicalId, &'a ResourceRecord),
        resources: &'a BTreeMap<PhysicalId, ResourceRecord>,
        seen: &mut BTreeSet<&'a PhysicalId>,
        sorted: &mut Vec<(&'a PhysicalId, &'a ResourceRecord)>,
    ) {
        if !seen.insert(entry.0) {
            return;
        }
        for needed in &entry.1.depends_on {
            let found = resources.iter().filter(|(_, record)| record.logical_id == *needed);
            found.for_each(|entry| visit(entry, resources, seen, sorted));
        }
        sorted.push(entry);
    }
    let (mut seen, mut sorted) = (BTreeSet::new(), Vec::new());
    resources.iter().for_each(|entry| visit(entry, resources, &mut seen, &mut sorted));
    sorted.reverse();
    sorted
}
