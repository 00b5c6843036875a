//! The account: `GetAccountSummary`, `CreateAccountAlias`, `DeleteAccountAlias`, `ListAccountAliases`. And what users and
//! roles are members of: `ListGroupsForUser`, `ListInstanceProfilesForRole`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::call::{Call, Reply, Target, Work};
use super::catalogue::Decoded;
use super::page::Page;
use super::parameters::{ALIAS, ROLE, USER};
use super::reader::Reader;
use super::shape::{GroupShape, Profile, alias};
use crate::identity::limits;

#[derive(Debug)]
struct Summary;

pub(super) fn summary(given: Reader<'_>) -> Decoded {
    given.finish(Box::new(Summary))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SummaryReply {
    summary_map: BTreeMap<&'static str, usize>,
}

impl Call for Summary {
    fn target(&self) -> Target<'_> {
        Target::Everything
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let (all, account) = (work.identities, work.account);
        let policies = all.managed_policies(account, None);
        let summary_map = BTreeMap::from([
            ("AccessKeysPerUserQuota", limits::ACCESS_KEYS),
            ("AccountAccessKeysPresent", 1),
            ("AccountMFAEnabled", 0),
            ("AccountPasswordPresent", 0),
            ("AccountSigningCertificatesPresent", 0),
            ("AssumeRolePolicySizeQuota", limits::TRUST_POLICY_CHARS),
            ("AttachedPoliciesPerGroupQuota", limits::ATTACHED_POLICIES),
            ("AttachedPoliciesPerRoleQuota", limits::ATTACHED_POLICIES),
            ("AttachedPoliciesPerUserQuota", limits::ATTACHED_POLICIES),
            ("GlobalEndpointTokenVersion", 1),
            ("GroupPolicySizeQuota", limits::GROUP_INLINE_CHARS),
            ("Groups", all.groups(account, None).count()),
            ("GroupsPerUserQuota", limits::GROUPS_PER_USER),
            ("GroupsQuota", limits::GROUPS),
            ("InstanceProfiles", all.instance_profiles(account, None).count()),
            ("InstanceProfilesQuota", limits::INSTANCE_PROFILES),
            ("MFADevices", 0),
            ("MFADevicesInUse", 0),
            ("Policies", all.managed_policies(account, None).count()),
            ("PoliciesQuota", limits::POLICIES),
            ("PolicySizeQuota", limits::MANAGED_POLICY_CHARS),
            ("PolicyVersionsInUse", policies.map(|policy| policy.record.versions.len()).sum()),
            ("PolicyVersionsInUseQuota", limits::POLICY_VERSIONS_IN_USE),
            ("Providers", 0),
            ("RolePolicySizeQuota", limits::ROLE_INLINE_CHARS),
            ("Roles", all.roles(account, None).count()),
            ("RolesQuota", limits::ROLES),
            ("ServerCertificates", 0),
            ("ServerCertificatesQuota", 0),
            ("SigningCertificatesPerUserQuota", 0),
            ("UserPolicySizeQuota", limits::USER_INLINE_CHARS),
            ("Users", all.users(account, None).count()),
            ("UsersQuota", limits::USERS),
            ("VersionsPerPolicyQuota", limits::POLICY_VERSIONS),
        ]);
        work.read(&SummaryReply { summary_map })
    }
}

#[derive(Debug)]
struct ChangeAlias {
    alias: String,
    create: bool,
}

pub(super) fn create_alias(mut given: Reader<'_>) -> Decoded {
    let alias = given.required(&ALIAS);
    given.finish(Box::new(ChangeAlias { alias, create: true }))
}

pub(super) fn delete_alias(mut given: Reader<'_>) -> Decoded {
    let alias = given.required(&ALIAS);
    given.finish(Box::new(ChangeAlias { alias, create: false }))
}

impl Call for ChangeAlias {
    fn target(&self) -> Target<'_> {
        Target::Everything
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        work.done(if self.create {
            work.identities.create_account_alias(work.account, &self.alias)?
        } else {
            work.identities.delete_account_alias(work.account, &self.alias)?
        })
    }
}

#[derive(Debug)]
struct ListAliases {
    page: Page,
}

pub(super) fn list_aliases(mut given: Reader<'_>) -> Decoded {
    let page = given.page();
    given.finish(Box::new(ListAliases { page }))
}

impl Call for ListAliases {
    fn target(&self) -> Target<'_> {
        Target::Everything
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let alias = alias(work.identities.account(work.account).map(|record| &**record));
        work.read(&self.page.of("AccountAliases", alias.into_iter().map(|alias| (alias.clone(), alias))))
    }
}

#[derive(Debug)]
struct GroupsOfUser {
    user: String,
    page: Page,
}

pub(super) fn groups_of_user(mut given: Reader<'_>) -> Decoded {
    let user = given.required(&USER);
    let page = given.page();
    given.finish(Box::new(GroupsOfUser { user, page }))
}

impl Call for GroupsOfUser {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.user)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let user = work.existing_user(&self.user)?;
        let groups = user.record.groups.iter().filter_map(|id| work.identities.group_by_id(id));
        let page = self.page.of("Groups", groups.map(|group| (group.id.clone(), group)));
        work.read(&page.map(|group| GroupShape::of(group)))
    }
}

#[derive(Debug)]
struct ProfilesOfRole {
    role: String,
    page: Page,
}

pub(super) fn profiles_of_role(mut given: Reader<'_>) -> Decoded {
    let role = given.required(&ROLE);
    let page = given.page();
    given.finish(Box::new(ProfilesOfRole { role, page }))
}

impl Call for ProfilesOfRole {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.role)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let role = work.existing_role(&self.role)?;
        let profiles = work.identities.instance_profiles_of(&role.id);
        let page = self.page.of("InstanceProfiles", profiles.map(|profile| (profile.id.clone(), profile)));
        work.read(&page.map(|profile| Profile::of(profile, work.identities)))
    }
}
