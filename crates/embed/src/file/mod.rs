//! `millpond.toml`: the settings of a service and the queues that are to be there.
//!
//! What always holds: everything in the file is understood, or the file is refused with every mistake at its line and
//! column. A key that is not known is a mistake. What the file does not say is not in the result.
//!
//! It reads text, never the disk.

mod queues;
mod reader;
mod transport;

use std::net::SocketAddr;
use std::path::PathBuf;

use millpond_core::name::{AccountId, Region};
use millpond_core::quota::{Quota, Quotas};
use millpond_server::access::Enforcement;
use toml::de::DeTable;

use crate::amount;
use crate::queue::Queue;
use reader::{Keys, Reader};
pub use transport::{FileAudit, FileTls, FileTransport};

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSettings {
    /// `listen`.
    pub listen: Option<SocketAddr>,
    /// `data`, as written: a path that is relative belongs to the folder of the file.
    pub data: Option<PathBuf>,
    /// `in_memory`.
    pub in_memory: Option<bool>,
    /// `region`.
    pub region: Option<Region>,
    /// `account_id`.
    pub account: Option<AccountId>,
    /// `auto_create`.
    pub auto_create: Option<bool>,
    /// `aws_pacing`.
    pub aws_pacing: Option<bool>,
    /// `test_controls`.
    pub test_controls: Option<bool>,
    /// `update_queues`.
    pub update_queues: Option<bool>,
    /// `auth`.
    pub auth: Option<Enforcement>,
    /// `allow_remote`.
    pub allow_remote: Option<bool>,
    /// TLS, proxies and the audit log.
    pub transport: FileTransport,
    /// `[quotas]`.
    pub quotas: Quotas,
    /// The queues, in the order of the file.
    pub queues: Vec<Queue>,
}

/// Every mistake of a file, a line for each: where it is, what it is, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct FileError(pub Vec<String>);

/// Understands the text of a file; `name` stands before each mistake.
///
/// # Errors
/// [`FileError`] holds all mistakes.
pub fn parse(name: &str, text: &str) -> Result<FileSettings, FileError> {
    let mut reader = Reader::new(name, text);
    let root = match DeTable::parse(text) {
        Ok(root) => root.into_inner(),
        Err(error) => {
            let span = error.span().unwrap_or_default();
            reader.report(&span, error.message().to_owned());
            return Err(FileError(reader.mistakes()));
        }
    };
    let mut settings = FileSettings::default();
    let mut keys = Keys::of(&root, "a table of this file");
    if let Some(table) = keys.take("service").and_then(|service| reader.table(service)) {
        read_service(&mut reader, table, &mut settings);
    }
    if let Some(table) = keys.take("quotas").and_then(|quotas| reader.table(quotas)) {
        settings.quotas = read_quotas(&mut reader, table);
    }
    if let Some(table) = keys.take("audit").and_then(|audit| reader.table(audit)) {
        settings.transport.audit = Some(transport::read_audit(&mut reader, table));
    }
    if let Some(given) = keys.take("queue") {
        settings.queues = queues::read(&mut reader, given);
    }
    keys.finish(&mut reader);
    let mistakes = reader.mistakes();
    if mistakes.is_empty() { Ok(settings) } else { Err(FileError(mistakes)) }
}

fn read_service(reader: &mut Reader<'_>, table: &DeTable<'_>, settings: &mut FileSettings) {
    let mut keys = Keys::of(table, "a setting of [service]");
    settings.listen = keys.take("listen").and_then(|value| {
        reader
            .parsed(value, |text| text.parse().map_err(|_| "an address looks like 127.0.0.1:4566".to_owned()))
    });
    settings.data = keys.take("data").and_then(|value| reader.parsed(value, |text| Ok(PathBuf::from(text))));
    settings.region = keys.take("region").and_then(|value| {
        reader.parsed(value, |text| Region::parse(text).ok_or("a region looks like us-east-1".to_owned()))
    });
    settings.account = keys.take("account_id").and_then(|value| {
        reader.parsed(value, |text| {
            AccountId::parse(text).ok_or("an account id has 12 digits, in quotes".to_owned())
        })
    });
    settings.in_memory = keys.take("in_memory").and_then(|value| reader.boolean(value));
    settings.auto_create = keys.take("auto_create").and_then(|value| reader.boolean(value));
    settings.aws_pacing = keys.take("aws_pacing").and_then(|value| reader.boolean(value));
    settings.test_controls = keys.take("test_controls").and_then(|value| reader.boolean(value));
    settings.update_queues = keys.take("update_queues").and_then(|value| reader.boolean(value));
    settings.auth = keys.take("auth").and_then(|value| reader.word(value, &AUTH));
    settings.allow_remote = keys.take("allow_remote").and_then(|value| reader.boolean(value));
    transport::read_service(reader, &mut keys, &mut settings.transport);
    if let (Some(_), Some(true), Some(value)) =
        (&settings.data, settings.in_memory, keys.span_of("in_memory"))
    {
        reader.report(
            &value,
            "there is `data` too, but in memory there is none; remove one of them".to_owned(),
        );
    }
    keys.finish(reader);
}

/// The words for whether callers are identified.
const AUTH: [(&str, Enforcement); 2] = [("on", Enforcement::On), ("off", Enforcement::Off)];

fn read_quotas(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Quotas {
    let mut keys = Keys::of(table, "a quota");
    let mut quota = |reader: &mut Reader<'_>, messages: &'static str, bytes: &'static str| Quota {
        messages: keys.take(messages).and_then(|value| reader.amount(value, amount::count)),
        bytes: keys.take(bytes).and_then(|value| reader.amount(value, amount::bytes)),
    };
    let quotas = Quotas {
        queue: quota(reader, "max_queue_messages", "max_queue_bytes"),
        account: quota(reader, "max_account_messages", "max_account_bytes"),
    };
    keys.finish(reader);
    quotas
}

#[cfg(test)]
mod tests;
