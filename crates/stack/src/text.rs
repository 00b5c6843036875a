//! Text that may be secret: values of `NoEcho` parameters, and URLs that carry passwords.
//!
//! `Debug` and `Display` always mask; only [`Text::expose`] gives the value. Serialising gives the value as well, since
//! workloads must start again after a restart: what is serialised belongs into the durable log or a private file,
//! never on a screen.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What is shown in place of a secret, as CloudFormation does.
pub const MASK: &str = "****";

/// A text that shows itself masked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// Shown as it is, but for a password in a URL.
    Plain(String),
    /// Made of a `NoEcho` parameter: shown as `****`.
    Secret {
        /// The value.
        secret: String,
    },
}

impl Text {
    /// The value itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        match self {
            Text::Plain(value) | Text::Secret { secret: value } => value,
        }
    }

    /// Whether it comes from a `NoEcho` parameter.
    pub fn is_secret(&self) -> bool {
        matches!(self, Text::Secret { .. })
    }
}

impl fmt::Display for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Text::Plain(value) => formatter.write_str(&mask_url(value)),
            Text::Secret { .. } => formatter.write_str(MASK),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{self}\"")
    }
}

/// `value` with the password of a URL masked, in its user part and in its query. Masks rather too much than too little.
pub fn mask_url(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else {
        return value.to_owned();
    };
    let (before_query, query) = match rest.split_once('?') {
        Some((before, query)) if !query.contains('@') => (before, Some(query)),
        _ => (rest, None),
    };
    let mut masked = format!("{scheme}://");
    match before_query.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((name, _)) => masked.push_str(&format!("{name}:{MASK}@{host}")),
            None => masked.push_str(&format!("{user}@{host}")),
        },
        None => masked.push_str(before_query),
    }
    if let Some(query) = query {
        let pairs: Vec<String> = query.split('&').map(mask_pair).collect();
        masked.push('?');
        masked.push_str(&pairs.join("&"));
    }
    masked
}

fn mask_pair(pair: &str) -> String {
    let Some((key, _)) = pair.split_once('=') else { return pair.to_owned() };
    let lower = key.to_lowercase();
    let names_secret = ["pass", "pwd", "secret", "token", "key"].iter().any(|word| lower.contains(word));
    if names_secret { format!("{key}={MASK}") } else { pair.to_owned() }
}
