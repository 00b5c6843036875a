//! What a resource type is as data: properties with their kinds and limits, and the attributes `Fn::GetAtt` can ask for.
//!
//! The types themselves stand in `crate::resource`. Property names and kinds of `AWS::…` are those of the CloudFormation
//! registry; ranges are those of the services. What a service does not take is still passed to it: it refuses it, by name.

use crate::resolve::{Properties, Resolver};
use crate::resource::Resource;

/// A resource type of a template.
#[derive(Debug)]
pub(crate) struct TypeSchema {
    pub(crate) name: &'static str,
    pub(crate) properties: &'static [PropertySchema],
    /// What `Fn::GetAtt` can ask for.
    pub(crate) attributes: &'static [&'static str],
    /// The resource, and whether its name was made up; `None` when something was reported.
    pub(crate) read: fn(&Properties<'_>, &mut Resolver<'_>) -> Option<(Resource, bool)>,
}

/// Stands for a type that is missing or unknown, which was reported: so the rest of the template can still be checked.
/// No template that has one is ever resolved.
pub(crate) static UNKNOWN: TypeSchema =
    TypeSchema { name: "", properties: &[], attributes: &[], read: |_, _| None };

impl TypeSchema {
    /// Whether it says anything about properties and attributes.
    pub(crate) fn is_known(&self) -> bool {
        !self.name.is_empty()
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct PropertySchema {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
}

/// What a property takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Text,
    /// Text that may be made of `NoEcho` parameters, and is masked wherever it is shown.
    SecretText,
    /// A whole number between both, inclusive.
    Integer(i64, i64),
    Boolean,
    OneOf(&'static [&'static str]),
    /// A list with at most so many items.
    List(&'static Kind, usize),
    /// One, or a list of them.
    OneOrList(&'static Kind),
    Object(&'static [PropertySchema]),
    /// Any texts, lists and maps.
    Json,
    /// A policy document.
    Policy,
    /// Known, and refused with this reason.
    Refused(&'static str),
}

pub(crate) const fn optional(name: &'static str, kind: Kind) -> PropertySchema {
    PropertySchema { name, kind, required: false }
}

pub(crate) const fn required(name: &'static str, kind: Kind) -> PropertySchema {
    PropertySchema { name, kind, required: true }
}
