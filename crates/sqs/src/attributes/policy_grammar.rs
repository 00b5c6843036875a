//! What a policy and its statements are made of.
//!
//! Reading one of these types is the check of its grammar. Names of members are spelled exactly; a member that there is
//! not, or that stands there twice, is refused.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Number;
use serde_json::value::RawValue;

/// A policy, its statements unread: a list of them, or one.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Document<'a> {
    #[serde(rename = "Version")]
    _version: Option<Version>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    #[serde(borrow)]
    pub(super) statement: &'a RawValue,
}

#[derive(Deserialize)]
enum Version {
    #[serde(rename = "2008-10-17")]
    First,
    #[serde(rename = "2012-10-17")]
    Second,
}

/// One statement.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Statement {
    sid: Option<String>,
    #[serde(rename = "Effect")]
    _effect: Effect,
    principal: Option<Principal>,
    not_principal: Option<Principal>,
    action: Option<OneOrMany>,
    not_action: Option<OneOrMany>,
    resource: Option<OneOrMany>,
    not_resource: Option<OneOrMany>,
    #[serde(default)]
    condition: BTreeMap<String, BTreeMap<String, ConditionValues>>,
}

#[derive(Deserialize)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Principal {
    Everyone(String),
    Named(BTreeMap<PrincipalKind, OneOrMany>),
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
enum PrincipalKind {
    #[serde(rename = "AWS")]
    Aws,
    CanonicalUser,
    Federated,
    Service,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ConditionValues {
    One(#[allow(dead_code, reason = "reading it is the check")] Scalar),
    Many(#[allow(dead_code, reason = "reading it is the check")] Vec<Scalar>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(#[allow(dead_code, reason = "reading it is the check")] String),
    Number(#[allow(dead_code, reason = "reading it is the check")] Number),
    Boolean(#[allow(dead_code, reason = "reading it is the check")] bool),
}

impl OneOrMany {
    fn values(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl Principal {
    /// How many it names; `None` when it is none.
    fn count(&self) -> Option<usize> {
        match self {
            Self::Everyone(name) => (name == "*").then_some(1),
            Self::Named(kinds) => {
                let count = kinds.values().map(|names| names.values().len()).sum();
                (count > 0).then_some(count)
            }
        }
    }
}

impl Statement {
    /// Its label.
    pub(super) fn sid(&self) -> Option<&str> {
        self.sid.as_deref().filter(|sid| !sid.is_empty())
    }

    /// Whether it says who may do what, once each.
    pub(super) fn is_whole(&self) -> bool {
        let resources = [&self.resource, &self.not_resource].into_iter().flatten().collect::<Vec<_>>();
        let named = resources.iter().all(|resource| !resource.values().is_empty());
        let actions = self.actions();
        let of_sqs = |action: &String| {
            action == "*" || action.get(..4).is_some_and(|service| service.eq_ignore_ascii_case("sqs:"))
        };
        self.principal.is_some() != self.not_principal.is_some()
            && self.principals().is_some()
            && self.action.is_some() != self.not_action.is_some()
            && !actions.is_empty()
            && actions.iter().all(of_sqs)
            && resources.len() <= 1
            && named
    }

    /// How many principals it names; `None` when it has none.
    pub(super) fn principals(&self) -> Option<usize> {
        self.principal.as_ref().or(self.not_principal.as_ref()).and_then(Principal::count)
    }

    /// The actions it names.
    pub(super) fn actions(&self) -> &[String] {
        self.action.as_ref().or(self.not_action.as_ref()).map_or(&[], OneOrMany::values)
    }

    /// How many conditions it has.
    pub(super) fn conditions(&self) -> usize {
        self.condition.values().map(BTreeMap::len).sum()
    }
}
