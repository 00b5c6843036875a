//! Inline policies of users and roles: `Put…Policy`, `Get…Policy`, `Delete…Policy`, `List…Policies`.

use millpond_wire::error::ApiError;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::call::{Call, Reply, Target, Work};
use super::catalogue::Decoded;
use super::page::Page;
use super::parameters::{DOCUMENT, POLICY_NAME, Parameter, ROLE, USER};
use super::reader::Reader;
use super::shape::percent_encoded;
use crate::identity::Refusal;
use crate::identity::decide::HolderKind;

/// The parameter that names a holder.
pub(super) const fn holder_name(kind: HolderKind) -> Parameter {
    match kind {
        HolderKind::Role => ROLE,
        HolderKind::User | HolderKind::Group => USER,
    }
}

#[derive(Debug)]
struct Put {
    kind: HolderKind,
    holder: String,
    policy: String,
    document: String,
}

pub(super) fn put(kind: HolderKind, mut given: Reader<'_>) -> Decoded {
    let holder = given.required(&holder_name(kind));
    let policy = given.required(&POLICY_NAME);
    let document = given.required(&DOCUMENT);
    given.finish(Box::new(Put { kind, holder, policy, document }))
}

impl Call for Put {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.holder)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let Self { kind, holder, policy, document } = self;
        work.done(work.identities.put_inline_policy(*kind, work.account, holder, policy, document)?)
    }
}

#[derive(Debug)]
struct Get {
    kind: HolderKind,
    holder: String,
    policy: String,
}

pub(super) fn get(kind: HolderKind, mut given: Reader<'_>) -> Decoded {
    let holder = given.required(&holder_name(kind));
    let policy = given.required(&POLICY_NAME);
    given.finish(Box::new(Get { kind, holder, policy }))
}

/// `UserName` or `RoleName`, then the policy.
struct GetReply<'a> {
    holder: (&'static str, &'a str),
    policy: &'a str,
    document: String,
}

impl Serialize for GetReply<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut members = to.serialize_struct("GetReply", 3)?;
        members.serialize_field(self.holder.0, self.holder.1)?;
        members.serialize_field("PolicyName", self.policy)?;
        members.serialize_field("PolicyDocument", &self.document)?;
        members.end()
    }
}

impl Call for Get {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.holder)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let Self { kind, holder, policy } = self;
        let found = work.identities.holder(*kind, work.account, holder)?;
        let document = found.permissions().inline.get(policy).map(|document| percent_encoded(document));
        let missing = || ApiError::from(Refusal::no_such(&format!("{} policy", kind.word()), policy));
        let document = document.ok_or_else(missing)?;
        work.read(&GetReply { holder: (holder_name(*kind).name, holder), policy, document })
    }
}

#[derive(Debug)]
struct Delete {
    kind: HolderKind,
    holder: String,
    policy: String,
}

pub(super) fn delete(kind: HolderKind, mut given: Reader<'_>) -> Decoded {
    let holder = given.required(&holder_name(kind));
    let policy = given.required(&POLICY_NAME);
    given.finish(Box::new(Delete { kind, holder, policy }))
}

impl Call for Delete {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.holder)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let Self { kind, holder, policy } = self;
        work.done(work.identities.delete_inline_policy(*kind, work.account, holder, policy)?)
    }
}

#[derive(Debug)]
struct List {
    kind: HolderKind,
    holder: String,
    page: Page,
}

pub(super) fn list(kind: HolderKind, mut given: Reader<'_>) -> Decoded {
    let holder = given.required(&holder_name(kind));
    let page = given.page();
    given.finish(Box::new(List { kind, holder, page }))
}

impl Call for List {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.holder)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let holder = work.identities.holder(self.kind, work.account, &self.holder)?;
        let names = holder.permissions().inline.keys();
        work.read(&self.page.of("PolicyNames", names.map(|name| (name.clone(), name.clone()))))
    }
}
