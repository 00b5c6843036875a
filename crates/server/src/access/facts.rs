//! The values of condition keys that follow from the request itself, worked out one by one as policies ask for them.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>.

use std::borrow::Cow;

use hyper::header::HeaderValue;
use millpond_core::command::Command;
use millpond_core::queue::Tags;
use millpond_iam::date;
use millpond_iam::facts::{Facts, Value};

use super::caller::Authenticated;
use super::queues::QueueFacts;

const REQUEST_TAG: &str = "aws:requesttag/";
const RESOURCE_TAG: &str = "aws:resourcetag/";

/// What every request has, behind what this one has besides.
pub(super) struct RequestFacts<'a> {
    pub(super) who: &'a Authenticated,
    /// The region of what it is done to.
    pub(super) region: &'a str,
    pub(super) now_secs: u64,
    /// The parameters of the request, and what it is about.
    pub(super) given: &'a dyn Facts,
}

impl Facts for RequestFacts<'_> {
    fn value(&self, key: &str) -> Option<Value<'_>> {
        let given = self.given.value(key);
        if given.is_some() {
            return given;
        }
        let one = |text: String| Some(Value::One(Cow::Owned(text)));
        match key {
            "aws:sourceip" => one(self.who.source.ip.to_string()),
            "aws:securetransport" => one(self.who.source.over_tls.to_string()),
            "aws:useragent" => header(self.who.user_agent.as_ref()),
            "aws:referer" => header(self.who.referer.as_ref()),
            "aws:requestedregion" => Some(Value::One(Cow::Borrowed(self.region))),
            "aws:currenttime" => one(date::extended(self.now_secs)),
            "aws:epochtime" => one(self.now_secs.to_string()),
            "aws:viaawsservice" => one("false".to_owned()),
            _ => None,
        }
    }
}

fn header(value: Option<&HeaderValue>) -> Option<Value<'_>> {
    // A policy that denies holds against text that is no UTF-8, too.
    Some(Value::One(String::from_utf8_lossy(value?.as_bytes())))
}

/// What a request to a queue has: the tags it gives, their keys, and the tags that the queue has.
pub(super) struct QueueRequestFacts<'a> {
    pub(super) command: &'a Command,
    pub(super) queue: Option<&'a QueueFacts>,
}

impl QueueRequestFacts<'_> {
    fn given_tags(&self) -> Option<&Tags> {
        match self.command {
            Command::CreateQueue { tags, .. } | Command::TagQueue { tags, .. } => Some(tags),
            _ => None,
        }
    }

    fn tag_keys(&self) -> Option<Vec<Cow<'_, str>>> {
        if let Command::UntagQueue { keys, .. } = self.command {
            return Some(keys.iter().map(|key| Cow::Borrowed(key.as_str())).collect());
        }
        let tags = self.given_tags().filter(|tags| !tags.is_empty())?;
        Some(tags.keys().map(|key| Cow::Borrowed(key.as_str())).collect())
    }
}

impl Facts for QueueRequestFacts<'_> {
    fn value(&self, key: &str) -> Option<Value<'_>> {
        if let Some(tag) = key.strip_prefix(REQUEST_TAG) {
            return tag_value(self.given_tags()?, tag);
        }
        if let Some(tag) = key.strip_prefix(RESOURCE_TAG) {
            return tag_value(&self.queue?.tags, tag);
        }
        if key == "aws:tagkeys" { self.tag_keys().map(Value::Many) } else { None }
    }
}

fn tag_value<'a>(tags: &'a Tags, key: &str) -> Option<Value<'a>> {
    let exact = tags.get(key);
    let found = exact
        .or_else(|| tags.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value))?;
    Some(Value::One(Cow::Borrowed(found)))
}
