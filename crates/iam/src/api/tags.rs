//! Tags of users, roles and policies: `Tag…`, `Untag…`, `List…Tags`.

use serde::Serialize;

use super::call::{About, Call, Reply, Target, Work};
use super::catalogue::Decoded;
use super::page::Page;
use super::parameters::{POLICY_ARN, Parameter, ROLE, USER};
use super::reader::Reader;
use crate::identity::decide::Tagged;

/// What has tags.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    User,
    Role,
    Policy,
}

impl Kind {
    const fn parameter(self) -> Parameter {
        match self {
            Self::User => USER,
            Self::Role => ROLE,
            Self::Policy => POLICY_ARN,
        }
    }

    fn tagged(self, name: &str) -> Tagged<'_> {
        match self {
            Self::User => Tagged::User(name),
            Self::Role => Tagged::Role(name),
            Self::Policy => Tagged::Policy(name),
        }
    }
}

#[derive(Debug)]
struct Tag {
    kind: Kind,
    name: String,
    tags: Vec<(String, String)>,
}

pub(super) fn tag(kind: Kind, mut given: Reader<'_>) -> Decoded {
    let name = given.required(&kind.parameter());
    let tags = given.tags();
    given.finish(Box::new(Tag { kind, name, tags }))
}

impl Call for Tag {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.name)
    }

    fn about(&self) -> About<'_> {
        About { tags: &self.tags, ..About::default() }
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let of = self.kind.tagged(&self.name);
        work.done(work.identities.tag(work.account, of, self.tags.clone())?)
    }
}

#[derive(Debug)]
struct Untag {
    kind: Kind,
    name: String,
    keys: Vec<String>,
}

pub(super) fn untag(kind: Kind, mut given: Reader<'_>) -> Decoded {
    let name = given.required(&kind.parameter());
    let keys = given.tag_keys();
    given.finish(Box::new(Untag { kind, name, keys }))
}

impl Call for Untag {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.name)
    }

    fn about(&self) -> About<'_> {
        About { tag_keys: &self.keys, ..About::default() }
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let of = self.kind.tagged(&self.name);
        work.done(work.identities.untag(work.account, of, &self.keys)?)
    }
}

#[derive(Debug)]
struct List {
    kind: Kind,
    name: String,
    page: Page,
}

pub(super) fn list(kind: Kind, mut given: Reader<'_>) -> Decoded {
    let name = given.required(&kind.parameter());
    let page = given.page();
    given.finish(Box::new(List { kind, name, page }))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown<'a> {
    key: &'a str,
    value: &'a str,
}

impl Call for List {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.name)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let tags = work.identities.tags_of(work.account, self.kind.tagged(&self.name))?;
        let tags = tags.iter().map(|(key, value)| (key.clone(), Shown { key, value }));
        work.read(&self.page.of("Tags", tags))
    }
}
