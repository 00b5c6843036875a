//! What a document must hold besides its shape: by what it is for, in the order in which AWS complains.
//!
//! Source: the texts are those that AWS answers; the elements by kind are those of
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>.

use std::collections::BTreeSet;

use super::document::{Listed, RawDocument, RawStatement};
use super::{DocumentKind, LEGACY, PolicyError, Version};

const VENDOR: &str = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
const ONE_COLON: &str = "Actions/Condition can contain only one colon.";
const RESOURCE_VENDOR: &str = "Resource vendor must be fully qualified and cannot contain regexes.";
const TRUST_ACTIONS: &str = "AssumeRole policy may only specify STS AssumeRole actions.";
const SID_CHARACTERS: &str = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular \
                              expression [0-9A-Za-z]*";

const STS_ACTIONS: [&str; 6] = [
    "assumerole",
    "assumerolewithsaml",
    "assumerolewithwebidentity",
    "tagsession",
    "setsourceidentity",
    "setcontext",
];

const IAM_RESOURCES: [&str; 13] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

pub(super) fn check(document: &RawDocument, kind: DocumentKind) -> Result<(), PolicyError> {
    let statements = &document.statements;
    let every = |check: &dyn Fn(&RawStatement) -> Result<(), Fault>| {
        statements.iter().try_for_each(|statement| {
            check(statement).map_err(|Fault { message, what }| {
                PolicyError::new(message, format!("{}{what}", statement.place))
            })
        })
    };
    every(&|statement| principals(statement, kind))?;
    every(&|statement| sid(statement, kind))?;
    unique_sids(statements)?;
    every(&|statement| actions_present(statement, kind))?;
    every(&|statement| resources_present(statement, kind))?;
    let variables = document.version == Some(Version::V2012);
    every(&|statement| {
        let mut resources = statement.resource.iter().flat_map(|listed| &listed.values);
        resources.try_for_each(|text| resource(text, variables))
    })?;
    every(&|statement| {
        let mut actions = statement.action.iter().flat_map(|listed| &listed.values);
        actions.try_for_each(|text| action(text, kind))
    })
}

struct Fault {
    message: String,
    /// What comes behind the statement's place, with its punctuation.
    what: String,
}

fn fault(message: impl Into<String>) -> Fault {
    Fault { message: message.into(), what: String::new() }
}

fn fault_at(message: impl Into<String>, what: &str) -> Fault {
    Fault { message: message.into(), what: format!(": {what}") }
}

fn principals(statement: &RawStatement, kind: DocumentKind) -> Result<(), Fault> {
    match (&statement.principal, kind) {
        (Some(_), DocumentKind::Identity) => Err(fault("Policy document should not specify a principal.")),
        (None, DocumentKind::Identity) => Ok(()),
        (Some(Listed { negated: true, .. }), DocumentKind::RoleTrust) => {
            Err(fault("AssumeRole policy must not contain NotPrincipal field."))
        }
        (Some(Listed { values, .. }), _) if !values.is_empty() => Ok(()),
        _ => Err(fault("Missing required field Principal")),
    }
}

/// Labels of queue policies hold any characters: AWS itself writes `__owner_statement`.
fn sid(statement: &RawStatement, kind: DocumentKind) -> Result<(), Fault> {
    let sid = statement.sid.as_deref().unwrap_or_default();
    let plain = sid.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if plain || kind == DocumentKind::Resource { Ok(()) } else { Err(fault(SID_CHARACTERS)) }
}

fn unique_sids(statements: &[RawStatement]) -> Result<(), PolicyError> {
    let mut seen = BTreeSet::new();
    for statement in statements {
        let sid = statement.sid.as_deref().filter(|sid| !sid.is_empty());
        if sid.is_some_and(|sid| !seen.insert(sid)) {
            let message = "Statement IDs (SID) in a single policy must be unique.";
            return Err(PolicyError::new(message, &*statement.place));
        }
    }
    Ok(())
}

fn actions_present(statement: &RawStatement, kind: DocumentKind) -> Result<(), Fault> {
    match &statement.action {
        Some(listed) if !listed.values.is_empty() => Ok(()),
        _ if kind == DocumentKind::RoleTrust => Err(fault("Missing required field Action")),
        _ => Err(fault("Policy statement must contain actions.")),
    }
}

/// A queue's policy may leave its resource out: it is then the queue.
fn resources_present(statement: &RawStatement, kind: DocumentKind) -> Result<(), Fault> {
    match (&statement.resource, kind) {
        (Some(Listed { negated: false, .. }), DocumentKind::RoleTrust) => {
            Err(fault("Has prohibited field Resource"))
        }
        (Some(_), DocumentKind::RoleTrust) => Err(fault("AssumeRole policy must not contain resources.")),
        (None, DocumentKind::RoleTrust | DocumentKind::Resource) => Ok(()),
        (Some(listed), _) if !listed.values.is_empty() => Ok(()),
        _ => Err(fault("Policy statement must contain resources.")),
    }
}

fn action(text: &str, kind: DocumentKind) -> Result<(), Fault> {
    let trust = kind == DocumentKind::RoleTrust;
    let Some((vendor, name)) = text.split_once(':') else {
        return match text {
            "*" if trust => Err(fault_at(TRUST_ACTIONS, "*")),
            "*" => Ok(()),
            _ => Err(fault_at(VENDOR, text)),
        };
    };
    if name.contains(':') {
        return Err(fault_at(ONE_COLON, text));
    }
    let letters = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    if vendor != "*" && !vendor.chars().all(letters) {
        return Err(fault_at(format!("Vendor {vendor} is not valid"), text));
    }
    if vendor.is_empty() || name.is_empty() {
        return Err(fault_at(VENDOR, text));
    }
    let name = name.to_ascii_lowercase();
    let of_sts = vendor.eq_ignore_ascii_case("sts")
        && (name.contains(['*', '?']) || STS_ACTIONS.contains(&name.as_str()));
    if trust && !of_sts { Err(fault_at(TRUST_ACTIONS, text)) } else { Ok(()) }
}

fn resource(text: &str, variables: bool) -> Result<(), Fault> {
    if text == "*" {
        return Ok(());
    }
    let plain = if variables { without_variables(text) } else { text.to_owned() };
    let parts: Vec<&str> = plain.splitn(6, ':').collect();
    if parts.len() == 1 {
        return Err(fault(format!("Resource {text} must be in ARN format or \"*\".")));
    }
    let partition = parts[1];
    let wild = |part: &str| part.contains(['*', '?', '$']);
    if partition != "aws" && !partition.starts_with("aws-") && !wild(partition) {
        let rest: Vec<&str> = (2..6).map(|at| parts.get(at).copied().unwrap_or("*")).collect();
        let shown = rest.join(":");
        let message =
            format!("Partition \"{partition}\" is not valid for resource \"arn:{partition}:{shown}\".");
        return Err(fault(message));
    }
    if parts[0] != "arn" {
        return Err(fault(format!("Resource {text} must be in ARN format or \"*\".")));
    }
    let Some(service) = parts.get(2).filter(|service| !wild(service)) else {
        return Err(fault_at(RESOURCE_VENDOR, text));
    };
    if service.is_empty() || (plain.contains("::") && parts.len() < 6) {
        return Err(fault_at(LEGACY, text));
    }
    match (*service, parts.get(3).copied().unwrap_or_default()) {
        ("iam", region) if !region.is_empty() && region != "*" => {
            return Err(fault(format!("IAM resource {text} cannot contain region information.")));
        }
        // Buckets have no region and no account; access points, jobs and the like have both.
        ("s3", region)
            if !region.is_empty()
                && region != "*"
                && parts.get(4).is_none_or(|account| account.is_empty()) =>
        {
            return Err(fault(format!("Resource {text} can not contain region information.")));
        }
        _ => {}
    }
    let path = parts.get(5).copied().unwrap_or("*");
    if *service == "iam" && !wild(path) && !IAM_RESOURCES.iter().any(|start| path.starts_with(start)) {
        let starts = IAM_RESOURCES.join(", ");
        return Err(fault(format!("IAM resource path must either be \"*\" or start with {starts}.")));
    }
    Ok(())
}

/// The text with `$` in the place of each variable, whose colons divide nothing.
fn without_variables(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        plain.push_str(&rest[..start]);
        plain.push('$');
        let end = rest[start..].find('}').map_or(rest.len(), |end| start + end + 1);
        rest = &rest[end..];
    }
    plain + rest
}
