//! What a request is like: the values behind the condition keys of policies.
//!
//! Keys are asked for one at a time and only when a policy names them, so that a request pays for no more.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// The value of a condition key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A key with a single value.
    One(Cow<'a, str>),
    /// A key with several values, such as `aws:TagKeys`; it may be empty.
    Many(Vec<Cow<'a, str>>),
}

/// The condition keys of one request.
pub trait Facts {
    /// The value of a key, given in lower case such as `aws:sourceip`. `None` when the request does not have it. The part
    /// after the slash of `aws:principaltag/Team` keeps its case, as tag keys are compared without regard to it.
    fn value(&self, key: &str) -> Option<Value<'_>>;
}

/// No keys at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFacts;

impl Facts for NoFacts {
    fn value(&self, _key: &str) -> Option<Value<'_>> {
        None
    }
}

/// Keys in lower case with their values, as tests and simulations give them. A key with exactly one value is single
/// unless it was put with [`Given::put_many`].
#[derive(Clone, Debug, Default)]
pub struct Given {
    values: BTreeMap<String, (Vec<String>, bool)>,
}

impl Given {
    /// Adds a key with a single value.
    pub fn put(&mut self, key: &str, value: impl Into<String>) {
        self.values.insert(key.to_ascii_lowercase(), (vec![value.into()], false));
    }

    /// Adds a key with several values.
    pub fn put_many(&mut self, key: &str, values: Vec<String>) {
        self.values.insert(key.to_ascii_lowercase(), (values, true));
    }

    /// Adds all keys of others; of a key that both have the others' value counts.
    pub fn put_all(&mut self, others: &Self) {
        self.values.extend(others.values.iter().map(|(key, value)| (key.clone(), value.clone())));
    }

    /// Whether there is a key that begins with this, in lower case.
    #[must_use]
    pub fn has_any(&self, prefix: &str) -> bool {
        self.values.keys().any(|key| key.starts_with(prefix))
    }
}

impl Facts for Given {
    fn value(&self, key: &str) -> Option<Value<'_>> {
        let (values, many) = self.values.get(&key.to_ascii_lowercase())?;
        Some(match (values.as_slice(), many) {
            ([one], false) => Value::One(Cow::Borrowed(one)),
            (all, _) => Value::Many(all.iter().map(|value| Cow::Borrowed(value.as_str())).collect()),
        })
    }
}
