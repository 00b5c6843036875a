//! At which address the service of a command is, and who says so.
//!
//! First comes what the caller names: the option, or the address in a queue's URL; then the variables of AWS SDKs; then
//! what a living `serve` left for this user. It refuses a queue's URL that contradicts the option, because the service at
//! the one would be asked for a queue of the other.

use crate::failure::Failure;
use crate::note::{self, Note};

/// The variables that name a service to AWS SDKs, the stronger one first.
const VARIABLES: [&str; 2] = ["AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"];

/// An address and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Scheme, host and port.
    pub(crate) url: String,
    source: Source,
    /// What the service there left, if it is one of this user's and lives.
    pub(crate) note: Option<Note>,
    /// The living services of this user.
    notes: Vec<Note>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Option,
    QueueUrl,
    Variable(&'static str),
    Note,
}

impl Endpoint {
    /// The service to talk to about `queue`, which may be a URL; `None` when nothing names one.
    pub(crate) fn find(option: Option<&str>, queue: Option<&str>) -> Result<Option<Self>, Failure> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        choose(option, queue, variable, note::living())
    }

    /// The service of a note.
    pub(crate) fn of_note(note: &Note) -> Self {
        Self { url: note.endpoint.clone(), source: Source::Note, note: Some(note.clone()), notes: Vec::new() }
    }

    /// Whether only the service's own note names it.
    pub(crate) fn is_of_note(&self) -> bool {
        self.source == Source::Note
    }

    /// What to tell the caller when the choice among several services was not theirs.
    pub(crate) fn remark(&self) -> Option<String> {
        if self.is_of_note() { several(&self.notes) } else { None }
    }

    /// Who names the address, for people.
    pub(crate) fn named_by(&self) -> &'static str {
        match self.source {
            Source::Option => "given by --endpoint",
            Source::QueueUrl => "given by the queue's URL",
            Source::Variable(name) => name,
            Source::Note => "the service that this user has started",
        }
    }

    /// Why nothing answers there, and what to do.
    pub(crate) fn silent(&self, reason: &str) -> String {
        let url = &self.url;
        let other = self.notes.iter().find(|note| note.endpoint != *url);
        let advice = match (self.source, other) {
            (Source::Variable(name), Some(other)) => format!(
                "The address comes from {name}, which may be left from an earlier `eval \"$(millpond env)\"`.\n  A service \
                 of yours runs at {}: `unset {name}` to use it, or run `eval \"$(millpond env)\"` again",
                other.endpoint
            ),
            (Source::Variable(name), None) => format!(
                "The address comes from {name}, which may be left from an earlier `eval \"$(millpond env)\"`.\n  `unset \
                 {name}` if so, and start a service with `millpond up` or `millpond serve`"
            ),
            (Source::Option | Source::QueueUrl, other) => {
                let whence = if self.source == Source::Option { "--endpoint" } else { "the queue's URL" };
                let running = other.map_or_else(
                    || "start a service with `millpond up` or `millpond serve`".to_owned(),
                    |other| format!("a service of yours runs at {}", other.endpoint),
                );
                format!("The address comes from {whence}. Check it; {running}")
            }
            (Source::Note, _) => {
                let service = self.note.as_ref().map_or_else(|| url.clone(), Note::describe);
                format!(
                    "The address comes from the note that `millpond serve` left: {service}.\n  Look at what that process \
                     printed, or start another service with `millpond up` or `millpond serve`"
                )
            }
        };
        format!("no service answers at {url}: {reason}\n  {advice}")
    }
}

/// Which of several services is meant, when nobody said.
pub(crate) fn several(notes: &[Note]) -> Option<String> {
    let (chosen, others) = notes.split_first().filter(|(_, others)| !others.is_empty())?;
    let others: Vec<String> = others.iter().map(Note::describe).collect();
    Some(format!(
        "several services of yours run; this is about the one started last, {}.\n  Choose another with --endpoint: {}",
        chosen.describe(),
        others.join(", ")
    ))
}

/// What a command that needs a service says when nothing names one.
pub(crate) fn none_found() -> Failure {
    Failure::new(
        "no service is running that this user has started, and neither --endpoint nor AWS_ENDPOINT_URL names one.\n  \
         Start one with `millpond up` or `millpond serve`",
    )
}

/// Reads an address for a command line.
pub(crate) fn parse(text: &str) -> Result<String, String> {
    origin(text).filter(|origin| *origin == text.trim_end_matches('/')).map(str::to_owned).ok_or_else(|| {
        "an endpoint is http://HOST:PORT or https://HOST, without a path, such as http://127.0.0.1:4566"
            .to_owned()
    })
}

/// Whether the address is one of this machine.
pub(crate) fn is_loopback(url: &str) -> bool {
    let (host, _) = host_and_port(url);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    address || bare.eq_ignore_ascii_case("localhost") || bare.to_ascii_lowercase().ends_with(".localhost")
}

/// Whether the address is one of Amazon's.
pub(crate) fn is_amazon(url: &str) -> bool {
    let host = host_and_port(url).0.to_ascii_lowercase();
    [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"].iter().any(|end| host.ends_with(end))
}

/// The region in the name of one of Amazon's hosts: `sqs.REGION.amazonaws.com`.
pub(crate) fn region_of_amazon(url: &str) -> Option<&str> {
    let host = host_and_port(url).0;
    is_amazon(url).then(|| host.strip_prefix("sqs.")?.split('.').next()).flatten()
}

fn choose(
    option: Option<&str>,
    queue: Option<&str>,
    variable: impl Fn(&str) -> Option<String>,
    notes: Vec<Note>,
) -> Result<Option<Endpoint>, Failure> {
    let of_queue = queue.filter(|queue| queue.contains("://")).map(|queue| {
        origin(queue).ok_or_else(|| {
            Failure::usage(format!(
                "`{queue}` is no queue URL; one looks like http://127.0.0.1:4566/000000000000/jobs"
            ))
        })
    });
    let (url, source) = match (option, of_queue.transpose()?) {
        (Some(option), Some(of_queue)) if !same_place(option, of_queue) => {
            return Err(Failure::usage(format!(
                "the queue's URL leads to {of_queue}, and --endpoint names {option}.\n  Leave out --endpoint, or give the \
                 queue's name instead of its URL"
            )));
        }
        (Some(option), _) => (option.trim_end_matches('/').to_owned(), Source::Option),
        (None, Some(of_queue)) => (of_queue.to_owned(), Source::QueueUrl),
        (None, None) => {
            let named = VARIABLES.iter().find_map(|name| Some((variable(name)?, Source::Variable(name))));
            let newest = || notes.first().map(|note| (note.endpoint.clone(), Source::Note));
            let Some((url, source)) = named.or_else(newest) else { return Ok(None) };
            if let Source::Variable(name) = source {
                parse(&url).map_err(|reason| Failure::usage(format!("{name} is `{url}`: {reason}")))?;
            }
            (url.trim_end_matches('/').to_owned(), source)
        }
    };
    let note = notes.iter().find(|note| same_place(&note.endpoint, &url)).cloned();
    Ok(Some(Endpoint { url, source, note, notes }))
}

/// Scheme, host and port of a URL.
fn origin(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let known = scheme == "http" || scheme == "https";
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let plain = !authority.is_empty() && !authority.contains(['@', ' ']) && !authority.starts_with(':');
    let port_fits = authority
        .rsplit_once(':')
        .is_none_or(|(_, port)| port.parse::<u16>().is_ok_and(|port| port != 0) || authority.ends_with(']'));
    (known && plain && port_fits).then(|| &url[..scheme.len() + 3 + authority.len()])
}

fn host_and_port(url: &str) -> (&str, &str) {
    let origin = origin(url).unwrap_or_default();
    let (scheme, authority) = origin.split_once("://").unwrap_or_default();
    match authority.rsplit_once(':').filter(|_| !authority.ends_with(']')) {
        Some((host, port)) => (host, port),
        None => (authority, if scheme == "https" { "443" } else { "80" }),
    }
}

/// Whether two addresses mean the same service: all names of this machine do.
fn same_place(one: &str, other: &str) -> bool {
    let ((host, port), (other_host, other_port)) = (host_and_port(one), host_and_port(other));
    let hosts = host.eq_ignore_ascii_case(other_host) || (is_loopback(one) && is_loopback(other));
    hosts && port == other_port
}

#[cfg(test)]
mod tests;
