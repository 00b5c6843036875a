//! Managed policies of users and roles: `Attach…Policy`, `Detach…Policy`, `ListAttached…Policies`, and boundaries:
//! `Put…PermissionsBoundary`, `Delete…PermissionsBoundary`.

use serde::Serialize;

use super::call::{About, Call, Reply, Target, Work};
use super::catalogue::Decoded;
use super::inline_policies::holder_name;
use super::page::Page;
use super::parameters::{BOUNDARY, PATH_PREFIX, POLICY_ARN};
use super::reader::Reader;
use crate::identity::decide::HolderKind;

#[derive(Debug)]
struct Change {
    kind: HolderKind,
    holder: String,
    arn: String,
    attach: bool,
}

fn change(kind: HolderKind, mut given: Reader<'_>, attach: bool) -> Decoded {
    let holder = given.required(&holder_name(kind));
    let arn = given.required(&POLICY_ARN);
    given.finish(Box::new(Change { kind, holder, arn, attach }))
}

pub(super) fn attach(kind: HolderKind, given: Reader<'_>) -> Decoded {
    change(kind, given, true)
}

pub(super) fn detach(kind: HolderKind, given: Reader<'_>) -> Decoded {
    change(kind, given, false)
}

impl Call for Change {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.holder)
    }

    fn about(&self) -> About<'_> {
        About { policy_arn: Some(&self.arn), ..About::default() }
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let Self { kind, holder, arn, attach } = self;
        work.done(if *attach {
            work.identities.attach_policy(*kind, work.account, holder, arn)?
        } else {
            work.identities.detach_policy(*kind, work.account, holder, arn)?
        })
    }
}

#[derive(Debug)]
struct List {
    kind: HolderKind,
    holder: String,
    path_prefix: String,
    page: Page,
}

pub(super) fn list(kind: HolderKind, mut given: Reader<'_>) -> Decoded {
    let holder = given.required(&holder_name(kind));
    let path_prefix = given.optional(&PATH_PREFIX).unwrap_or_else(|| "/".to_owned());
    let page = given.page();
    given.finish(Box::new(List { kind, holder, path_prefix, page }))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AttachedPolicy {
    policy_name: String,
    policy_arn: String,
}

/// The path and the name of a policy, by its ARN.
pub(super) fn path_and_name(arn: &str) -> (&str, &str) {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let whole = resource.strip_prefix("policy").unwrap_or_default();
    whole.rfind('/').map_or(("/", whole), |at| whole.split_at(at + 1))
}

impl Call for List {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.holder)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let holder = work.identities.holder(self.kind, work.account, &self.holder)?;
        let arns = holder.permissions().attached.iter();
        let arns = arns.filter(|arn| path_and_name(arn).0.starts_with(&self.path_prefix));
        let page = self.page.of("AttachedPolicies", arns.map(|arn| (arn.clone(), arn)));
        work.read(&page.map(|arn| AttachedPolicy {
            policy_name: path_and_name(arn).1.to_owned(),
            policy_arn: arn.clone(),
        }))
    }
}

#[derive(Debug)]
struct SetBoundary {
    kind: HolderKind,
    holder: String,
    boundary: Option<String>,
}

pub(super) fn put_boundary(kind: HolderKind, mut given: Reader<'_>) -> Decoded {
    let holder = given.required(&holder_name(kind));
    let boundary = Some(given.required(&BOUNDARY));
    given.finish(Box::new(SetBoundary { kind, holder, boundary }))
}

pub(super) fn delete_boundary(kind: HolderKind, mut given: Reader<'_>) -> Decoded {
    let holder = given.required(&holder_name(kind));
    given.finish(Box::new(SetBoundary { kind, holder, boundary: None }))
}

impl Call for SetBoundary {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.holder)
    }

    fn about(&self) -> About<'_> {
        About { boundary: self.boundary.as_deref(), ..About::default() }
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let Self { kind, holder, boundary } = self;
        work.done(work.identities.set_boundary(*kind, work.account, holder, boundary.as_deref())?)
    }
}
