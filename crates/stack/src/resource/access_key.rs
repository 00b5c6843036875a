//! `AWS::IAM::AccessKey`.
//!
//! IAM makes up its id and secret, so both are known only once it is made, and only for `Outputs`. The secret is told
//! once and stored nowhere. A higher `Serial` makes another key in its place.

use super::{Described, PhysicalId, Place, Resource, name};
use crate::resolve::{Properties, Resolver};
use crate::state::{MadeFact, OutputPiece};
use crate::template::schema::{Kind, TypeSchema, optional, required};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An access key as its properties describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKeySpec {
    /// What the stack calls it.
    pub name: String,
    /// The user that it is of.
    pub user: String,
    /// Whether it can be used.
    pub active: bool,
    /// Which key it is in a row of replacements.
    pub serial: i64,
}

pub(super) static SCHEMA: TypeSchema = TypeSchema {
    name: "AWS::IAM::AccessKey",
    properties: &[
        optional("Serial", Kind::Integer(0, 1_000_000_000)),
        optional("Status", Kind::OneOf(&["Active", "Inactive"])),
        required("UserName", Kind::Text),
    ],
    attributes: &["Id", "SecretAccessKey"],
    read,
};

fn read(properties: &Properties<'_>, resolver: &mut Resolver<'_>) -> Option<(Resource, bool)> {
    let user = properties.text("UserName")?;
    let serial = properties.shaped.get("Serial").and_then(Value::as_i64).unwrap_or(0);
    let keeps =
        |old: &Resource| matches!(old, Resource::AccessKey(old) if old.user == user && old.serial == serial);
    let key = AccessKeySpec {
        name: name::of_record(properties.logical_id, resolver, keeps),
        active: properties.text("Status").as_deref() != Some("Inactive"),
        user,
        serial,
    };
    Some((Resource::AccessKey(key), true))
}

impl Described for AccessKeySpec {
    fn physical_id(&self) -> PhysicalId {
        PhysicalId::AccessKey(self.name.clone())
    }

    fn name_property(&self) -> &'static str {
        "UserName"
    }

    fn reference(&self, _place: &Place<'_>) -> OutputPiece {
        OutputPiece::Made { resource: self.physical_id(), fact: MadeFact::Id }
    }

    fn attribute(&self, attribute: &str, place: &Place<'_>) -> Option<OutputPiece> {
        match attribute {
            "Id" => Some(self.reference(place)),
            "SecretAccessKey" => {
                Some(OutputPiece::Made { resource: self.physical_id(), fact: MadeFact::Secret })
            }
            _ => None,
        }
    }

    fn fixed(&self) -> Vec<(&'static str, String)> {
        vec![("UserName", self.user.clone()), ("Serial", self.serial.to_string())]
    }
}
