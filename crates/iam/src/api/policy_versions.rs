//! Versions of managed policies: `CreatePolicyVersion`, `GetPolicyVersion`, `ListPolicyVersions`,
//! `SetDefaultPolicyVersion`, `DeletePolicyVersion`.

use serde::Serialize;

use super::call::{Call, Reply, Target, Work};
use super::catalogue::Decoded;
use super::page::Page;
use super::parameters::{DOCUMENT, POLICY_ARN, VERSION_ID};
use super::reader::Reader;
use super::shape::{Version, percent_encoded};
use crate::identity::Refusal;
use crate::managed;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct VersionReply {
    policy_version: Version,
}

#[derive(Debug)]
struct Create {
    arn: String,
    document: String,
    make_default: bool,
}

pub(super) fn create(mut given: Reader<'_>) -> Decoded {
    let arn = given.required(&POLICY_ARN);
    let document = given.required(&DOCUMENT);
    let make_default = given.flag("SetAsDefault");
    given.finish(Box::new(Create { arn, document, make_default }))
}

impl Call for Create {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.arn)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let Self { arn, document, make_default } = self;
        let (identities, account) = (work.identities, work.account);
        let (changes, policy) =
            identities.create_policy_version(&mut work.fresh, account, arn, document, *make_default)?;
        let policy_version = Version::of(&policy, policy.latest_version);
        work.made(changes, &VersionReply { policy_version })
    }
}

#[derive(Debug)]
struct Get {
    arn: String,
    version: String,
}

pub(super) fn get(mut given: Reader<'_>) -> Decoded {
    let arn = given.required(&POLICY_ARN);
    let version = given.required(&VERSION_ID);
    given.finish(Box::new(Get { arn, version }))
}

impl Call for Get {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.arn)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        if let Some(policy) = managed::find(&self.arn) {
            if *policy.version_id != *self.version {
                return Err(Refusal::no_such_version(&self.arn, &self.version).into());
            }
            let document = Some(percent_encoded(&policy.document));
            let policy_version = Version { document, ..Version::of_aws(policy) };
            return work.read(&VersionReply { policy_version });
        }
        let (policy, number, version) =
            work.identities.existing_version(work.account, &self.arn, &self.version)?;
        let document = Some(percent_encoded(&version.document));
        let policy_version = Version { document, ..Version::of(&policy.record, number) };
        work.read(&VersionReply { policy_version })
    }
}

#[derive(Debug)]
struct List {
    arn: String,
    page: Page,
}

pub(super) fn list(mut given: Reader<'_>) -> Decoded {
    let arn = given.required(&POLICY_ARN);
    let page = given.page();
    given.finish(Box::new(List { arn, page }))
}

impl Call for List {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.arn)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        if let Some(policy) = managed::find(&self.arn) {
            let only = std::iter::once((policy.version_id.to_string(), Version::of_aws(policy)));
            return work.read(&self.page.of("Versions", only));
        }
        let policy = work.identities.existing_policy(work.account, &self.arn)?;
        // Newest first; the key counts down, so that it grows.
        let versions = policy.record.versions.keys().rev();
        let versions = versions.map(|number| (format!("{:010}", u32::MAX - number), number));
        let page = self.page.of("Versions", versions);
        work.read(&page.map(|number| Version::of(&policy.record, *number)))
    }
}

#[derive(Debug)]
struct SetDefault {
    arn: String,
    version: String,
}

pub(super) fn set_default(mut given: Reader<'_>) -> Decoded {
    let arn = given.required(&POLICY_ARN);
    let version = given.required(&VERSION_ID);
    given.finish(Box::new(SetDefault { arn, version }))
}

impl Call for SetDefault {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.arn)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let (identities, now_secs) = (work.identities, work.fresh.now_secs);
        work.done(identities.set_default_policy_version(now_secs, work.account, &self.arn, &self.version)?)
    }
}

#[derive(Debug)]
struct Delete {
    arn: String,
    version: String,
}

pub(super) fn delete(mut given: Reader<'_>) -> Decoded {
    let arn = given.required(&POLICY_ARN);
    let version = given.required(&VERSION_ID);
    given.finish(Box::new(Delete { arn, version }))
}

impl Call for Delete {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.arn)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        work.done(work.identities.delete_policy_version(work.account, &self.arn, &self.version)?)
    }
}
