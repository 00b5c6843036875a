//! The kinds of resources, a room each: what a kind takes (its schema), how its properties are read, what `Ref` and
//! `Fn::GetAtt` give, and what can't change in place.
//!
//! What a plan does to the world for a kind stands where the world is: behind `Effects`.

mod access_key;
pub(crate) mod document;
mod grants;
mod inline_policy;
mod managed_policy;
mod name;
pub(crate) mod own_role;
mod physical_id;
mod queue;
mod queue_policy;
mod role;
mod user;
mod workloads;

pub use access_key::AccessKeySpec;
pub use document::PolicyUse;
pub use grants::Grants;
pub use inline_policy::InlinePolicySpec;
pub use managed_policy::ManagedPolicySpec;
pub use physical_id::{InvalidPhysicalId, PhysicalId};
pub(crate) use queue::ATTRIBUTE_DEFAULTS as QUEUE_ATTRIBUTE_DEFAULTS;
pub use queue::QueueSpec;
pub use queue_policy::QueuePolicySpec;
pub use role::RoleSpec;
pub use user::UserSpec;

use crate::state::OutputPiece;
use crate::template::schema::TypeSchema;
use crate::text::Text;
use crate::workload::WorkloadSpec;
use serde::{Deserialize, Serialize};

/// Every type a template may use.
pub(crate) static TYPES: [&TypeSchema; 9] = [
    &queue::SCHEMA,
    &queue_policy::SCHEMA,
    &role::SCHEMA,
    &user::SCHEMA,
    &inline_policy::SCHEMA,
    &managed_policy::SCHEMA,
    &access_key::SCHEMA,
    &workloads::FORM,
    &workloads::SINK,
];

/// A resource with everything resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// `AWS::SQS::Queue`.
    Queue(QueueSpec),
    /// `Millpond::Web::Form` or `Millpond::Sink::Table`.
    Workload(WorkloadSpec),
    /// `AWS::IAM::Role`.
    Role(RoleSpec),
    /// `AWS::IAM::User`.
    User(UserSpec),
    /// `AWS::IAM::Policy`.
    InlinePolicy(InlinePolicySpec),
    /// `AWS::IAM::ManagedPolicy`.
    ManagedPolicy(ManagedPolicySpec),
    /// `AWS::IAM::AccessKey`.
    AccessKey(AccessKeySpec),
    /// `AWS::SQS::QueuePolicy`.
    QueuePolicy(QueuePolicySpec),
}

/// Where resources are: what their names and addresses are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) account_id: &'a str,
    pub(crate) region: &'a str,
    pub(crate) endpoint: &'a str,
}

impl Place<'_> {
    /// The ARN of an identity; `path` begins and ends with a slash.
    pub(crate) fn identity_arn(&self, kind: &str, path: &str, name: &str) -> String {
        format!("arn:aws:iam::{}:{kind}{path}{name}", self.account_id)
    }
}

/// What each kind tells of its resources.
pub(crate) trait Described {
    /// Kind and physical name.
    fn physical_id(&self) -> PhysicalId;

    /// The property that names it, when a template can.
    fn name_property(&self) -> &'static str;

    /// What `Ref` gives.
    fn reference(&self, place: &Place<'_>) -> OutputPiece;

    /// What `Fn::GetAtt` gives; `None` when the schema names no such attribute.
    fn attribute(&self, attribute: &str, place: &Place<'_>) -> Option<OutputPiece>;

    /// Properties that only a new resource can have otherwise, with their values.
    fn fixed(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// A text that is known before anything is made.
pub(crate) fn known(text: impl Into<String>) -> OutputPiece {
    OutputPiece::Text(Text::Plain(text.into()))
}

impl Resource {
    /// Kind and physical name.
    pub fn physical_id(&self) -> PhysicalId {
        self.described().physical_id()
    }

    pub(crate) fn described(&self) -> &dyn Described {
        match self {
            Resource::Queue(queue) => queue,
            Resource::Workload(workload) => workload,
            Resource::Role(role) => role,
            Resource::User(user) => user,
            Resource::InlinePolicy(policy) => policy,
            Resource::ManagedPolicy(policy) => policy,
            Resource::AccessKey(key) => key,
            Resource::QueuePolicy(policy) => policy,
        }
    }

    pub(crate) fn as_queue(&self) -> Option<&QueueSpec> {
        match self {
            Resource::Queue(queue) => Some(queue),
            _ => None,
        }
    }

    /// Whether it goes when `other` goes, being a part of it: a role's policy, a user's key, the policy of a queue.
    pub(crate) fn is_part_of(&self, other: &PhysicalId) -> bool {
        let name = other.name();
        let is_in = |names: &[String]| names.iter().any(|known| known == name);
        match (self, other) {
            (Resource::InlinePolicy(policy), PhysicalId::Role(_)) => is_in(&policy.roles),
            (Resource::InlinePolicy(policy), PhysicalId::User(_)) => is_in(&policy.users),
            (Resource::ManagedPolicy(policy), PhysicalId::Role(_)) => is_in(&policy.roles),
            (Resource::ManagedPolicy(policy), PhysicalId::User(_)) => is_in(&policy.users),
            (Resource::AccessKey(key), PhysicalId::User(_)) => key.user == name,
            (Resource::QueuePolicy(policy), PhysicalId::Queue(_)) => is_in(&policy.queues),
            _ => false,
        }
    }

    /// Whether it has a secret that only its creation tells, so that a creation whose secret was not shown is done again.
    pub(crate) fn tells_a_secret(&self) -> bool {
        matches!(self, Resource::AccessKey(_))
    }
}
