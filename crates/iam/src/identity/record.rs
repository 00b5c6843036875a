//! What is written down: one JSON record for each account, user, group, role, instance profile and managed policy.
//!
//! What always holds: a record is named after the unique id of what it holds, so that renaming changes one record and
//! what points to it keeps pointing; other things are pointed to by unique id, managed policies by ARN, since that never
//! changes. A secret is in a record only sealed. A record of an unknown version or kind, or with an unknown member, is
//! refused.
//!
//! The format is described in `docs/format/identities.md`.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use millpond_core::name::AccountId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Change, Unreadable};
use crate::caller::Tags;

/// The version of the format that is written.
const VERSION: u32 = 1;

/// The name of the record that tells a wrong master key.
pub const MASTER_KEY_CHECK: &str = "master-key-check";

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    version: u32,
    record: Record,
}

/// Any record.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Record {
    MasterKeyCheck(MasterKeyCheck),
    Account(AccountRecord),
    User(UserRecord),
    Group(GroupRecord),
    Role(RoleRecord),
    InstanceProfile(InstanceProfileRecord),
    Policy(PolicyRecord),
}

/// A constant, sealed: who can't open it has another master key.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MasterKeyCheck {
    /// When it was written, in seconds since 1970.
    pub created_secs: u64,
    /// The constant, sealed, in base64.
    pub sealed: String,
}

/// An account: one that was created beside the default one, or what is known of the default one.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AccountRecord {
    /// Its number.
    #[serde(with = "account")]
    pub account: AccountId,
    /// When it was created, in seconds since 1970.
    pub created_secs: u64,
    /// Its alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Access keys of its root. None for the default account, whose root key is not kept with the data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub root_keys: Vec<KeyRecord>,
}

/// An access key.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// `AKIA…`.
    pub id: String,
    /// The secret, sealed under the name `access-key/` and the id, in base64.
    pub sealed: String,
    /// Whether it may be used.
    pub active: bool,
    /// When it was created, in seconds since 1970.
    pub created_secs: u64,
}

/// The policies of a user, group or role.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Permissions {
    /// Inline policies: documents by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inline: BTreeMap<String, String>,
    /// ARNs of the managed policies that are attached.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub attached: BTreeSet<String>,
    /// ARN of the managed policy that is the permissions boundary. A group has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<String>,
}

/// What users, groups, roles, instance profiles and policies have in common.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Its account.
    #[serde(with = "account")]
    pub account: AccountId,
    /// Begins and ends with a slash.
    pub path: String,
    /// Its name.
    pub name: String,
    /// Its unique id, such as `AIDA…`.
    pub id: String,
    /// When it was created, in seconds since 1970.
    pub created_secs: u64,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// A user.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UserRecord {
    /// Whose record it is.
    pub named: Named,
    /// Its policies.
    #[serde(default)]
    pub permissions: Permissions,
    /// Its access keys, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyRecord>,
    /// Unique ids of the groups it is in.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<String>,
}

/// A group.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRecord {
    /// Whose record it is.
    pub named: Named,
    /// Its policies.
    #[serde(default)]
    pub permissions: Permissions,
}

/// A role.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RoleRecord {
    /// Whose record it is.
    pub named: Named,
    /// Its policies.
    #[serde(default)]
    pub permissions: Permissions,
    /// Who may assume it: a policy document.
    pub trust: String,
    /// Unique ids of the users and roles that `trust` names, by how it names them. It means these, whatever they are called
    /// later and whoever has the name then.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub trusted: BTreeMap<String, String>,
    /// Its description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Seconds that a session lasts at most.
    pub max_session_secs: u32,
}

/// An instance profile.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceProfileRecord {
    /// Whose record it is.
    pub named: Named,
    /// Unique ids of its roles; at most one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

/// A managed policy of an account.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRecord {
    /// Whose record it is.
    pub named: Named,
    /// Its description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When a version was last created or made the default, in seconds since 1970.
    pub updated_secs: u64,
    /// Its versions by number, from 1.
    pub versions: BTreeMap<u32, VersionRecord>,
    /// The version that counts.
    pub default_version: u32,
    /// The highest number that was ever given to a version: numbers are not used again.
    pub latest_version: u32,
}

/// A version of a managed policy.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct VersionRecord {
    /// The policy document.
    pub document: String,
    /// When it was created, in seconds since 1970.
    pub created_secs: u64,
}

impl Record {
    /// Its name among all records.
    pub(super) fn name(&self) -> String {
        match self {
            Self::MasterKeyCheck(_) => MASTER_KEY_CHECK.to_owned(),
            Self::Account(record) => format!("account/{}", record.account),
            Self::User(record) => format!("user/{}", record.named.id),
            Self::Group(record) => format!("group/{}", record.named.id),
            Self::Role(record) => format!("role/{}", record.named.id),
            Self::InstanceProfile(record) => format!("instance-profile/{}", record.named.id),
            Self::Policy(record) => format!("policy/{}", record.named.id),
        }
    }

    /// The change that writes it.
    pub(super) fn put(self) -> Change {
        let name = self.name();
        let envelope = Envelope { version: VERSION, record: self };
        let value =
            serde_json::to_vec(&envelope).expect("members are text, numbers and maps with text as keys");
        Change::Put { name, value: Bytes::from(value) }
    }

    /// The change that removes it.
    pub(super) fn remove(&self) -> Change {
        Change::Remove { name: self.name() }
    }

    /// Reads a record that is stored under a name.
    pub(super) fn read(name: &str, value: &[u8]) -> Result<Self, Unreadable> {
        let unreadable = |reason: String| Unreadable { name: name.to_owned(), reason };
        let version = serde_json::from_slice::<Version>(value)
            .map_err(|error| unreadable(format!("it is no record: {error}")))?
            .version;
        if version != VERSION {
            return Err(unreadable(format!(
                "its version is {version}, and this program reads version {VERSION}; use the program that wrote it"
            )));
        }
        let Envelope { record, .. } =
            serde_json::from_slice(value).map_err(|error| unreadable(error.to_string()))?;
        if record.name() == name {
            Ok(record)
        } else {
            Err(unreadable(format!("it holds what belongs to {}", record.name())))
        }
    }
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

macro_rules! into_record {
    ($($kind:ident $record:ty;)*) => {$(
        impl From<$record> for Record {
            fn from(record: $record) -> Self {
                Self::$kind(record)
            }
        }
    )*};
}

into_record! {
    MasterKeyCheck MasterKeyCheck;
    Account AccountRecord;
    User UserRecord;
    Group GroupRecord;
    Role RoleRecord;
    InstanceProfile InstanceProfileRecord;
    Policy PolicyRecord;
}

impl PolicyRecord {
    /// The version that counts, if the record is whole.
    pub(super) fn default(&self) -> Option<&VersionRecord> {
        self.versions.get(&self.default_version)
    }

    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        self.named.arn("policy")
    }
}

impl Named {
    /// Its ARN, when it is a `user`, `role`, `group`, `instance-profile` or `policy`.
    #[must_use]
    pub fn arn(&self, kind: &str) -> String {
        arn(self.account, kind, &self.path, &self.name)
    }
}

/// The ARN of something of IAM.
#[must_use]
pub fn arn(account: AccountId, kind: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:{kind}{path}{name}")
}

/// Accounts as twelve digits.
mod account {
    use super::{AccountId, Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(account: &AccountId, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(account)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<AccountId, D::Error> {
        let text = String::deserialize(from)?;
        AccountId::parse(&text).ok_or_else(|| serde::de::Error::custom("an account is twelve digits"))
    }
}
