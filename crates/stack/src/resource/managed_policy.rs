//! `AWS::IAM::ManagedPolicy`.
//!
//! Name, path and description stay as long as the policy; a changed document becomes its next version.

use super::user::NO_GROUPS;
use super::{Described, PhysicalId, Place, PolicyUse, Resource, document, known, name};
use crate::resolve::{Properties, Resolver};
use crate::state::OutputPiece;
use crate::template::schema::{Kind, TypeSchema, optional, required};
use serde::{Deserialize, Serialize};

const NAME_LENGTH_MAX: usize = 128;

/// A managed policy as its properties describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedPolicySpec {
    /// Its name.
    pub name: String,
    /// Begins and ends with a slash.
    pub path: String,
    /// Its ARN, which follows from account, path and name.
    pub arn: String,
    /// Its description; empty when there is none.
    pub description: String,
    /// What it says.
    pub document: String,
    /// Names of the roles that it is attached to.
    pub roles: Vec<String>,
    /// Names of the users that it is attached to.
    pub users: Vec<String>,
}

pub(super) static SCHEMA: TypeSchema = TypeSchema {
    name: "AWS::IAM::ManagedPolicy",
    properties: &[
        optional("Description", Kind::Text),
        optional("Groups", NO_GROUPS),
        optional("ManagedPolicyName", Kind::Text),
        optional("Path", Kind::Text),
        required("PolicyDocument", Kind::Policy),
        optional("Roles", Kind::List(&Kind::Text, 100)),
        optional("Users", Kind::List(&Kind::Text, 100)),
    ],
    attributes: &["PolicyArn"],
    read,
};

fn read(properties: &Properties<'_>, resolver: &mut Resolver<'_>) -> Option<(Resource, bool)> {
    let path = name::path(properties, &mut resolver.report)?;
    let description = properties.text("Description").unwrap_or_default();
    let keeps = |old: &Resource| matches!(old, Resource::ManagedPolicy(old) if old.path == path && old.description == description);
    let (name, name_generated) =
        name::of_identity(properties, "ManagedPolicyName", NAME_LENGTH_MAX, resolver, keeps)?;
    let policy = ManagedPolicySpec {
        arn: resolver.scope.place.identity_arn("policy", &path, &name),
        roles: name::list(properties, "Roles", &mut resolver.report)?,
        users: name::list(properties, "Users", &mut resolver.report)?,
        document: document::of_property(properties, "PolicyDocument", PolicyUse::Identity, resolver)?,
        name,
        path,
        description,
    };
    Some((Resource::ManagedPolicy(policy), name_generated))
}

impl Described for ManagedPolicySpec {
    fn physical_id(&self) -> PhysicalId {
        PhysicalId::ManagedPolicy(self.name.clone())
    }

    fn name_property(&self) -> &'static str {
        "ManagedPolicyName"
    }

    fn reference(&self, _place: &Place<'_>) -> OutputPiece {
        known(&self.arn)
    }

    fn attribute(&self, attribute: &str, _place: &Place<'_>) -> Option<OutputPiece> {
        (attribute == "PolicyArn").then(|| known(&self.arn))
    }

    fn fixed(&self) -> Vec<(&'static str, String)> {
        vec![("Path", self.path.clone()), ("Description", self.description.clone())]
    }
}
