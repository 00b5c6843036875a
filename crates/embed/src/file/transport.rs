//! What a file says of TLS, of proxies in front of the service and of the audit log.

use std::ops::Range;
use std::path::PathBuf;

use millpond_server::audit::{LEAST_FILE_BYTES, Recorded};
use millpond_server::proxy::Network;
use toml::de::DeTable;

use super::reader::{Keys, Reader, Value};
use crate::amount;

/// Of TLS, of proxies and of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileTransport {
    /// `tls`, or `tls_cert` with `tls_key`.
    pub tls: Option<FileTls>,
    /// `trusted_proxies`.
    pub trusted_proxies: Vec<Network>,
    /// `[audit]`.
    pub audit: Option<FileAudit>,
}

/// Where the certificate comes from. Paths are as written: one that is relative belongs to the folder of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileTls {
    /// `tls = "off"`.
    Off,
    /// `tls = "self-signed"`.
    SelfSigned,
    /// `tls_cert` and `tls_key`.
    Files {
        /// `tls_cert`.
        certificate: PathBuf,
        /// `tls_key`.
        key: PathBuf,
    },
}

/// `[audit]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileAudit {
    /// `file`, as written; `-` is standard output.
    pub file: Option<PathBuf>,
    /// `requests`.
    pub requests: Option<Recorded>,
    /// `max_bytes`.
    pub max_bytes: Option<u64>,
    /// `keep`.
    pub keep: Option<u32>,
}

/// Reads the keys of `[service]` that are about connections.
pub(super) fn read_service(reader: &mut Reader<'_>, keys: &mut Keys<'_, '_>, transport: &mut FileTransport) {
    let path = |reader: &mut Reader<'_>, value: Option<&Value<'_>>| {
        value.and_then(|value| reader.parsed(value, |text| Ok(PathBuf::from(text))))
    };
    let word = keys.take("tls").and_then(|value| {
        reader.word(value, &[("self-signed", FileTlsWord::SelfSigned), ("off", FileTlsWord::Off)])
    });
    let (certificate, key) = (path(reader, keys.take("tls_cert")), path(reader, keys.take("tls_key")));
    let place = |key| keys.span_of(key).unwrap_or_default();
    transport.tls = match (word, certificate, key) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
            reader
                .report(&place("tls"), "there is `tls_cert` or `tls_key` too; remove one of them".to_owned());
            None
        }
        (Some(FileTlsWord::SelfSigned), None, None) => Some(FileTls::SelfSigned),
        (Some(FileTlsWord::Off), None, None) => Some(FileTls::Off),
        (None, Some(certificate), Some(key)) => Some(FileTls::Files { certificate, key }),
        (None, Some(_), None) => missing(reader, &place("tls_cert"), "tls_key"),
        (None, None, Some(_)) => missing(reader, &place("tls_key"), "tls_cert"),
        (None, None, None) => None,
    };
    if let Some(value) = keys.take("trusted_proxies")
        && let Some(proxies) = reader.array(value, "a list of addresses in quotes")
    {
        let read = |proxy: &Value<'_>| {
            reader.parsed(proxy, |text| text.parse::<Network>().map_err(|error| error.to_string()))
        };
        transport.trusted_proxies = proxies.iter().filter_map(read).collect();
    }
}

#[derive(Clone, Copy)]
enum FileTlsWord {
    Off,
    SelfSigned,
}

fn missing(reader: &mut Reader<'_>, place: &Range<usize>, other: &str) -> Option<FileTls> {
    reader.report(place, format!("`{other}` is missing; a certificate needs its key"));
    None
}

pub(super) fn read_audit(reader: &mut Reader<'_>, table: &DeTable<'_>) -> FileAudit {
    let mut keys = Keys::of(table, "a setting of [audit]");
    let file = keys.take("file").and_then(|value| reader.parsed(value, |text| Ok(PathBuf::from(text))));
    let requests = keys
        .take("requests")
        .and_then(|value| reader.word(value, &[("all", Recorded::All), ("changes", Recorded::Changes)]));
    let max_bytes = keys.take("max_bytes").and_then(|value| reader.amount(value, file_bytes));
    let keep = keys.take("keep").and_then(|value| {
        reader.number(value, |number| {
            u32::try_from(number).ok().filter(|keep| *keep <= 1_000).ok_or("this is 0 to 1,000".to_owned())
        })
    });
    keys.finish(reader);
    FileAudit { file, requests, max_bytes, keep }
}

fn file_bytes(text: &str) -> Result<u64, String> {
    amount::bytes(text).and_then(|bytes| {
        let is_enough = bytes >= LEAST_FILE_BYTES;
        is_enough
            .then_some(bytes)
            .ok_or_else(|| format!("a file takes {} KiB at least", LEAST_FILE_BYTES >> 10))
    })
}
