//! What a form is told: its fields, its queue, where it listens. Read from JSON, checked before anything is opened.
//!
//! It has no place for a key or a password: the queue service is reached through a client that the caller builds.
//! A configuration that says something without effect is refused, as is one whose largest entry would not fit a
//! message.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{admission::is_host_name, field::Field};

/// Largest message of SQS, in bytes.
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Bytes that one character can take in a message: four in UTF-8, two when CSV or JSON escapes it.
const MESSAGE_BYTES_PER_CHARACTER: usize = 4;
/// Bytes that one character can take in a request: `%F0%9F%8C%8A`, or `\ud83c\udf0a` in JSON.
const REQUEST_BYTES_PER_CHARACTER: usize = 12;
/// Requests are never bounded tighter than this.
const REQUEST_BYTES_FLOOR: usize = 256 << 10;
/// Bytes of a message kept free for separators, quotes and JSON keys, for each field.
const MESSAGE_BYTES_PER_FIELD: usize = 128;
const FIELDS_MAX: usize = 100;
const TEXT_CHARACTERS_MAX: usize = 2_000;

/// How an entry is written into the body of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One CSV record (RFC 4180 quoting, no line ending), its values in the order of the fields.
    Csv,
    /// One JSON object, its keys the names of the fields, in their order.
    Json,
}

/// Bounds on clients and memory. The defaults fit a public page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections served at once; others wait in the kernel.
    pub connections: usize,
    /// Sends to the queue under way at once, also those whose visitor has gone.
    pub sends: usize,
    /// How long a client may take for a request's head, and how long an idle connection is kept.
    pub head_timeout: Duration,
    /// How long a client may take for a request's body.
    pub body_timeout: Duration,
    /// How long a connection may live; a request under way at its end is finished.
    pub connection_lifetime: Duration,
    /// How long connections and sends under way may take when the form stops, or a connection after its lifetime.
    pub drain_timeout: Duration,
    /// Accepted submissions remembered, at most.
    pub remembered_submissions: usize,
    /// How long an accepted submission is remembered, at most.
    pub remembered_for: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 128,
            sends: 256,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(20),
            connection_lifetime: Duration::from_secs(120),
            drain_timeout: Duration::from_secs(10),
            remembered_submissions: 10_000,
            remembered_for: Duration::from_secs(3_600),
        }
    }
}

/// The configuration of one form. `FormConfig::new` and the JSON form fill in what need not be said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormConfig {
    /// The name or URL of the queue that entries go to; a standard queue.
    pub queue: String,
    /// The heading of the page and the title of its window.
    #[serde(default = "default_title")]
    pub title: String,
    /// A paragraph under the heading; none when empty.
    #[serde(default)]
    pub description: String,
    /// The fields, in the order of the page and of the message; 1 to 100.
    pub fields: Vec<Field>,
    /// How an entry is written into its message.
    #[serde(default = "default_format")]
    pub format: Format,
    /// What the button says.
    #[serde(default = "default_submit_label")]
    pub submit_label: String,
    /// Where the form listens; port 0 takes any free one.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// Whether one of the next ports is taken when that of `listen` is in use.
    #[serde(default)]
    pub allow_port_search: bool,
    /// The host names that requests may name. When empty, a form on a loopback address accepts loopback names only,
    /// and any other form accepts every name. Behind a proxy that keeps the `Host`, list the public name.
    #[serde(default)]
    pub allowed_hosts: Vec<String>,
    /// Bounds on clients and memory; not part of the JSON form.
    #[serde(skip)]
    pub limits: Limits,
}

/// Why a configuration can't be used. The text says what to change.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the form's configuration can't be used: {0}")]
pub struct ConfigError(pub(crate) String);

impl FormConfig {
    /// A form with these fields, all else by default: CSV, `127.0.0.1:8080`, no search for a free port.
    pub fn new(queue: &str, fields: Vec<Field>) -> Self {
        Self {
            queue: queue.to_owned(),
            title: default_title(),
            description: String::new(),
            fields,
            format: default_format(),
            submit_label: default_submit_label(),
            listen: default_listen(),
            allow_port_search: false,
            allowed_hosts: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// Reads and checks the JSON form of a configuration (docs/form.md lists its keys).
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        let config: Self = serde_json::from_str(text).map_err(|error| ConfigError(error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    /// Checks what the types can't hold. [`bind`](crate::bind) calls it too.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_queue()?;
        within("the title", &self.title, 1)?;
        within("the description", &self.description, 0)?;
        within("the label of the button", &self.submit_label, 1)?;
        if !(1..=FIELDS_MAX).contains(&self.fields.len()) {
            return refuse(format!("it has {} fields; 1 to {FIELDS_MAX} are possible", self.fields.len()));
        }
        let mut names = BTreeSet::new();
        for field in &self.fields {
            field.check().map_err(ConfigError)?;
            if !names.insert(field.name.as_str()) {
                return refuse(format!("two fields are named {}; give each its own name", field.name));
            }
        }
        if let Some(host) = self.allowed_hosts.iter().find(|host| !is_host_name(host)) {
            return refuse(format!(
                "the allowed host {host:?} is no host name; give it without scheme, port and path"
            ));
        }
        self.check_size()
    }

    fn check_queue(&self) -> Result<(), ConfigError> {
        if self.queue.trim().is_empty() {
            return refuse("it names no queue; give the name or the URL of one".to_owned());
        }
        if self.queue.ends_with(".fifo") {
            return refuse(format!(
                "{} is a FIFO queue, and entries of a form have no message group; use a standard queue",
                self.queue
            ));
        }
        Ok(())
    }

    /// An entry that keeps to its fields' maximum lengths must never be refused for its size.
    fn check_size(&self) -> Result<(), ConfigError> {
        let possible =
            (MESSAGE_BYTES_MAX - self.fields.len() * MESSAGE_BYTES_PER_FIELD) / MESSAGE_BYTES_PER_CHARACTER;
        if self.characters_max() <= possible {
            return Ok(());
        }
        refuse(format!(
            "the maximum lengths of its fields add up to {} characters, and a message holds {possible}; lower them",
            self.characters_max()
        ))
    }

    /// Largest request body in bytes: room for every entry that keeps to the maximum lengths, however it is encoded.
    pub(crate) fn request_bytes_max(&self) -> usize {
        let names: usize = self.fields.iter().map(|field| field.name.len() + 16).sum();
        (self.characters_max() * REQUEST_BYTES_PER_CHARACTER + names + 1_024).max(REQUEST_BYTES_FLOOR)
    }

    fn characters_max(&self) -> usize {
        self.fields.iter().map(Field::characters_max).fold(0, usize::saturating_add)
    }
}

fn refuse<T>(reason: String) -> Result<T, ConfigError> {
    Err(ConfigError(reason))
}

fn within(what: &str, text: &str, characters_min: usize) -> Result<(), ConfigError> {
    let characters = text.trim().chars().count();
    if (characters_min..=TEXT_CHARACTERS_MAX).contains(&characters) {
        return Ok(());
    }
    refuse(format!(
        "{what} has {characters} characters; {characters_min} to {TEXT_CHARACTERS_MAX} are possible"
    ))
}

fn default_title() -> String {
    "Form".to_owned()
}

fn default_format() -> Format {
    Format::Csv
}

fn default_submit_label() -> String {
    "Send".to_owned()
}

fn default_listen() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))
}

#[cfg(test)]
mod tests;
