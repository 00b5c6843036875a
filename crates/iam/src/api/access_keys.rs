//! Access keys: `CreateAccessKey`, `ListAccessKeys`, `UpdateAccessKey`, `DeleteAccessKey`, `GetAccessKeyLastUsed`.
//!
//! Without a user's name they are about the user that calls.

use millpond_wire::error::ACCESS_DENIED;
use serde::Serialize;

use super::call::{Call, Reply, Target, Work};
use super::catalogue::Decoded;
use super::page::Page;
use super::parameters::{KEY_ID, KEY_STATUS, USER};
use super::reader::Reader;
use super::shape::date;
use crate::caller::Caller;

const fn status(active: bool) -> &'static str {
    if active { "Active" } else { "Inactive" }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    user_name: String,
    access_key_id: String,
    status: &'static str,
    secret_access_key: Option<String>,
    create_date: String,
}

#[derive(Debug)]
struct Create {
    user: Option<String>,
}

pub(super) fn create(mut given: Reader<'_>) -> Decoded {
    let user = given.optional(&USER);
    given.finish(Box::new(Create { user }))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CreateReply {
    access_key: Key,
}

impl Call for Create {
    fn target(&self) -> Target<'_> {
        Target::user(self.user.as_ref())
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let user_name = work.user_name(self.user.as_ref())?;
        let (changes, new) = work.identities.create_access_key(&mut work.fresh, work.account, &user_name)?;
        let access_key = Key {
            user_name,
            access_key_id: new.record.id,
            status: status(true),
            secret_access_key: Some(new.secret.expose().to_owned()),
            create_date: date(new.record.created_secs),
        };
        work.made(changes, &CreateReply { access_key })
    }
}

#[derive(Debug)]
struct List {
    user: Option<String>,
    page: Page,
}

pub(super) fn list(mut given: Reader<'_>) -> Decoded {
    let user = given.optional(&USER);
    let page = given.page();
    given.finish(Box::new(List { user, page }))
}

impl Call for List {
    fn target(&self) -> Target<'_> {
        Target::user(self.user.as_ref())
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let user_name = work.user_name(self.user.as_ref())?;
        let user = work.existing_user(&user_name)?;
        let mut keys: Vec<_> = user.record.keys.iter().collect();
        keys.sort_by(|one, other| one.id.cmp(&other.id));
        let page = self.page.of("AccessKeyMetadata", keys.into_iter().map(|key| (key.id.clone(), key)));
        work.read(&page.map(|key| Key {
            user_name: user_name.clone(),
            access_key_id: key.id.clone(),
            status: status(key.active),
            secret_access_key: None,
            create_date: date(key.created_secs),
        }))
    }
}

#[derive(Debug)]
struct Update {
    user: Option<String>,
    key: String,
    active: bool,
}

pub(super) fn update(mut given: Reader<'_>) -> Decoded {
    let user = given.optional(&USER);
    let key = given.required(&KEY_ID);
    let active = given.required(&KEY_STATUS) == status(true);
    given.finish(Box::new(Update { user, key, active }))
}

impl Call for Update {
    fn target(&self) -> Target<'_> {
        Target::user(self.user.as_ref())
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let user = work.user_name(self.user.as_ref())?;
        work.done(work.identities.update_access_key(work.account, &user, &self.key, self.active)?)
    }
}

#[derive(Debug)]
struct Delete {
    user: Option<String>,
    key: String,
}

pub(super) fn delete(mut given: Reader<'_>) -> Decoded {
    let user = given.optional(&USER);
    let key = given.required(&KEY_ID);
    given.finish(Box::new(Delete { user, key }))
}

impl Call for Delete {
    fn target(&self) -> Target<'_> {
        Target::user(self.user.as_ref())
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let user = work.user_name(self.user.as_ref())?;
        work.done(work.identities.delete_access_key(work.account, &user, &self.key)?)
    }
}

#[derive(Debug)]
struct LastUsed {
    key: String,
}

pub(super) fn last_used(mut given: Reader<'_>) -> Decoded {
    let key = given.required(&KEY_ID);
    given.finish(Box::new(LastUsed { key }))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct LastUsedReply {
    user_name: String,
    access_key_last_used: Use,
}

/// The last use of a key. Uses are not recorded, so it is that of a key of which none is known.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Use {
    service_name: &'static str,
    region: &'static str,
}

impl Call for LastUsed {
    fn target(&self) -> Target<'_> {
        Target::OwnerOf(&self.key)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let owner = work.identities.access_key(&self.key).map(|key| key.caller);
        match owner {
            Some(Caller::User(user)) if user.account == work.account => work.read(&LastUsedReply {
                user_name: user.name,
                access_key_last_used: Use { service_name: "N/A", region: "N/A" },
            }),
            _ => Err(ACCESS_DENIED.because(format!(
                "User: {} is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key {}",
                work.caller.arn(),
                self.key
            ))),
        }
    }
}
