//! The values of condition keys: those that follow from the caller, else those that the request gives.
//!
//! What always holds: a key that follows from the caller has the caller's value or none; no request can set it.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable> and
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principal-properties>.

use std::borrow::Cow;

use crate::caller::{Caller, Tags};
use crate::date;
use crate::evaluate::Question;
use crate::facts::Value;
use crate::policy::budget::Budget;
use crate::policy::pattern::Resolve;

/// The values of one request.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    question: &'a Question<'a>,
    budget: &'a Budget,
}

impl<'a> Context<'a> {
    pub(super) const fn new(question: &'a Question<'a>, budget: &'a Budget) -> Self {
        Self { question, budget }
    }

    /// The value of a key, given in lower case up to a slash. A key with an empty set of values is missing.
    pub(super) fn value(&self, key: &str) -> Option<Value<'a>> {
        let value = match of_caller(self.question.caller, key) {
            Some(value) => value.map(Value::One),
            None => self.question.facts.value(key),
        };
        value.filter(|value| !matches!(value, Value::Many(values) if values.is_empty()))
    }
}

impl Resolve for Context<'_> {
    /// A key with several values can't stand in a text.
    fn resolve(&self, key: &str) -> Option<Cow<'_, str>> {
        match self.value(key)? {
            Value::One(value) => Some(value),
            Value::Many(_) => None,
        }
    }

    fn budget(&self) -> &Budget {
        self.budget
    }
}

/// The value of a key that follows from the caller; the outer `None` when it is not such a key.
fn of_caller<'a>(caller: &'a Caller, key: &str) -> Option<Option<Cow<'a, str>>> {
    let name = key.strip_prefix("aws:")?;
    if let Some(tag) = name.strip_prefix("principaltag/") {
        return Some(tags(caller).and_then(|tags| tag_value(tags, tag)).map(Cow::Borrowed));
    }
    Some(match name {
        "principalarn" => caller.principal_arn().map(Cow::Owned),
        "principalaccount" => match caller {
            Caller::Anonymous => Some("anonymous".into()),
            other => other.account().map(|account| Cow::Owned(account.to_string())),
        },
        "principaltype" => principal_type(caller).map(Cow::Borrowed),
        "principalisawsservice" => match caller {
            Caller::Anonymous => None,
            Caller::Service { .. } => Some("true".into()),
            Caller::Root { .. } | Caller::User(_) | Caller::Role(_) => Some("false".into()),
        },
        "principalservicename" => match caller {
            Caller::Service { name } => Some(Cow::Borrowed(name.as_str())),
            _ => None,
        },
        "username" => match caller {
            Caller::User(user) => Some(Cow::Borrowed(user.name.as_str())),
            _ => None,
        },
        "userid" => caller.user_id().map(Cow::Owned),
        "tokenissuetime" => issued_at_secs(caller).map(|secs| Cow::Owned(date::extended(secs))),
        _ => return None,
    })
}

const fn principal_type(caller: &Caller) -> Option<&'static str> {
    match caller {
        Caller::Anonymous => Some("Anonymous"),
        Caller::Root { .. } => Some("Account"),
        Caller::User(_) => Some("User"),
        Caller::Role(_) => Some("AssumedRole"),
        Caller::Service { .. } => None,
    }
}

const fn issued_at_secs(caller: &Caller) -> Option<u64> {
    match caller {
        Caller::User(user) => user.session_issued_at_secs,
        Caller::Role(role) => Some(role.issued_at_secs),
        Caller::Anonymous | Caller::Root { .. } | Caller::Service { .. } => None,
    }
}

const fn tags(caller: &Caller) -> Option<&Tags> {
    match caller {
        Caller::User(user) => Some(&user.tags),
        Caller::Role(role) => Some(&role.tags),
        Caller::Anonymous | Caller::Root { .. } | Caller::Service { .. } => None,
    }
}

/// Keys of tags compare without regard to case; the one that is spelled alike comes first.
fn tag_value<'a>(tags: &'a Tags, key: &str) -> Option<&'a str> {
    let alike = || tags.iter().find(|(own, _)| own.eq_ignore_ascii_case(key)).map(|(_, value)| value);
    tags.get(key).or_else(alike).map(String::as_str)
}
