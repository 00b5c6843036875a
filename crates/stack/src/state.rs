//! What is known of a stack: which resources exist, how far each change got, and the values it was given.
//!
//! A record says what was attempted before it is attempted, so that an interrupted change is found and finished: see
//! `apply`. Serialised as JSON for the log; the values of `NoEcho` parameters are in it, so whoever writes it seals it.

use crate::resource::{PhysicalId, Resource};
use crate::template::DeletionPolicy;
use crate::text::{MASK, Text};
use crate::workload::WorkloadName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// What it held can't be told any more, since it was sealed with a key that is lost: what is there under a name of the
    /// template then counts as its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
}

impl StackState {
    /// Notes that a resource is gone although nobody asked this stack to delete it; the next plan makes it again, and
    /// sets again what is nothing but a part of it, such as the policy of a queue.
    pub fn mark_missing(&mut self, physical_id: &PhysicalId) {
        let gone = |(id, record): &(&PhysicalId, &mut ResourceRecord)| {
            *id == physical_id || record.resource.is_part_of(physical_id)
        };
        for (_, record) in self.resources.iter_mut().filter(gone) {
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
    /// The id that the service gave it, where it gives one: of a role, of an access key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_id: Option<String>,
    /// While it is being created: what was there before that could be taken for it, the ids of a user's other access keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others: Option<Vec<String>>,
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

impl ResourceRecord {
    /// What it is becoming, or is.
    pub(crate) fn target(&self) -> &Resource {
        self.attempts.last().unwrap_or(&self.resource)
    }

    /// All that it may be as of now, in whole or in parts.
    pub fn known(&self) -> Vec<Resource> {
        std::iter::once(&self.resource).chain(&self.attempts).cloned().collect()
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
    /// What is known only once a resource was made.
    Made {
        /// The resource.
        resource: PhysicalId,
        /// What of it.
        fact: MadeFact,
    },
}

/// What a service makes up when it makes a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MadeFact {
    /// Its id.
    Id,
    /// Its secret: told once, and stored nowhere.
    Secret,
}

/// What outputs are made of that is known only while a service runs, or once a plan was carried out.
pub trait Known {
    /// The address of a form that runs.
    fn form_url(&self, form: &WorkloadName) -> Option<String>;

    /// The id that the service gave a resource.
    fn made_id(&self, resource: &PhysicalId) -> Option<String>;

    /// The secret of a resource that was made just now.
    fn secret(&self, resource: &PhysicalId) -> Option<String>;
}

impl Output {
    /// The output as people may see it. A secret that is not known any more hides the whole of it.
    pub fn render(&self, known: &impl Known) -> String {
        self.pieces
            .iter()
            .map(|piece| piece.render(known))
            .collect::<Option<String>>()
            .unwrap_or(MASK.to_owned())
    }
}

impl OutputPiece {
    /// `None` for what must not be shown.
    fn render(&self, known: &impl Known) -> Option<String> {
        match self {
            OutputPiece::Text(text) if text.is_secret() => None,
            OutputPiece::Text(text) => Some(text.to_string()),
            OutputPiece::FormUrl { workload, configured } => {
                Some(known.form_url(workload).unwrap_or_else(|| configured.clone()))
            }
            OutputPiece::Made { resource, fact: MadeFact::Id } => {
                Some(known.made_id(resource).unwrap_or_default())
            }
            OutputPiece::Made { resource, fact: MadeFact::Secret } => known.secret(resource),
        }
    }

    /// What it stands for when that is not known before the outputs are.
    pub(crate) fn what_is_unknown(&self) -> Option<&'static str> {
        match self {
            OutputPiece::Text(_) => None,
            OutputPiece::FormUrl { .. } => {
                Some("the address of a form, which is known only when the form runs")
            }
            OutputPiece::Made { fact: MadeFact::Id, .. } => {
                Some("the id of a role or an access key, which is known only once it is made")
            }
            OutputPiece::Made { fact: MadeFact::Secret, .. } => {
                Some("the secret of an access key, which is told once and stored nowhere")
            }
        }
    }
}
