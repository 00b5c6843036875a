//! What is known of a stack: which resources exist, how far each change got, and the values it was given.
//!
//! A record says what was attempted before it is attempted, so that an interrupted change is found and finished: see
//! `apply`. Serialised as JSON into the log; the values of `NoEcho` parameters are in it.

use crate::template::DeletionPolicy;
use crate::text::{MASK, Text};
use crate::workload::{WorkloadName, WorkloadSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The durable state of one stack. The default is a stack that does not exist yet.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StackState {
    /// The stack's ARN, given at its first plan.
    pub stack_id: Option<String>,
    /// Every resource that exists or may exist. During a replacement the old and the new one have the same logical id.
    pub resources: BTreeMap<PhysicalId, ResourceRecord>,
    /// Values of the parameters at the last change.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// The outputs of the last change that was finished.
    pub outputs: BTreeMap<String, Output>,
}

impl StackState {
    /// Notes that a resource is gone although nobody asked this stack to delete it; the next plan makes it again.
    pub fn mark_missing(&mut self, physical_id: &PhysicalId) {
        if let Some(record) = self.resources.get_mut(physical_id) {
            record.progress = Progress::Creating;
        }
    }
}

/// One resource: what it is, and how far its last change got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResourceRecord {
    /// Its name in the template.
    pub logical_id: String,
    /// As it is, or as it was before the change that `progress` names.
    pub resource: Resource,
    /// How far the last change got.
    pub progress: Progress,
    /// What it was to become in changes that were begun since it was last complete, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Resource>,
    /// What happens when it leaves the template.
    pub deletion_policy: DeletionPolicy,
    /// Logical ids of the resources it needs: they are deleted after it.
    pub depends_on: Vec<String>,
    /// Whether its physical name was made up, so that a replacement can have another.
    pub name_generated: bool,
}

/// How far a change of a resource got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// Nothing is under way.
    Complete,
    /// Its creation was begun: it may exist or not.
    Creating,
    /// A change was begun: each part of it may be as before or as in one of the attempts.
    Updating,
    /// Its deletion was begun: it may exist or not.
    Deleting,
}

/// A resource with everything resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resource {
    /// `AWS::SQS::Queue`.
    Queue(QueueSpec),
    /// `Millpond::Web::Form` or `Millpond::Sink::Table`.
    Workload(WorkloadSpec),
}

/// A queue as its properties describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSpec {
    /// Physical name.
    pub name: String,
    /// SQS attributes by name, values as the SQS API takes them. Only what the template sets.
    pub attributes: BTreeMap<String, String>,
    /// Tags of the queue.
    pub tags: BTreeMap<String, String>,
}

/// What makes two descriptions the same physical thing: kind and name. Written as `queue customers`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PhysicalId {
    /// A queue, by name.
    Queue(String),
    /// A workload, by name.
    Workload(WorkloadName),
}

impl fmt::Display for PhysicalId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PhysicalId::Queue(name) => write!(formatter, "queue {name}"),
            PhysicalId::Workload(name) => write!(formatter, "workload {name}"),
        }
    }
}

impl From<PhysicalId> for String {
    fn from(physical_id: PhysicalId) -> String {
        physical_id.to_string()
    }
}

/// The text is not what [`PhysicalId`] writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" names neither a queue nor a workload")]
pub struct InvalidPhysicalId(String);

impl TryFrom<String> for PhysicalId {
    type Error = InvalidPhysicalId;

    fn try_from(text: String) -> Result<PhysicalId, InvalidPhysicalId> {
        match text.split_once(' ') {
            Some(("queue", name)) => Ok(PhysicalId::Queue(name.to_owned())),
            Some(("workload", name)) => {
                WorkloadName::new(name).map(PhysicalId::Workload).map_err(|_| InvalidPhysicalId(text))
            }
            _ => Err(InvalidPhysicalId(text)),
        }
    }
}

impl ResourceRecord {
    /// What it is becoming, or is.
    pub(crate) fn target(&self) -> &Resource {
        self.attempts.last().unwrap_or(&self.resource)
    }

    /// Notes that it is to become `target`.
    pub(crate) fn attempt(&mut self, target: &Resource) {
        if self.attempts.is_empty() && *target == self.resource {
            return;
        }
        self.attempts.retain(|attempt| attempt != target);
        self.attempts.push(target.clone());
    }
}

impl Resource {
    /// Kind and physical name.
    pub fn physical_id(&self) -> PhysicalId {
        match self {
            Resource::Queue(queue) => PhysicalId::Queue(queue.name.clone()),
            Resource::Workload(workload) => PhysicalId::Workload(workload.name.clone()),
        }
    }

    pub(crate) fn as_queue(&self) -> Option<&QueueSpec> {
        match self {
            Resource::Queue(queue) => Some(queue),
            Resource::Workload(_) => None,
        }
    }
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParameterValue {
    /// The value; secret when the parameter is `NoEcho`.
    pub value: Text,
    /// Whether someone gave it. Given values stay when a later change does not name them; defaults always come from
    /// the template.
    pub given: bool,
}

/// An output: pieces of text, and addresses that are known only while a form runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Description from the template.
    pub description: Option<String>,
    /// The pieces, in order. When a `NoEcho` parameter is part of it, every text is secret.
    pub pieces: Vec<OutputPiece>,
}

/// A piece of an output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputPiece {
    /// Text as it is.
    Text(Text),
    /// The address at which a form really listens.
    FormUrl {
        /// The form.
        workload: WorkloadName,
        /// The address it was told to take.
        configured: String,
    },
}

impl Output {
    /// The output as people may see it; `running_url` gives the address of a form that runs.
    pub fn render(&self, running_url: impl Fn(&WorkloadName) -> Option<String>) -> String {
        if self.pieces.iter().any(|piece| matches!(piece, OutputPiece::Text(text) if text.is_secret())) {
            return MASK.to_owned();
        }
        let render_piece = |piece: &OutputPiece| match piece {
            OutputPiece::Text(text) => text.to_string(),
            OutputPiece::FormUrl { workload, configured } => {
                running_url(workload).unwrap_or_else(|| configured.clone())
            }
        };
        self.pieces.iter().map(render_piece).collect()
    }
}
