//! `AWS::IAM::Role`.
//!
//! Name and path stay as long as the role; all else changes in place.

use super::grants::{MANAGED_POLICY_ARNS, PERMISSIONS_BOUNDARY, POLICIES, TAGS};
use super::{Described, Grants, PhysicalId, Place, PolicyUse, Resource, document, grants, known, name};
use crate::resolve::{Properties, Resolver};
use crate::state::{MadeFact, OutputPiece};
use crate::template::schema::{Kind, TypeSchema, optional, required};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most characters of a role's and a user's name (IAM quotas).
pub(super) const NAME_LENGTH_MAX: usize = 64;

/// A role as its properties describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleSpec {
    /// Its name.
    pub name: String,
    /// Begins and ends with a slash.
    pub path: String,
    /// The document that says who may assume it.
    pub trust: String,
    /// Its description; empty when there is none.
    pub description: String,
    /// How long a session of it may last, in seconds.
    pub session_duration_max_secs: u32,
    /// What it may do.
    pub grants: Grants,
}

const SESSION_DURATION_DEFAULT_SECS: u32 = 3600;

pub(super) static SCHEMA: TypeSchema = TypeSchema {
    name: "AWS::IAM::Role",
    properties: &[
        required("AssumeRolePolicyDocument", Kind::Policy),
        optional("Description", Kind::Text),
        MANAGED_POLICY_ARNS,
        optional("MaxSessionDuration", Kind::Integer(3600, 43_200)),
        optional("Path", Kind::Text),
        PERMISSIONS_BOUNDARY,
        POLICIES,
        optional("RoleName", Kind::Text),
        TAGS,
    ],
    attributes: &["Arn", "RoleId"],
    read,
};

fn read(properties: &Properties<'_>, resolver: &mut Resolver<'_>) -> Option<(Resource, bool)> {
    let trust = document::of_property(properties, "AssumeRolePolicyDocument", PolicyUse::Trust, resolver)?;
    let path = name::path(properties, &mut resolver.report)?;
    let keeps = |old: &Resource| matches!(old, Resource::Role(role) if role.path == path);
    let (name, name_generated) = name::of_identity(properties, "RoleName", NAME_LENGTH_MAX, resolver, keeps)?;
    let duration = properties.shaped.get("MaxSessionDuration").and_then(Value::as_u64);
    let role = RoleSpec {
        name,
        path,
        trust,
        description: properties.text("Description").unwrap_or_default(),
        session_duration_max_secs: duration
            .and_then(|secs| u32::try_from(secs).ok())
            .unwrap_or(SESSION_DURATION_DEFAULT_SECS),
        grants: grants::read(properties, resolver)?,
    };
    Some((Resource::Role(role), name_generated))
}

impl RoleSpec {
    /// A role with this name and path that `trust` may assume and that may do what the policy says.
    pub(super) fn for_service(name: String, path: &str, service: &str, policy: (&str, &Value)) -> RoleSpec {
        let trust = document::of_statements(vec![serde_json::json!({
            "Effect": "Allow",
            "Principal": { "Service": service },
            "Action": "sts:AssumeRole",
        })]);
        let policies = [(policy.0.to_owned(), policy.1.to_string())].into();
        RoleSpec {
            name,
            path: path.to_owned(),
            trust: trust.to_string(),
            description: String::new(),
            session_duration_max_secs: SESSION_DURATION_DEFAULT_SECS,
            grants: Grants { policies, ..Grants::default() },
        }
    }

    pub(super) fn arn(&self, place: &Place<'_>) -> String {
        place.identity_arn("role", &self.path, &self.name)
    }
}

impl Described for RoleSpec {
    fn physical_id(&self) -> PhysicalId {
        PhysicalId::Role(self.name.clone())
    }

    fn name_property(&self) -> &'static str {
        "RoleName"
    }

    fn reference(&self, _place: &Place<'_>) -> OutputPiece {
        known(&self.name)
    }

    fn attribute(&self, attribute: &str, place: &Place<'_>) -> Option<OutputPiece> {
        match attribute {
            "Arn" => Some(known(self.arn(place))),
            "RoleId" => Some(OutputPiece::Made { resource: self.physical_id(), fact: MadeFact::Id }),
            _ => None,
        }
    }

    fn fixed(&self) -> Vec<(&'static str, String)> {
        vec![("Path", self.path.clone())]
    }
}
