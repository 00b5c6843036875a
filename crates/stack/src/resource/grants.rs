//! What a role and a user have in common: inline policies, attached policies, a permissions boundary, tags.

use super::document;
use crate::resolve::{Properties, Resolver, tags};
use crate::template::schema::{Kind, PropertySchema, optional, required};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What an identity may do, as its own properties say. Policies that other resources attach to it are not in here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Grants {
    /// Documents of inline policies, by name.
    pub policies: BTreeMap<String, String>,
    /// ARNs of attached managed policies.
    pub managed_policy_arns: BTreeSet<String>,
    /// ARN of the permissions boundary.
    pub permissions_boundary: Option<String>,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

pub(super) const MANAGED_POLICY_ARNS: PropertySchema =
    optional("ManagedPolicyArns", Kind::List(&Kind::Text, 20));
pub(super) const PERMISSIONS_BOUNDARY: PropertySchema = optional("PermissionsBoundary", Kind::Text);
pub(super) const POLICIES: PropertySchema = optional("Policies", Kind::List(&Kind::Object(POLICY), 100));
pub(super) const TAGS: PropertySchema = optional("Tags", Kind::List(&Kind::Object(TAG), 50));

const POLICY: &[PropertySchema] =
    &[required("PolicyDocument", Kind::Policy), required("PolicyName", Kind::Text)];
const TAG: &[PropertySchema] = &[required("Key", Kind::Text), required("Value", Kind::Text)];

pub(super) fn read(properties: &Properties<'_>, resolver: &mut Resolver<'_>) -> Option<Grants> {
    let policies = document::inline_policies(properties, resolver)?;
    let arns = properties.shaped.get("ManagedPolicyArns").and_then(Value::as_array);
    let mut managed_policy_arns = BTreeSet::new();
    for (index, arn) in arns.into_iter().flatten().filter_map(Value::as_str).enumerate() {
        let position = properties.item_position("ManagedPolicyArns", index);
        if !is_policy_arn(arn) {
            resolver.report.error(position, not_an_arn("ManagedPolicyArns", arn));
        } else if !managed_policy_arns.insert(arn.to_owned()) {
            resolver.report.error(position, format!("ManagedPolicyArns has {arn} twice"));
        }
    }
    let permissions_boundary =
        properties.shaped.get("PermissionsBoundary").and_then(Value::as_str).map(str::to_owned);
    if let Some(arn) = permissions_boundary.as_deref().filter(|arn| !is_policy_arn(arn)) {
        let position = properties.position_of("PermissionsBoundary");
        resolver.report.error(position, not_an_arn("PermissionsBoundary", arn));
    }
    Some(Grants { policies, managed_policy_arns, permissions_boundary, tags: tags(properties, resolver) })
}

fn is_policy_arn(text: &str) -> bool {
    text.starts_with("arn:aws:iam::") && text.contains(":policy/")
}

fn not_an_arn(property: &str, found: &str) -> String {
    format!(
        "{property} takes ARNs of managed policies, such as !Ref of an AWS::IAM::ManagedPolicy or \
         arn:aws:iam::aws:policy/AmazonSQSFullAccess, not \"{found}\""
    )
}
