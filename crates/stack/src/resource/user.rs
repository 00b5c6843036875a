//! `AWS::IAM::User`.
//!
//! Its name stays as long as the user; all else changes in place. Groups and passwords are refused.

use super::grants::{MANAGED_POLICY_ARNS, PERMISSIONS_BOUNDARY, POLICIES, TAGS};
use super::role::NAME_LENGTH_MAX;
use super::{Described, Grants, PhysicalId, Place, Resource, grants, known, name};
use crate::resolve::{Properties, Resolver};
use crate::state::OutputPiece;
use crate::template::schema::{Kind, TypeSchema, optional};
use serde::{Deserialize, Serialize};

/// A user as its properties describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserSpec {
    /// Its name.
    pub name: String,
    /// Begins and ends with a slash.
    pub path: String,
    /// What it may do.
    pub grants: Grants,
}

pub(super) const NO_GROUPS: Kind =
    Kind::Refused("groups are not supported in templates yet; name the policies of each user");

pub(super) static SCHEMA: TypeSchema = TypeSchema {
    name: "AWS::IAM::User",
    properties: &[
        optional("Groups", NO_GROUPS),
        optional(
            "LoginProfile",
            Kind::Refused(
                "there is no console to log in to with a password; an AWS::IAM::AccessKey is for programs",
            ),
        ),
        MANAGED_POLICY_ARNS,
        optional("Path", Kind::Text),
        PERMISSIONS_BOUNDARY,
        POLICIES,
        TAGS,
        optional("UserName", Kind::Text),
    ],
    attributes: &["Arn"],
    read,
};

fn read(properties: &Properties<'_>, resolver: &mut Resolver<'_>) -> Option<(Resource, bool)> {
    let path = name::path(properties, &mut resolver.report)?;
    let keeps = |old: &Resource| matches!(old, Resource::User(_));
    let (name, name_generated) = name::of_identity(properties, "UserName", NAME_LENGTH_MAX, resolver, keeps)?;
    let user = UserSpec { name, path, grants: grants::read(properties, resolver)? };
    Some((Resource::User(user), name_generated))
}

impl Described for UserSpec {
    fn physical_id(&self) -> PhysicalId {
        PhysicalId::User(self.name.clone())
    }

    fn name_property(&self) -> &'static str {
        "UserName"
    }

    fn reference(&self, _place: &Place<'_>) -> OutputPiece {
        known(&self.name)
    }

    fn attribute(&self, attribute: &str, place: &Place<'_>) -> Option<OutputPiece> {
        (attribute == "Arn").then(|| known(place.identity_arn("user", &self.path, &self.name)))
    }
}
