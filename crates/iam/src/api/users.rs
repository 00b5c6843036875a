//! Users: `CreateUser`, `GetUser`, `ListUsers`, `UpdateUser`, `DeleteUser`.

use millpond_wire::error::ApiError;
use serde::Serialize;

use super::call::{About, Call, Reply, Target, Work};
use super::catalogue::Decoded;
use super::page::Page;
use super::parameters::{BOUNDARY, NEW_PATH, NEW_USER, PATH, PATH_PREFIX, RENAMED_USER, USER};
use super::reader::Reader;
use super::shape;
use crate::caller::Caller;
use crate::identity::decide::{NewUser, Tagged, UserUpdate};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UserReply {
    user: shape::User,
}

#[derive(Debug)]
struct Create {
    path: String,
    name: String,
    boundary: Option<String>,
    tags: Vec<(String, String)>,
}

pub(super) fn create(mut given: Reader<'_>) -> Decoded {
    let path = given.optional(&PATH).unwrap_or_else(|| "/".to_owned());
    let name = given.required(&NEW_USER);
    let boundary = given.optional(&BOUNDARY);
    let tags = given.tags();
    given.finish(Box::new(Create { path, name, boundary, tags }))
}

impl Call for Create {
    fn target(&self) -> Target<'_> {
        Target::New { path: &self.path, name: &self.name }
    }

    fn about(&self) -> About<'_> {
        About { boundary: self.boundary.as_deref(), tags: &self.tags, ..About::default() }
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let new = NewUser {
            account: work.account,
            path: self.path.clone(),
            name: self.name.clone(),
            tags: Tagged::User(&self.name).distinct(self.tags.clone())?,
            boundary: self.boundary.clone(),
        };
        let (changes, user) = work.identities.create_user(&mut work.fresh, new)?;
        work.made(changes, &UserReply { user: shape::User::whole(&user) })
    }
}

#[derive(Debug)]
struct Get {
    name: Option<String>,
}

pub(super) fn get(mut given: Reader<'_>) -> Decoded {
    let name = given.optional(&USER);
    given.finish(Box::new(Get { name }))
}

impl Call for Get {
    fn target(&self) -> Target<'_> {
        Target::user(self.name.as_ref())
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        if let (None, Caller::Root { account }) = (&self.name, work.caller) {
            let created_secs = work.identities.account_created_secs(*account);
            return work.read(&UserReply { user: shape::User::root(*account, created_secs) });
        }
        let name = work.user_name(self.name.as_ref())?;
        let user = work.existing_user(&name)?;
        work.read(&UserReply { user: shape::User::whole(&user.record) })
    }
}

impl<'w> Work<'w> {
    pub(super) fn existing_user(&self, name: &str) -> Result<&'w crate::identity::User, ApiError> {
        let user = self.identities.user(self.account, name);
        user.map(|user| &**user).ok_or_else(|| crate::identity::Refusal::no_such("user", name).into())
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
        let users = work.identities.users(work.account, None);
        let users = users.filter(|user| user.path.starts_with(&self.path_prefix));
        let users = users.map(|user| (user.name.to_lowercase(), user));
        let page = self.page.of("Users", users).map(|user| shape::User::listed(&user.record));
        work.read(&page)
    }
}

#[derive(Debug)]
struct Update {
    name: String,
    new_path: Option<String>,
    new_name: Option<String>,
}

pub(super) fn update(mut given: Reader<'_>) -> Decoded {
    let name = given.required(&USER);
    let new_path = given.optional(&NEW_PATH);
    let new_name = given.optional(&RENAMED_USER);
    given.finish(Box::new(Update { name, new_path, new_name }))
}

impl Call for Update {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.name)
    }

    fn about(&self) -> About<'_> {
        let renamed = Some((self.new_path.as_deref(), self.new_name.as_deref()));
        About { renamed, ..About::default() }
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let update = UserUpdate { path: self.new_path.clone(), name: self.new_name.clone() };
        work.done(work.identities.update_user(work.account, &self.name, update)?)
    }
}

#[derive(Debug)]
struct Delete {
    name: String,
}

pub(super) fn delete(mut given: Reader<'_>) -> Decoded {
    let name = given.required(&USER);
    given.finish(Box::new(Delete { name }))
}

impl Call for Delete {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.name)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        work.done(work.identities.delete_user(work.account, &self.name)?)
    }
}
