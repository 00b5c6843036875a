//! Roles: `CreateRole`, `GetRole`, `ListRoles`, `UpdateRole`, `UpdateRoleDescription`, `UpdateAssumeRolePolicy`,
//! `DeleteRole`.

use millpond_wire::error::ApiError;
use serde::Serialize;

use super::call::{About, Call, Reply, Target, Work};
use super::catalogue::Decoded;
use super::page::Page;
use super::parameters::{BOUNDARY, DESCRIPTION, DOCUMENT, PATH, PATH_PREFIX, ROLE, TRUST};
use super::reader::Reader;
use super::shape;
use crate::identity::decide::{NewRole, RoleUpdate, Tagged};
use crate::identity::{Refusal, limits};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RoleReply {
    role: shape::Role,
}

#[derive(Debug)]
struct Create {
    path: String,
    name: String,
    trust: String,
    description: Option<String>,
    max_session_secs: Option<u32>,
    boundary: Option<String>,
    tags: Vec<(String, String)>,
}

pub(super) fn create(mut given: Reader<'_>) -> Decoded {
    let path = given.optional(&PATH).unwrap_or_else(|| "/".to_owned());
    let name = given.required(&ROLE);
    let trust = given.required(&TRUST);
    let description = given.optional(&DESCRIPTION);
    let max_session_secs = given.number("MaxSessionDuration", &limits::MAX_SESSION_SECS);
    let boundary = given.optional(&BOUNDARY);
    let tags = given.tags();
    given.finish(Box::new(Create { path, name, trust, description, max_session_secs, boundary, tags }))
}

impl Call for Create {
    fn target(&self) -> Target<'_> {
        Target::New { path: &self.path, name: &self.name }
    }

    fn about(&self) -> About<'_> {
        About { boundary: self.boundary.as_deref(), tags: &self.tags, ..About::default() }
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let new = NewRole {
            account: work.account,
            path: self.path.clone(),
            name: self.name.clone(),
            tags: Tagged::Role(&self.name).distinct(self.tags.clone())?,
            boundary: self.boundary.clone(),
            trust: self.trust.clone(),
            description: self.description.clone(),
            max_session_secs: self.max_session_secs.unwrap_or(limits::DEFAULT_MAX_SESSION_SECS),
        };
        let (changes, role) = work.identities.create_role(&mut work.fresh, new)?;
        work.made(changes, &RoleReply { role: shape::Role::created(&role, work.identities) })
    }
}

impl<'w> Work<'w> {
    pub(super) fn existing_role(&self, name: &str) -> Result<&'w crate::identity::Role, ApiError> {
        let role = self.identities.role(self.account, name);
        role.map(|role| &**role).ok_or_else(|| Refusal::no_such("role", name).into())
    }
}

#[derive(Debug)]
struct Get {
    name: String,
}

pub(super) fn get(mut given: Reader<'_>) -> Decoded {
    let name = given.required(&ROLE);
    given.finish(Box::new(Get { name }))
}

impl Call for Get {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.name)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let role = work.existing_role(&self.name)?;
        work.read(&RoleReply { role: shape::Role::whole(&role.record, work.identities) })
    }
}

#[derive(Debug)]
struct List {
    path_prefix: String,
    page: Page,
}

pub(super) fn list(mut given: Reader<'_>) -> Decoded {
    let path_prefix = given.optional(&PATH_PREFIX).unwrap_or_else(|| "/".to_owned());
    let page = given.page();
    given.finish(Box::new(List { path_prefix, page }))
}

impl Call for List {
    fn target(&self) -> Target<'_> {
        Target::Everything
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let roles = work.identities.roles(work.account, None);
        let roles = roles.filter(|role| role.path.starts_with(&self.path_prefix));
        let page = self.page.of("Roles", roles.map(|role| (role.name.to_lowercase(), role)));
        work.read(&page.map(|role| shape::Role::listed(&role.record, work.identities)))
    }
}

/// Changes a role; how it is answered differs.
#[derive(Debug)]
struct Update {
    name: String,
    update: RoleUpdate,
    answer: Answer,
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    /// No result at all.
    Nothing,
    /// A result without members.
    Empty,
    /// The role.
    Role,
}

pub(super) fn update(mut given: Reader<'_>) -> Decoded {
    let name = given.required(&ROLE);
    let update = RoleUpdate {
        description: given.optional(&DESCRIPTION),
        max_session_secs: given.number("MaxSessionDuration", &limits::MAX_SESSION_SECS),
        trust: None,
    };
    given.finish(Box::new(Update { name, update, answer: Answer::Empty }))
}

pub(super) fn update_description(mut given: Reader<'_>) -> Decoded {
    let name = given.required(&ROLE);
    let update = RoleUpdate { description: Some(given.required(&DESCRIPTION)), ..RoleUpdate::default() };
    given.finish(Box::new(Update { name, update, answer: Answer::Role }))
}

pub(super) fn update_trust(mut given: Reader<'_>) -> Decoded {
    let name = given.required(&ROLE);
    let update = RoleUpdate { trust: Some(given.required(&DOCUMENT)), ..RoleUpdate::default() };
    given.finish(Box::new(Update { name, update, answer: Answer::Nothing }))
}

impl Call for Update {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.name)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let (changes, role) = work.identities.update_role(work.account, &self.name, self.update.clone())?;
        match self.answer {
            Answer::Nothing => work.done(changes),
            Answer::Empty => work.made(changes, &shape::Nothing {}),
            Answer::Role => {
                work.made(changes, &RoleReply { role: shape::Role::described(&role, work.identities) })
            }
        }
    }
}

#[derive(Debug)]
struct Delete {
    name: String,
}

pub(super) fn delete(mut given: Reader<'_>) -> Decoded {
    let name = given.required(&ROLE);
    given.finish(Box::new(Delete { name }))
}

impl Call for Delete {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.name)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        work.done(work.identities.delete_role(work.account, &self.name)?)
    }
}
