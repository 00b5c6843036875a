//! `AWS::IAM::Policy`: one document as an inline policy of roles and users.
//!
//! All of it changes in place: it is set where it is wanted, and taken from where it was.

use super::user::NO_GROUPS;
use super::{Described, PhysicalId, Place, PolicyUse, Resource, document, known, name};
use crate::resolve::{Properties, Resolver};
use crate::state::OutputPiece;
use crate::template::schema::{Kind, TypeSchema, optional, required};
use serde::{Deserialize, Serialize};

/// An inline policy as its properties describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InlinePolicySpec {
    /// What the stack calls it.
    pub id: String,
    /// What the identities call it.
    pub name: String,
    /// What it says.
    pub document: String,
    /// Names of the roles that have it.
    pub roles: Vec<String>,
    /// Names of the users that have it.
    pub users: Vec<String>,
}

pub(super) static SCHEMA: TypeSchema = TypeSchema {
    name: "AWS::IAM::Policy",
    properties: &[
        optional("Groups", NO_GROUPS),
        required("PolicyDocument", Kind::Policy),
        required("PolicyName", Kind::Text),
        optional("Roles", Kind::List(&Kind::Text, 100)),
        optional("Users", Kind::List(&Kind::Text, 100)),
    ],
    attributes: &["Id"],
    read,
};

fn read(properties: &Properties<'_>, resolver: &mut Resolver<'_>) -> Option<(Resource, bool)> {
    let name = properties.text("PolicyName")?;
    document::check_name(&name, properties.position_of("PolicyName"), resolver)?;
    let roles = name::list(properties, "Roles", &mut resolver.report)?;
    let users = name::list(properties, "Users", &mut resolver.report)?;
    if roles.is_empty() && users.is_empty() {
        let message = "AWS::IAM::Policy needs Roles or Users, a list of names such as [!Ref MyRole]";
        resolver.report.error(properties.position, message);
        return None;
    }
    let document = document::of_property(properties, "PolicyDocument", PolicyUse::Identity, resolver)?;
    let keeps = |old: &Resource| matches!(old, Resource::InlinePolicy(_));
    let id = name::of_record(properties.logical_id, resolver, keeps);
    let policy = InlinePolicySpec { id, name, document, roles, users };
    Some((Resource::InlinePolicy(policy), true))
}

impl Described for InlinePolicySpec {
    fn physical_id(&self) -> PhysicalId {
        PhysicalId::InlinePolicy(self.id.clone())
    }

    fn name_property(&self) -> &'static str {
        "PolicyName"
    }

    fn reference(&self, _place: &Place<'_>) -> OutputPiece {
        known(&self.id)
    }

    fn attribute(&self, attribute: &str, _place: &Place<'_>) -> Option<OutputPiece> {
        (attribute == "Id").then(|| known(&self.id))
    }
}
