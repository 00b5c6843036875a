//! `AssumeRole`: temporary credentials of a role, for who its trust policy admits.
//!
//! Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html> and, for what a session hands on,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use millpond_core::name::AccountId;
use millpond_wire::error::{ACCESS_DENIED, ApiError};

use super::super::{Authorisation, Carrying};
use super::error::{
    INVALID_PARAMETER_VALUE, MALFORMED_POLICY_DOCUMENT, NO_SUCH_ENTITY, PACKED_POLICY_TOO_LARGE,
    VALIDATION_ERROR,
};
use super::parameters::{EXTERNAL_ID, POLICY, ROLE_ARN, ROLE_SESSION_NAME, Reader, SOURCE_IDENTITY};
use super::reply::Reply;
use super::session_token::{entropy, no_device};
use crate::arn::Arn;
use crate::caller::{Caller, Tags};
use crate::evaluate::ResourceKind;
use crate::facts::Given;
use crate::identity::{Identities, Role};
use crate::policy::{DocumentKind, Policy};
use crate::session::{Session, SessionOf, issue};

const DURATION_SECS: RangeInclusive<u64> = 900..=43_200;
const DEFAULT_DURATION_SECS: u64 = 3600;
const LONGEST_CHAINED_SECS: u64 = 3600;
/// Bytes of session policies, their ARNs and tags in a token, which comes with every request.
const MOST_PACKED_BYTES: usize = 4096;

#[derive(Debug)]
pub(super) struct AssumeRole {
    role_arn: String,
    account: AccountId,
    session_name: String,
    duration_secs: Option<u64>,
    policy: Option<String>,
    policy_arns: Vec<String>,
    tags: Tags,
    transitive_tag_keys: Vec<String>,
    external_id: Option<String>,
    source_identity: Option<String>,
    with_device: bool,
}

impl AssumeRole {
    pub(super) fn read(given: &mut Reader<'_>) -> Result<Self, ApiError> {
        let role_arn = given.required(&ROLE_ARN);
        let session_name = given.required(&ROLE_SESSION_NAME);
        let policy_arns = given.policy_arns();
        let policy = given.optional(&POLICY);
        let duration_secs = given.duration_secs(&DURATION_SECS)?;
        let pairs = given.tags();
        let transitive_tag_keys = given.transitive_tag_keys();
        let external_id = given.optional(&EXTERNAL_ID);
        let source_identity = given.optional(&SOURCE_IDENTITY);
        let with_device = given.raw("SerialNumber").or(given.raw("TokenCode")).is_some();
        let with_contexts = given.raw("ProvidedContexts.member.1.ProviderArn").is_some();
        // What each parameter may hold comes before how they fit together.
        given.told()?;
        if with_contexts {
            return Err(INVALID_PARAMETER_VALUE.because("ProvidedContexts is not possible here."));
        }
        let account = account_of_role(&role_arn)
            .ok_or_else(|| VALIDATION_ERROR.because(format!("{role_arn} is invalid")))?;
        let tags = tags(pairs)?;
        if !transitive_tag_keys.iter().all(|key| tags.contains_key(key)) {
            let text = "The specified transitive tag key must be included in the requested tags.";
            return Err(INVALID_PARAMETER_VALUE.because(text));
        }
        if let Some(policy) = &policy {
            Policy::parse(policy, DocumentKind::Identity)
                .map_err(|error| MALFORMED_POLICY_DOCUMENT.because(error.to_string()))?;
        }
        Ok(Self {
            role_arn,
            account,
            session_name,
            duration_secs,
            policy,
            policy_arns,
            tags,
            transitive_tag_keys,
            external_id,
            source_identity,
            with_device,
        })
    }

    pub(super) fn role_arn(&self) -> &str {
        &self.role_arn
    }

    /// `sts:AssumeRole`, and what the tags and the source identity need besides, all on the role.
    pub(super) fn authorisations(&self, caller: &Caller, identities: &Identities) -> Vec<Authorisation> {
        if matches!(caller, Caller::Root { .. }) {
            return Vec::new();
        }
        let role = identities.role_by_arn(&self.role_arn).map(|role| &**role);
        let on_role = OnRole { arn: &self.role_arn, account: self.account, role, facts: self.facts(role) };
        on_role.needed(!self.tags.is_empty(), self.source_identity.is_some())
    }

    fn facts(&self, role: Option<&Role>) -> Given {
        let mut facts = Given::default();
        facts.put("sts:RoleSessionName", &self.session_name);
        if let Some(external_id) = &self.external_id {
            facts.put("sts:ExternalId", external_id);
        }
        if let Some(source_identity) = &self.source_identity {
            facts.put("sts:SourceIdentity", source_identity);
        }
        for (key, value) in &self.tags {
            facts.put(&format!("aws:RequestTag/{key}"), value);
        }
        if !self.tags.is_empty() {
            facts.put_many("aws:TagKeys", self.tags.keys().cloned().collect());
        }
        if !self.transitive_tag_keys.is_empty() {
            facts.put_many("sts:TransitiveTagKeys", self.transitive_tag_keys.clone());
        }
        put_role_tags(&mut facts, role);
        facts
    }

    pub(super) fn carry_out(&self, with: &mut Carrying<'_>, reply: &mut Reply) -> Result<(), ApiError> {
        if matches!(with.caller, Caller::Root { .. }) && !with.root_may_assume {
            return Err(ACCESS_DENIED.because("Roles may not be assumed by root accounts."));
        }
        // Who may not is told the same whether the role is there or not; so is who may.
        let identities = with.identities;
        let role = identities.role_by_arn(&self.role_arn).ok_or_else(|| self.denied(with.caller))?;
        if self.with_device {
            return Err(no_device());
        }
        // A policy of another account is as unknown as one that is not there.
        let is_there =
            |arn: &String| is_usable_in(role.account, arn) && identities.managed_policy(arn).is_some();
        if let Some(missing) = self.policy_arns.iter().find(|arn| !is_there(arn)) {
            return Err(NO_SUCH_ENTITY.because(format!("Policy {missing} was not found.")));
        }
        let session = self.session(with, role)?;
        let packed = packed_percent(&session)?;
        if let Some(source_identity) = &session.source_identity {
            reply.put("SourceIdentity", source_identity);
        }
        let (account, name, session_name) = (role.account, &role.name, &self.session_name);
        reply.within("AssumedRoleUser", |reply| {
            reply.put("AssumedRoleId", &format!("{}:{session_name}", role.id));
            reply.put("Arn", &format!("arn:aws:sts::{account}:assumed-role/{name}/{session_name}"));
        });
        reply.credentials(&issue(with.master, &session, entropy(with)));
        if let Some(packed) = packed {
            reply.put("PackedPolicySize", &packed.to_string());
        }
        Ok(())
    }

    fn denied(&self, caller: &Caller) -> ApiError {
        let (caller, role) = (caller.arn(), &self.role_arn);
        let text = format!("User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role}");
        ACCESS_DENIED.because(text)
    }

    fn session(&self, with: &Carrying<'_>, role: &Role) -> Result<Session, ApiError> {
        let chained = matches!(with.caller, Caller::Role(_));
        let before = with.session.filter(|_| chained);
        let (tags, transitive_tag_keys) = self.handed_on(before)?;
        let source_identity = self.source_identity_after(with)?;
        Ok(Session {
            account: role.account,
            of: SessionOf::Role {
                name: role.name.clone(),
                id: role.id.clone(),
                session_name: self.session_name.clone(),
            },
            issued_at_secs: with.now_secs,
            expires_at_secs: with
                .now_secs
                .saturating_add(self.duration(chained, role.max_session_secs.into())?),
            policies: self.policy.iter().cloned().collect(),
            policy_arns: self.policy_arns.clone(),
            tags,
            transitive_tag_keys,
            source_identity,
            chained,
            origin: None,
        })
    }

    fn duration(&self, chained: bool, max_session_secs: u64) -> Result<u64, ApiError> {
        let secs = self.duration_secs.unwrap_or(DEFAULT_DURATION_SECS);
        let text = if chained && secs > LONGEST_CHAINED_SECS {
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
        } else if secs > max_session_secs {
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        } else {
            return Ok(secs);
        };
        Err(VALIDATION_ERROR.because(text))
    }

    /// The session's tags: those of the request, and the transitive ones of the session that calls.
    fn handed_on(&self, before: Option<&Session>) -> Result<(Tags, Vec<String>), ApiError> {
        let (mut tags, mut transitive) = (self.tags.clone(), self.transitive_tag_keys.clone());
        let Some(before) = before else { return Ok((tags, transitive)) };
        for (key, value) in &before.tags {
            if !before.transitive_tag_keys.contains(key) {
                continue;
            }
            if tags.keys().any(|given| given.to_lowercase() == key.to_lowercase()) {
                let text = "One of the specified transitive tag keys can't be set because it conflicts with a \
                            transitive tag key from the calling session.";
                return Err(INVALID_PARAMETER_VALUE.because(text));
            }
            tags.insert(key.clone(), value.clone());
            transitive.push(key.clone());
        }
        Ok((tags, transitive))
    }

    /// A source identity stays through a chain of roles and can't be changed.
    fn source_identity_after(&self, with: &Carrying<'_>) -> Result<Option<String>, ApiError> {
        let before = with.session.and_then(|session| session.source_identity.as_ref());
        match (before, &self.source_identity) {
            (Some(before), Some(given)) if before != given => Err(self.denied(with.caller)),
            (before, given) => Ok(before.or(given.as_ref()).cloned()),
        }
    }
}

/// A role that is asked for, with the condition keys of the request.
struct OnRole<'a> {
    arn: &'a str,
    account: AccountId,
    /// Nothing when it is not there.
    role: Option<&'a Role>,
    facts: Given,
}

impl OnRole<'_> {
    fn may(&self, action: &'static str) -> Authorisation {
        Authorisation {
            action: Cow::Borrowed(action),
            resource: self.arn.to_owned(),
            resource_account: self.account,
            resource_kind: ResourceKind::RoleTrust,
            resource_policy: self.role.map(|role| role.trust.clone()),
            facts: self.facts.clone(),
        }
    }

    fn needed(&self, with_tags: bool, with_source_identity: bool) -> Vec<Authorisation> {
        let mut needed = vec![self.may("sts:AssumeRole")];
        if with_tags {
            needed.push(self.may("sts:TagSession"));
        }
        if with_source_identity {
            needed.push(self.may("sts:SetSourceIdentity"));
        }
        needed
    }
}

fn put_role_tags(facts: &mut Given, role: Option<&Role>) {
    for (key, value) in role.iter().flat_map(|role| &role.tags) {
        facts.put(&format!("aws:ResourceTag/{key}"), value);
        facts.put(&format!("iam:ResourceTag/{key}"), value);
    }
}

/// What a caller must be allowed who would do `action` with a role, with the condition keys of `given`; nothing when the ARN
/// names no role. Roles of other accounts are as if they were not there.
pub(super) fn asked(
    action: &'static str,
    arn: &str,
    given: &Given,
    own_account: Option<AccountId>,
    identities: &Identities,
) -> Option<Vec<Authorisation>> {
    let account = account_of_role(arn)?;
    let role = identities.role_by_arn(arn).map(|role| &**role).filter(|_| own_account == Some(account));
    let mut facts = Given::default();
    put_role_tags(&mut facts, role);
    facts.put_all(given);
    let on_role = OnRole { arn, account, role, facts };
    let with_tags = given.has_any("aws:requesttag/") || given.has_any("aws:tagkeys");
    Some(match action {
        "sts:AssumeRole" => on_role.needed(with_tags, given.has_any("sts:sourceidentity")),
        other => vec![on_role.may(other)],
    })
}

/// Whether a managed policy is of that account, or of AWS.
fn is_usable_in(account: AccountId, policy: &str) -> bool {
    Arn::parse(policy)
        .is_some_and(|arn| arn.account == "aws" || AccountId::parse(arn.account) == Some(account))
}

fn account_of_role(arn: &str) -> Option<AccountId> {
    let arn = Arn::parse(arn)?;
    let is_role = arn.partition == "aws"
        && arn.service == "iam"
        && arn.region.is_empty()
        && arn.resource.strip_prefix("role/").is_some_and(|name| !name.is_empty() && !name.ends_with('/'));
    AccountId::parse(arn.account).filter(|_| is_role)
}

fn tags(pairs: Vec<(String, String)>) -> Result<Tags, ApiError> {
    let mut tags = Tags::new();
    for (key, value) in pairs {
        if key.to_lowercase().starts_with("aws:") {
            let text = "System tags cannot be added/updated/deleted: a key must not begin with 'aws:'.";
            return Err(INVALID_PARAMETER_VALUE.because(text));
        }
        if tags.keys().any(|taken: &String| taken.to_lowercase() == key.to_lowercase()) {
            let text = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(INVALID_PARAMETER_VALUE.because(text));
        }
        tags.insert(key, value);
    }
    Ok(tags)
}

/// How much of the room for policies and tags a session takes; `None` when it has none of them.
fn packed_percent(session: &Session) -> Result<Option<usize>, ApiError> {
    let texts = session.policies.iter().chain(&session.policy_arns);
    let tags = session.tags.iter().flat_map(|(key, value)| [key, value]);
    let bytes: usize = texts.chain(tags).map(String::len).sum();
    let percent = (bytes * 100).div_ceil(MOST_PACKED_BYTES);
    if percent > 100 {
        let what = if session.policies.is_empty() && session.policy_arns.is_empty() {
            "tags"
        } else {
            "policies and tags"
        };
        let text = format!("Packed size of session {what} consumes {percent}% of allotted space.");
        return Err(PACKED_POLICY_TOO_LARGE.because(text));
    }
    Ok((bytes > 0).then_some(percent))
}
