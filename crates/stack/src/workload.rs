//! What a workload is: a named process beside the queue service, a web form or a sink, with all it needs to run.
//!
//! Specifications are values: they are stored in the log, compared to plan updates, and hold no handle. Names are safe
//! as file names.

use crate::text::Text;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

/// The name people use for a workload (`millpond stop backend`): 1 to 63 of `a-z`, `0-9`, `-`, beginning with a letter
/// or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WorkloadName(String);

/// The text is no workload name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a workload name: use 1 to 63 lower-case letters, digits and hyphens, beginning with a letter or digit"
)]
pub struct InvalidWorkloadName(String);

impl WorkloadName {
    /// Checks the rule above.
    ///
    /// # Errors
    /// [`InvalidWorkloadName`] when it does not hold.
    pub fn new(name: impl Into<String>) -> Result<WorkloadName, InvalidWorkloadName> {
        let name = name.into();
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let valid = (1..=63).contains(&name.len()) && !name.starts_with('-') && name.bytes().all(allowed);
        if valid { Ok(WorkloadName(name)) } else { Err(InvalidWorkloadName(name)) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkloadName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl TryFrom<String> for WorkloadName {
    type Error = InvalidWorkloadName;

    fn try_from(name: String) -> Result<WorkloadName, InvalidWorkloadName> {
        WorkloadName::new(name)
    }
}

impl From<WorkloadName> for String {
    fn from(name: WorkloadName) -> String {
        name.0
    }
}

/// One workload as a template or a person wants it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkloadSpec {
    /// Its name, unique on this machine.
    pub name: WorkloadName,
    /// ARN of the role that it calls services as. Empty in a record that was written before workloads had roles, until
    /// its stack is brought up again.
    #[serde(default)]
    pub role: String,
    /// What it does.
    pub kind: WorkloadKind,
}

/// What a workload does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkloadKind {
    /// A web form that sends messages.
    Form(FormSpec),
    /// A sink that writes messages into a table.
    Sink(SinkSpec),
}

impl WorkloadKind {
    /// `form` or `sink`.
    pub fn label(&self) -> &'static str {
        match self {
            WorkloadKind::Form(_) => "form",
            WorkloadKind::Sink(_) => "sink",
        }
    }
}

/// Why a workload can't run as specified, for whoever wrote its specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadProblem {
    /// The property of the template that has to change, when it is one.
    pub property: Option<&'static str>,
    /// What is wrong and what to do.
    pub message: String,
}

/// Whether a workload should run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Desired {
    /// It runs, and is started again when it ends.
    Running,
    /// It does not run until someone starts it.
    Stopped,
}

/// A workload and whether it should run: what is stored in the log for each workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkloadRecord {
    /// What runs.
    pub spec: WorkloadSpec,
    /// Whether it should.
    pub desired: Desired,
    /// Random text, drawn anew when it is specified and when it is started after it was stopped: what a process was given
    /// ends with the record that it was launched for. Empty in a record that was written before there was one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub launch: String,
}

/// How a record is written as a message body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordFormat {
    /// One CSV line, in the order of the fields or columns.
    #[default]
    Csv,
    /// One JSON object.
    Json,
}

/// A web form (`Millpond::Web::Form`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FormSpec {
    /// URL of the queue it sends to.
    pub queue_url: String,
    /// Heading of the page.
    pub title: Option<String>,
    /// Text below the heading.
    pub description: Option<String>,
    /// Label of the button.
    pub submit_label: Option<String>,
    /// The fields, in order; at least one, with unique names.
    pub fields: Vec<FieldSpec>,
    /// How a message body is written.
    pub format: RecordFormat,
    /// Where it listens; the next free port is taken when this one is in use.
    pub listen: SocketAddr,
}

/// One field of a form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldSpec {
    /// Name, and column in messages.
    pub name: String,
    /// What people read; the name when absent.
    pub label: Option<String>,
    /// What kind of input it is.
    pub field_type: FieldType,
    /// Whether it may not be empty.
    pub required: bool,
    /// Most characters.
    pub length_max: Option<u64>,
    /// The choices of a `select`; else empty.
    pub options: Vec<String>,
    /// Greyed text in the empty field.
    pub placeholder: Option<String>,
}

/// The kinds of input a form knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are those of HTML")]
pub enum FieldType {
    #[default]
    Text,
    Email,
    Number,
    Tel,
    Url,
    Date,
    Textarea,
    Select,
    Checkbox,
}

/// A sink (`Millpond::Sink::Table`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SinkSpec {
    /// URL of the queue it reads.
    pub queue_url: String,
    /// `sqlite://…` or `mysql://…`. A relative SQLite path is kept relative; see [`SinkSpec::database_url_in`].
    pub database_url: Text,
    /// The table it writes.
    pub table: String,
    /// The columns, in the order of the record; at least one.
    pub columns: Vec<String>,
    /// How a message body is read.
    pub format: RecordFormat,
    /// Whether it creates table and ledger when missing.
    pub create: bool,
    /// How many long polls it keeps open; the sink's own default when absent.
    pub pollers: Option<u32>,
}

impl WorkloadKind {
    /// URL of the queue that it sends to or takes from.
    pub fn queue_url(&self) -> &str {
        match self {
            WorkloadKind::Form(form) => &form.queue_url,
            WorkloadKind::Sink(sink) => &sink.queue_url,
        }
    }
}

impl SinkSpec {
    /// The database URL with a relative SQLite path made absolute below `data_dir`, so that a data directory can move.
    /// `sqlite://customers.db` becomes `sqlite:///data/customers.db` for `/data`.
    pub fn database_url_in(&self, data_dir: &Path) -> Text {
        let absolute = |value: &str| match value.strip_prefix("sqlite://") {
            Some(path) if !path.is_empty() && !path.starts_with('/') && !path.starts_with(':') => {
                format!("sqlite://{}", data_dir.join(path).display())
            }
            _ => value.to_owned(),
        };
        match &self.database_url {
            Text::Plain(value) => Text::Plain(absolute(value)),
            Text::Secret { secret } => Text::Secret { secret: absolute(secret) },
        }
    }
}
