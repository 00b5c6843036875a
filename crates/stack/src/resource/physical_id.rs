//! What makes two descriptions the same physical thing: kind and name.

use crate::workload::WorkloadName;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Kind and name of a resource. Written as `queue customers`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PhysicalId {
    /// A queue, by name.
    Queue(String),
    /// A workload, by name.
    Workload(WorkloadName),
    /// A role, by name.
    Role(String),
    /// A user, by name.
    User(String),
    /// An `AWS::IAM::Policy`, by the name that is made up for it.
    InlinePolicy(String),
    /// A managed policy, by name.
    ManagedPolicy(String),
    /// An access key, by the name that is made up for it: its id is known only once it is made.
    AccessKey(String),
    /// An `AWS::SQS::QueuePolicy`, by the name that is made up for it.
    QueuePolicy(String),
}

impl PhysicalId {
    /// The kind as lists show it.
    pub fn kind(&self) -> &'static str {
        match self {
            PhysicalId::Queue(_) => "queue",
            PhysicalId::Workload(_) => "workload",
            PhysicalId::Role(_) => "role",
            PhysicalId::User(_) => "user",
            PhysicalId::InlinePolicy(_) => "policy",
            PhysicalId::ManagedPolicy(_) => "managed-policy",
            PhysicalId::AccessKey(_) => "access-key",
            PhysicalId::QueuePolicy(_) => "queue-policy",
        }
    }

    /// The name within its kind.
    pub fn name(&self) -> &str {
        match self {
            PhysicalId::Workload(name) => name.as_str(),
            PhysicalId::Queue(name)
            | PhysicalId::Role(name)
            | PhysicalId::User(name)
            | PhysicalId::InlinePolicy(name)
            | PhysicalId::ManagedPolicy(name)
            | PhysicalId::AccessKey(name)
            | PhysicalId::QueuePolicy(name) => name,
        }
    }
}

impl fmt::Display for PhysicalId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.kind(), self.name())
    }
}

impl From<PhysicalId> for String {
    fn from(physical_id: PhysicalId) -> String {
        physical_id.to_string()
    }
}

/// The text is not what [`PhysicalId`] writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" names no kind of resource and a name")]
pub struct InvalidPhysicalId(String);

impl TryFrom<String> for PhysicalId {
    type Error = InvalidPhysicalId;

    fn try_from(text: String) -> Result<PhysicalId, InvalidPhysicalId> {
        let Some((kind, name)) = text.split_once(' ') else { return Err(InvalidPhysicalId(text)) };
        let name = name.to_owned();
        Ok(match kind {
            "queue" => PhysicalId::Queue(name),
            "workload" => {
                return WorkloadName::new(name)
                    .map(PhysicalId::Workload)
                    .map_err(|_| InvalidPhysicalId(text));
            }
            "role" => PhysicalId::Role(name),
            "user" => PhysicalId::User(name),
            "policy" => PhysicalId::InlinePolicy(name),
            "managed-policy" => PhysicalId::ManagedPolicy(name),
            "access-key" => PhysicalId::AccessKey(name),
            "queue-policy" => PhysicalId::QueuePolicy(name),
            _ => return Err(InvalidPhysicalId(text)),
        })
    }
}
